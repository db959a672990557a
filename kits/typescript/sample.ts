/**
 * How an app talks to the gateway: typed answers, an ETag cache, failures by code, pages by Link,
 * and long answers that are asked for again. Copy what you need; it depends on `fetch` alone.
 */
import type { components, paths } from "./gateway";

export type Problem = components["schemas"]["Problem"];
type Operation<Path extends keyof paths> = paths[Path] extends { get: infer Found } ? Found : never;
/** What a GET of this path takes: `path` and `query`, each where there is one. */
export type Asked<Path extends keyof paths> =
  Operation<Path> extends { parameters: infer Sent } ? Omit<Sent, "header" | "cookie"> : never;
/** What it answers. */
export type Answer<Path extends keyof paths> =
  Operation<Path> extends {
    responses: { 200: { content: { "application/json": infer Body } } };
  }
    ? Body
    : never;

/** How an app waits; a test has no time for it. */
export type Sleep = (sec: number) => Promise<void>;

const MOST_KEPT = 200;
const MOST_TRIES = 3;

/** An answer as it is kept: `next` leads to the following page. */
interface Kept {
  readonly body: unknown;
  readonly etag: string | null;
  readonly next: URL | null;
}

/** A failure: decide by `problem.code`, show `problem.detail`, quote `problem.requestId`. */
export class Failure extends Error {
  readonly problem: Problem;
  readonly retryAfterSec: number;

  constructor(problem: Problem, retryAfterSec: number) {
    super(problem.detail);
    this.problem = problem;
    this.retryAfterSec = retryAfterSec;
  }
}

export class Gateway {
  readonly #base: string;
  readonly #headers: Record<string, string>;
  readonly #kept = new Map<string, Kept>();
  readonly #sleep: Sleep;

  constructor(base: string, apiKey?: string, sleep: Sleep = slept) {
    this.#base = base;
    this.#sleep = sleep;
    this.#headers = { Accept: "application/json, application/problem+json" };
    if (apiKey) this.#headers["X-API-Key"] = apiKey;
  }

