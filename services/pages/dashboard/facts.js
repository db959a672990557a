// The parts behind the answers, as lists of a few facts each.

import { byId, el, fill, say, set } from "./dom.js";
import { NOTHING, ago, bytes, count, isKnown, lasting, perSec, percent } from "./format.js";

const yes = (is) => (is ? "yes" : "no");

// A fact: [name, value, tone]. A part that is not in use says so in one.
const PARTS = {
  "Cache": ({ line, told }, span) => {
    const { cache } = told.health;
    return [
      ["kept in", cache.mode, cache.degraded ? "bad" : null],
      ["answers", count(cache.entries)],
      ["held", `${bytes(cache.bytes)} of ${bytes(cache.max_bytes)}`],
      ["evictions", `${perSec(line.rate("memory_evictions_total", span))} a second`],
      ["too large to keep", count(cache.oversize)],
    ];
  },
  "Fetches": ({ line, told }, span) => {
    const { loads } = told.health;
    const dropped = line.growth("refreshes_dropped_total", span);
    return [
      ["running", `${count(loads.running)} of ${told.process.loads}`],
      ["begun", `${perSec(line.rate("flights_led_total", span))} a second`],
      ["callers who shared one", count(line.growth("flights_collapsed_total", span))],
      ["renewals behind answers", count(line.growth("refreshes_started_total", span))],
      ["renewals without a thread", count(dropped), dropped ? "warn" : null],
    ];
  },
  "Server": ({ line, told }, span) => {
    const { server } = told.health;
    if (!isKnown(server.connections)) return [["figures", "none of Waitress as it comes"]];
    const shed = line.growth("server_shed_total", span);
    return [
      ["threads busy", `${count(server.threads_busy)} of ${told.process.threads}`],
      ["waiting for one", `${count(server.queued)} of ${told.process.queue}`, server.queued ? "warn" : null],
      ["connections", count(server.connections)],
      ["turned away", count(shed), shed ? "bad" : null],
      ["over their limit", count(line.growth("server_limited_total", span))],
    ];
  },
  "Redis": ({ line, told }, span) => {
    const { redis, healthy, last_error: last } = told.health.cache;
    if (!redis) return [["in use", "no: memory alone"]];
    return [
      ["state", healthy ? "up" : "given up", healthy ? "ok" : "bad"],
      ["errors", count(line.growth("redis_errors_total", span)), healthy ? null : "bad"],
      ["not written yet", count(redis.unwritten), redis.unwritten ? "warn" : null],
      ["leases held", count(redis.leases_held)],
      ["clock behind Redis's", `${redis.clock_offset_ms} ms`],
      ["last error", last ?? NOTHING],
    ];
  },
  "Prewarm": ({ told }) => {
    const { prewarm } = told.health;
    if (!prewarm.enabled) return [["in use", "no"]];
    const due = (Date.parse(prewarm.next_due) / 1000 - told.now);
    return [
      ["leads", yes(prewarm.is_leader)],
      ["keeps", `${prewarm.keys.length} keys, ${prewarm.keys.filter((one) => one.state !== "fresh").length} not fresh`],
      ["next due", Number.isNaN(due) ? NOTHING : due > 0 ? `in ${lasting(due)}` : "now"],
      ["renewed", count(prewarm.refreshed)],
      ["failed", count(prewarm.failed), prewarm.failed ? "warn" : null],
    ];
  },
  "Loops and log": ({ told }) => {
    const { watchdog, log } = told.health;
    const trouble = Object.keys(watchdog.stalls).map((name) => [name, watchdog.stalls[name], watchdog.deaths[name]]);
    const told_of = trouble.filter(([, stalls, deaths]) => stalls || deaths);
    return [
      ["watched", count(trouble.length)],
      ...told_of.map(([name, stalls, deaths]) => [name, `stalled ${stalls}, ended ${deaths}`, "warn"]),
      ["pauses of the whole process", count(watchdog.pauses)],
      ["log lines written", count(log.written)],
      ["log lines dropped", count(log.dropped), log.dropped ? "bad" : null],
    ];
  },
  "Process": ({ line, told }) => [
    ["resident", bytes(line.last("process_resident_memory_bytes"))],
    ["CPU", `${percent(line.rate("process_cpu_seconds_total", 10))} of a core`],
    ["threads", count(line.last("threads"))],
    ["descriptors", count(line.last("process_open_fds"))],
    ["collections", told.process.collections.map(count).join(" / ")],
    ["up", ago(told.process.uptime_sec).replace(" ago", "")],
  ],
};

export function showFacts(board, span) {
  fill(byId("facts"), Object.entries(PARTS), () => el("section", { class: "panel" }, el("h2"), el("dl")), (part, [name, read]) => {
    say(part.firstElementChild, name);
    const facts = read(board, span);
    fill(part.lastElementChild, facts, () => el("div", {}, el("dt"), el("dd")), (pair, [what, value, tone = null]) => {
      say(pair.firstElementChild, what);
      say(pair.lastElementChild, value);
      set(pair.lastElementChild, { "data-tone": tone });
    });
  });
}
