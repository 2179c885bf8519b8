"""The server does what its description says: requests that a program makes up from it, good and bad.

`SCHEMA_EXAMPLES=300` makes so many of each endpoint; without it there are that many in all, and more.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import schemathesis
from hypothesis import HealthCheck, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.python import asgi
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from indexer.http.app import create_app
from indexer.http.limits import OFF
from tests.http_support.serving import indexed_world
from tests.index_support.chain import address_of
from tests.index_support.world import World

EXAMPLES = int(os.environ.get("SCHEMA_EXAMPLES", "60"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
]
NAMES = ("BTC", "BTC", address_of("BTC facade"), "XYZ")
BLOCKS = 60

schema = schemathesis.openapi.from_dict(create_app("nothing.db").openapi())


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[asgi.ASGIClient]:
    """The application on an index of the model world."""
    path = tmp_path_factory.mktemp("schema") / "index.db"
    asyncio.run(_index(path))
    with asgi.get_client(cast("Any", create_app(str(path), limits=OFF))) as opened:
        yield opened


async def _index(path: Path) -> World:
    async with indexed_world(path, blocks=BLOCKS) as (world, _):
        return world


def _at_home(case: schemathesis.Case[Any]) -> None:
    """Has what is valid ask for what there is, most of the time: of names alone few would be known."""
    parameters, query = case.path_parameters, case.query
    if parameters and isinstance(symbol := parameters.get("symbol"), str):
        parameters["symbol"] = NAMES[len(symbol) % len(NAMES)]
    if parameters and isinstance(address := parameters.get("address"), str):
        parameters["address"] = address.lower()
    if query and isinstance(block := query.get("at_block"), int) and block % 4:
        query["at_block"] = block % BLOCKS + 3


@schema.parametrize()
@seed(20261120)
@settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_described(case: schemathesis.Case[Any], client: asgi.ASGIClient) -> None:
    """No server error; status, type, headers and body as declared; what is malformed is refused."""
    if case.meta is not None and case.meta.generation.mode.is_positive:
        _at_home(case)
    # That an index is not ready is an answer, with the status that probes understand.
    checks = CHECKS[1:] if case.operation.path == "/readyz" else CHECKS
    case.call_and_validate(session=client, checks=checks)
