// Puts the page together: places, search, health.

import { Combobox } from "./kit/combobox.js";
import { h } from "./kit/elements.js";
import { watchHealth } from "./kit/health.js";
import { link, Router } from "./kit/router.js";
import { album, playlist } from "./views/album.js";
import { artist } from "./views/artist.js";
import { hot100, trending } from "./views/charts.js";
import { home } from "./views/home.js";
import { search } from "./views/search.js";
import { song } from "./views/song.js";

const NAME = "YouTube Music gateway";
// A view takes a place and a signal: {title, parts, settled}.
const VIEWS = { "": home, search, trending, hot100, artist, album, playlist, song };

const main = document.getElementById("main");
const form = document.getElementById("search");
const field = document.getElementById("query");

function show(place, signal) {
  const view = Object.hasOwn(VIEWS, place.name) ? VIEWS[place.name] : nowhere;
  const { title, parts, settled } = view(place, signal);
  document.title = title ? `${title} · ${NAME}` : NAME;
  document.body.dataset.view = place.name || "home";
  const isFirst = !main.querySelector("section");
  main.replaceChildren(...parts);
  // who had the focus in what is gone goes on reading at the top
  if (!isFirst && document.activeElement === document.body) main.focus({ preventScroll: true });
  field.value = place.name === "search" ? place.parameters.query ?? "" : "";
  mark(place.name);
  return settled;
}

function nowhere({ name }) {
  const told = h("section.panel", {}, h("h1", {}, "Nothing is here"), h("p.empty", {}, `There is no “${name}” on this page. `, h("a", { href: "#/" }, "To the start")));
  return { title: "Nothing is here", parts: [told] };
}

function mark(name) {
  for (const place of document.querySelectorAll(".places a")) {
    if (place.hash === link(name)) place.setAttribute("aria-current", "page");
    else place.removeAttribute("aria-current");
  }
}

function isTyping(target) {
  return target.closest?.("input, select, textarea") || target.isContentEditable;
}

addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || isTyping(event.target)) return;
  event.preventDefault();
  field.select();
});

document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});

new Combobox(form, (query) => { location.hash = link("search", "", { query }); });
watchHealth();
new Router(show).start();
