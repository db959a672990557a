// The samples of the last ten minutes, and what follows from their differences.

const KEPT_SEC = 660;

export class Timeline {
  constructor() {
    this.samples = [];
    this.process = "";
    this.places = new Map();
  }

  // Samples of another process than before begin anew: its counters are its own. Those of one that
  // has ended stay in sight, before a gap.
  add(told) {
    if (told.process.id !== this.process) {
      const began = told.now - told.process.uptime_sec;
      this.samples = this.samples.filter((one) => one.time < began);
      this.process = told.process.id;
    }
    this.places = new Map(told.columns.map((name, place) => [name, place]));
    const places = this.places;
    for (const row of told.rows) {
      this.samples.push({ at: row[0], time: told.now - (told.at - row[0]), process: this.process, row, places });
    }
    const oldest = told.now - KEPT_SEC;
    this.samples = this.samples.filter((one) => one.time >= oldest);
    this.now = told.now;
  }

  // What the next question names as known.
  get known() {
    const last = this.samples.at(-1);
    return last?.process === this.process ? last.at : -1;
  }

  within(sec) {
    return this.samples.filter((one) => one.time >= this.now - sec);
  }

  names(prefix) {
    return [...this.places.keys()].filter((name) => name.startsWith(prefix));
  }

  last(name) {
    const sample = this.samples.at(-1);
    return sample ? level(sample, name) : null;
  }

  // How much a counter grew over the last seconds, gaps left out.
  growth(name, sec) {
    return pairs(this.within(sec)).reduce((sum, pair) => sum + grown(pair, name), 0);
  }

  covered(sec) {
    return pairs(this.within(sec)).reduce((sum, [before, after]) => sum + after.at - before.at, 0);
  }

  rate(name, sec) {
    const covered = this.covered(sec);
    return covered > 0 ? this.growth(name, sec) / covered : null;
  }

  levels(name, sec) {
    return this.within(sec).map((one) => level(one, name));
  }

  times(sec) {
    return this.within(sec).map((one) => one.time);
  }

  // One value a sample: growth per second since the one before, null after a gap.
  rates(name, sec) {
    return each(this.within(sec), (pair) => grown(pair, name) / (pair[1].at - pair[0].at));
  }

  // A percentile of the answers' durations over the few samples up to each one.
  percentiles(share, ends, sec, reach = 5) {
    const samples = this.within(sec);
    return samples.map((after, index) => {
      const before = samples[Math.max(0, index - reach)];
      return index && before.process === after.process ? percentileOf(bucketsOf(before, after), ends, share) : null;
    });
  }

  percentile(share, ends, sec) {
    const counts = Array(ends.length + 1).fill(0);
    for (const [before, after] of pairs(this.within(sec))) {
      bucketsOf(before, after).forEach((count, place) => (counts[place] += count));
    }
    return percentileOf(counts, ends, share);
  }
}

function level(sample, name) {
  return sample.row[sample.places.get(name)] ?? null;
}

// A counter that was not there yet was 0.
function grown([before, after], name) {
  return (level(after, name) ?? 0) - (level(before, name) ?? 0);
}

function pairs(samples) {
  return samples.slice(1).map((after, index) => [samples[index], after]).filter(isOfOne);
}

function each(samples, tell) {
  return samples.map((after, index) => {
    const pair = [samples[index - 1], after];
    return index && isOfOne(pair) ? tell(pair) : null;
  });
}

const isOfOne = ([before, after]) => before.process === after.process;

function bucketsOf(before, after) {
  const counts = [];
  for (let place = 0; after.places.has(`took.${place}`); place += 1) {
    counts.push(grown([before, after], `took.${place}`));
  }
  return counts;
}

// Inside a bucket durations are taken as evenly spread.
export function percentileOf(counts, ends, share) {
  const all = counts.reduce((sum, count) => sum + count, 0);
  if (!all) return null;
  let left = share * all;
  for (const [place, count] of counts.entries()) {
    if (left <= count) {
      const from = ends[place - 1] ?? 0;
      return from + ((ends[place] ?? ends.at(-1)) - from) * (left / count);
    }
    left -= count;
  }
  return ends.at(-1);
}
