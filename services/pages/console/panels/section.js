// A section of a track: the shape of what is to come, then the thing itself, or why it is not there.

import { Failure } from "../kit/api.js";
import { h } from "../kit/elements.js";
import { age } from "../kit/words.js";
import { problem } from "./problem.js";

export const NOTHING_YET = { status: "loading", age: null, stale: false, partial: false, code: null, detail: null, retry_at: null, data: null };

export class Section {
  // ghost(): what keeps its room; draw(data): its elements; absent(section): what to say of none;
  // again(): asks for what failed; now(): the gateway's clock in ms
  constructor(kind, options) {
    Object.assign(this, { absent: said, ...options });
    this.since = h("span.since");
    this.body = h("div.body");
    this.element = h(`div.part.${kind}`, {}, this.body, this.since);
    this.show(NOTHING_YET);
  }

  // as: what else it depends on how it is drawn
  show(section, as = "") {
    this.since.replaceChildren(...sinceOf(section));
    const told = JSON.stringify([as, section.status, section.code, section.retry_at, section.data]);
    if (told === this.told) return;
    this.told = told;
    this.body.setAttribute("aria-busy", String(section.status === "loading"));
    this.body.dataset.status = section.status;
    this.body.replaceChildren(...[this.#drawn(section)].flat());
  }

  #drawn(section) {
    if (section.status === "ready") return this.draw(section.data);
    if (section.status === "failed") return this.#failed(section);
    return section.status === "unavailable" ? this.absent(section) : this.ghost();
  }

  // The button counts down to when the gateway would try again.
  #failed(section) {
    const retryAfterSec = section.retry_at ? (Date.parse(section.retry_at) - this.now()) / 1000 : 0;
    const failure = Object.assign(new Failure({ ...section, status: 0, retryable: true }), { retryAfterSec });
    return problem(failure, () => this.#again(), this.signal, { role: null });
  }

  // Who pressed a button that is gone goes on where it was.
  #again() {
    this.element.tabIndex = -1;
    this.element.focus({ preventScroll: true });
    this.show(NOTHING_YET);
    this.again();
  }
}

function sinceOf(section) {
  if (section.status !== "ready" || section.age === null) return [];
  const old = age(section.age);
  const worn = ["stale", "partial"].filter((name) => section[name]);
  if (!worn.length) return [h("span", { title: `fetched ${old} ago` }, old)];
  return [h("span.badge", { title: `fetched ${old} ago, being mended` }, [...worn, old].join(" · "))];
}

export function said({ detail }) {
  return h("p.empty", {}, detail);
}
