// Songs, releases, artists and playlists as rows and cards, whatever endpoint they come from.

import { cover } from "../kit/cover.js";
import { h } from "../kit/elements.js";
import { link } from "../kit/router.js";
import { length, seconds } from "../kit/words.js";

export function rows(tracks, place, { numbered = false, pictures = true } = {}) {
  const known = tracks.filter((track) => track?.title);
  const made = known.map((track, index) => row(track, { number: numbered && index + 1, pictures }));
  if (made.length) place.append(h(numbered ? "ol.rows" : "ul.rows", {}, made));
  return made.length;
}

// lead: what stands before the picture
export function row(track, { number = null, pictures = true, lead = null, tail = null } = {}) {
  return h(
    "li.row",
    {},
    lead ?? (number ? h("span.number", {}, String(number)) : null),
    pictures ? cover(track.thumbnails, track.title, { width: 48 }) : null,
    h("span.names", {}, title(track), h("span.by", {}, byline(track))),
    tail,
    h("span.length", {}, lengthOf(track)),
  );
}

export function cards(things, place, options = {}) {
  const made = things.filter(Boolean).map((thing) => card(thing, options));
  if (made.length) place.append(h("ul.cards", {}, made));
  return made.length;
}

function card(thing, { shape = "square", width = 176 }) {
  const name = thing.title ?? thing.name ?? thing.artist ?? "";
  const picture = cover(thing.thumbnails, name, { width, shape });
  const words = [h("span.name", {}, name, explicit(thing)), h("span.by", {}, beneath(thing))];
  const href = placeOf(thing);
  return h(`li.card.${shape}`, {}, href ? h("a", { href }, picture, words) : [picture, words]);
}

// Where a thing is shown; null when it says too little of itself.
export function placeOf(thing) {
  if (thing.videoId) return songLink(thing);
  const id = thing.browseId ?? thing.playlistId;
  if (/^(UC|MPLA)/.test(id ?? "")) return link("artist", id);
  if (/^MPREb/.test(id ?? "")) return link("album", id);
  return id ? link("playlist", id.replace(/^VL/, "")) : null;
}

export function songLink(track) {
  const [first] = track.artists ?? [];
  return link("song", track.videoId, {
    title: track.title,
    artist: first?.name ?? track.artist,
    duration: lengthInSec(track),
  });
}

function title(track) {
  const words = [track.title, explicit(track)];
  return track.videoId ? h("a.name", { href: songLink(track) }, words) : h("span.name", {}, words);
}

function explicit(thing) {
  return thing.isExplicit ? h("abbr.explicit", { title: "explicit" }, "E") : null;
}

function byline(track) {
  const album = albumOf(track);
  const parts = [artistLinks(track.artists ?? [])];
  if (album?.name) parts.push(album.id ? h("a", { href: link("album", album.id) }, album.name) : album.name);
  return joined(parts.filter((part) => part.length || part instanceof Element), " · ");
}

export function artistLinks(artists) {
  const named = artists.filter((artist) => artist?.name);
  return joined(named.map(({ id, name }) => (id ? h("a", { href: link("artist", id) }, name) : name)), ", ");
}

function joined(parts, between) {
  return parts.flatMap((part, index) => (index ? [between, part] : [part]));
}

function beneath(thing) {
  const artists = (thing.artists ?? []).map((artist) => artist?.name).filter(Boolean).join(", ");
  const author = typeof thing.author === "string" ? thing.author : null;
  const facts = [thing.type, artists || author, thing.year, thing.subscribers];
  return facts.filter(Boolean).join(" · ");
}

function albumOf(track) {
  return typeof track.album === "string" ? { name: track.album } : track.album;
}

function lengthInSec(track) {
  return track.duration_seconds ?? seconds(track.duration);
}

function lengthOf(track) {
  const sec = lengthInSec(track);
  return sec ? length(sec) : "";
}
