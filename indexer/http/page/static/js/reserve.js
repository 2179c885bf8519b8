// What hub and vault hold and owe, and how far that is proven.

import { difference, percent, show, sign } from "./decimal.js";
import { amount, copyable, fact, h } from "./dom.js";
import { level, shortHex } from "./format.js";

const NAMES = { hub: "Hub: collateral and positions", vault: "Vault: payouts", races: "Races" };

/** The reserve panel's content. */
export function reserveView(answer) {
  const parts = Object.keys(NAMES).filter((name) => answer[name]);
  return [...parts.map((name) => part(name, answer[name])), ...proof(answer)];
}

function part(name, { reserve, liabilities }) {
  const short = sign(difference(reserve, liabilities)) < 0;
  return h("section", { class: "part", "aria-label": NAMES[name] },
    h("h3", {}, NAMES[name]),
    h("p", { class: short ? "verdict bad" : "verdict good" }, verdict(reserve, liabilities, short)),
    h("dl", { class: "facts" }, fact("Holds", amount(reserve)), fact("Owes", amount(liabilities))));
}

function verdict(reserve, liabilities, short) {
  if (sign(liabilities) === 0) return "✓ Owes nothing";
  const covered = show(percent(reserve, liabilities), 2, { pad: true });
  return short ? `✕ Short: covers ${covered} %` : `✓ Covered: ${covered} %`;
}

function proof(answer) {
  const { symbol, word, meaning } = level(answer.level);
  return [
    h("h3", {}, "Proof"),
    h("p", { class: answer.verified ? "verdict good" : "verdict wait" },
      answer.verified ? "✓ Verified against the chain at this block" : "△ Not verified"),
    h("p", { class: "note" }, `All blocks up to it: ${symbol} ${word}, ${meaning}`),
    h("dl", { class: "facts" },
      fact("Block", String(answer.block)),
      fact("Block hash", copyable(answer.block_hash, shortHex(answer.block_hash, 8)))),
    h("p", { class: "note" }, "Check it without trusting this server:"),
    h("pre", { class: "command" }, "chain-kit reserve --prove reserve.json\nchain-kit reserve --verify reserve.json"),
  ];
}
