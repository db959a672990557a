// The words of a song: plain, as they are sung, in Latin letters, in another language.

import { h } from "../kit/elements.js";
import { Tabs } from "../kit/tabs.js";
import { languages } from "./language.js";
import { Player, under } from "./player.js";
import { NOTHING_YET, Section } from "./section.js";
import { skeleton } from "./skeleton.js";

const NAMES = { plain: "Lyrics", synced: "Synced", romanized: "Romanised", translation: "Translation" };
const UNTIMED = { ...NOTHING_YET, status: "unavailable", detail: "No provider knows when each line is sung." };

export class Lyrics {
  // tools: elements beside the heading; durationSec(): of the song; the rest as in Section
  constructor({ tools, durationSec, ...told }) {
    Object.assign(this, { durationSec, signal: told.signal });
    this.sections = { lyrics: NOTHING_YET, romanized: NOTHING_YET, translation: NOTHING_YET };
    this.pane = new Section("words", { ...told, ghost: () => skeleton("lines"), draw: (words) => this.#drawn(words) });
    const panel = this.pane.body;
    Object.assign(panel, { id: "words", role: "tabpanel", tabIndex: 0 });
    this.tabs = new Tabs("Lyrics as", NAMES, panel, (key) => this.#choose(key));
    this.source = h("p.source");
    const head = h("div.head", {}, h("h2", {}, "Lyrics"), this.pane.since, h("div.tools", {}, tools));
    this.element = h("section.text", { "aria-label": "Lyrics" }, head, this.tabs.element, this.pane.element, this.source);
    this.#draw();
  }

  show(name, section) {
    this.sections[name] = section;
    if (name === "lyrics") this.#learn(section.data?.syncedLyrics);
    for (const key of Object.keys(NAMES)) this.tabs.set(key, standing(this.#of(key)));
    this.#draw();
  }

  // One player for all tabs: the clock goes on from one to the next.
  #learn(lrc) {
    if (lrc === this.lrc) return;
    this.player?.clock.pause();
    this.lrc = lrc;
    this.player = lrc ? new Player(lrc, this.durationSec(), this.signal) : null;
  }

  // What is known of a tab: a section, or what stands for one.
  #of(key) {
    const { lyrics, ...others } = this.sections;
    if (key in others) return others[key];
    return key === "synced" && lyrics.status === "ready" && !this.player ? UNTIMED : lyrics;
  }

  #choose(key) {
    this.chosen = key;
    this.#draw();
  }

  // Words that are sung before words that stand, unless the reader wants others.
  get key() {
    return this.chosen ?? (this.player ? "synced" : "plain");
  }

  #draw() {
    const section = this.#of(this.key);
    this.tabs.select(this.key);
    this.pane.show(section, this.key);
    this.source.textContent = section.data ? sourceOf(this.key, section.data) : "";
    this.player?.keepInSight();
  }

  #drawn(words) {
    if (this.key === "plain") return plain(words);
    const { language, syncedLyrics } = words;
    const lang = this.key === "romanized" && language ? `${language}-Latn` : language;
    const isOther = this.key !== "synced";
    if (isOther && !(this.player && syncedLyrics)) return paired(this.sections.lyrics.data, words, lang);
    this.player.under(isOther ? syncedLyrics : null, lang);
    return this.player.element;
  }
}

// Whether a tab can be opened: one that failed can, for it says why and how to go on.
function standing({ status, detail }) {
  if (status === "loading") return { isOpen: false, why: "On its way" };
  return { isOpen: status !== "unavailable", isFailed: status === "failed", why: status === "ready" ? null : detail };
}

function plain({ instrumental, lyrics }) {
  if (instrumental) return h("p.empty", {}, "An instrumental: nobody sings.");
  return h("p.plain-lyrics", { dir: "auto" }, lyrics);
}

function paired(original, { lyrics }, lang) {
  const others = lyrics.split("\n");
  const lines = original?.lyrics.split("\n") ?? [];
  if (lines.length !== others.length) return h("p.plain-lyrics", { lang, dir: "auto" }, lyrics);
  return h("ol.pairs", {}, lines.map((line, index) => h("li", { dir: "auto" }, line || "\u00a0", under(others[index], lang))));
}

function sourceOf(key, words) {
  const named = (code) => (code ? languages.of(code) : "another language");
  if (key === "romanized") return `${named(words.language)} in Latin letters${words.system ? `: ${words.system}` : ""}.`;
  if (key === "translation") return `From ${named(words.from)} into ${named(words.language)}, by a machine.`;
  return words.instrumental ? "" : `From ${words.source}.${key === "synced" ? " The clock runs alone: there is no audio here." : ""}`;
}
