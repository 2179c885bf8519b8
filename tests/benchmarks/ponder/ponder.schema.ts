import { onchainTable } from "ponder";

export const log = onchainTable("log", (t) => ({
  id: t.text().primaryKey(),
  block: t.bigint().notNull(),
  tx: t.hex().notNull(),
  address: t.hex().notNull(),
  name: t.text().notNull(),
  args: t.text().notNull(),
}));
