// What is seen first: the state, why it is not well, and a tile for each number that matters most.

import { byId, el, fill, say, set, svg } from "./dom.js";
import { bytes, isKnown, lasting, perSec, percent, seconds } from "./format.js";
import { spark } from "./plot.js";

const RECENT_SEC = 10;
const CACHED = ["hit", "stale"];
const ASKED = [...CACHED, "miss", "failed"];

// The share of the answers that needed no fetch, of those that were owed one.
export function cachedShare(grew) {
  const owed = sum(ASKED.map(grew));
  return owed ? sum(CACHED.map(grew)) / owed : null;
}

const sum = (numbers) => numbers.reduce((total, one) => total + one, 0);

const added = (lists) => lists[0].map((one, index) => (one === null ? null : sum(lists.map((list) => list[index]))));

// Each tells {value, note, tone, line} out of the timeline, the figures and the span shown.
const TILES = {
  "Answers a second": ({ line }, span) => ({
    value: perSec(sum(["hit", "stale", "miss", "refused", "failed"].map((way) => line.rate(`answers.${way}`, RECENT_SEC)))),
    note: `${perSec(line.rate("answers.refused", RECENT_SEC))} refused`,
    line: added(["hit", "stale", "miss", "refused", "failed"].map((way) => line.rates(`answers.${way}`, span))),
  }),
  "From the cache": ({ line }, span) => {
    const share = cachedShare((way) => line.growth(`answers.${way}`, span));
    const rates = Object.fromEntries(ASKED.map((way) => [way, line.rates(`answers.${way}`, span)]));
    return {
      value: percent(share),
      note: `${perSec(line.rate("answers.stale", RECENT_SEC))} stale a second`,
      tone: "hit",
      line: line.times(span).map((_, index) => cachedShare((way) => rates[way][index] ?? 0)),
    };
  },
  "Failed answers": ({ line }, span) => {
    const failed = line.growth("answers.failed", span);
    return {
      value: perSec(line.rate("answers.failed", RECENT_SEC)),
      note: failed ? `${failed} in ${lasting(span)}` : `none in ${lasting(span)}`,
      tone: line.growth("answers.failed", RECENT_SEC) ? "failed" : null,
      line: line.rates("answers.failed", span),
    };
  },
  "95 % answered in": ({ line, told }, span) => ({
    value: seconds(line.percentile(0.95, told.bucket_ends_sec, span)),
    note: `median ${seconds(line.percentile(0.5, told.bucket_ends_sec, span))}`,
    line: line.percentiles(0.95, told.bucket_ends_sec, span),
  }),
  "Upstream calls": ({ line }, span) => {
    const names = line.names("upstream_calls_total.");
    const failed = sum(line.names("upstream_errors_total.").map((name) => line.growth(name, RECENT_SEC)));
    return {
      value: perSec(sum(names.map((name) => line.rate(name, RECENT_SEC)))),
      note: failed ? `${failed} of the last failed` : "none of the last failed",
      tone: failed ? "failed" : null,
      line: added(names.map((name) => line.rates(name, span))),
    };
  },
  "Cache memory": ({ line, told }, span) => {
    const { bytes: held, max_bytes: most, entries } = told.health.cache;
    return {
      value: bytes(held),
      note: `${percent(held / most)} full, ${entries.toLocaleString("en")} answers`,
      line: line.levels("memory_bytes", span),
    };
  },
  "Process": ({ line }, span) => ({
    value: bytes(line.last("process_resident_memory_bytes")),
    note: `${percent(line.rate("process_cpu_seconds_total", RECENT_SEC))} of a core`,
    line: line.rates("process_cpu_seconds_total", span),
  }),
};

export function showTiles(board, span) {
  fill(byId("tiles"), Object.entries(TILES), newTile, (tile, [label, read]) => {
    const { value, note, tone = null, line } = read(board, span);
    const [name, number, below, picture] = tile.children;
    say(name, label);
    say(number, value);
    say(below, note);
    set(tile, { "data-tone": tone });
    if (line.some(isKnown)) spark(picture, line);
  });
}

function newTile() {
  const picture = svg("svg", { viewBox: "0 0 100 30", preserveAspectRatio: "none", "aria-hidden": "true" });
  return el("div", { class: "tile" }, el("h2"), el("strong"), el("span"), picture);
}

export function showState(told) {
  const { status, reasons } = told.health;
  pill(status === "healthy" ? "Healthy" : "Degraded", status === "healthy" ? "ok" : "bad");
  showReasons(reasons.map(({ code, detail }) => [code.replaceAll("_", " "), detail]));
}

export function pill(text, tone) {
  say(byId("state"), text);
  set(byId("state"), { "data-tone": tone });
  document.title = `${text} · Gateway board`;
}

// Pairs of a few words and a sentence.
export function showReasons(reasons) {
  byId("reasons").hidden = !reasons.length;
  fill(byId("reasons"), reasons, () => el("li", {}, el("b"), el("span")), (item, [what, sentence]) => {
    say(item.firstElementChild, what);
    say(item.lastElementChild, sentence);
  });
}

export function showWho({ process }) {
  const { version, instance, pid, processes, uptime_sec: up } = process;
  say(byId("who"), `${version} on ${instance}, process ${pid}${processes > 1 ? `, one of ${processes}` : ""}, up ${lasting(up)}`);
}
