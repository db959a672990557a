// What plays: its cover, its name, who sings it, what it is on.

import { cover } from "../kit/cover.js";
import { facts, h } from "../kit/elements.js";
import { link } from "../kit/router.js";
import { count, length, seed } from "../kit/words.js";
import { said, Section } from "./section.js";
import { skeleton } from "./skeleton.js";

// Pixels of the page that pictures are at most wide; of the screen, what the gateway gives at most.
const COVER_WIDTH = 320;
const FACE_WIDTH = 44;
const MOST_PIXELS = 2000;

export class Stage {
  // known: what the link said of the song; told: what each section is told of, see Section
  constructor(id, known, told) {
    Object.assign(this, { id, known });
    this.title = h("h1", { tabindex: "-1" }, known.title ?? h("span.unseen", {}, "A song"));
    this.sections = {
      artwork: new Section("artwork", { ...told, ghost: () => this.#painted(), draw: ({ cover: place }) => this.#picture(place), absent: () => this.#painted() }),
      song: new Section("song", { ...told, ghost: () => this.#named(known), draw: (song) => this.#named(song), absent: (section) => this.#nobody(section) }),
      artists: new Section("people", { ...told, ghost: () => this.#singer(), draw: people }),
      album: new Section("release", { ...told, ghost: () => skeleton("release"), draw: release }),
    };
    const { artwork, ...others } = this.sections;
    const words = h("div.told-of", {}, this.title, Object.values(others).map(({ element }) => element));
    this.element = h("div.stage", {}, artwork.element, words);
    this.element.style.setProperty("--hue", seed(known.title ?? id) % 360);
  }

  #painted() {
    return cover([], this.known.title ?? "", { width: COVER_WIDTH });
  }

  // The page takes on the colours of the cover.
  #picture(place) {
    const sized = pictureOf(place, COVER_WIDTH);
    const picture = cover([sized], this.known.title ?? "", { width: COVER_WIDTH });
    const glow = () => this.element.style.setProperty("--art", `url("${sized.url}")`);
    picture.addEventListener("load", glow, { capture: true, once: true });
    return picture;
  }

  // A name that is known already is not written anew: who reads it is not disturbed.
  #named(song) {
    if (!song.title) return skeleton("title");
    if (this.title.textContent !== song.title) this.title.replaceChildren(song.title);
    const sec = song.duration_seconds ?? Number(song.duration);
    return facts(sec && length(sec), song.isExplicit && "explicit");
  }

  #nobody(section) {
    if (!this.known.title) this.title.replaceChildren("Nothing is here");
    return said(section);
  }

  #singer() {
    return this.known.artist ? people([{ name: this.known.artist }]) : skeleton("people");
  }
}

// The gateway leads to the smallest picture that is large enough.
function pictureOf(place, width) {
  const pixels = Math.min(MOST_PIXELS, Math.ceil(width * devicePixelRatio));
  return { url: new URL(`${place}?size=${pixels}`, location.href).href };
}

function people(artists) {
  const made = artists.map(({ browseId, name, thumbnail }) => {
    const place = `/artist/${encodeURIComponent(browseId)}/cover`;
    const picture = cover(browseId && thumbnail ? [pictureOf(place, FACE_WIDTH)] : [], name, { width: FACE_WIDTH, shape: "round" });
    return h("li", {}, browseId ? h("a", { href: link("artist", browseId) }, picture, name) : [picture, name]);
  });
  return h("ul.faces", {}, made);
}

function release({ browseId, title, type, year, trackCount }) {
  const name = browseId ? h("a.name", { href: link("album", browseId) }, title) : h("span.name", {}, title);
  return [name, facts(type, year, trackCount && count(trackCount, "track"))];
}
