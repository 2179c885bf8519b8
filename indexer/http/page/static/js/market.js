// The market that is looked at: epoch, countdown, oracle price, what YES and NO cost.

import { difference, percent, show, showPrice, sign } from "./decimal.js";
import { copyable, fact, h, price, setText } from "./dom.js";
import { countdown, shortHex } from "./format.js";

/** Counts a status down between two messages. */
export class Clock {
  #left = null;
  #since = 0;

  /** Seconds that are left now. */
  set(seconds) {
    [this.#left, this.#since] = [seconds, performance.now()];
  }

  /** Seconds left, 0 at least; null before anything was heard. */
  get left() {
    return this.#left === null ? null : Math.max(0, this.#left - (performance.now() - this.#since) / 1000);
  }
}

/** The market's panel; `update` takes a market and its status, `tick` moves the countdown. */
export function marketPanel(box) {
  let clock = new Clock();
  const parts = {
    name: h("h1", { id: "market-name" }),
    facade: h("p", { class: "facade" }),
    time: h("p", { class: "countdown number", role: "timer", "aria-label": "Time left in this epoch" }, "––:––"),
    window: h("p", { class: "window" }),
    facts: h("dl", { class: "facts tiles" }),
    bar: h("div", { class: "split" }),
    line: h("p", { class: "note live" }),
  };
  let shown = null;

  function update(market, status, running) {
    if (shown !== market.key) {
      shown = market.key;
      box.replaceChildren(head(parts), parts.facts, parts.bar);
      parts.facade.replaceChildren("Market ", copyable(market.market_address, shortHex(market.market_address)));
    }
    setText(parts.name, market.symbol);
    if (!status) return;
    clock = running;
    parts.window.className = status.trading_active ? "window good" : "window wait";
    setText(parts.window, status.trading_active ? "● Trading is open" : "◼ Trading is closed");
    parts.facts.replaceChildren(...facts(status));
    parts.bar.replaceChildren(...split(status));
    tick();
  }

  function tick() {
    const left = clock.left;
    if (left !== null) setText(parts.time, countdown(left));
    return left;
  }

  function line(stands) {
    setText(parts.line, stands ? "live" : "reconnecting…");
    parts.line.dataset.stands = stands;
  }

  return { update, tick, line };
}

function head({ name, facade, time, window, line }) {
  return h("div", { class: "market-head" },
    h("div", {}, h("div", { class: "title" }, name, line), facade),
    h("div", { class: "clock" }, time, window));
}

function facts(status) {
  const now = status.current_price ?? null;
  const start = sign(status.start_price) === 0 ? null : status.start_price; // "0" until the oracle has it
  const moved = difference(now, start);
  const share = percent(moved, start, 3);
  const direction = { 1: ["▲", "good"], "-1": ["▼", "bad"], 0: ["=", "level"] }[sign(moved)];
  const tiles = [
    fact("Epoch", String(status.epoch)),
    fact("Start price", price(start)),
    fact("Last price", price(now)),
  ];
  if (direction && share !== null) {
    const text = `${direction[0]} ${showPrice(moved, { plus: true })} (${show(share, 3, { plus: true })} %)`;
    tiles.push(fact("Since the start", h("span", { class: `number ${direction[1]}` }, text)));
  }
  return tiles;
}

function split(status) {
  const yes = percent(status.yes_price, "1", 2) ?? "50";
  const fill = h("div", { class: "fill" });
  fill.style.width = `${Math.min(100, Math.max(0, Number(yes)))}%`;
  const side = (name, price, supply) => h("div", { class: `side ${name.toLowerCase()}` },
    h("span", { class: "side-name" }, name === "YES" ? "▲ YES" : "▼ NO"),
    h("strong", { class: "number", title: price }, show(price, 4, { pad: true, near: true })),
    h("span", { class: "note number", title: supply ?? "" }, `${show(supply, 2)} shares`));
  return [
    h("div", { class: "sides" },
      side("YES", status.yes_price, status.yes_supply),
      side("NO", status.no_price, status.no_supply)),
    h("div", { class: "track", role: "img", "aria-label": `YES ${show(yes, 1)} per cent of the price` }, fill),
  ];
}
