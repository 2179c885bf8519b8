// The oracle's prices as a line, or as a table where the chart's package is not installed.
// Floats are for pixels only: what is read out is the decimal string.

import uPlot from "../vendor/uPlot.esm.js";
import { showPrice } from "./decimal.js";
import { empty, h, price, table } from "./dom.js";
import { clock } from "./format.js";

const HEIGHT = 240;
const ROWS = 12;

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Draws candles of so many seconds into `box`; call `draw` again with newer ones. */
export function priceChart(box) {
  let plot = null;
  let shown = "";
  let last = [[], 300];

  function draw(candles, seconds, { force = false } = {}) {
    const key = JSON.stringify([seconds, candles]);
    if (key === shown && !force) return;
    [shown, last] = [key, [candles, seconds]];
    plot?.destroy();
    plot = null;
    if (!candles.length) box.replaceChildren(empty("No price has been posted yet."));
    else if (uPlot) plot = line(box, prices(candles, seconds));
    else box.replaceChildren(...priceTable(candles));
  }

  new ResizeObserver(() => plot?.setSize({ width: box.clientWidth, height: HEIGHT })).observe(box);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw(...last, { force: true }));
  return { draw };
}

/**
 * The prices as [seconds, decimal text]: what the first candle opened with, and what each closed with. Where one
 * of the two ends has no price yet, a candle has that of the other: at either end of the line it is left out.
 */
function prices(candles, seconds) {
  const begins = candles.map(({ timestamp }) => Date.parse(timestamp) / 1000);
  const closes = candles.map(({ close }, index) => [begins[index] + seconds, close]);
  const points = [[begins[0], candles[0].open], ...closes];
  const isFlat = ({ low, high }) => low === high;
  if (points.length > 2 && isFlat(candles[0])) points.shift();
  if (points.length > 2 && isFlat(candles.at(-1))) points.pop();
  return points;
}

function line(box, points) {
  const readout = h("p", { class: "readout", "aria-live": "off" });
  box.replaceChildren(readout);
  const tell = (index) => {
    const [seconds, price] = points[index ?? points.length - 1];
    const at = clock(new Date(seconds * 1000).toISOString());
    readout.replaceChildren(`${at} UTC `, h("strong", { class: "number" }, showPrice(price)));
  };
  const [ink, grid] = [colour("--muted"), colour("--line")];
  const font = `12px ${getComputedStyle(document.body).fontFamily}`;
  const axis = { stroke: ink, font, grid: { stroke: grid, width: 1 }, ticks: { show: false } };
  const options = {
    width: box.clientWidth,
    height: HEIGHT,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
    legend: { show: false },
    cursor: { y: false, points: { size: 8, fill: colour("--accent") } },
    scales: { x: { range: (_, low, high) => (low === high ? [low - 300, high + 300] : [low, high]) } },
    axes: [
      { ...axis, size: 28, grid: { show: false }, space: 70, values: (_, splits, __, ___, step) => splits.map((at) => label(at, step)) },
      { ...axis, size: 72, values: (_, splits) => splits.map((value) => showPrice(plain(value), { pad: false })) },
    ],
    series: [
      {},
      {
        stroke: colour("--accent"), width: 2, fill: colour("--accent-wash"),
        points: { show: points.length < 60, size: 5, fill: colour("--accent") },
      },
    ],
    hooks: { setCursor: [({ cursor }) => tell(cursor.idx)] },
  };
  const plot = new uPlot(options, [points.map(([at]) => at), points.map(([, price]) => Number(price))], box);
  tell(null);
  plot.root.setAttribute("aria-hidden", "true");
  return plot;
}

/** An axis value as decimal text: `String` would give small and large ones an exponent. */
const plain = (value) => (Math.abs(value) < 1e15 ? value.toFixed(8) : "");

function label(seconds, step) {
  const iso = new Date(seconds * 1000).toISOString();
  return step >= 86_400 ? iso.slice(5, 10) : iso.slice(11, 16);
}

function priceTable(candles) {
  const rows = candles.slice(-ROWS).reverse().map((candle) => ({
    cells: [clock(candle.timestamp), ...["open", "high", "low", "close"].map((name) => price(candle[name]))],
  }));
  const columns = [["Time (UTC)", ""], ["Open", "right"], ["High", "right"], ["Low", "right"], ["Close", "right"]];
  return [
    h("p", { class: "note" }, "No chart here: its package is not installed (npm ci in the kit’s folder). The last prices:"),
    h("div", { class: "scroll" }, table("Prices", columns, rows, "three")),
  ];
}
