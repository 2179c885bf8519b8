"""A state machine over outbox, proxy and a real anvil: whatever happens, each intent takes effect once.

`chain` is the chain and what can be done to it, `counter` the contract whose effects can be counted,
`process` a keeper's process that can be killed at any boundary, `referee` holds journal and chain against the
rules, `machine` plays. `python -m tests.state_machine SEED` replays a seed: ten schedules or so.
"""