  /** The answer; what was had before costs 304 and no body. */
  async get<Path extends keyof paths>(path: Path, asked: Asked<Path>): Promise<Answer<Path>> {
    return (await this.#tried(this.#url(path, asked))).body as Answer<Path>;
  }

  /** Page after page, as long as there is a next one. */
  async *pages<Path extends keyof paths>(
    path: Path,
    asked: Asked<Path>,
  ): AsyncGenerator<Answer<Path>> {
    for (let url: URL | null = this.#url(path, asked); url; ) {
      const page: Kept = await this.#tried(url);
      yield page.body as Answer<Path>;
      url = page.next;
    }
  }

  /** A long answer without an open connection: `onProgress` gets the operation as it goes on. */
  async patiently<Path extends keyof paths>(
    path: Path,
    asked: Asked<Path>,
    onProgress: (operation: unknown) => void,
  ): Promise<Answer<Path>> {
    const url = this.#url(path, asked);
    const begun = await fetch(url, { headers: { ...this.#headers, Prefer: "respond-async" } });
    if (!begun.ok) throw await failureOf(begun);
    if (begun.status !== 202) return (await begun.json()) as Answer<Path>;
    await begun.body?.cancel();
    const operation = new URL(begun.headers.get("Location") ?? url, url);
    for (let waitSec = retryAfterOf(begun); waitSec > 0; ) {
      await this.#sleep(waitSec);
      const seen = await fetch(operation, { headers: this.#headers });
      if (!seen.ok) throw await failureOf(seen);
      onProgress(await seen.json());
      waitSec = retryAfterOf(seen); // none: it has come to its end
    }
    return this.get(path, asked);
  }

  #url(path: string, asked: { path?: object; query?: object }): URL {
    const inPath = Object.entries(asked.path ?? {});
    const filled = inPath.reduce(
      (text, [name, value]) => text.replace(`{${name}}`, encodeURIComponent(String(value))),
      path,
    );
    const url = new URL(filled, this.#base);
    for (const [name, value] of Object.entries(asked.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value)); // a list joins by commas
    }
    return url;
  }

  /** Tries again what may pass, when the gateway says, and a little later than everybody else. */
  async #tried(url: URL): Promise<Kept> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#once(url);
      } catch (failure) {
        const may = failure instanceof Failure && failure.problem.retryable;
        if (!may || tries === MOST_TRIES) throw failure;
        await this.#sleep(failure.retryAfterSec * (1 + Math.random() / 2));
      }
    }
  }

  async #once(url: URL): Promise<Kept> {
    const kept = this.#kept.get(url.href);
    const held = kept?.etag ? { "If-None-Match": kept.etag } : {};
    const response = await fetch(url, { headers: { ...this.#headers, ...held } });
    if (response.status === 304 && kept) return kept;
    if (!response.ok) throw await failureOf(response);
    const fresh: Kept = {
      body: await response.json(),
      etag: response.headers.get("ETag"),
      next: nextOf(response),
    };
    this.#keep(url.href, fresh);
    return fresh;
  }

  #keep(href: string, fresh: Kept): void {
    this.#kept.delete(href);
    this.#kept.set(href, fresh);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MOST_KEPT && oldest) this.#kept.delete(oldest);
  }
}

/** Where `Link` says that the next page is (RFC 8288). */
function nextOf(response: Response): URL | null {
  const next = /<([^>]*)>\s*;\s*rel="next"/.exec(response.headers.get("Link") ?? "");
  return next?.[1] ? new URL(next[1], response.url) : null;
}

function retryAfterOf(response: Response): number {
  return Number(response.headers.get("Retry-After") ?? 0);
}

async function failureOf(response: Response): Promise<Failure> {
  const isOurs = /json/.test(response.headers.get("Content-Type") ?? "");
  const problem = isOurs ? ((await response.json()) as Problem) : strange(response);
  return new Failure(problem, retryAfterOf(response) || 1);
}

/** Something between the app and the gateway answered. */
function strange(response: Response): Problem {
  const { status, statusText: title, url: instance } = response;
  const detail = "This answer is not the gateway's.";
  const retryable = status >= 500;
  const code = retryable ? "upstream_unavailable" : "invalid_request";
  const told = { type: "about:blank", title, status, detail, instance, code, retryable } as const;
  return { ...told, error: `${status} ${title}: ${detail}`, requestId: "" };
}

function slept(sec: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, sec * 1000));
}

/** What a screen shows for a failure: every code is a case, and the compiler knows them all. */
export function sentenceFor({ code, detail }: Problem): string {
  switch (code) {
    case "not_found":
      return "It is not there.";
    case "rate_limited":
    case "overloaded":
      return "Too much at once; one moment.";
    case "upstream_error":
    case "upstream_changed":
    case "upstream_unavailable":
    case "upstream_timeout":
    case "draining":
      return "The music does not answer; this is what was seen last.";
    default:
      return detail; // a mistake of this app: the sentence says what is allowed
  }
}

/** A small app: songs that fit, the playlist of their names, an artist's songs, and a failure. */
export async function tour(base: string, playlistId: string, artistId: string, sleep?: Sleep) {
  const gateway = new Gateway(base, undefined, sleep);
  const found = await gateway.get("/search", { query: { query: "mirror", filter: "songs" } });
  const songs = found.flatMap((result) => (result.resultType === "song" ? [result] : []));
  const again = await gateway.get("/search", { query: { query: "mirror", filter: "songs" } });

  const titles: (string | null)[] = [];
  const asked = { path: { playlist_id: playlistId }, query: { limit: 10 } };
  for await (const page of gateway.pages("/playlist/{playlist_id}", asked)) {
    titles.push(...page.tracks.map((track) => track.title));
  }

  const seen: unknown[] = [];
  const path = { artist_id: artistId };
  const discography = await gateway.patiently("/artist/{artist_id}/songs", { path }, (operation) =>
    seen.push(operation),
  );

  const failed = await gateway
    .get("/song/{video_id}", { path: { video_id: "not-an-id" } })
    .then(() => null, (failure: unknown) => failure);
  return {
    songs: songs.map((song) => song.videoId),
    isKept: again === found,
    titles,
    seen,
    discography: discography.map((song) => song.title),
    failure: failed instanceof Failure ? sentenceFor(failed.problem) : null,
  };
}
