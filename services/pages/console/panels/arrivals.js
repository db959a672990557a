// Which sections of a track are here, and how long after the request each of them came.

import { h } from "../kit/elements.js";
import { milliseconds } from "../kit/words.js";

const NONE = { unavailable: "none", loading: "…" };

export class Arrivals {
  constructor() {
    this.places = {};
    this.list = h("dl");
    this.element = h("div.arrivals", {}, this.list);
  }

  begin() {
    this.began = performance.now();
  }

  // isStored: it came with the answer itself
  show(name, { status, code }, isStored) {
    const came = isStored ? "stored" : milliseconds(performance.now() - this.began);
    const place = (this.places[name] ??= this.#place(name));
    place.className = status === "ready" && isStored ? "hit" : status;
    place.textContent = status === "ready" ? came : NONE[status] ?? code;
  }

  #place(name) {
    const place = h("dd");
    this.list.append(h("dt", {}, name), place);
    return place;
  }
}
