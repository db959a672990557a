// An album or a playlist with its tracks, and what goes on from them.

import { cover } from "../kit/cover.js";
import { facts, h } from "../kit/elements.js";
import { get, post } from "../kit/request.js";
import { count } from "../kit/words.js";
import { Panel } from "../panels/panel.js";
import { artistLinks, cards, rows } from "../panels/tracks.js";

const SEEDS = 5;

export function album({ id }, signal) {
  const isAlbum = (found) => rows(found.tracks ?? [], found.place, { numbered: true, pictures: false });
  return collection(get(`/album/${encodeURIComponent(id)}`), "Album", isAlbum, signal);
}

export function playlist({ id }, signal) {
  const mixed = (found) => rows(found.tracks ?? [], found.place, { numbered: true });
  return collection(get(`/playlist/${encodeURIComponent(id)}`), "Playlist", mixed, signal);
}

// A second page of a playlist brings the same head again: only its tracks are added.
function collection(question, title, list, signal) {
  const below = h("div.below");
  const panel = new Panel(question, {
    signal,
    skeleton: "head",
    draw: (found, place) => {
      const isFirst = !place.querySelector("header");
      if (isFirst) place.append(head(found));
      const number = list({ ...found, place });
      if (isFirst) below.replaceChildren(...goesOn(found, signal));
      document.title = `${found.title} · YouTube Music gateway`;
      return Math.max(1, number);
    },
  });
  return { title, parts: [panel.element, below], settled: panel.settled };
}

function head(found) {
  const by = found.artists?.length ? artistLinks(found.artists) : [found.author?.name ?? ""];
  return h(
    "header.profile",
    {},
    cover(found.thumbnails, found.title, { width: 240 }),
    h(
      "div",
      {},
      h("h1", { tabindex: "-1" }, found.title),
      h("p.by", {}, by),
      facts(found.type, found.year, found.trackCount && count(found.trackCount, "track"), found.duration),
    ),
  );
}

function goesOn({ tracks = [] }, signal) {
  const seeds = [...new Set(tracks.map((track) => track.videoId).filter(Boolean))].slice(0, SEEDS);
  if (!seeds.length) return [];
  const panel = new Panel(post("/recommendations", { song_ids: seeds }, { isLong: true }), {
    title: "Goes on like this",
    signal,
    isLazy: true,
    skeleton: "cards",
    empty: "These songs have no radio to learn from.",
    draw: (songs, place) => cards(songs, place),
  });
  return [panel.element];
}
