// A trading bot that knows the documented interface of a market and nothing of this project.
//
// node bot_ethers.mjs RPC_URL PRIVATE_KEY MARKET yes|no AMOUNT: approves, buys, and prints what it saw as JSON.
import { Contract, JsonRpcProvider, Wallet, parseEther } from "ethers";

const [url, key, address, side, amount] = process.argv.slice(2);
const provider = new JsonRpcProvider(url, undefined, { pollingInterval: 200 });
const wallet = new Wallet(key, provider);
const market = new Contract(
  address,
  [
    "function buyYes(uint256 amount) external",
    "function buyNo(uint256 amount) external",
    "function currentEpoch() view returns (uint256)",
    "function collateralToken() view returns (address)",
    "function getCurrentStatus() view returns (uint256, uint256, uint256, bool, uint256, uint256, uint256, uint256)",
  ],
  wallet,
);
const names = ["epoch", "startPrice", "timeRemaining", "tradingActive", "yesPrice", "noPrice", "yesSupply", "noSupply"];

async function status() {
  const values = await market.getCurrentStatus();
  return Object.fromEntries(names.map((name, n) => [name, typeof values[n] === "bigint" ? `${values[n]}` : values[n]]));
}

const token = new Contract(
  await market.collateralToken(),
  [
    "function approve(address spender, uint256 amount) returns (bool)",
    "function allowance(address owner, address spender) view returns (uint256)",
    "function balanceOf(address account) view returns (uint256)",
    "function symbol() view returns (string)",
  ],
  wallet,
);
const wanted = parseEther(amount);
const before = await status();
const held = await token.balanceOf(wallet.address);
if ((await token.allowance(wallet.address, market.target)) < wanted) {
  await (await token.approve(market.target, 2n * wanted)).wait();
}
const sent = await market[side === "yes" ? "buyYes" : "buyNo"](wanted, { gasLimit: 300000n });
const receipt = await sent.wait();
if (receipt.status !== 1) throw new Error("the market refused");
const paid = held - (await token.balanceOf(wallet.address));
const symbol = await token.symbol();
const mined = { gas: Number(receipt.gasUsed), block: receipt.blockNumber };
console.log(JSON.stringify({ ...mined, paid: `${paid}`, symbol, before, after: await status() }));
provider.destroy();
