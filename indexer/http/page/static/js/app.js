// The page: which market or account is looked at, and when to ask what anew.

import * as api from "./api.js";
import { POSITIONS_MOST, accountView, addressProblem } from "./account.js";
import { priceChart } from "./chart.js";
import { byId, empty, h, render, setText } from "./dom.js";
import { countdown } from "./format.js";
import { epochsView, marketsStrip, tradesView } from "./lists.js";
import { Clock, marketPanel } from "./market.js";
import { reserveView } from "./reserve.js";
import { showBanners, showStanding } from "./standing.js";

const TICK_MS = 250;
const LOOK_MS = 3000;
const LISTS_MS = 12_000;
const STRIP_MS = 30_000;
const STRIP_MOST = 8;
const EPOCHS_STEP = 12;
const EPOCHS_MOST = 500;
const TRADES = 10;
const POINTS = 96;
const INTERVALS = [["5 min", "5m", 300], ["1 h", "1h", 3600], ["1 d", "1d", 86_400]];

const state = {
  ready: null, index: null, gone: null, problem: null, markets: [], key: null, account: null,
  interval: INTERVALS[0], epochs: EPOCHS_STEP, block: null, stands: true, listsAt: 0, waitUntil: 0,
};
const statuses = new Map();
const clocks = new Map();
const panel = marketPanel(byId("market"));
const chart = priceChart(byId("chart"));
let line = null;

/** Runs a question; what goes wrong is shown, never thrown. Its answer, or null. */
async function attempt(question, onRefusal = null) {
  if (Date.now() < state.waitUntil) return null;
  try {
    const answer = await question();
    state.gone = null;
    return answer;
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    if (error.gone) state.gone ??= Date.now();
    else if (error.status === 429 || error.retryAfter) state.waitUntil = Date.now() + 1000 * (error.retryAfter || 5);
    else if (onRefusal) onRefusal(error);
    else state.problem = error.message;
    return null;
  } finally {
    showStanding(state);
    showBanners(state);
  }
}

const chainNow = () => state.index?.at ?? null;
const market = () => state.markets.find(({ key }) => key === state.key) ?? null;

// ---------------------------------------------------------------- what is asked

async function look() {
  const ready = await attempt(api.readiness);
  if (!ready) return;
  const moved = ready.block !== state.block;
  const returned = state.markets.length === 0;
  [state.ready, state.block] = [ready, ready.block];
  showStanding(state);
  showBanners(state);
  if (returned) await loadMarkets();
  else if (!state.stands) await poll();
  else if (moved) line?.ping();
  else if (moved && Date.now() - state.listsAt > LISTS_MS) await loadLists();
}

async function loadMarkets() {
  const markets = await attempt(api.markets);
  if (!markets) return;
  state.markets = markets;
  for (const panel of document.querySelectorAll("[data-of-market]")) panel.hidden = !markets.length;
  if (!markets.length) showNoMarkets();
  await route();
  await loadStrip();
}

async function loadStrip() {
  if (state.markets.length < 2) return;
  for (const { key } of state.markets.slice(0, STRIP_MOST)) {
    const status = key !== state.key && (await attempt(() => api.status(key)));
    if (status) noteStatus(key, status);
  }
  showStrip();
}

async function loadLists() {
  state.listsAt = Date.now();
  const { key, account } = state;
  state.index = (await attempt(api.indexStatus)) ?? state.index;
  const asked = [loadReserve()];
  if (account) asked.push(loadAccount(account));
  if (key && account === null) asked.push(loadEpochs(key), loadCandles(key));
  if (account || key) asked.push(loadTrades(key, account));
  await Promise.all(asked);
}

async function loadReserve() {
  const reserve = await attempt(api.reserve);
  if (reserve) render(byId("reserve"), reserve, reserveView);
}

async function loadEpochs(key) {
  const rows = await attempt(() => api.epochs(key, state.epochs));
  if (!rows || key !== state.key) return;
  render(byId("epochs"), { rows, now: chainNow() }, epochsView);
  byId("more-epochs").hidden = rows.at(-1)?.epoch <= 1 || rows.length < state.epochs || state.epochs >= EPOCHS_MOST;
}

async function loadTrades(key, account) {
  // What is wrong with an address is said where its positions would be.
  const refused = () => render(byId("trades"), "", () => empty("–"));
  const rows = await attempt(() => (account ? api.tradesOf(account, TRADES) : api.trades(key, TRADES)), refused);
  if (!rows || key !== state.key || account !== state.account) return;
  setText(byId("trades-title"), account ? "Trades of this account" : "Trades");
  render(byId("trades"), { rows, now: chainNow() }, tradesView);
}

async function loadCandles(key) {
  const [, interval, seconds] = state.interval;
  const rows = await attempt(() => api.candles(key, interval, POINTS));
  if (rows && key === state.key && interval === state.interval[1]) chart.draw(rows, seconds);
}

