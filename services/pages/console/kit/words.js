// Numbers, names and lengths as people read them.

export function length(sec) {
  const whole = Math.max(0, Math.floor(sec));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const tail = `${hours ? String(minutes).padStart(2, "0") : minutes}:${String(rest).padStart(2, "0")}`;
  return hours ? `${hours}:${tail}` : tail;
}

// "3:05" in seconds; 0 for what is no length.
export function seconds(text) {
  if (!/^\d+(:\d\d){1,2}$/.test(text ?? "")) return 0;
  return text.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
}

export function bytes(count) {
  if (count < 1000) return `${count} B`;
  return count < 1e6 ? `${(count / 1000).toFixed(1)} kB` : `${(count / 1e6).toFixed(1)} MB`;
}

export function milliseconds(ms) {
  if (ms < 10) return `${ms.toFixed(2)} ms`;
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

export function count(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

export function age(sec) {
  if (sec < 90) return `${sec} s`;
  if (sec < 5400) return `${Math.round(sec / 60)} min`;
  return sec < 129600 ? `${Math.round(sec / 3600)} h` : `${Math.round(sec / 86400)} d`;
}

// Two letters at most, whole characters of any script.
export function initials(name) {
  const words = (name ?? "").match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.slice(0, 2).map((word) => [...word][0].toUpperCase()).join("") || "♪";
}

// A number that stays the same for the same text.
export function seed(text) {
  let sum = 7;
  for (const letter of text ?? "") sum = (sum * 31 + letter.codePointAt(0)) % 100003;
  return sum;
}
