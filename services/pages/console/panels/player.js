// Synced lyrics that follow a clock; a line that is clicked moves it.

import { Clock } from "../kit/clock.js";
import { h, icon } from "../kit/elements.js";
import { linesOf, sungAt } from "../kit/lrc.js";
import { length } from "../kit/words.js";

// How long the last line is sung where nobody tells how long the song is.
const LAST_LINE_SEC = 6;
const calm = matchMedia("(prefers-reduced-motion: reduce)");

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

  #line({ sec, words }) {
    const seek = () => this.clock.seek(sec);
    return h("li", {}, h("button.sung", { type: "button", onclick: seek, "data-at": sec }, words || "♪"));
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
    const line = this.text.children[now];
    line?.setAttribute("aria-current", "true");
    const top = line ? line.offsetTop - this.text.clientHeight * 0.38 : 0;
    this.text.scrollTo({ top, behavior: calm.matches ? "instant" : "smooth" });
  }
}
