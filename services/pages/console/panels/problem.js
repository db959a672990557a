// Why there is no answer, and when to ask again.

import { h } from "../kit/elements.js";

// again(): asks once more; the button waits as long as the gateway said. role: null where somebody
// else tells of it.
export function problem(failure, again, signal, { role = "alert" } = {}) {
  const box = h(
    "div.problem",
    { role },
    h("p.code", {}, failure.status ? `${failure.status} · ${failure.code}` : failure.code),
    h("p.detail", {}, failure.detail),
    failure.requestId ? h("p.id", {}, "Request ", h("code", {}, failure.requestId)) : null,
  );
  const retry = h("button.retry", { type: "button" }, "Try again");
  retry.addEventListener("click", () => { box.remove(); again(); });
  if (failure.isRetryable) {
    box.append(retry);
    countDown(retry, failure.retryAfterSec, signal);
  }
  return box;
}

function countDown(button, sec, signal) {
  let left = Math.ceil(sec);
  const tell = () => {
    button.disabled = left > 0;
    button.textContent = left > 0 ? `Try again in ${left} s` : "Try again";
    if (left <= 0) clearInterval(timer);
    left -= 1;
  };
  const timer = setInterval(tell, 1000);
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
  tell();
}
