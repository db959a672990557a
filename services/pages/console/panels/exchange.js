// What stands beside each panel: its request as curl, and how the answer came.

import { rawJson } from "../kit/code.js";
import { announce, h, icon } from "../kit/elements.js";
import { age, bytes, milliseconds } from "../kit/words.js";

const SHOW_COPIED_MS = 1600;
// Where there is no room beside the panel, less is unfolded.
const wide = matchMedia("(min-width: 64rem)");
const TELLS = {
  hit: "out of the cache",
  stale: "older, being renewed behind you",
  miss: "fetched for you",
};

export class Exchange {
  // tells(answer): what to say of how it came; below: an element beneath all that
  constructor(question, onAgain, { tells = told, below = null } = {}) {
    Object.assign(this, { question, tells, below });
    this.again = h("button.quiet", { type: "button", onclick: onAgain, disabled: true }, icon("again"), "Send again");
    this.told = h("div.told");
    this.element = h("aside.exchange", { "aria-label": `Request ${question.target.split("?")[0]}` });
    this.#write();
  }

  // The next page of the same panel is a request of its own.
  ask(question) {
    if (question.key === this.question.key) return;
    this.question = question;
    this.#write();
  }

  waiting() {
    this.again.disabled = true;
    this.told.setAttribute("data-state", "waiting");
  }

  // Nothing is known when the gateway was not reached.
  show(answer) {
    this.again.disabled = false;
    this.told.removeAttribute("data-state");
    this.told.replaceChildren(...(answer ? summary(answer, this.tells) : []));
  }

  #write() {
    const { method, target, curl } = this.question;
    this.element.replaceChildren(
      h("p.line", {}, h("span", {}, h("b", {}, method), " ", target.split("?")[0]), this.again),
      h("div.curl", {}, h("code", {}, breakable(curl)), copyButton(curl)),
      this.told,
      this.below ?? "",
    );
  }
}

function copyButton(text) {
  const button = h("button.copy", { type: "button", "aria-label": "Copy curl" }, icon("copy"));
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    announce("Copied.");
    button.replaceChildren(icon("done"));
    setTimeout(() => button.replaceChildren(icon("copy")), SHOW_COPIED_MS);
  });
  return button;
}

// A long address may break where its parts do.
function breakable(text) {
  return text.split(/(?<=[/?&])(?=[^/])/).flatMap((part) => [part, h("wbr")]);
}

function summary(answer, tells) {
  const state = answer.status < 400 && answer.state in TELLS ? answer.state : "none";
  const details = [
    h(
      "p.verdict",
      {},
      h(`span.badge.${state}`, {}, state === "none" ? String(answer.status) : state),
      answer.serverMs !== null && h("span.took", {}, milliseconds(answer.serverMs)),
    ),
    h("p.tells", {}, tells(answer, state)),
    h(
      "details.fold",
      { open: wide.matches },
      h("summary", {}, "Headers"),
      h("dl", {}, facts(answer).map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
    ),
  ];
  return answer.status < 400 ? [...details, rawJson(answer)] : details;
}

function told(answer, state) {
  if (answer.status >= 400) return answer.state === "hit" ? "an earlier failure still stands" : "no answer to give";
  if (!answer.firstMs || !answer.serverMs) return TELLS[state] ?? "";
  const times = Math.round(answer.firstMs / answer.serverMs);
  const first = `the first time took ${milliseconds(answer.firstMs)}`;
  return times > 1 ? `${TELLS[state]}; ${first}, ${times.toLocaleString("en")} times as long` : `${TELLS[state]}; ${first}`;
}

function facts(answer) {
  const made = [
    ["X-Cache", answer.header("X-Cache")],
    ["Age", answer.header("Age") && age(Number(answer.header("Age")))],
    ["X-Data-Stale", answer.header("X-Data-Stale")],
    ["X-Data-Partial", answer.header("X-Data-Partial")],
    ["ETag", shortTag(answer.header("ETag"))],
    ["Size", size(answer)],
    ["Round trip", answer.roundTripMs && milliseconds(answer.roundTripMs)],
    ["Server-Timing", answer.header("Server-Timing")],
    ["Retry-After", answer.header("Retry-After")],
    ["X-Request-ID", answer.header("X-Request-ID")?.slice(0, 12)],
  ];
  return made.filter(([, value]) => value);
}

function shortTag(tag) {
  return tag && tag.length > 16 ? `${tag.slice(0, 11)}…"` : tag;
}

function size(answer) {
  if (!answer.bytes) return null;
  if (answer.isNotModified) return `304: the browser had all ${bytes(answer.bytes)}`;
  const packed = answer.packedBytes < answer.bytes ? `, ${bytes(answer.packedBytes)} sent` : "";
  return bytes(answer.bytes) + packed;
}
