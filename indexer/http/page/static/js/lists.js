// Epochs, trades, and the strip of markets.

import { show, percent } from "./decimal.js";
import { amount, empty, h, price, table } from "./dom.js";
import { clock, countdown, shortHex } from "./format.js";

const OUTCOMES = { YES: ["▲ YES", "good"], NO: ["▼ NO", "bad"], VOID: ["= VOID", "level"] };
const EPOCHS = [
  ["Epoch", "right"], ["Ends", ""], ["Start price", "right"], ["End price", "right"], ["Outcome", ""],
  ["YES shares", "right"], ["NO shares", "right"], ["Resolved", ""],
];

/** How epochs went, newest first; `now` is the chain's time, ISO. */
export function epochsView({ rows, now }) {
  if (!rows.length) return empty("No epoch has begun yet.");
  return table("Epochs, newest first", EPOCHS, rows.map((row) => epochRow(row, now)), "four");
}

function epochRow(row, now) {
  const [word, kind] = OUTCOMES[row.outcome] ?? ["● open", "wait"];
  return {
    cells: [
      String(row.epoch), time(row.end_at, now), price(row.start_price), price(row.end_price),
      h("span", { class: `outcome ${kind}` }, word), amount(row.yes_supply),
      amount(row.no_supply), row.resolved_at ? time(row.resolved_at, now) : "–",
    ],
  };
}

const time = (iso, now) => h("time", { datetime: iso, class: "number" }, clock(iso, now));

/** Trades, newest first. */
export function tradesView({ rows, now }) {
  if (!rows.length) return empty("No trades yet.");
  return h("ol", { class: "trades" }, rows.map((row) => tradeRow(row, now)));
}

function tradeRow(row, now) {
  const kind = row.side === "YES" ? "good" : "bad";
  return h("li", {},
    h("span", { class: `outcome ${kind}` }, `${row.action} ${row.side}`),
    h("span", { class: "number", title: `${row.shares} shares for ${row.amount}, epoch ${row.epoch}` }, `${show(row.shares, 2, { pad: true })} at ${show(row.price, 4, { pad: true })}`),
    h("a", { href: `#/account/${row.account}`, class: "number", title: row.account }, shortHex(row.account)),
    time(row.timestamp, now));
}

/** Links to the markets, each with its countdown and what YES costs. */
export function marketsStrip(markets, statuses, selected, left) {
  return markets.map(({ key, symbol }) => {
    const status = statuses.get(key);
    const yes = status && percent(status.yes_price, "1", 1);
    return h("a", { href: `#/${encodeURIComponent(key)}`, "aria-current": key === selected ? "page" : null },
      h("strong", {}, symbol),
      h("span", { class: "number", "data-left": key }, left(key) === null ? "––:––" : countdown(left(key))),
      h("span", { class: "note number" }, yes ? `▲ YES ${show(yes, 1)} %` : "…"));
  });
}
