// Trending of a country, and the Hot 100.

import { h } from "../kit/elements.js";
import { get } from "../kit/request.js";
import { link } from "../kit/router.js";
import { Panel } from "../panels/panel.js";
import { cards, row } from "../panels/tracks.js";
import { COUNTRIES } from "./countries.js";

const WORLD = "ZZ";
// The reader's own country where it has charts.
const { region } = new Intl.Locale(navigator.language);
const HOME = COUNTRIES.includes(region) ? region : "US";

export function trending({ parameters }, signal) {
  const panel = trendingPanel({ country: parameters.country, level: "h1" }, signal);
  return { title: "Trending", parts: [panel.element], settled: panel.settled };
}

export function trendingPanel({ country = HOME, limit = null, level = "h2" }, signal) {
  return new Panel(get("/trending", { country, limit }), {
    title: "Trending",
    level,
    signal,
    tools: [countryChoice(country)],
    skeleton: "cards",
    empty: "This country has no charts just now.",
    draw: (tracks, place) => cards(tracks, place),
  });
}

function countryChoice(chosen) {
  const names = new Intl.DisplayNames(["en"], { type: "region" });
  const named = COUNTRIES.map((code) => [code, code === WORLD ? "Worldwide" : names.of(code)]);
  named.sort(([, one], [, other]) => one.localeCompare(other));
  const options = named.map(([code, name]) => h("option", { value: code, selected: code === chosen }, name));
  const go = (event) => { location.hash = link("trending", "", { country: event.target.value }); };
  return h("select", { "aria-label": "Country", onchange: go }, options);
}

export function hot100(_, signal) {
  const panel = hot100Panel(signal, { level: "h1" });
  return { title: "Hot 100", parts: [panel.element], settled: panel.settled };
}

export function hot100Panel(signal, { most = 100, level = "h2", isLazy = false } = {}) {
  const all = h("a.all", { href: link("hot100") }, "All hundred");
  return new Panel(get("/billboard", {}, { isLong: true }), {
    title: "Hot 100",
    level,
    signal,
    isLazy,
    tools: most < 100 ? [all] : [],
    draw: ({ data }, place) => {
      place.append(h("ol.rows.chart", {}, data.slice(0, most).map(placeOn)));
      return data.length;
    },
  });
}

function placeOn(entry) {
  const found = entry.ytmusic_result ?? {};
  const track = { ...found, title: entry.title, artists: entry.artists };
  const lead = h("span.rank", {}, h("b", {}, String(entry.rank)), move(entry));
  const weeks = h("span.weeks", { title: "weeks on the chart, best place" }, `${entry.weeks} wk · peak ${entry.peakPos}`);
  return row(track, { lead, tail: weeks });
}

function move({ rank, lastPos }) {
  if (!lastPos) return h("i.new", {}, "new");
  const by = lastPos - rank;
  if (!by) return h("i", { "aria-label": "as last week" }, "–");
  return h(by > 0 ? "i.up" : "i.down", { "aria-label": `${by > 0 ? "up" : "down"} ${Math.abs(by)}` }, String(Math.abs(by)));
}
