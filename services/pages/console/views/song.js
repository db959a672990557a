// A song: one request brings all that is stored of it, and each other section as it lands.

import { Failure } from "../kit/api.js";
import { announce, h } from "../kit/elements.js";
import { News } from "../kit/news.js";
import { agedSince, follow, sectionsOf, trackOf } from "../kit/track.js";
import { Arrivals } from "../panels/arrivals.js";
import { Exchange } from "../panels/exchange.js";
import { chosenLanguage, LanguageChoice } from "../panels/language.js";
import { Lyrics } from "../panels/lyrics.js";
import { problem } from "../panels/problem.js";
import { Section } from "../panels/section.js";
import { skeleton } from "../panels/skeleton.js";
import { Stage } from "../panels/stage.js";
import { rows } from "../panels/tracks.js";

const LOST = { code: "unreachable", detail: "The gateway was lost on the way.", retryable: true };
const TELLS = {
  loading: "what is stored, at once; the rest follows by itself",
  incomplete: "what failed is asked for again in its time",
  complete: "all of it out of the cache",
};
const WORDS = ["lyrics", "romanized", "translation"];

export function song({ id, parameters }, signal) {
  const view = new Song(id, parameters, signal);
  return { title: parameters.title ?? "Song", parts: [view.element], settled: view.settled };
}

class Song {
  constructor(id, known, signal) {
    Object.assign(this, { id, known, signal, skewMs: 0, told: {} });
    const common = { signal, again: () => this.#visit(), now: () => Date.now() + this.skewMs };
    this.news = new News(signal);
    this.language = new LanguageChoice(() => this.#visit());
    this.stage = new Stage(id, known, common);
    this.lyrics = new Lyrics({ ...common, tools: [this.language.element], durationSec: () => this.#durationSec() });
    this.related = new Section("list", { ...common, ghost: () => skeleton("rows"), draw: listed });
    this.arrivals = new Arrivals();
    this.exchange = new Exchange(this.#question(), () => this.#visit(), {
      tells: (answer) => TELLS[answer.body.state],
      below: this.arrivals.element,
    });
    this.trouble = h("div.trouble");
    this.element = h(
      "section.panel.track",
      {},
      this.trouble,
      this.stage.element,
      this.lyrics.element,
      this.exchange.element,
      h("section.related", { "aria-label": "Related" }, h("div.head", {}, h("h2", {}, "Related")), this.related.element),
    );
    this.settled = new Promise((settle) => { this.settle = settle; });
    this.#visit();
  }

  #question() {
    return trackOf(this.id, chosenLanguage());
  }

  // A visit fetches what failed or is missing, and nothing else.
  async #visit() {
    this.visit?.abort();
    this.visit = new AbortController();
    const signal = AbortSignal.any([this.signal, this.visit.signal]);
    const question = this.#question();
    this.exchange.ask(question);
    this.exchange.waiting();
    this.arrivals.begin();
    this.#lose(null);
    try {
      const isWhole = await follow(question, {
        signal,
        onAnswer: (answer, track) => this.#begin(answer, track),
        onSection: (name, section) => this.#show(name, section),
      });
      if (!isWhole) this.#lose(new Failure(LOST));
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Failure)) throw error;
      this.exchange.show(error.answer);
      this.#lose(error);
    } finally {
      this.settle();
    }
  }

  #begin(answer, track) {
    this.skewMs = Date.parse(answer.header("Date")) - Date.now() || 0;
    this.exchange.show(answer);
    this.language.show(track.language);
    const since = agedSince(answer, track);
    for (const [name, section] of sectionsOf(track)) this.#show(name, { ...section, age: section.age + since }, true);
    this.settle();
  }

  #show(name, section, isStored = false) {
    this.arrivals.show(name, section, isStored);
    if (WORDS.includes(name)) this.lyrics.show(name, section);
    else (this.stage.sections[name] ?? this.related).show(section);
    if (name === "song" && section.data) this.#name(section.data);
    if (this.told[name] !== section.status) this.news.tell(name, section.status);
    this.told[name] = section.status;
  }

  #name(found) {
    this.found = found;
    document.title = `${found.title} · YouTube Music gateway`;
  }

  #durationSec() {
    return this.found?.duration_seconds ?? Number(this.known.duration);
  }

  // Without the gateway no section can come: one trouble in place of all that are waited for.
  #lose(failure) {
    this.element.classList.toggle("lost", Boolean(failure));
    this.trouble.replaceChildren(...(failure ? [problem(failure, () => this.#visit(), this.signal)] : []));
    if (failure) announce(`${failure.code}: ${failure.detail}`);
  }
}

function listed(tracks) {
  const place = h("div");
  return rows(tracks, place) ? place : h("p.empty", {}, "This song has no radio.");
}
