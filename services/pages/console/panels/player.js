// Synced lyrics that follow a clock; a line that is clicked moves it.

import { Clock } from "../kit/clock.js";
import { h, icon } from "../kit/elements.js";
import { linesOf, sungAt } from "../kit/lrc.js";
import { length } from "../kit/words.js";

// How long the last line is sung where nobody tells how long the song is.
const LAST_LINE_SEC = 6;
const calm = matchMedia("(prefers-reduced-motion: reduce)");

export function under(words, lang) {
  return h("span.under", { lang, dir: "auto" }, words);
}

export class Player {
  constructor(lrc, durationSec, signal) {
    this.lines = linesOf(lrc);
    this.clock = new Clock(durationSec || this.lines.at(-1).sec + LAST_LINE_SEC, (sec) => this.#follow(sec));
    this.sung = -1;
    this.button = h("button.play", { type: "button", onclick: () => this.#toggle() });
    this.scrubber = h("input", {
      type: "range", min: 0, max: this.clock.durationSec, step: 0.1, value: 0, "aria-label": "Position",
      oninput: () => this.clock.seek(Number(this.scrubber.value)),
    });
    this.time = h("span.time");
    this.text = h("ol.lyrics", { tabindex: "-1" }, this.lines.map((line) => this.#line(line)));
    this.element = h(
      "div.player",
      {},
      h("div.controls", {}, this.button, this.scrubber, this.time),
      this.text,
    );
    signal.addEventListener("abort", () => this.clock.pause());
    this.#follow(0);
    this.#wear();
  }

  // Beneath each line what it is in another script or language, by the same times; null: nothing.
  under(lrc, lang) {
    const said = new Map(linesOf(lrc ?? "").map(({ sec, words }) => [sec, words]));
    this.lines.forEach(({ sec, words }, index) => {
      const other = said.get(sec);
      const button = this.text.children[index].firstChild;
      button.querySelector(".under")?.remove();
      if (other && other !== words) button.append(under(other, lang));
    });
    this.keepInSight();
  }

  // Out of the page nothing can be scrolled: to be told when it is in it again.
  keepInSight() {
    this.#scroll("instant");
  }

  #line({ sec, words }) {
    const seek = () => this.clock.seek(sec);
    return h("li", {}, h("button.sung", { type: "button", dir: "auto", onclick: seek, "data-at": sec }, words || "♪"));
  }

  #toggle() {
    if (this.clock.isPlaying) this.clock.pause();
    else this.clock.play();
    this.#wear();
  }

  #wear() {
    const name = this.clock.isPlaying ? "pause" : "play";
    if (this.button.dataset.shows === name) return;
    this.button.dataset.shows = name;
    this.button.setAttribute("aria-label", name === "play" ? "Play" : "Pause");
    this.button.replaceChildren(icon(name));
  }

  #follow(sec) {
    this.scrubber.value = sec;
    this.scrubber.style.setProperty("--done", sec / this.clock.durationSec);
    this.scrubber.setAttribute("aria-valuetext", length(sec));
    this.time.textContent = `${length(sec)} / ${length(this.clock.durationSec)}`;
    this.#wear();
    const now = sungAt(this.lines, sec);
    if (now !== this.sung) this.#light(now);
  }

  #light(now) {
    this.text.children[this.sung]?.removeAttribute("aria-current");
    this.sung = now;
    this.text.children[now]?.setAttribute("aria-current", "true");
    this.#scroll(calm.matches ? "instant" : "smooth");
  }

  #scroll(behavior) {
    const line = this.text.children[this.sung];
    const top = line ? line.offsetTop - this.text.clientHeight * 0.38 : 0;
    this.text.scrollTo({ top, behavior });
  }
}
