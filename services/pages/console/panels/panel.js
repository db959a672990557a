// A part of a page that one request fills: skeleton, then its content, or why there is none.

import { ask, Failure } from "../kit/api.js";
import { announce, h } from "../kit/elements.js";
import { Question } from "../kit/request.js";
import { Exchange } from "./exchange.js";
import { problem } from "./problem.js";
import { progressBar } from "./progress.js";
import { skeleton } from "./skeleton.js";

// A page of results more is appended until there are so many; a page is not a database.
const MOST_ITEMS = 500;
const BELOW = "200px";
const NOT_DRAWN = { code: "not_drawn", detail: "This page cannot show the answer; its JSON is beside.", retryable: false };

// title: its heading, or null; question; signal: ends it; skeleton: the kind of placeholder;
// draw(body, place): appends the content and returns how many items; empty: what to say of none;
// isLazy: asks when it is about to be seen; tools: elements beside the heading
export class Panel {
  constructor(question, options) {
    Object.assign(this, { question, level: "h2", skeleton: "rows", tools: [], ...options });
    this.items = 0;
    this.etag = null;
    this.exchange = new Exchange(question, () => this.#load());
    this.badges = h("span.badges");
    this.body = h("div.body", {}, skeleton(this.skeleton));
    this.element = h("section.panel", { "aria-busy": "true" }, this.#head(), h("div.content", {}, this.body), this.exchange.element);
    this.settled = this.isLazy ? this.#whenSeen() : this.#load();
  }

  #head() {
    if (!this.title) return h("div.head", {}, this.badges);
    const heading = h(this.level, {}, this.title);
    this.element?.setAttribute("aria-label", this.title);
    return h("div.head", {}, heading, this.badges, h("div.tools", {}, this.tools));
  }

  #whenSeen() {
    const watcher = new IntersectionObserver(
      (entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return;
        watcher.disconnect();
        this.#load();
      },
      { rootMargin: BELOW },
    );
    watcher.observe(this.element);
    this.signal.addEventListener("abort", () => watcher.disconnect());
  }

  async #load() {
    this.exchange.ask(this.question);
    this.#wait();
    await this.#attempt(this.question, (answer) => this.#show(answer), () => this.#load());
  }

  async #attempt(question, show, again) {
    try {
      const onProgress = (operation) => this.bar.show(operation);
      const answer = await ask(question, { signal: this.signal, onProgress });
      this.exchange.show(answer);
      show(answer);
    } catch (error) {
      if (this.signal.aborted) return;
      if (!(error instanceof Failure)) {
        this.#fail(new Failure(NOT_DRAWN), again);
        throw error;
      }
      this.exchange.show(error.answer);
      this.#fail(error, again);
    } finally {
      this.bar.element.remove();
      this.element.setAttribute("aria-busy", "false");
    }
  }

  #wait() {
    this.element.setAttribute("aria-busy", "true");
    this.exchange.waiting();
    this.trouble?.remove();
    this.bar = progressBar();
    this.body.before(this.bar.element);
    if (!this.items) this.body.replaceChildren(skeleton(this.skeleton));
  }

  #show(answer) {
    this.#tell(answer);
    const isSame = this.items && answer.header("ETag") === this.etag;
    if (isSame) return;
    this.etag = answer.header("ETag");
    this.body.replaceChildren();
    this.items = 0;
    this.#append(answer);
    if (!this.items) this.body.append(h("p.empty", {}, this.empty ?? "There is nothing here."));
  }

  #append(answer) {
    const drawn = this.draw(answer.body, this.body);
    this.items += drawn ?? 1;
    if (this.title) announce(`${this.title}: ${this.items ? "loaded" : "nothing found"}.`);
    if (answer.next && this.items < MOST_ITEMS) this.body.append(this.#more(answer.next));
  }

  #more(target) {
    const button = h("button.more", { type: "button" }, "More");
    const load = async () => {
      button.disabled = true;
      const question = new Question(target, { body: this.question.body });
      this.exchange.ask(question);
      this.#wait();
      await this.#attempt(question, (answer) => { button.remove(); this.#append(answer); }, load);
    };
    button.addEventListener("click", load);
    return button;
  }

  #tell(answer) {
    const worn = [
      ["X-Data-Stale", "stale", "older answer, being renewed"],
      ["X-Data-Partial", "partial", "parts are missing"],
    ].filter(([name]) => answer.header(name));
    this.badges.replaceChildren(...worn.map(([, name, title]) => h(`span.badge.${name}`, { title }, name)));
  }

  #fail(failure, again) {
    announce(`${failure.code}: ${failure.detail}`);
    this.trouble = problem(failure, again, this.signal);
    if (this.items) this.body.append(this.trouble);
    else this.body.replaceChildren(this.trouble);
  }
}
