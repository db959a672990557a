// Tables: upstreams, routes, last errors, and what is asked for most.

import { byId, chosen, say, set, table } from "./dom.js";
import { NOTHING, ago, clock, count, isKnown, perSec, percent, seconds } from "./format.js";
import { cachedShare } from "./glance.js";

const STATES = {
  closed: () => ({ text: "closed", tone: "ok" }),
  open: (one) => ({ text: `open, tried in ${Math.ceil(one.open_for_sec)} s`, tone: "bad" }),
  "half-open": () => ({ text: "half-open, next call tries", tone: "warn" }),
};

const milliseconds = (ms) => seconds(isKnown(ms) ? ms / 1000 : null);

export function showUpstreams({ line, told }, span) {
  const columns = ["Upstream", "Breaker", "Calls / s", "Failed", "Median", "95 %", "Permits", "Retries", "Hedges won", "Not asked", "Last failure"];
  const rows = Object.entries(told.health.upstreams).map(([name, one]) => {
    const calls = line.growth(`upstream_calls_total.${name}`, span);
    const failed = line.growth(`upstream_errors_total.${name}`, span);
    const [last] = told.failures.calls[name].last;
    const refused = sum(Object.values(one.refused)) + sum(Object.values(one.dropped));
    return [
      { text: name },
      STATES[one.state](one),
      { text: perSec(line.rate(`upstream_calls_total.${name}`, span)) },
      { text: calls ? percent(failed / calls) : NOTHING, tone: failed ? "bad" : null },
      { text: milliseconds(one.p50_ms) },
      { text: milliseconds(one.p95_ms) },
      { text: `${one.in_flight} of ${one.permits}${one.waiting ? `, ${one.waiting} wait` : ""}`, bars: [[one.in_flight / one.permits, "first"]] },
      { text: count(one.retries), title: `${one.retries_denied} denied by the budget` },
      { text: one.hedges.sent === undefined ? NOTHING : `${one.hedges.won} of ${one.hedges.sent}` },
      { text: count(refused), title: reasonsOf(one) },
      { text: last ? `${last.sort}, ${ago(told.now - last.at)}` : NOTHING, title: last?.detail },
    ];
  });
  table(byId("upstreams"), columns, rows, "There are none.");
}

const sum = (numbers) => numbers.reduce((total, one) => total + one, 0);

const reasonsOf = ({ refused, dropped }) =>
  Object.entries({ ...refused, ...dropped }).map(([why, times]) => `${why}: ${times}`).join(", ");

const WAYS = ["hit", "stale", "miss", "refused", "failed"];

export function showRoutes({ line, told }, span) {
  const rows = Object.entries(told.routes)
    .map(([name, path]) => ({ path, grew: (way) => line.growth(`route.${name}.${way}`, span) }))
    .map((one) => ({ ...one, all: sum(WAYS.map(one.grew)) }))
    .filter(({ all }) => all)
    .sort((a, b) => b.all - a.all)
    .map(({ path, grew, all }) => [
      { text: path, mono: true },
      { text: count(all) },
      { text: percent(cachedShare(grew)), bars: WAYS.map((way) => [grew(way) / all, way]) },
      { text: count(grew("failed")), tone: grew("failed") ? "bad" : null },
    ]);
  table(byId("routes"), ["Route", "Answers", "From the cache", "5xx"], rows, "Nobody asked for anything in this time.");
}

// ---- errors

const FAILURES = {
  failed: (failures, told) => answers(failures.answers.failed, told),
  refused: (failures, told) => answers(failures.answers.refused, told),
  fetches: ({ fetches }) => [
    ["When", "Resource", "Code", "Sort", "Upstream", "What"],
    fetches.last.map((one) => [when(one.at), { text: one.resource, mono: true }, { text: one.code, mono: true }, { text: one.sort }, { text: one.upstream || NOTHING }, { text: one.detail }]),
  ],
  calls: ({ calls }) => [
    ["When", "Upstream", "Sort", "Took", "What"],
    Object.entries(calls)
      .flatMap(([name, { last }]) => last.map((one) => ({ name, ...one })))
      .sort((a, b) => b.at - a.at)
      .map((one) => [when(one.at), { text: one.name }, { text: one.sort }, { text: milliseconds(one.took_ms) }, { text: one.detail }]),
  ],
};

const when = (at) => ({ text: clock(at), title: new Date(at * 1000).toISOString() });

function answers(list, { is_private: isPrivate }) {
  const columns = ["When", "Status", "Code", isPrivate ? "Request" : "Route", "Upstream", "What", "Took", "Request id"];
  const rows = list.map((one) => [
    when(one.at),
    { text: String(one.status), tone: one.status >= 500 ? "bad" : null },
    { text: one.code, mono: true },
    { text: `${one.method} ${one.target ?? one.route ?? "unknown route"}`, mono: true, title: one.client },
    { text: one.upstream || NOTHING },
    { text: one.detail },
    { text: milliseconds(one.took_ms) },
    { text: one.request_id, mono: true },
  ]);
  if (isPrivate) {
    columns.push("Client");
    rows.forEach((cells, index) => cells.push({ text: list[index].client ?? NOTHING, mono: true }));
  }
  return [columns, rows];
}

const COUNTS = {
  failed: ({ answers }) => answers.counts.failed,
  refused: ({ answers }) => answers.counts.refused,
  fetches: ({ fetches }) => fetches.counts,
  calls: ({ calls }) => {
    const all = {};
    for (const { counts } of Object.values(calls)) {
      for (const [sort, times] of Object.entries(counts)) all[sort] = (all[sort] ?? 0) + times;
    }
    return all;
  },
};

export function showFailures({ told }) {
  const [columns, rows] = FAILURES[chosen("failures")](told.failures, told);
  table(byId("failures"), columns, rows, "None since the start.");
  const counts = Object.entries(COUNTS[chosen("failures")](told.failures));
  say(byId("failure-counts"), counts.length ? `Since the start: ${counts.map(([sort, times]) => `${count(times)} ${sort}`).join(", ")}.` : "");
}

// ---- keys

export function showKeys({ told }) {
  const most = told.top_keys[0]?.share || 1;
  const rows = told.top_keys.map(({ key, share }) => [
    { text: key, mono: true },
    { text: percent(share), bars: [[share / most, "hit"]] },
  ]);
  table(byId("keys"), ["Key", "Share of cached answers"], rows, "Nothing was asked for twice yet.");
  say(byId("keys-note"), told.is_private ? "" : "What people typed is masked here: ADMIN_TOKEN shows it.");
  set(byId("keys-note"), { hidden: told.is_private && "" });
}
