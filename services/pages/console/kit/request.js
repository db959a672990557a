// A question to the gateway: where it goes, and how curl asks it.

export class Question {
  constructor(target, { body = null, isLong = false } = {}) {
    this.target = target;
    this.body = body;
    // a fan-out: may be answered 202 at first, with progress
    this.isLong = isLong;
  }

  get method() {
    return this.body ? "POST" : "GET";
  }

  // What the gateway is asked: equal for equal questions.
  get key() {
    return `${this.method} ${this.target} ${this.body ? JSON.stringify(this.body) : ""}`;
  }

  get curl() {
    const url = quoted(new URL(this.target, location.href).href);
    if (!this.body) return `curl ${url}`;
    return `curl ${url} -H 'Content-Type: application/json' -d ${quoted(JSON.stringify(this.body))}`;
  }
}

// get("/search", {query: "a"}): parameters without a value are left out.
export function get(path, parameters = {}, options = {}) {
  const given = Object.entries(parameters).filter(([, value]) => value);
  const query = new URLSearchParams(given).toString();
  return new Question(query ? `${path}?${query}` : path, options);
}

export function post(path, body, options = {}) {
  return new Question(path, { ...options, body });
}

function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
