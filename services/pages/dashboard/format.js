// Numbers as people read them. Nothing known is a dash, which is not the same as 0.

export const NOTHING = "–";

export const isKnown = (number) => number !== null && number !== undefined && !Number.isNaN(number);

const known = (write) => (number) => (isKnown(number) ? write(number) : NOTHING);

export const count = known((number) => Math.round(number).toLocaleString("en"));

export const perSec = known((number) => {
  if (number >= 1000) return `${(number / 1000).toFixed(1)} k`;
  return String(number >= 1 ? Number(number.toPrecision(3)) : Number(number.toFixed(2)));
});

export const percent = known((share) => {
  const told = share * 100;
  // 99.97 % is not all: only a whole is told as 100.
  if (told > 99.9 && told < 100) return "99.9 %";
  return `${told.toFixed(told >= 99.95 || told < 0.05 ? 0 : 1)} %`;
});

export const seconds = known((sec) => {
  if (sec >= 100) return `${Math.round(sec)} s`;
  if (sec >= 1) return `${Number(sec.toFixed(1))} s`;
  const ms = sec * 1000;
  return `${ms >= 10 ? Math.round(ms) : Number(ms.toFixed(1))} ms`;
});

export const bytes = known((number) => {
  if (number >= 2 ** 30) return `${(number / 2 ** 30).toFixed(2)} GiB`;
  if (number >= 2 ** 20) return `${(number / 2 ** 20).toFixed(number >= 100 * 2 ** 20 ? 0 : 1)} MiB`;
  return `${(number / 1024).toFixed(0)} KiB`;
});

export const lasting = known((sec) => {
  if (sec < 60) return `${Math.round(sec)} s`;
  if (sec < 3600) return `${Math.round(sec / 60)} min`;
  if (sec < 172800) return `${(sec / 3600).toFixed(1)} h`;
  return `${Math.round(sec / 86400)} d`;
});

export const ago = (sec) => (sec < 1.5 ? "now" : `${lasting(sec)} ago`);

export const clock = (unixSec) => new Date(unixSec * 1000).toLocaleTimeString("en-GB");
