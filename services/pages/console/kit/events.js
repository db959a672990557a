// Hears of what is still being made: as it happens, or looked for from time to time.

const PAUSE_MS = 1000;
const ENDS = ["done", "failed"];

// The operation behind a 202 as it ended: {state, error}; null when nobody knows of it any more.
export async function finished(response, { signal, onProgress = () => {} }) {
  const place = response.headers.get("Location");
  if (!place) return null;
  const heard = await streamed(`${place}/events`, { on: { progress: onProgress }, ends: ENDS, signal });
  return heard ?? polled(place, { isEnd: ({ state }) => ENDS.includes(state), told: onProgress, signal });
}

// on: {name: told(data)}; ends: the names of last events, whose data it becomes. Null when the
// stream broke or was refused, which is no verdict.
export function streamed(url, { on, ends, signal }) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const source = new EventSource(url);
    const end = (settle, value) => {
      source.close();
      settle(value);
    };
    signal?.addEventListener("abort", () => end(reject, signal.reason), { once: true });
    for (const [name, told] of Object.entries(on)) source.addEventListener(name, (event) => told(JSON.parse(event.data)));
    for (const name of ends) source.addEventListener(name, (event) => end(resolve, JSON.parse(event.data)));
    source.addEventListener("error", () => end(resolve, null));
  });
}

// The first look that is an end; null when nobody knows of it any more, or nobody is there.
export async function polled(place, { isEnd, told, signal }) {
  for (;;) {
    const response = await looked(place, signal);
    if (!response?.ok) return null;
    const found = await response.json();
    if (isEnd(found)) return found;
    told(found);
    await pause(Number(response.headers.get("Retry-After")) * 1000 || PAUSE_MS, signal);
  }
}

async function looked(place, signal) {
  try {
    return await fetch(place, { signal, cache: "no-store" });
  } catch (error) {
    if (signal?.aborted) throw error;
    return null;
  }
}

function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => { clearTimeout(timer); reject(signal.reason); }, { once: true });
  });
}
