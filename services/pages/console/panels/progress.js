// How far a long answer has come; nothing is seen of it until the first word.

import { h } from "../kit/elements.js";

export function progressBar() {
  const bar = h("progress", { "aria-label": "Fetched so far" });
  const words = h("span");
  const element = h("p.progress", { hidden: true }, bar, words);
  return { element, show: (operation) => show(element, bar, words, operation) };
}

function show(element, bar, words, { done, total }) {
  element.hidden = false;
  if (!total) return;
  bar.max = total;
  bar.value = done;
  words.textContent = `${done} of ${total}`;
}
