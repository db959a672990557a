// The dots beside "Health": how the gateway does.

import { h } from "./elements.js";

const EVERY_MS = 20_000;
let last = { status: "unknown" };

export function healthLink() {
  const place = h("a.health", { href: "/health" });
  wear(place);
  return place;
}

export function watchHealth() {
  const look = async () => {
    if (document.hidden) return;
    last = await asked();
    document.querySelectorAll("a.health").forEach(wear);
  };
  setInterval(look, EVERY_MS);
  look();
}

function wear(place) {
  const { status, reasons = [] } = last;
  place.dataset.status = status;
  place.title = reasons.map((reason) => reason.detail ?? reason.code ?? String(reason)).join("; ");
  place.replaceChildren(h("span.dot"), status === "unknown" ? "Health" : `Health: ${status}`);
}

async function asked() {
  try {
    return await (await fetch("/health", { cache: "no-store" })).json();
  } catch {
    return { status: "unreachable" };
  }
}
