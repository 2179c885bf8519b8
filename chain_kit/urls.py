"""URLs that may be shown: providers put keys into the user, the password, the path and the query."""

from __future__ import annotations

from urllib.parse import urlsplit

__all__ = ["public_url"]


def public_url(url: str) -> str:
    """`url` with nothing but scheme, host and port; "/…" stands for a path or a query that is left out."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "(not a URL)"
    if not parts.scheme or not host:
        return "(not a URL)"
    host = f"[{host}]" if ":" in host else host
    hidden = "/…" if parts.path.strip("/") or parts.query else ""
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{hidden}"
