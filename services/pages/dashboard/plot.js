// Plots drawn as SVG in real pixels: areas on top of each other, or lines, with a cursor to read them by.

import { el, fill, say, set, svg } from "./dom.js";
import { clock } from "./format.js";
import { scaleOf } from "./scale.js";

const HEIGHT = 180;
const EDGE = { top: 10, right: 12, bottom: 22, left: 52 };
const TABLE_ROWS = 12;

export class Plot {
  // `series`: [{label, tone}]; `stacked` lays them on top of each other; `isLog` is for durations.
  constructor(host, { title, series, write, stacked = false, isLog = false, least = 1, most = Infinity }) {
    Object.assign(this, { title, series, write, stacked, isLog, least, most });
    this.cursor = null;
    this.picture = svg("svg", { role: "img", tabindex: "0", height: HEIGHT });
    this.grid = this.picture.appendChild(svg("g", { class: "grid" }));
    this.marks = this.picture.appendChild(svg("g"));
    this.line = this.picture.appendChild(svg("line", { class: "cursor", visibility: "hidden" }));
    this.legend = el("ul", { class: "legend" });
    this.when = el("span", { class: "when" });
    this.details = el("details", {}, el("summary", {}, "As a table"), el("div", { class: "scroll" }, el("table")));
    host.append(
      el("figure", { class: "plot" },
        el("figcaption", {}, el("h2", {}, title), this.when), this.legend, this.picture, this.details),
    );
    this.listen();
  }

  listen() {
    const { picture } = this;
    picture.addEventListener("pointermove", (event) => this.point(event.offsetX));
    picture.addEventListener("pointerleave", () => this.move(null));
    picture.addEventListener("blur", () => this.move(null));
    picture.addEventListener("keydown", (event) => this.steer(event));
    this.details.addEventListener("toggle", () => this.showTable());
    new ResizeObserver(() => this.times && this.redraw()).observe(picture);
  }

  // `values`: a list for each series, null where nothing is known; times in Unix seconds.
  draw(from, to, times, values) {
    Object.assign(this, { from, to, times, values });
    this.redraw();
  }

  redraw() {
    const width = this.picture.clientWidth;
    if (!width) return;
    this.width = width;
    const floors = this.stacked ? stack(this.values) : this.values.map(() => null);
    const tops = this.stacked ? floors.slice(1) : this.values;
    const highest = Math.max(this.least, ...tops.flat().filter((one) => one !== null));
    const lowest = Math.min(...tops.flat().filter((one) => one > 0), highest);
    this.scale = scaleOf({ lowest, highest: Math.min(highest, this.most), isLog: this.isLog });
    this.drawGrid();
    fill(this.marks, this.series, () => svg("path"), (path, one) => {
      const index = this.series.indexOf(one);
      set(path, { "data-tone": one.tone, class: this.stacked ? "area" : "stroke" });
      path.setAttribute("d", this.path(tops[index], floors[index]));
    });
    this.describe();
    this.showCursor();
    this.showTable();
  }

  x(time) {
    const inner = this.width - EDGE.left - EDGE.right;
    return EDGE.left + (inner * (time - this.from)) / (this.to - this.from);
  }

  y(value) {
    return HEIGHT - EDGE.bottom - (HEIGHT - EDGE.top - EDGE.bottom) * this.scale.place(value);
  }

  // A gap ends a stretch; an area is walked back along its floor.
  path(tops, floor) {
    return stretches(tops).map((stretch) => {
      const along = stretch.map((index) => `${this.x(this.times[index]).toFixed(1)},${this.y(tops[index]).toFixed(1)}`);
      if (!floor) return `M${along.join("L")}`;
      const back = stretch.toReversed().map((index) => `${this.x(this.times[index]).toFixed(1)},${this.y(floor[index]).toFixed(1)}`);
      return `M${[...along, ...back].join("L")}Z`;
    }).join("");
  }

  drawGrid() {
    const levels = this.scale.ticks.map((value) => ({ y: this.y(value), text: this.write(value) }));
    const span = this.to - this.from;
    const step = this.width < 420 ? span / 2 : span / (span > 60 ? 5 : 4);
    const moments = [];
    for (let time = this.to; time >= this.from - 1; time -= step) moments.push({ x: this.x(time), back: this.to - time });
    fill(this.grid, [...levels, ...moments], () => svg("g", {}, svg("line"), svg("text")), (group, mark) => {
      const [line, text] = group.children;
      if (mark.y === undefined) {
        set(line, { x1: mark.x, x2: mark.x, y1: HEIGHT - EDGE.bottom, y2: HEIGHT - EDGE.bottom + 4 });
        set(text, { x: mark.x, y: HEIGHT - 5, "text-anchor": mark.back < 1 ? "end" : "middle" });
        say(text, mark.back < 1 ? "now" : `−${shortly(mark.back)}`);
      } else {
        set(line, { x1: EDGE.left, x2: this.width - EDGE.right, y1: mark.y, y2: mark.y });
        set(text, { x: EDGE.left - 8, y: mark.y + 4, "text-anchor": "end" });
        say(text, mark.text);
      }
    });
  }

