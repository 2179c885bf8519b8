// One row for each event, as the other programs of the benchmark write it.
import { readFileSync } from "node:fs";
import { ponder } from "ponder:registry";
import { log } from "ponder:schema";

const { contracts } = JSON.parse(readFileSync("chain.json", "utf8"));
const text = (_: string, value: unknown) => (typeof value === "bigint" ? value.toString() : value);

for (const { name, abi } of contracts) {
  for (const item of abi.filter((item) => item.type === "event")) {
    ponder.on(`${name}:${item.name}`, async ({ event, context }) => {
      await context.db.insert(log).values({
        id: event.id,
        block: event.block.number,
        tx: event.transaction.hash,
        address: event.log.address,
        name: item.name,
        args: JSON.stringify(event.args, text),
      });
    });
  }
}
