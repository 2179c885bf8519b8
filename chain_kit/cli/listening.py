"""Where a server listens: a socket, or why there is none."""

from __future__ import annotations

import errno
import socket

from chain_kit.errors import PortInUseError, SettingError

__all__ = ["DEFAULT_HOST", "DEFAULT_PORT", "listen", "listen_or_elsewhere", "url_of"]

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8600


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 takes a free one. Raises PortInUseError or SettingError."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise _unusable(host, port, error) from None
    try:
        # A server that has just ended leaves its port as it was.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(1024)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUseError(port) from None
        raise _unusable(host, port, error) from None
    return listening


def listen_or_elsewhere(host: str, port: int) -> socket.socket:
    """The same, at any free port if something listens on this one already."""
    try:
        return listen(host, port)
    except PortInUseError:
        return listen(host, 0)


def url_of(listening: socket.socket) -> str:
    """Its address for a browser."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if listening.family == socket.AF_INET6 else f"http://{host}:{port}"


def _unusable(host: str, port: int, error: Exception) -> SettingError:
    reason = error.strerror if isinstance(error, OSError) else "not a host name"
    return SettingError(
        f"--host {host} --port {port} cannot be listened on: {reason}",
        hint="127.0.0.1 is this machine alone, 0.0.0.0 every network that it is in",
    )
