// Tabs by the ARIA pattern: one stop of the Tab key, arrows between them. One that is disabled can
// be reached all the same, so that it can say why.

import { h } from "./elements.js";

const STEPS = { ArrowRight: 1, ArrowLeft: -1 };

export class Tabs {
  // names: {key: words}; panel: what they show; choose(key): told of the reader's choice
  constructor(label, names, panel, choose) {
    this.choose = choose;
    this.panel = panel;
    this.buttons = new Map(Object.entries(names).map(([key, words]) => [key, this.#button(key, words)]));
    this.element = h("div.tabs", { role: "tablist", "aria-label": label }, [...this.buttons.values()]);
    this.element.addEventListener("keydown", (event) => this.#key(event));
  }

  select(key) {
    for (const [other, button] of this.buttons) {
      button.setAttribute("aria-selected", String(other === key));
      button.tabIndex = other === key ? 0 : -1;
    }
    this.panel.setAttribute("aria-labelledby", this.buttons.get(key).id);
  }

  // why: what to say of one that is disabled or failed
  set(key, { isOpen, isFailed = false, why = null }) {
    const button = this.buttons.get(key);
    button.setAttribute("aria-disabled", String(!isOpen));
    button.classList.toggle("failed", isFailed);
    button.title = why ?? "";
  }

  #button(key, words) {
    const attributes = { type: "button", role: "tab", id: `tab-${key}`, "aria-controls": this.panel.id, "aria-disabled": "true" };
    const button = h("button.tab", attributes, words);
    button.addEventListener("click", () => this.#open(key));
    return button;
  }

  #open(key) {
    if (this.buttons.get(key).getAttribute("aria-disabled") === "false") this.choose(key);
  }

  #key(event) {
    const keys = [...this.buttons.keys()];
    const at = keys.findIndex((key) => this.buttons.get(key) === document.activeElement);
    const to = { Home: 0, End: keys.length - 1 }[event.key] ?? at + STEPS[event.key];
    if (at < 0 || Number.isNaN(to)) return;
    event.preventDefault();
    const key = keys.at(to % keys.length);
    this.buttons.get(key).focus();
    this.#open(key);
  }
}
