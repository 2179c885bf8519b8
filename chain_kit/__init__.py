"""chain-kit: short-epoch prediction markets, from the Solidity to the operator's terminal.

This package acts on a chain; `indexer` reads one. Importing `chain_kit` itself loads nothing: every part
is imported by its own name, so that a question pays only for what it uses.
"""

__all__ = ["__version__"]

__version__ = "0.1.0"
