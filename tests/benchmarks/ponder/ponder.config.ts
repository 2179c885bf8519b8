// The peer's chain and contracts, from what the benchmark writes beside it.
import { readFileSync } from "node:fs";
import { createConfig } from "ponder";

const { rpc, chainId, contracts, startBlock, endBlock } = JSON.parse(readFileSync("chain.json", "utf8"));

export default createConfig({
  database: process.env.DATABASE_URL
    ? { kind: "postgres", connectionString: process.env.DATABASE_URL }
    : { kind: "pglite" },
  chains: { bench: { id: chainId, rpc } },
  contracts: Object.fromEntries(
    contracts.map(({ name, abi, address }) => [name, { chain: "bench", abi, address, startBlock, endBlock }]),
  ),
});
