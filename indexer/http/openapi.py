"""The description of the API, made true: what FastAPI would say and this application does not do goes."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

__all__ = ["describe"]

_OURS_NOT = ("HTTPValidationError", "ValidationError")


def describe(app: FastAPI) -> None:
    """Has the application answer with the true description."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes
            )
            app.openapi_schema = _true(document)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _true(document: dict[str, Any]) -> dict[str, Any]:
    """Bad parameters are answered with 400 and our envelope, nowhere with 422."""
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)
    schemas = document["components"]["schemas"]
    for name in _OURS_NOT:
        schemas.pop(name, None)
    return document
