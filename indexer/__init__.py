"""The indexer: reads the chain's events into sums, and answers from them.

    rpc       what is asked of a node: headers, logs, calls, with retries and failover
    source    the chain as steps: forward with blocks and logs, or undo to a block
    decode    logs into the typed events of `events`, by the ABI files
    ledger    events into additive entries (account, asset, delta)
    store     blocks, events, entries and cursor in one transaction, in SQLite or PostgreSQL
    state     what the sums and prices mean: outcomes, supplies, what can be claimed
    registry  which events of which contracts count, what they move and read
    answers   the documents that readers get, from a state
    answering each further question: trades, candles, payouts, reward tokens, races, a market's status
    queries   all answers out of a store, as of any indexed block
    due       what keepers have to do, out of a store
    verify    every stored row (`audit`), sum (`chain_checks`) and answer, recomputed from the chain
    tail      the runner: catches up and follows

Importing `indexer` loads none of them: a question pays for what it uses.
"""
