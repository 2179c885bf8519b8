// The server: questions with patience, and one WebSocket for the market that is looked at.

const PATIENCE_MS = 10_000;
const PING_MS = 10_000;
const SILENCE_MS = 35_000;
const PLAIN = /^[A-Za-z0-9._-]{1,31}$/;
const PAUSES_MS = [500, 1000, 2000, 5000, 10_000];

const base = new URL("api/v1/", document.baseURI);
const at = (path) => new URL(`perpetual/${path}`, base);
const named = (key) => `markets/${encodeURIComponent(key)}`;

/** What came instead of an answer. `gone` says that no server answered; `code` is the API's word for it. */
export class ApiError extends Error {
  constructor(message, { code = null, status = 0, retryAfter = 0 } = {}) {
    super(message);
    this.code = code;
    this.gone = status === 0;
    this.retryAfter = retryAfter;
  }
}

async function ask(url, accept = (response) => response.ok) {
  let response;
  let body;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS), headers: { accept: "application/json" } });
    body = await response.json();
  } catch (error) {
    if (response && !(error instanceof DOMException)) {
      throw new ApiError(`the server's answer is no JSON (status ${response.status})`, { status: response.status });
    }
    throw new ApiError("no answer from the server");
  }
  if (accept(response)) return body;
  const { code, message } = body?.error ?? {};
  const retryAfter = Number(response.headers.get("retry-after")) || 0;
  throw new ApiError(message ?? `status ${response.status}`, { code, status: response.status, retryAfter });
}

/** Readiness, whether it is 200 or 503: both say how things stand. */
export const readiness = () => ask(new URL("readyz", document.baseURI), ({ status }) => status === 200 || status === 503);
export const indexStatus = () => ask(new URL("index/status", base));
export const reserve = () => ask(new URL("prop/reserve", base));
export const status = (key) => ask(at(`${named(key)}/status`));
export const epochs = (key, limit) => ask(at(`${named(key)}/epochs?limit=${limit}`));
export const candles = (key, interval, limit) => ask(at(`${named(key)}/candles?interval=${interval}&limit=${limit}`));
export const trades = (key, limit) => ask(at(`${named(key)}/trades?limit=${limit}`));
export const tradesOf = (address, limit) =>
  ask(at(`positions/${encodeURIComponent(address)}/trades?limit=${limit}`));
export const positions = (address, limit) => ask(at(`positions/${encodeURIComponent(address)}?limit=${limit}`));

/** The markets, each with its `key`: its symbol, or its address where the symbol is another's too or no name. */
export async function markets() {
  const rows = await ask(at("markets"));
  const first = new Map();
  for (const { symbol, market_address: address } of rows) if (!first.has(symbol)) first.set(symbol, address);
  const plain = ({ symbol, market_address: address }) => PLAIN.test(symbol) && first.get(symbol) === address;
  return rows.map((row) => ({ ...row, key: plain(row) ? row.symbol : row.market_address }));
}

/**
 * The messages of a market, until `close()`: reconnects by itself, asks by "ping" so that a dead line is
 * noticed. `onMessage` hears the JSON messages, `onLine` whether the line stands.
 */
export function stream(key, onMessage, onLine) {
  let socket = null;
  let tries = 0;
  let closed = false;
  let heard = 0;
  let timer = 0;

  function connect() {
    const url = at(`ws/${encodeURIComponent(key)}`);
    url.protocol = url.protocol.replace("http", "ws");
    const mine = new WebSocket(url);
    socket = mine;
    heard = performance.now();
    mine.onopen = () => {
      tries = 0;
      onLine(true);
    };
    mine.onmessage = ({ data }) => {
      heard = performance.now();
      if (data !== "pong" && mine === socket) onMessage(JSON.parse(data));
    };
    mine.onclose = () => {
      if (closed || mine !== socket) return;
      onLine(false);
      timer = setTimeout(connect, PAUSES_MS[Math.min(tries++, PAUSES_MS.length - 1)]);
    };
  }

  function ping() {
    if (socket?.readyState === WebSocket.OPEN) socket.send("ping");
  }

  const beat = setInterval(() => {
    if (performance.now() - heard > SILENCE_MS && socket?.readyState <= WebSocket.OPEN) socket.close();
    else ping();
  }, PING_MS);

  connect();
  return {
    ping,
    close() {
      closed = true;
      clearInterval(beat);
      clearTimeout(timer);
      socket?.close();
    },
  };
}
