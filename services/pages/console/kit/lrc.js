// Synced lyrics: LRC lines to times and words.

const STAMP = /\[(\d+):(\d\d(?:\.\d+)?)\]/g;

// [{sec, words}], by time; a line may bear several stamps.
export function linesOf(lrc) {
  const lines = lrc.split("\n").flatMap((line) => {
    const words = line.replace(STAMP, "").trim();
    return [...line.matchAll(STAMP)].map(([, min, sec]) => ({ sec: min * 60 + Number(sec), words }));
  });
  return lines.sort((one, other) => one.sec - other.sec);
}

// The line that is being sung, -1 before the first.
export function sungAt(lines, sec) {
  return lines.findLastIndex((line) => line.sec <= sec);
}