async function loadAccount(address) {
  const refused = ({ message }) => render(byId("account"), message, empty);
  const rows = await attempt(() => api.positions(address, POSITIONS_MOST), refused);
  if (rows && address === state.account) render(byId("account"), { address, rows }, accountView);
}

// ---------------------------------------------------------------- what is heard

function noteStatus(key, status) {
  statuses.set(key, { ...statuses.get(key), ...status });
  if (!clocks.has(key)) clocks.set(key, new Clock());
  if ("time_remaining" in status) clocks.get(key).set(status.time_remaining);
  showStatus(key);
}

function showStatus(key) {
  if (key === state.key && market()) panel.update(market(), statuses.get(key), clocks.get(key));
}

function hear(key, { type, data, message }) {
  if (type === "status") noteStatus(key, data);
  else if (type === "price" && statuses.has(key)) noteStatus(key, { current_price: data.price });
  else if (type === "epoch_resolved") loadLists();
  else if (type === "error") {
    state.problem = message;
    showBanners(state);
  }
}

async function follow(key) {
  line?.close();
  line = null;
  if (!key) return;
  line = api.stream(key, (message) => hear(key, message), (stands) => {
    state.stands = stands;
    panel.line(stands);
  });
  await poll();
}

/** The status by a question: at first, and while the line is down. */
async function poll() {
  const { key } = state;
  const status = key && (await attempt(() => api.status(key)));
  if (status) noteStatus(key, status);
}

// ---------------------------------------------------------------- where one is

async function route() {
  const [, first = "", second = ""] = location.hash.split("/").map(decoded);
  state.account = first === "account" ? second : null;
  state.problem = null;
  const wanted = first && first !== "account" ? first : state.key ?? state.markets[0]?.key ?? null;
  const found = state.markets.find(({ key, market_address: address }) => [key, address].includes(wanted));
  if (state.markets.length && wanted && !found) state.problem = `There is no market ${wanted} here.`;
  const key = found?.key ?? state.markets[0]?.key ?? null;
  showAccountPanel();
  document.title = [state.account === null ? found?.symbol : "Positions", "chain-kit"].filter(Boolean).join(" · ");
  if (key !== state.key) {
    [state.key, state.epochs] = [key, EPOCHS_STEP];
    showStatus(key);
    follow(key);
  }
  showStrip();
  showBanners(state);
  await loadLists();
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function showAccountPanel() {
  const { account } = state;
  byId("account-panel").hidden = account === null;
  byId("market-panels").hidden = account !== null;
  if (account === null) return;
  byId("account-back").href = `#/${encodeURIComponent(state.key ?? "")}`;
  byId("address").value = account;
  const problem = addressProblem(account);
  setText(byId("address-problem"), problem ?? "");
  if (problem) {
    state.account = null;
    render(byId("account"), problem, empty);
  }
}

function showNoMarkets() {
  render(byId("market"), null, () => empty("This deployment has no markets yet."));
}

function showStrip() {
  const strip = byId("markets");
  strip.hidden = state.markets.length < 2;
  const left = (key) => clocks.get(key)?.left ?? null;
  strip.replaceChildren(...marketsStrip(state.markets, statuses, state.key, left));
}

// ---------------------------------------------------------------- what moves

let asked = 0;

function tick() {
  const left = panel.tick();
  for (const element of document.querySelectorAll("[data-left]")) {
    const rest = clocks.get(element.dataset.left)?.left;
    if (rest !== undefined && rest !== null) setText(element, countdown(rest));
  }
  if (left === 0 && performance.now() - asked > 2000) {
    asked = performance.now();
    line?.ping();
  }
}

function every(milliseconds, work) {
  const again = async () => {
    if (!document.hidden) await work();
    setTimeout(again, milliseconds);
  };
  setTimeout(again, milliseconds);
}

// ---------------------------------------------------------------- what is pressed

byId("lookup").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = byId("address").value.trim();
  const problem = addressProblem(text);
  setText(byId("address-problem"), problem ?? "");
  byId("address").setAttribute("aria-invalid", String(problem !== null));
  if (problem === null) location.hash = `#/account/${text}`;
});

byId("skip").addEventListener("click", (event) => {
  event.preventDefault();
  byId("content").focus();
});

byId("more-epochs").addEventListener("click", () => {
  state.epochs = Math.min(state.epochs * 4, EPOCHS_MOST);
  loadEpochs(state.key);
});

for (const interval of INTERVALS) {
  const pressed = String(interval === state.interval);
  const button = h("button", { type: "button", "aria-pressed": pressed, onclick: choose }, interval[0]);
  function choose() {
    state.interval = interval;
    for (const other of byId("intervals").children) other.setAttribute("aria-pressed", String(other === button));
    if (state.key) loadCandles(state.key);
  }
  byId("intervals").append(button);
}

window.addEventListener("hashchange", route);
document.addEventListener("visibilitychange", () => !document.hidden && look());
setInterval(tick, TICK_MS);
every(LOOK_MS, look);
every(STRIP_MS, loadStrip);
await look();
