// A track: what is stored of it at once, each other section as it lands.

import { ask } from "./api.js";
import { polled, streamed } from "./events.js";
import { get } from "./request.js";

const LOADING = "loading";
const ENDS = ["complete", "incomplete"];

export function trackOf(id, language) {
  return get(`/track/${encodeURIComponent(id)}`, { language });
}

// onAnswer(answer, track): the skeleton; onSection(name, section): one that has landed since. Whether it
// was told of all of them: not when the gateway was lost on the way.
export async function follow(question, { signal, onAnswer, onSection }) {
  const answer = await ask(question, { signal });
  const track = answer.body;
  onAnswer(answer, track);
  if (track.state !== LOADING) return true;
  const [path, query = ""] = question.target.split(/(?=\?)/);
  const told = ({ name, ...section }) => onSection(name, section);
  const heard = await streamed(`${path}/events${query}`, { on: { section: told }, ends: ENDS, signal });
  if (heard) return true;
  const landed = (found) => sectionsOf(found).forEach(([name, section]) => onSection(name, section));
  const last = await polled(`${path}/status${query}`, { isEnd: ({ state }) => state !== LOADING, told: landed, signal });
  if (last) landed(last);
  return Boolean(last);
}

export function sectionsOf(track) {
  return Object.entries(track).filter(([, section]) => section?.status);
}

// How much older all sections are than they say: a 304 brings a new Age and no new body.
export function agedSince(answer, track) {
  const oldest = Math.max(0, ...sectionsOf(track).map(([, section]) => section.age));
  return Math.max(0, Number(answer.header("Age")) - oldest);
}
