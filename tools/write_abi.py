"""Writes chain_kit/abi/*.json from the compiler's output; `make abi` calls it after a build.

A file is the contract's ABI and nothing else: one entry on each line, sorted, without what only the compiler
needs, so that a change of the interface is a line in a diff. The test of these files imports `render`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / ".cache" / "forge" / "contracts"
ABI = ROOT / "chain_kit" / "abi"
CONTRACTS = (
    "BoundaryOracle",
    "ChainlinkAdapter",
    "EpochHub",
    "LiquidityLock",
    "LpStaking",
    "MarketFacade",
    "MarketFactory",
    "MrtCurve",
    "MrtToken",
    "PayoutVault",
    "PythAdapter",
    "RaceMarket",
    "SignedReportAdapter",
    "TestPoolFactory",
    "TestToken",
    "Timelock",
)
Entry = dict[str, Any]


def artifact(contract: str) -> Path:
    """Forge's output for a contract."""
    return BUILD / f"{contract}.sol" / f"{contract}.json"


def render(abi: list[Entry]) -> str:
    """The text of the file for `abi`."""
    entries = sorted((_minimal(entry) for entry in abi), key=_order)
    return "[\n" + ",\n".join(json.dumps(entry) for entry in entries) + "\n]\n"


def _minimal(value: Any) -> Any:
    """Without the Solidity types, and without what is so by default."""
    if isinstance(value, list):
        return [_minimal(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {name: _minimal(item) for name, item in value.items() if name != "internalType"}
    if kept.get("anonymous") is False:
        del kept["anonymous"]
    return kept


def _order(entry: Entry) -> tuple[str, str, str]:
    return entry["type"], entry.get("name", ""), json.dumps(entry.get("inputs", []))


def main() -> int:
    """Writes the files that differ and says which; 1 if the build lacks a contract."""
    missing = [name for name in CONTRACTS if not artifact(name).is_file()]
    if missing:
        print(f"not in {BUILD}: {', '.join(missing)}", file=sys.stderr)
        return 1
    ABI.mkdir(exist_ok=True)
    for name in CONTRACTS:
        file, text = ABI / f"{name}.json", render(json.loads(artifact(name).read_text())["abi"])
        if not file.is_file() or file.read_text() != text:
            file.write_text(text)
            print(f"wrote {file.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
