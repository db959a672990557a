// Follows an answer that is still being made: 202, its Location, and the events beside it.

const PAUSE_MS = 1000;
const ENDS = ["done", "failed"];

// The operation as it ended: {state, error}; null when nobody knows of it any more.
export async function finished(response, { signal, onProgress = () => {} }) {
  const place = response.headers.get("Location");
  if (!place) return null;
  return (await streamed(`${place}/events`, signal, onProgress)) ?? polled(place, signal, onProgress);
}

// Null when the stream broke or was refused, which is no verdict on the operation.
function streamed(url, signal, onProgress) {
  return new Promise((resolve, reject) => {
    const source = new EventSource(url);
    const end = (settle, value) => {
      source.close();
      settle(value);
    };
    signal?.addEventListener("abort", () => end(reject, signal.reason), { once: true });
    source.addEventListener("progress", (event) => onProgress(JSON.parse(event.data)));
    for (const name of ENDS) source.addEventListener(name, (event) => end(resolve, JSON.parse(event.data)));
    source.addEventListener("error", () => end(resolve, null));
  });
}

async function polled(place, signal, onProgress) {
  for (;;) {
    const response = await fetch(place, { signal, cache: "no-store" });
    if (!response.ok) return null;
    const operation = await response.json();
    if (ENDS.includes(operation.state)) return operation;
    onProgress(operation);
    await pause(Number(response.headers.get("Retry-After")) * 1000 || PAUSE_MS, signal);
  }
}

function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => { clearTimeout(timer); reject(signal.reason); }, { once: true });
  });
}
