// Asks the gateway, and tells how the answer came.

import { finished } from "./events.js";

// Of so many questions it is remembered how long the first answer took.
const MOST_REMEMBERED = 500;
const firstTimes = new Map();

// Not the default: it would take an answer out of the browser's cache with the headers of its
// first time. So the browser asks each time, by ETag, and a 304 brings headers alone.
const ALWAYS_ASK = { cache: "no-cache" };

export class Failure extends Error {
  constructor(problem, answer) {
    super(problem.detail);
    Object.assign(this, { answer, code: problem.code, detail: problem.detail, requestId: problem.requestId });
    this.status = answer?.status ?? problem.status ?? 0;
    this.isRetryable = problem.retryable ?? true;
    this.retryAfterSec = Number(answer?.header("Retry-After")) || 0;
  }
}

export class Answer {
  constructor(question, response, text, entry) {
    this.question = question;
    this.status = response.status;
    this.text = text;
    this.headers = response.headers;
    this.serverMs = serverTime(response.headers.get("Server-Timing"));
    this.roundTripMs = entry?.duration;
    this.packedBytes = entry?.encodedBodySize;
    this.bytes = entry?.decodedBodySize;
    // Resource Timing: 300 stands for an answer without a body, for the browser had it: a 304
    this.isNotModified = entry?.transferSize === 300 && entry.encodedBodySize > 0;
    this.firstMs = firstTime(question.key, this);
  }

  header(name) {
    return this.headers.get(name);
  }

  get state() {
    return this.header("X-Cache") ?? "none";
  }

  get body() {
    return JSON.parse(this.text);
  }

  // The question of the next page: RFC 8288.
  get next() {
    const found = /<([^>]+)>\s*;[^,]*\brel="?next"?/.exec(this.header("Link") ?? "");
    return found ? found[1] : null;
  }
}

// The answer, or a Failure; a signal ends it. `onProgress` is told of long ones.
export async function ask(question, { signal, onProgress } = {}) {
  const response = await send(question, question.isLong ? { Prefer: "respond-async" } : {}, signal);
  if (response.status !== 202) return read(question, response);
  const operation = await finished(response, { signal, onProgress });
  if (operation?.state === "failed" && operation.error) throw new Failure(operation.error);
  return read(question, await send(question, {}, signal));
}

async function send(question, headers, signal) {
  const options = { ...ALWAYS_ASK, method: question.method, headers, signal };
  if (question.body) {
    options.body = JSON.stringify(question.body);
    headers["Content-Type"] = "application/json";
  }
  try {
    return await fetch(question.target, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure({ code: "unreachable", detail: "The gateway cannot be reached.", retryable: true });
  }
}

async function read(question, response) {
  const text = await response.text();
  const answer = new Answer(question, response, text, timingOf(question));
  if (response.ok) return answer;
  throw new Failure(problemOf(text, response.status), answer);
}

function problemOf(text, status) {
  try {
    const problem = JSON.parse(text);
    return { ...problem, detail: problem.detail ?? `It answered ${status}.` };
  } catch {
    return { code: String(status), detail: `It answered ${status}.`, retryable: status >= 500 };
  }
}

function timingOf(question) {
  const url = new URL(question.target, location.href).href;
  return performance.getEntriesByName(url, "resource").at(-1);
}

performance.onresourcetimingbufferfull = () => performance.clearResourceTimings();

function serverTime(header) {
  const found = /\bapp;dur=([\d.]+)/.exec(header ?? "");
  return found ? Number(found[1]) : null;
}

// How long the gateway took when it had to fetch; null until an answer out of the cache came.
function firstTime(key, answer) {
  if (answer.state === "miss") {
    if (firstTimes.size >= MOST_REMEMBERED) firstTimes.delete(firstTimes.keys().next().value);
    firstTimes.set(key, answer.serverMs);
    return null;
  }
  return firstTimes.get(key) ?? null;
}
