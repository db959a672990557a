// From values to places on an axis: round numbers, few of them.

export function scaleOf({ lowest, highest, isLog }) {
  return isLog ? logarithmic(lowest, highest) : linear(highest);
}

function linear(highest) {
  const step = roundUp(highest / 3);
  const top = Math.ceil(highest / step - 1e-9) * step;
  const ticks = [];
  for (let number = 0; number * step <= top * 1.001; number += 1) ticks.push(number * step);
  return { ticks, place: (value) => Math.min(1, Math.max(0, value / top)) };
}

// Whole powers of ten: durations lie between half a millisecond and half a minute.
function logarithmic(lowest, highest) {
  let from = Math.floor(Math.log10(lowest));
  const to = Math.ceil(Math.log10(highest) + 1e-9);
  if (to - from < 2) from = to - 2;
  const ticks = [];
  for (let power = from; power <= to; power += 1) ticks.push(10 ** power);
  return { ticks, place: (value) => Math.max(0, (Math.log10(Math.max(value, 10 ** from)) - from) / (to - from)) };
}

function roundUp(step) {
  const power = 10 ** Math.floor(Math.log10(step));
  return power * [1, 2, 2.5, 5, 10].find((one) => one * power >= step * 0.999);
}
