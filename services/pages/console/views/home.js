// What this is, and the charts to see that it works.

import { h } from "../kit/elements.js";
import { healthLink } from "../kit/health.js";
import { hot100Panel, trendingPanel } from "./charts.js";

const CHART_TOP = 10;
const TRENDING_TOP = 12;

export function home(_, signal) {
  const trending = trendingPanel({ limit: TRENDING_TOP }, signal);
  const chart = hot100Panel(signal, { most: CHART_TOP, isLazy: true });
  return { title: null, parts: [hero(), trending.element, chart.element], settled: trending.settled };
}

function hero() {
  return h(
    "section.hero",
    {},
    h("h1", {}, "Music as JSON, ", h("em", {}, "in under a millisecond.")),
    h(
      "p.lead",
      {},
      "Search, charts, artists and synced lyrics of YouTube Music behind one steady API. No key, no account. ",
      "Each panel below is one request: copy it, send it again, see what the cache does.",
    ),
    h(
      "p.doors",
      {},
      h("a.button", { href: "/docs" }, "Read the docs"),
      h("a", { href: "/openapi.json" }, "OpenAPI"),
      h("a", { href: "/errors" }, "Errors"),
      h("a", { href: "/dashboard" }, "Dashboard"),
      healthLink(),
    ),
  );
}
