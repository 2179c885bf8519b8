from __future__ import annotations

import socket

import pytest

from chain_kit.cli.listening import listen, listen_or_elsewhere, url_of
from chain_kit.errors import PortInUseError, SettingError


def test_port_0_takes_a_free_one_and_the_address_says_which() -> None:
    """Whoever connects to the address is heard."""
    with listen("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]

        assert f"http://127.0.0.1:{port}" == url_of(listening)
        with socket.create_connection(("127.0.0.1", port)):
            accepted, _ = listening.accept()
            accepted.close()


def test_a_taken_port_is_told_of() -> None:
    """Two servers cannot share a port; the error names it."""
    with listen("127.0.0.1", 0) as first, pytest.raises(PortInUseError) as caught:
        listen("127.0.0.1", first.getsockname()[1])

    assert f"port {caught.value.port} is in use" == caught.value.message


def test_elsewhere_is_a_free_port() -> None:
    """A taken port falls to a free one; a free port is taken."""
    with listen("127.0.0.1", 0) as first:
        taken = first.getsockname()[1]
        with listen_or_elsewhere("127.0.0.1", taken) as second:
            assert taken != second.getsockname()[1]
    with listen_or_elsewhere("127.0.0.1", taken) as third:
        assert taken == third.getsockname()[1]


def test_ipv6_is_in_brackets() -> None:
    """As browsers want it."""
    with listen("::1", 0) as listening:
        assert f"http://[::1]:{listening.getsockname()[1]}" == url_of(listening)


@pytest.mark.parametrize("host", ["203.0.113.7", "no such host", "a" * 70, "\x00"])
def test_hosts_that_are_not_ours_are_told_of(host: str) -> None:
    """An address of another machine, or no name at all: an error that names it, and what would do."""
    with pytest.raises(SettingError) as caught:
        listen(host, 0)

    assert "--host" in caught.value.message
    assert "127.0.0.1" in caught.value.hint
