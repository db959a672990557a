// The shape of what is to come.

import { h } from "../kit/elements.js";

const SHAPES = {
  rows: () => repeated(8, () => h("div.ghost-row", {}, h("i.ghost.box"), h("span", {}, h("i.ghost.long"), h("i.ghost.short")))),
  cards: () => repeated(12, () => h("div.ghost-card", {}, h("i.ghost.box"), h("i.ghost.long"), h("i.ghost.short"))),
  head: () => [h("i.ghost.box"), h("span", {}, h("i.ghost.title"), h("i.ghost.short"), h("i.ghost.long"))],
  title: () => [h("i.ghost.title")],
  people: () => [h("i.ghost.face"), h("i.ghost.name")],
  release: () => [h("i.ghost.long"), h("i.ghost.short")],
  lines: () => repeated(9, () => h("i.ghost.line")),
};

export function skeleton(kind) {
  return h(`div.skeleton.of-${kind}`, { "aria-hidden": "true" }, SHAPES[kind]());
}

function repeated(times, make) {
  return Array.from({ length: times }, make);
}
