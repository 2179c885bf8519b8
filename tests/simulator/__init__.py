"""Seeded runs of an index against chains that are reorganised, nodes that lie and machines that die.

`schedule` says what happens in a run and draws it from a seed, `virtual` gives it a clock of its own,
`memory` joins the index to its nodes without sockets, `stack` is the index as it runs in production,
`referee` holds its answers against the books, and `run` plays a schedule. `python -m tests.simulator SEED`
replays one.
"""
