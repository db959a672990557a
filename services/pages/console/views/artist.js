// An artist: who it is, what is heard most, all releases, every song, a mix with the neighbours.

import { cover } from "../kit/cover.js";
import { facts, h } from "../kit/elements.js";
import { get } from "../kit/request.js";
import { Panel } from "../panels/panel.js";
import { cards, rows } from "../panels/tracks.js";

const SHELVES = [["albums", "Albums"], ["singles", "Singles and EPs"], ["videos", "Videos"], ["related", "Fans also like"]];
const NEIGHBOURS = 2;
const PAGE = 50;

export function artist({ id }, signal) {
  const below = h("div.below");
  const panel = new Panel(get(`/artist/${encodeURIComponent(id)}`), {
    signal,
    skeleton: "head",
    draw: (found, place) => {
      document.title = `${found.name} · YouTube Music gateway`;
      place.append(head(found), ...shelves(found));
      below.replaceChildren(everySong(id, signal), mix(id, found, signal));
      return 1;
    },
  });
  return { title: "Artist", parts: [panel.element, below], settled: panel.settled };
}

function head({ name, thumbnails, subscribers, monthlyListeners, description }) {
  const heard = facts(subscribers && `${subscribers} subscribers`, monthlyListeners && `${monthlyListeners} monthly listeners`);
  return h(
    "header.profile",
    {},
    cover(thumbnails, name, { width: 240, shape: "round" }),
    h("div", {}, h("h1", { tabindex: "-1" }, name), heard, about(description)),
  );
}

function about(text) {
  return text ? h("details.about", {}, h("summary", {}, "About"), h("p", {}, text)) : null;
}

function shelves(found) {
  const place = h("div");
  const songs = found.songs?.results ?? [];
  if (songs.length) place.append(h("h2.kind", {}, "Top songs"));
  rows(songs, place, { numbered: true });
  for (const [key, name] of SHELVES) {
    const things = found[key]?.results ?? [];
    if (things.length) place.append(h("h2.kind", {}, name));
    cards(things, place, { shape: key === "related" ? "round" : "square" });
  }
  return [...place.children];
}

function everySong(id, signal) {
  return new Panel(get(`/artist/${encodeURIComponent(id)}/songs`, { limit: PAGE }, { isLong: true }), {
    title: "Every song",
    signal,
    isLazy: true,
    empty: "No songs of this artist are listed.",
    draw: (songs, place) => rows(songs, place, { pictures: false }),
  }).element;
}

function mix(id, found, signal) {
  const neighbours = (found.related?.results ?? []).slice(0, NEIGHBOURS).map((other) => other.browseId);
  const artists = [id, ...neighbours].filter(Boolean).join(",");
  return new Panel(get("/mix", { artists, limit: 12 }, { isLong: true }), {
    title: "A mix with its neighbours",
    signal,
    isLazy: true,
    skeleton: "cards",
    draw: (songs, place) => cards(songs, place),
  }).element;
}
