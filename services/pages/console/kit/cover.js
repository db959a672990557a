// Cover art: a painted placeholder at once, the picture when it is about to be seen.

import { h } from "./elements.js";
import { initials, seed } from "./words.js";

// How far below the window a picture is asked for.
const AHEAD = "240px";

const watcher = new IntersectionObserver(
  (entries) => entries.filter((entry) => entry.isIntersecting).forEach(({ target }) => load(target)),
  { rootMargin: AHEAD },
);
const wanted = new WeakMap();

// Decoration beside a name that is written out: it has no text of its own.
export function cover(thumbnails, name, { width = 56, shape = "square" } = {}) {
  const frame = h(`span.cover.${shape}`, { "aria-hidden": "true" }, h("span.initials", {}, initials(name)));
  frame.style.setProperty("--hue", seed(name) % 360);
  const url = fitting(thumbnails ?? [], width * devicePixelRatio);
  if (url) {
    wanted.set(frame, url);
    watcher.observe(frame);
  }
  return frame;
}

// The smallest picture that is large enough, else the largest.
function fitting(thumbnails, width) {
  const known = thumbnails.filter((image) => /^https?:/.test(image?.url ?? ""));
  const sorted = known.sort((one, other) => (one.width ?? 0) - (other.width ?? 0));
  return (sorted.find((image) => image.width >= width) ?? sorted.at(-1))?.url;
}

function load(frame) {
  watcher.unobserve(frame);
  const image = h("img", { alt: "", decoding: "async", draggable: "false" });
  image.addEventListener("load", () => frame.classList.add("loaded"));
  image.addEventListener("error", () => image.remove());
  image.src = wanted.get(frame);
  frame.append(image);
}
