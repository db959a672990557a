// Which plots there are, and what each draws.

import { byId } from "./dom.js";
import { perSec, seconds } from "./format.js";
import { Plot } from "./plot.js";

const WAYS = [
  { name: "hit", label: "fresh", tone: "hit" },
  { name: "stale", label: "stale", tone: "stale" },
  { name: "miss", label: "fetched", tone: "miss" },
  { name: "refused", label: "4xx", tone: "refused" },
  { name: "failed", label: "5xx", tone: "failed" },
];
const SHARES = [
  { share: 0.5, label: "median", tone: "first" },
  { share: 0.95, label: "95 %", tone: "second" },
  { share: 0.99, label: "99 %", tone: "third" },
];
const TONES = ["first", "second", "third", "fourth", "fifth", "sixth"];
const LEAST_DURATION_SEC = 0.01;

const plotsOf = (upstreams) => [
  {
    title: "Answers a second",
    series: WAYS,
    write: perSec,
    stacked: true,
    read: ({ line }, span) => WAYS.map(({ name }) => line.rates(`answers.${name}`, span)),
  },
  {
    title: "Time until an answer",
    series: SHARES,
    write: seconds,
    isLog: true,
    least: LEAST_DURATION_SEC,
    read: ({ line, told }, span) => SHARES.map(({ share }) => line.percentiles(share, told.bucket_ends_sec, span)),
  },
  {
    title: "Calls to upstreams a second",
    series: [...toned(upstreams), { name: "errors", label: "failed, all", tone: "failed" }],
    write: perSec,
    read: ({ line }, span) => [...rates(line, upstreams, "calls", span), total(rates(line, upstreams, "errors", span))],
  },
  {
    title: "Upstream latency, 95 % within",
    series: toned(upstreams),
    write: seconds,
    isLog: true,
    least: LEAST_DURATION_SEC,
    read: ({ line }, span) => upstreams.map((name) => line.levels(`upstream_latency_p95_seconds.${name}`, span)),
  },
];

const toned = (upstreams) => upstreams.map((name, place) => ({ name, label: name, tone: TONES[place] }));

const rates = (line, upstreams, what, span) => upstreams.map((name) => line.rates(`upstream_${what}_total.${name}`, span));

const total = (lists) => lists[0].map((one, index) => one === null ? null : lists.reduce((sum, list) => sum + list[index], 0));

let drawn = [];

export function showPlots(board, span) {
  const { line, told } = board;
  if (!drawn.length) drawn = plotsOf(Object.keys(told.health.upstreams)).map((one) => ({ ...one, plot: new Plot(byId("plots"), one) }));
  for (const { plot, read } of drawn) plot.draw(line.now - span, line.now, line.times(span), read(board, span));
}
