// Elements from data. Text goes in as text, never as markup: names of markets are anybody's words.

import { show, showPrice, sign } from "./decimal.js";

/** An element: `h("p", {class: "muted"}, "text", child)`. Handlers are given as `onclick`; null is left out. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

export const byId = (id) => document.getElementById(id);

const shown = new WeakMap();

/** Puts what `make` makes of `data` into `element`, unless it shows that already: focus and selection stay. */
export function render(element, data, make) {
  const key = JSON.stringify(data);
  if (shown.get(element) === key) return;
  shown.set(element, key);
  element.replaceChildren(...[make(data)].flat());
}

/** Sets a text if it is another. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** An amount for people; the exact one is a hover away. */
export function amount(text, places = 2, options = {}) {
  return exact(text, show(text, places, { pad: sign(text) !== 0, ...options }));
}

/** A price for people. */
export const price = (text) => exact(text, showPrice(text));

const exact = (text, shown) => h("data", { class: "number", value: text ?? "", title: text ?? "no value yet" }, shown);

/** A table whose rows become cards on a narrow screen: `columns` are [heading, class], `kind` is its own class. */
export function table(caption, columns, rows, kind) {
  const head = columns.map(([heading, kind]) => h("th", { scope: "col", class: kind }, heading));
  const body = rows.map(({ cells, ...attributes }) =>
    h("tr", attributes, cells.map((cell, index) =>
      h("td", { class: columns[index][1], "data-label": columns[index][0] }, cell ?? "–"))));
  return h("table", { class: kind },
    h("caption", { class: "unseen" }, caption),
    h("thead", {}, h("tr", {}, head)),
    h("tbody", {}, body));
}

/** A name and its value, as they stand in a `dl.facts`. */
export function fact(name, value, note = null) {
  return h("div", { class: "fact" }, h("dt", {}, name), h("dd", {}, value), note && h("dd", { class: "note" }, note));
}

/** What stands where there is nothing to show. */
export const empty = (text) => h("p", { class: "empty" }, text);

/** A text that can be copied whole, shown in the middle cut or not. */
export function copyable(text, short = text) {
  const button = h("button", { type: "button", class: "copy", title: text, "aria-label": `Copy ${text}`, onclick: copy }, short);
  async function copy() {
    try {
      await navigator.clipboard.writeText(text);
      button.dataset.said = "copied";
    } catch {
      button.dataset.said = "select and copy";
    }
    setTimeout(() => delete button.dataset.said, 1500);
  }
  return button;
}
