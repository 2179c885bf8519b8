"""Records what a node says of a deployment: every header, and the logs that an index would ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from chain_kit.jsonrpc import JsonRpc
from chain_kit.manifest import Manifest
from indexer.deployment import Deployment
from tests.benchmarks.index_chain import Recorder

__all__ = ["record"]

SPAN = 100


async def record(rpc: JsonRpc, manifest: Manifest, folder: Path) -> int:
    """Records the chain up to its head; how many logs it has."""
    deployment = Deployment.from_manifest(manifest)
    head, count = await rpc.block_number(), 0
    with Recorder(folder, deployment) as recorder:
        for first in range(0, head + 1, SPAN):
            numbers = range(first, min(head, first + SPAN - 1) + 1)
            headers = await rpc.batch([("eth_getBlockByNumber", [hex(n), True]) for n in numbers])
            logs = await _logs(rpc, deployment, numbers)
            count += sum(map(len, logs.values()))
            for number, header in zip(numbers, headers, strict=True):
                classified = [
                    (recorder.class_of(log["address"], log["topics"]), orjson.dumps(log))
                    for log in logs.get(number, [])
                ]
                plain = header | {"transactions": [tx["hash"] for tx in header["transactions"]]}
                recorder.add(orjson.dumps(plain), classified, orjson.dumps(header))
        addresses = [record.address for record in manifest.contracts.values()]
        codes = await rpc.batch([("eth_getCode", [address, "latest"]) for address in addresses])
        manifest.save(folder / "manifest.json")
        recorder.finish({address.lower(): code for address, code in zip(addresses, codes, strict=True)})
    return count


async def _logs(rpc: JsonRpc, deployment: Deployment, numbers: range) -> dict[int, list[dict[str, Any]]]:
    """By block, in the order of the chain, each once."""
    where = {"fromBlock": hex(numbers[0]), "toBlock": hex(numbers[-1])}
    answers = await rpc.batch([("eth_getLogs", [f.params() | where]) for f in deployment.log_filters()])
    found = {
        (int(log["blockNumber"], 16), int(log["logIndex"], 16)): log for answer in answers for log in answer
    }
    logs: dict[int, list[dict[str, Any]]] = {}
    for (number, _), log in sorted(found.items(), key=lambda item: item[0]):
        logs.setdefault(number, []).append(log)
    return logs
