// A client in JavaScript: asks for everything that the documented types describe, and prints it as JSON.
// node --experimental-websocket typed_client.mjs BASE SYMBOL

const [base, symbol] = process.argv.slice(2);

const ask = async (path, parameters = {}) => {
  const url = new URL(base + path);
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, String(value));
  return (await fetch(url)).json();
};

/** Asks again for as long as it is told to wait. */
const patiently = async (path, tries) => {
  for (let left = tries; left > 0; left--) {
    const response = await fetch(base + path);
    if (response.status !== 429) return [response.status, Number(response.headers.get("X-RateLimit-Remaining"))];
    await new Promise((resolve) => setTimeout(resolve, Number(response.headers.get("Retry-After")) * 10));
  }
  return [429, 0];
};

const streamed = (name, count) =>
  new Promise((resolve, reject) => {
    const messages = [];
    const socket = new WebSocket(`${base.replace("http", "ws")}/ws/${name}`);
    socket.onopen = () => socket.send("ping");
    socket.onmessage = ({ data }) => {
      messages.push(data === "pong" ? data : JSON.parse(data));
      if (messages.length === count) socket.close();
    };
    socket.onclose = () => resolve(messages);
    socket.onerror = reject;
  });

console.log(JSON.stringify({
  assets: await ask("/assets", { asset_type: "crypto", search: "b", page: 1, page_size: 5 }),
  markets: await ask("/markets"),
  status: await ask(`/markets/${symbol}/status`),
  orderbook: await ask(`/markets/${symbol}/orderbook`),
  mrt: await ask(`/markets/${symbol}/mrt`),
  retried: await patiently("/assets/stats", 3),
  messages: await streamed(symbol, 3),
  unknown: await streamed("XYZ", 1),
}));
