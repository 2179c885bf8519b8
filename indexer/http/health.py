"""Whether the server answers, whether the index can be relied on, and the figures of both."""

from __future__ import annotations

from fastapi import APIRouter, Response

from chain_kit.errors import ChainKitError
from indexer.http.metrics import CONTENT_TYPE
from indexer.http.models_more import Health, Readiness
from indexer.http.service import Asked, Service
from indexer.proof.levels import Level
from indexer.proof.readiness import readiness

__all__ = ["router"]

router = APIRouter(tags=["health"])


@router.get("/healthz", response_model=Health, responses={})
async def healthz() -> Response:
    """The server runs."""
    return Response(b'{"status":"ok"}', media_type="application/json")


@router.get(
    "/readyz",
    response_model=Readiness,
    responses={503: {"model": Readiness, "description": "It cannot be relied on; the reasons say why."}},
)
async def readyz(service: Asked) -> Response:
    """Whether the index can be relied on: it is fresh, complete and in no doubt."""
    found = await judge(service)
    status = 200 if found.ready else 503
    return Response(found.model_dump_json(), status, media_type="application/json")


@router.get(
    "/metrics",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(service: Asked) -> Response:
    """Figures for Prometheus."""
    kept = service.metrics
    found = await judge(service)
    kept.ready.set(found.ready)
    kept.level.set(Level[found.level.upper()])
    if found.block is not None and found.head is not None:
        kept.block.set(found.block)
        kept.behind.set(max(found.head - found.block, 0))
    kept.cache.labels("cache").set(service.cache.hits)
    kept.cache.labels("database").set(service.cache.misses)
    return Response(kept.text(), media_type=CONTENT_TYPE)


async def judge(service: Service) -> Readiness:
    """How the index stands; what cannot be read is not ready."""
    try:
        found = await readiness(service.database)
    except ChainKitError:
        reasons = ["the index cannot be read"]
        return Readiness(ready=False, reasons=reasons, block=None, head=None, level="none", verified=False)
    reasons = found.reasons + (["changes of the index are not noticed"] if service.failure else [])
    return Readiness(
        ready=not reasons,
        reasons=reasons,
        block=found.block,
        head=found.head,
        level=found.level.word,  # type: ignore[arg-type]
        verified=found.verified,
    )
