// The header's state of the index, and the banners when something is wrong.

import { fact, h, render, byId } from "./dom.js";
import { clock, duration, level, localClock } from "./format.js";

const RECENT_SECONDS = 86_400;

/** Chain, block, age, level of proof, readiness. */
export function showStanding(state) {
  render(byId("standing"), headline(state), (items) => items.map(([name, text, kind, title]) => {
    const item = fact(name, text);
    item.classList.add(kind);
    if (title) item.title = title;
    return item;
  }));
}

function headline({ ready, index, gone }) {
  if (gone && !ready) return [["Server", "✕ gone", "bad", ""]];
  if (!ready) return [];
  const { symbol, word, meaning } = level(ready.level);
  const behind = Math.max(0, (ready.head ?? 0) - (ready.block ?? 0));
  return [
    ["Chain", String(index?.chain_id ?? "–"), "plain", ""],
    ["Block", `${ready.block ?? "–"}${behind ? ` (${behind} behind)` : ""}`, "plain", index?.block_hash ?? ""],
    age(index?.at),
    ["Proof", `${symbol} ${word}`, "plain", meaning],
    gone ? ["Server", "✕ gone", "bad", ""]
      : ready.ready ? ["State", index?.verified ? "✓ ready, verified" : "✓ ready", "good", ""]
        : ["State", "△ not ready", "bad", (ready.reasons ?? []).join("; ")],
  ];
}

/** How long ago the last block was; its own time on a chain that lives in another day. */
function age(at) {
  if (!at) return ["Age", "–", "plain", ""];
  const seconds = (Date.now() - Date.parse(at)) / 1000;
  if (Math.abs(seconds) < RECENT_SECONDS) return ["Age", duration(seconds), "plain", at];
  return ["Block time", `${clock(at)} UTC`, "plain", at];
}

/** What is wrong, in words: the server is gone, the index is not ready, a question failed. */
export function showBanners({ gone, ready, problem }) {
  const banners = [];
  if (gone) {
    banners.push(["gone", "The server does not answer",
      [`since ${localClock(new Date(gone))}; what you see is from before. It is asked again every few seconds.`]]);
  } else if (ready && !ready.ready) {
    banners.push(["stale", "Not ready: do not rely on these numbers yet", ready.reasons ?? []]);
  }
  if (problem && !gone) banners.push(["problem", problem, []]);
  render(byId("banners"), banners, (items) => items.map(([kind, title, reasons]) =>
    h("div", { class: `banner ${kind}` }, h("strong", {}, `△ ${title}`),
      reasons.length ? h("ul", {}, reasons.map((reason) => h("li", {}, reason))) : null)));
}
