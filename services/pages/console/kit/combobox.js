// Suggestions under the search field: an ARIA combobox, kept up with what is typed.

import { ask, Failure } from "./api.js";
import { h } from "./elements.js";
import { get } from "./request.js";

const PAUSE_MS = 160;
const MOST = 8;

// choose(text): told of what was chosen or entered
export class Combobox {
  constructor(form, choose) {
    this.field = form.querySelector("input");
    this.list = form.querySelector("[role=listbox]");
    this.choose = choose;
    this.active = -1;
    this.typed = "";
    this.outdated = new AbortController();
    form.addEventListener("submit", (event) => { event.preventDefault(); this.#enter(this.field.value); });
    this.field.addEventListener("input", () => this.#later());
    this.field.addEventListener("keydown", (event) => this.#key(event));
    this.field.addEventListener("blur", () => this.#close());
  }

  // What is under way is for a text that is no longer there.
  #later() {
    this.#forget();
    this.typed = this.field.value;
    const { signal } = this.outdated;
    this.timer = setTimeout(() => this.#suggest(this.typed.trim(), signal), PAUSE_MS);
  }

  #forget() {
    clearTimeout(this.timer);
    this.outdated.abort();
    this.outdated = new AbortController();
  }

  async #suggest(text, signal) {
    if (!text) return this.#close();
    try {
      const answer = await ask(get("/search_suggestions", { query: text }), { signal });
      if (!signal.aborted) this.#open(answer.body.slice(0, MOST));
    } catch (error) {
      if (signal.aborted) return;
      // suggestions are a comfort: without them the search still works
      if (!(error instanceof Failure)) throw error;
      this.#close();
    }
  }

  #open(texts) {
    this.active = -1;
    this.list.replaceChildren(...texts.map((text, index) => this.#option(text, index)));
    this.#expand(texts.length > 0);
  }

  #option(text, index) {
    const option = h("li", { role: "option", id: `suggestion-${index}`, "aria-selected": "false" }, text);
    option.addEventListener("pointerdown", (event) => { event.preventDefault(); this.#enter(text); });
    return option;
  }

  #key(event) {
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key === "Escape") this.#escape(event);
    else if (event.key in steps && !this.list.hidden) {
      event.preventDefault();
      this.#move(steps[event.key]);
    }
  }

  // The first Escape closes the list and brings back what was typed.
  #escape(event) {
    if (this.list.hidden) return this.field.blur();
    event.preventDefault();
    this.field.value = this.typed;
    this.#close();
  }

  // Round through all suggestions and the field itself.
  #move(step) {
    const options = [...this.list.children];
    const places = options.length + 1;
    this.active = ((this.active + 1 + step + places) % places) - 1;
    options.forEach((option, index) => option.setAttribute("aria-selected", String(index === this.active)));
    const chosen = options[this.active];
    this.field.value = chosen?.textContent ?? this.typed;
    if (chosen) this.field.setAttribute("aria-activedescendant", chosen.id);
    else this.field.removeAttribute("aria-activedescendant");
    chosen?.scrollIntoView({ block: "nearest" });
  }

  #enter(text) {
    this.#close();
    this.field.value = text;
    if (text.trim()) this.choose(text.trim());
  }

  // Nor does what is under way open it again.
  #close() {
    this.#forget();
    this.#expand(false);
    this.list.replaceChildren();
    this.active = -1;
    this.field.removeAttribute("aria-activedescendant");
  }

  #expand(isOpen) {
    this.list.hidden = !isOpen;
    this.field.setAttribute("aria-expanded", String(isOpen));
  }
}
