// The operator's page: asks for the figures and shows them, or says why there are none.

import { byId, chosen, say } from "./dom.js";
import { showFacts } from "./facts.js";
import { Feed } from "./feed.js";
import { clock } from "./format.js";
import { pill, showReasons, showState, showTiles, showWho } from "./glance.js";
import { showFailures, showKeys, showRoutes, showUpstreams } from "./panels.js";
import { showPlots } from "./plots.js";
import { Timeline } from "./timeline.js";

const board = { line: new Timeline(), told: null };

const feed = new Feed({
  known: () => ({ since: board.line.known, process: board.line.process }),
  told(figures) {
    board.told = figures;
    board.line.add(figures);
    byId("door").hidden = true;
    byId("board").hidden = false;
    delete document.body.dataset.old;
    show();
  },
  fails(why) {
    REASONS[why.kind](why);
  },
});

const REASONS = {
  silent() {
    const since = board.told ? `No answer since ${clock(board.told.now)}` : "No answer";
    grey(since, [["no answer", "The gateway does not answer; what is shown is the last it told. It is asked again and again."]]);
  },
  refused({ status, detail }) {
    grey(`Answered ${status}`, [[`answered ${status}`, detail || "The gateway refuses to tell its figures."]]);
  },
  // Who comes back to a door that is open already finds what was typed so far.
  "no-token": () => byId("door").hidden && lock(""),
  "wrong-token": () => lock("This token is not the right one."),
};

function grey(text, reasons) {
  pill(text, "bad");
  showReasons(reasons);
  document.body.dataset.old = "";
}

function lock(says) {
  pill("Locked", "idle");
  showReasons([]);
  byId("board").hidden = true;
  byId("forget").hidden = true;
  byId("door").hidden = false;
  say(byId("who"), "its figures are behind a token");
  say(byId("door-says"), says);
  byId("token").value = "";
  byId("token").focus();
}

const span = () => Number(chosen("span"));

function show() {
  if (!board.told) return;
  showState(board.told);
  showWho(board.told);
  showTiles(board, span());
  showPlots(board, span());
  showUpstreams(board, span());
  showFailures(board);
  showRoutes(board, span());
  showKeys(board);
  showFacts(board, span());
  byId("forget").hidden = !feed.token;
  const { processes } = board.told.process;
  say(byId("foot"), processes > 1
    ? `Each of the ${processes} processes counts for itself, and one of them answers here; a scrape of /metrics adds them up.`
    : "The figures of one process; instances beside it count for themselves, and a scrape of /metrics adds them up.");
}

byId("span").addEventListener("change", show);
byId("failures-choice").addEventListener("change", show);
byId("door").addEventListener("submit", (event) => {
  event.preventDefault();
  say(byId("door-says"), "");
  feed.token = byId("token").value.trim();
});
byId("forget").addEventListener("click", () => {
  feed.token = "";
});
feed.wake();
