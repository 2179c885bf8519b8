// Positions by address.

import { sign, sum } from "./decimal.js";
import { amount, copyable, empty, fact, h, table } from "./dom.js";
import { isAddress } from "./format.js";

const COLUMNS = [
  ["Market", ""], ["Epoch", "right"], ["YES shares", "right"], ["NO shares", "right"], ["Entry price", "right"],
  ["Cost", "right"], ["Realised", "right"], ["Unrealised", "right"], ["Claimable", "right"],
];
const TOTALS = [
  ["Claimable", "claimable"], ["Cost of what is held", "cost"], ["Realised", "realized_pnl"],
  ["Unrealised", "unrealized_pnl"],
];
const PROFITS = new Set(["realized_pnl", "unrealized_pnl"]);

/** What is wrong with an address, in words; null if nothing can be seen from here. */
export function addressProblem(text) {
  if (!text) return "Type an address: 0x and 40 hexadecimal digits.";
  return isAddress(text) ? null : "Not an address: it is 0x and 40 hexadecimal digits.";
}

export const POSITIONS_MOST = 500;

/** An account's positions. */
export function accountView({ address, rows }) {
  const heading = h("p", { class: "address" }, copyable(address));
  if (!rows.length) return [heading, empty("Nothing is known of this address: it holds no shares and never did.")];
  return [
    heading,
    h("dl", { class: "facts tiles" }, TOTALS.map(([name, key]) =>
      fact(name, profit(key, sum(rows.map((row) => row[key])))))),
    rows.length < POSITIONS_MOST ? null : h("p", { class: "note" }, `The newest ${POSITIONS_MOST}, and their totals.`),
    h("div", { class: "scroll" }, table(`Positions of ${address}`, COLUMNS, rows.map(positionRow), "three")),
  ].filter(Boolean);
}

function positionRow(row) {
    return {
    cells: [
      h("a", { href: `#/${encodeURIComponent(row.symbol)}` }, row.symbol), String(row.epoch), amount(row.yes_tokens),
      amount(row.no_tokens), amount(row.entry_price, 4), amount(row.cost), profit("realized_pnl", row.realized_pnl),
      profit("unrealized_pnl", row.unrealized_pnl), amount(row.claimable),
    ],
  };
}

function profit(key, text) {
  const shown = amount(text, 2, { plus: PROFITS.has(key) });
  if (PROFITS.has(key)) shown.classList.add({ 1: "good", "-1": "bad" }[sign(text)] ?? "level");
  return shown;
}
