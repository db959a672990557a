// What has changed, for who hears the page: what comes within a moment is told in one sentence.

import { announce } from "./elements.js";

const PAUSE_MS = 600;
const TOLD = { ready: "Loaded", failed: "Failed" };
const list = new Intl.ListFormat("en");

export class News {
  constructor(signal) {
    this.changed = new Map();
    signal.addEventListener("abort", () => clearTimeout(this.timer));
  }

  tell(name, status) {
    this.changed.set(name, status);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#say(), PAUSE_MS);
  }

  #say() {
    const told = Object.entries(TOLD).map(([status, words]) => {
      const names = [...this.changed.keys()].filter((name) => this.changed.get(name) === status);
      return names.length ? `${words}: ${list.format(names)}. ` : "";
    });
    announce(told.join(""));
    this.changed.clear();
  }
}
