"""The page at `/`: plain files, read once, each under its own path with a tag that says whether it changed.

The chart's package comes from npm (`make setup`). Where it is not installed, an empty module stands in its
place, and the page shows prices as a table.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from chain_kit import toolchain

__all__ = ["CONTENT_SECURITY_POLICY", "page_routes"]

CONTENT_SECURITY_POLICY = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_STATIC = Path(__file__).with_name("static")
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_CHARTS = {"uPlot.esm.js": b"export default null;\n", "uPlot.min.css": b""}
"""The files of uPlot that are served, and what stands for each where there is no uPlot."""


@dataclass(frozen=True)
class _File:
    body: bytes
    media_type: str

    @property
    def headers(self) -> dict[str, str]:
        return {
            "etag": f'"{hashlib.sha256(self.body).hexdigest()[:32]}"',
            # Kept, and asked for again each time: a new version is there at once, an old one costs nothing.
            "cache-control": "no-cache",
            "content-security-policy": CONTENT_SECURITY_POLICY,
        }


def page_routes(packages: Path | None = None) -> list[Route]:
    """A route for each file, and `/` for the first; `packages` is node_modules, the kit's own by default."""
    files = {f"/{path.relative_to(_STATIC).as_posix()}": _read(path) for path in sorted(_files())}
    dist = (packages or toolchain.root() / "node_modules") / "uplot" / "dist"
    for name, instead in _CHARTS.items():
        path = dist / name
        files[f"/vendor/{name}"] = _read(path) if path.is_file() else _File(instead, _TYPES[path.suffix])
    files["/"] = files.pop("/index.html")
    return [_route(path, file) for path, file in files.items()]


def _files() -> list[Path]:
    return [path for path in _STATIC.rglob("*") if path.suffix in _TYPES]


def _read(path: Path) -> _File:
    return _File(path.read_bytes(), _TYPES[path.suffix])


def _route(path: str, file: _File) -> Route:
    headers = file.headers

    async def send(request: Request) -> Response:
        known = [
            tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")
        ]
        if headers["etag"] in known:
            return Response(status_code=304, headers=headers)
        return Response(file.body, headers=headers, media_type=file.media_type)

    return Route(path, send, methods=["GET"], include_in_schema=False, name=f"page:{path}")
