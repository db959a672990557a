// Builds and updates elements. All text goes through textContent: nothing here reads markup.

const SVG = "http://www.w3.org/2000/svg";

export const byId = (id) => document.getElementById(id);

// The value of the radio button that is set.
export const chosen = (name) => document.querySelector(`input[name="${name}"]:checked`).value;

export function el(tag, attributes = {}, ...children) {
  return set(document.createElement(tag), attributes, ...children);
}

export function svg(tag, attributes = {}, ...children) {
  return set(document.createElementNS(SVG, tag), attributes, ...children);
}

export function set(element, attributes, ...children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === false) element.removeAttribute(name);
    else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

// Only what changed is touched, so that a selection or a hover survives the next figures.
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// As many children as there are things, each updated in its place.
export function fill(parent, things, make, update) {
  while (parent.children.length > things.length) parent.lastElementChild.remove();
  while (parent.children.length < things.length) parent.append(make());
  things.forEach((thing, index) => update(parent.children[index], thing));
}

// A table: `columns` are its heads, a row is a list of cells {text, tone, title, bar, mono}.
export function table(element, columns, rows, empty) {
  if (!element.tHead) {
    const heads = columns.map((head) => el("th", { scope: "col" }, head));
    element.append(el("thead", {}, el("tr", {}, ...heads)), el("tbody"));
  }
  fill(element.tHead.rows[0], columns, () => el("th", { scope: "col" }), say);
  const shown = rows.length ? rows : [[{ text: empty, span: columns.length }]];
  fill(element.tBodies[0], shown, () => el("tr"), (row, cells) => {
    fill(row, cells, () => el("td", {}, el("span")), (cell, told) => {
      set(cell, {
        "data-head": told.span ? null : columns[cell.cellIndex],
        "data-tone": told.tone ?? null,
        class: told.mono ? "mono" : null,
        title: told.title ?? null,
        colspan: told.span ?? null,
      });
      say(cell.firstElementChild, told.text);
      showBars(cell, told.bars);
    });
  });
}

// Shares of a whole side by side: [[share, tone], …].
function showBars(cell, shares) {
  const bar = cell.querySelector(".bar");
  if (!shares) return bar?.remove();
  const shown = bar ?? cell.appendChild(el("i", { class: "bar", "aria-hidden": "true" }));
  fill(shown, shares, () => el("b"), (part, [share, tone]) => {
    set(part, { "data-tone": tone });
    part.style.width = `${Math.min(1, share) * 100}%`;
  });
}
