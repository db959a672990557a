// Asks for the figures every two seconds: not while nobody looks, more seldom while nobody answers.

const FIGURES = "/dashboard/figures";
const EVERY_MS = 2000;
const LONGEST_PAUSE_MS = 15000;
const PATIENCE_MS = 8000;
const TOKEN = "gateway-dashboard-token";

export class Feed {
  // `known` tells what of which process is known; `told` takes figures; `fails` takes why there are none.
  constructor({ known, told, fails }) {
    Object.assign(this, { known, told, fails });
    this.failures = 0;
    this.timer = 0;
    this.isAsking = false;
    document.addEventListener("visibilitychange", () => this.wake());
    addEventListener("online", () => this.wake());
  }

  get token() {
    return sessionStorage.getItem(TOKEN) ?? "";
  }

  set token(token) {
    if (token) sessionStorage.setItem(TOKEN, token);
    else sessionStorage.removeItem(TOKEN);
    this.wake();
  }

  wake() {
    clearTimeout(this.timer);
    if (!document.hidden && !this.isAsking) this.ask();
  }

  // A bug in what is told ends one look, not all of them.
  async ask() {
    this.isAsking = true;
    let pause = EVERY_MS;
    try {
      pause = await this.look();
    } finally {
      this.isAsking = false;
      clearTimeout(this.timer);
      if (pause !== null && !document.hidden) this.timer = setTimeout(() => this.ask(), pause);
    }
  }

  // How long to wait until the next look, in milliseconds; null where an operator has to act first.
  async look() {
    const token = this.token;
    const { answer, body } = await this.answered(token);
    if (answer && !answer.ok) return this.refused(answer, body, token);
    if (!body) {
      this.fails({ kind: "silent" });
      return this.longer();
    }
    this.failures = 0;
    this.told(body);
    return EVERY_MS;
  }

  // Neither answer nor body where none came in time; no body where it is not ours or was cut.
  async answered(token) {
    const headers = token ? { Authorization: `Bearer ${token}` } : {};
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const asked = fetch(`${FIGURES}?${new URLSearchParams(this.known())}`, { headers, signal, cache: "no-store" });
    const answer = await asked.catch(() => null);
    return { answer, body: answer && (await answer.json().catch(() => null)) };
  }

  refused(answer, body, token) {
    if (answer.status === 401) {
      // Another token was typed while this one was on its way: ask with that.
      if (token !== this.token) return 0;
      sessionStorage.removeItem(TOKEN);
      this.fails({ kind: token ? "wrong-token" : "no-token" });
      return null;
    }
    this.fails({ kind: "refused", status: answer.status, detail: body?.detail });
    return Math.max(this.longer(), 1000 * (Number(answer.headers.get("Retry-After")) || 0));
  }

  longer() {
    this.failures += 1;
    return Math.min(LONGEST_PAUSE_MS, EVERY_MS * 2 ** (this.failures - 1));
  }
}
