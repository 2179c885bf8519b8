from __future__ import annotations

from pathlib import Path

import pytest

from tests.system_support.deploying import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """An empty chain without a manifest."""
    return Site(tmp_path)


@pytest.fixture
def deployed(site: Site) -> Site:
    """A chain on which everything stands; what is sent is counted from here."""
    site.deploy()
    site.chain.sent.clear()
    return site