  // ---- reading it

  point(x) {
    const time = this.from + ((x - EDGE.left) / (this.width - EDGE.left - EDGE.right)) * (this.to - this.from);
    let nearest = null;
    this.times?.forEach((one, index) => {
      if (nearest === null || Math.abs(one - time) < Math.abs(this.times[nearest] - time)) nearest = index;
    });
    this.move(nearest === null ? null : this.times[nearest]);
  }

  steer(event) {
    const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
    if (event.key === "Escape") return this.move(null);
    if (!(event.key in steps) || !this.times?.length) return;
    event.preventDefault();
    const last = this.times.length - 1;
    const place = this.cursor === null ? last : this.times.indexOf(this.cursor);
    this.move(this.times[Math.max(0, Math.min(last, place + steps[event.key]))]);
  }

  move(time) {
    this.cursor = time;
    if (this.times) this.showCursor();
  }

  // The legend tells the values at the cursor, else the latest.
  showCursor() {
    let index = this.times.indexOf(this.cursor);
    const isPointed = index >= 0;
    if (!isPointed) index = this.times.length - 1;
    const x = isPointed ? this.x(this.times[index]) : 0;
    set(this.line, { x1: x, x2: x, y1: EDGE.top, y2: HEIGHT - EDGE.bottom, visibility: isPointed ? "visible" : "hidden" });
    say(this.when, isPointed ? clock(this.times[index]) : "");
    fill(this.legend, this.series, () => el("li", {}, el("i"), el("span"), el("b")), (item, one) => {
      const [mark, label, value] = item.children;
      set(mark, { "data-tone": one.tone });
      say(label, one.label);
      say(value, this.write(this.values[this.series.indexOf(one)][index]));
    });
  }

  describe() {
    const last = this.times.length - 1;
    const told = this.series.map((one, index) => `${one.label} ${this.write(this.values[index][last])}`);
    set(this.picture, { "aria-label": `${this.title}. Now: ${told.join(", ")}. Arrow keys move a cursor.` });
  }

  // A dozen moments are enough to be read aloud.
  showTable() {
    if (!this.details.open || !this.times) return;
    const table = this.details.querySelector("table");
    const step = Math.max(1, Math.ceil(this.times.length / TABLE_ROWS));
    const shown = this.times.map((_, index) => index).filter((index) => (this.times.length - 1 - index) % step === 0);
    const rows = shown.toReversed().map((index) => [clock(this.times[index]), ...this.values.map((one) => this.write(one[index]))]);
    fill(table, [["Time", ...this.series.map((one) => one.label)], ...rows], () => el("tr"), (row, cells) => {
      const tag = row.rowIndex ? "td" : "th";
      fill(row, cells, () => el(tag), say);
    });
  }
}

// A line without axes, for a tile.
export function spark(picture, values) {
  const highest = Math.max(...values.filter((one) => one !== null), 0) || 1;
  const step = values.length > 1 ? 100 / (values.length - 1) : 0;
  const draw = (stretch) => `M${stretch.map((index) => `${(index * step).toFixed(1)},${(29 - 27 * (values[index] / highest)).toFixed(1)}`).join("L")}`;
  const path = picture.firstElementChild ?? picture.appendChild(svg("path"));
  path.setAttribute("d", stretches(values).map(draw).join(""));
}

// Where values follow each other without a gap.
function stretches(values) {
  const found = [];
  values.forEach((value, index) => {
    if (value === null || value === undefined) return;
    if (index && found.length && found.at(-1).at(-1) === index - 1) found.at(-1).push(index);
    else found.push([index]);
  });
  return found;
}

// The floors of the areas and the top of the last: sums of what lies below; a gap in one is one in all.
function stack(values) {
  const floors = [values[0].map((one) => (one === null ? null : 0))];
  for (const one of values) {
    floors.push(floors.at(-1).map((floor, index) => (floor === null || one[index] === null ? null : floor + one[index])));
  }
  return floors;
}

const shortly = (sec) => (sec < 60 ? `${Math.round(sec)} s` : `${Number((sec / 60).toFixed(1))} min`);
