from __future__ import annotations

import pytest

from chain_kit.urls import public_url


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://127.0.0.1:8545", "http://127.0.0.1:8545"),
        ("http://127.0.0.1:8545/", "http://127.0.0.1:8545"),
        ("https://mainnet.base.org", "https://mainnet.base.org"),
        ("https://user:password@rpc.example/v2/KEY?a=b", "https://rpc.example/…"),
        ("https://rpc.example?key=KEY", "https://rpc.example/…"),
        ("http://[::1]:8545/x", "http://[::1]:8545/…"),
        ("http://host:port/", "(not a URL)"),
        ("http://[::1", "(not a URL)"),
        ("not a url", "(not a URL)"),
        ("", "(not a URL)"),
    ],
)
def test_public_url_shows_scheme_host_and_port(url: str, shown: str) -> None:
    """Nothing that can hold a key is shown, and nothing makes it fail."""
    assert shown == public_url(url)
