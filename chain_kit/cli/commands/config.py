"""`chain-kit config`."""

from __future__ import annotations

from chain_kit.cli.options import Json, load_settings
from chain_kit.cli.output import print_json, print_table

__all__ = ["show"]


def show(json: Json = False) -> None:
    """Show every setting, its value and where it comes from.

    Example: ETH_RPC_URL=http://127.0.0.1:8545 chain-kit config show
    """
    rows = [
        {"setting": name, "value": value or None, "origin": origin}
        for name, value, origin in load_settings().shown()
    ]
    if json:
        print_json(rows)
        return
    print_table("Settings", [("setting", "setting"), ("value", "value"), ("from", "origin")], rows)
