// JSON as people read it: coloured, and never more of it than a screen can take.

import { h } from "./elements.js";
import { count } from "./words.js";

const MOST_LINES = 300;
const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|-?\d[\d.eE+-]*|\b(?:true|false|null)\b/g;

// A <details> that writes out its JSON when it is first opened.
export function rawJson(answer) {
  const box = h("details.fold.raw", {}, h("summary", {}, "JSON"));
  box.addEventListener("toggle", () => box.open && box.children.length === 1 && box.append(...written(answer)));
  return box;
}

function written(answer) {
  const lines = JSON.stringify(answer.body, null, 2).split("\n");
  const shown = lines.slice(0, MOST_LINES).join("\n");
  const code = h("pre", { tabindex: "0", "aria-label": "JSON of the answer" }, h("code", {}, coloured(shown)));
  if (lines.length <= MOST_LINES) return [code];
  return [code, h("p.more-lines", {}, `and ${count(lines.length - MOST_LINES, "line")} more`)];
}

function coloured(text) {
  const parts = [];
  let from = 0;
  for (const found of text.matchAll(TOKEN)) {
    parts.push(text.slice(from, found.index), h(`span.${kind(found)}`, {}, found[1] ?? found[0]), found[2] ?? "");
    from = found.index + found[0].length;
  }
  return [...parts, text.slice(from)];
}

function kind([whole, string, colon]) {
  if (string) return colon ? "key" : "string";
  return /^[-\d]/.test(whole) ? "number" : "word";
}
