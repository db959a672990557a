// What fits a query, of all kinds or of one.

import { h } from "../kit/elements.js";
import { get } from "../kit/request.js";
import { link } from "../kit/router.js";
import { Panel } from "../panels/panel.js";
import { cards, rows } from "../panels/tracks.js";

const FILTERS = ["", "songs", "albums", "artists", "videos", "playlists"];
const SONGS = ["song", "video"];

export function search({ parameters: { query = "", filter = "" } }, signal) {
  const title = query ? `“${query}”` : "Search";
  const panel = new Panel(get("/search", { query, filter }), {
    title,
    level: "h1",
    signal,
    empty: `Nothing fits “${query}”. Fewer words, or another kind, may help.`,
    draw: (results, place) => drawn(results, place),
  });
  return { title, parts: [choice(query, filter), panel.element], settled: panel.settled };
}

function choice(query, filter) {
  const tabs = FILTERS.map((kind) =>
    h("a", { href: link("search", "", { query, filter: kind }), "aria-current": kind === filter && "page" }, kind || "all"));
  return h("nav.filters", { "aria-label": "Kind of result" }, tabs);
}

// Songs as rows, everything else as cards, in the order and under the names they come with.
function drawn(results, place) {
  const kinds = grouped(results);
  let number = 0;
  for (const [name, found] of kinds) {
    if (kinds.size > 1) place.append(h("h2.kind", {}, name));
    const isSongs = SONGS.includes(found[0].resultType);
    const shape = found[0].resultType === "artist" ? "round" : "square";
    number += isSongs ? rows(found, place) : cards(found.map(named), place, { shape });
  }
  return number;
}

function grouped(results) {
  const kinds = new Map();
  for (const found of results) kinds.set(kindOf(found), [...(kinds.get(kindOf(found)) ?? []), found]);
  return kinds;
}

function kindOf(found) {
  return found.category ?? found.resultType ?? "Results";
}

// A top result that is an artist names himself otherwise than one in the list.
function named(found) {
  if (found.resultType !== "artist") return found;
  const [first] = found.artists ?? [];
  return { ...found, title: found.artist ?? first?.name, browseId: found.browseId ?? first?.id, artists: [] };
}
