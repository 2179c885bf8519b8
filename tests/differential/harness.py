"""The batch harness on an anvil: hundreds of cases in one eth_call."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from collections.abc import Sequence
from functools import cache
from typing import Any

from eth_abi.abi import decode, encode

from chain_kit import toolchain
from chain_kit.devnet import Anvil
from chain_kit.networks import ANVIL_ADDRESSES
from chain_kit.units import keccak256
from tests.keeper_support.kit import START, transact

SEED = 20_261_120
CASES = int(os.environ.get("DIFFERENTIAL_CASES", "10000"))
"""Random cases of each kind. What is committed was measured with the default."""
BATCH = 250
_SOURCE = "tests/contracts/support/DifferentialHarness.sol"
_GAS = 10**12


def chain() -> Anvil:
    """An anvil whose blocks take as much gas as a batch wants, at the time at which the kit begins."""
    return Anvil(timestamp=START - 60, extra=("--gas-limit", str(_GAS)))


@cache
def _artifact(name: str) -> dict[str, Any]:
    """A contract of the harness, compiled with the settings of the contracts themselves."""
    folder = toolchain.cache_folder()
    with (folder / "harness.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(
            [toolchain.forge(), "build", "--quiet", _SOURCE],
            cwd=toolchain.root(),
            env={**toolchain.environment(), "FOUNDRY_PROFILE": "harness"},
            check=True,
        )
    file = folder / "forge" / "harness" / "DifferentialHarness.sol" / f"{name}.json"
    artifact: dict[str, Any] = json.loads(file.read_text())
    return artifact


def runtime_code(name: str) -> str:
    """The code that a contract of the harness has once it is deployed: hex, to be put anywhere."""
    code: str = _artifact(name)["deployedBytecode"]["object"]
    return code


class Harness:
    """The deployed harness."""

    def __init__(self, anvil: Anvil, address: str) -> None:
        self.anvil = anvil
        self.address = address

    @classmethod
    async def deploy(cls, anvil: Anvil) -> Harness:
        """Puts the harness on the chain."""
        code = _artifact("DifferentialHarness")["bytecode"]["object"]
        receipt = await transact(anvil, {"from": ANVIL_ADDRESSES[0], "data": code})
        return cls(anvil, receipt["contractAddress"])

    async def ask(
        self, signature: str, result: str, arguments: Sequence[Any], overrides: dict[str, Any] | None = None
    ) -> list[Any]:
        """The list of `result`s that `signature` returns; `overrides` as eth_call takes them."""
        types = _parameters(signature)
        data = keccak256(signature.encode())[:4] + encode(types, arguments)
        call = {"to": self.address, "data": "0x" + data.hex(), "gas": hex(_GAS)}
        answer = await self.anvil.rpc.call("eth_call", [call, "latest", overrides or {}])
        (values,) = decode([f"{result}[]"], bytes.fromhex(answer.removeprefix("0x")))
        return list(values)

    async def ask_all(self, function: str, cases: Sequence[Sequence[int]]) -> list[int]:
        """One function of the scoring rule over all cases (b, own, other, given)."""
        answers: list[int] = []
        for first in range(0, len(cases), BATCH):
            part = [list(case) for case in cases[first : first + BATCH]]
            answers += await self.ask(f"{function}(uint256[4][])", "uint256", [part])
        return answers


def _parameters(signature: str) -> list[str]:
    """The parameter types of a signature, tuples in one piece."""
    inner = signature[signature.index("(") + 1 : -1]
    types, depth = [""], 0
    for letter in inner:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            types.append("")
        else:
            types[-1] += letter
    return types
