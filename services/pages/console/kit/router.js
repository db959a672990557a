// Routes behind the hash, so that links can be kept and the back button works.

// link("song", "abc", {title}) is #/song/abc?title=…
export function link(name, id, parameters = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value);
  const query = new URLSearchParams(given).toString();
  const path = [name, id].filter(Boolean).map(encodeURIComponent).join("/");
  return `#/${path}${query ? `?${query}` : ""}`;
}

export function here() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  const [name = "", id = ""] = path.split("/").map(decoded);
  return { name, id, parameters: Object.fromEntries(new URLSearchParams(query ?? "")) };
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

// So many places keep where they were scrolled to.
const MOST_PLACES = 50;

// Shows the view of each place; what the one before had under way is ended by its signal.
export class Router {
  constructor(show) {
    this.show = show;
    this.leaving = new AbortController();
    this.places = new Map();
    this.isStep = false;
    this.shown = null;
    history.scrollRestoration = "manual";
  }

  start() {
    addEventListener("hashchange", () => this.go());
    addEventListener("click", (event) => {
      this.isStep = Boolean(event.target.closest?.('a[href^="#/"]'));
    });
    this.go();
  }

  // A hash that is no route, such as #main, moves nobody.
  async go() {
    if (location.hash && !location.hash.startsWith("#/")) return;
    if (this.shown !== null) this.#keepPlace();
    const isReturn = !this.isStep && this.shown !== null;
    this.isStep = false;
    this.leaving.abort();
    this.leaving = new AbortController();
    this.shown = location.hash;
    const { signal } = this.leaving;
    const settled = this.show(here(), signal);
    scrollTo(0, 0);
    await settled;
    if (isReturn && !signal.aborted) scrollTo(0, this.places.get(this.shown) ?? 0);
  }

  #keepPlace() {
    this.places.delete(this.shown);
    this.places.set(this.shown, scrollY);
    if (this.places.size > MOST_PLACES) this.places.delete(this.places.keys().next().value);
  }
}
