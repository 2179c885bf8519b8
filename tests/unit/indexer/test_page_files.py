"""The page's files as a browser gets them."""

from __future__ import annotations

import re
import tomllib
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from chain_kit import toolchain
from indexer.http import page

STATIC = Path(page.__file__).with_name("static")
FILES = sorted(f"/{path.relative_to(STATIC).as_posix()}" for path in STATIC.rglob("*") if path.is_file())


def browsing(packages: Path) -> httpx.AsyncClient:
    """A client of the page; `packages` is its node_modules."""
    app = Starlette(routes=list(page.page_routes(packages)))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://page")


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the page, with a chart of one line."""
    (tmp_path / "uplot" / "dist").mkdir(parents=True)
    (tmp_path / "uplot" / "dist" / "uPlot.esm.js").write_bytes(b"export default 1;")
    async with browsing(tmp_path) as client:
        yield client


async def test_root_is_the_page(browser: httpx.AsyncClient) -> None:
    """`/` is the document, and there is no second address for it."""
    response = await browser.get("/")

    assert (200, "text/html; charset=utf-8") == (response.status_code, response.headers["content-type"])
    assert 404 == (await browser.get("/index.html")).status_code


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/js/app.js", "text/javascript; charset=utf-8"),
        ("/style.css", "text/css; charset=utf-8"),
        ("/favicon.svg", "image/svg+xml"),
        ("/vendor/uPlot.esm.js", "text/javascript; charset=utf-8"),
    ],
)
async def test_types_are_those_that_browsers_insist_on(
    browser: httpx.AsyncClient, path: str, media_type: str
) -> None:
    """A module of another type would not run."""
    assert media_type == (await browser.get(path)).headers["content-type"]


async def test_every_file_is_served_with_its_policy(browser: httpx.AsyncClient) -> None:
    """Nothing may come from elsewhere, whichever file is opened; each is asked for again, by its tag."""
    for path in FILES:
        response = await browser.get("/" if path == "/index.html" else path)

        assert (200, (STATIC / path[1:]).read_bytes()) == (response.status_code, response.content)
        assert "default-src 'self'" in response.headers["content-security-policy"]
        assert "no-cache" == response.headers["cache-control"]


async def test_a_file_that_is_known_is_not_sent_again(browser: httpx.AsyncClient) -> None:
    """The tag comes back as 304 without a body; another tag gets the file."""
    tag = (await browser.get("/style.css")).headers["etag"]
    known = await browser.get("/style.css", headers={"if-none-match": f'"other", W/{tag}'})
    other = await browser.get("/style.css", headers={"if-none-match": '"other"'})

    assert (304, b"", tag) == (known.status_code, known.content, known.headers["etag"])
    assert 200 == other.status_code


@pytest.mark.parametrize(
    "path", ["/../pyproject.toml", "/js/../../__init__.py", "/__init__.py", "/vendor/x.js"]
)
async def test_nothing_else_is_served(browser: httpx.AsyncClient, path: str) -> None:
    """Only the page's own files have an address."""
    assert 404 == (await browser.get(path)).status_code


async def test_without_the_chart_an_empty_module_stands_there(tmp_path: Path) -> None:
    """An installation without npm packages serves the page; its chart is a module of nothing."""
    async with browsing(tmp_path) as client:
        chart, style = [await client.get(f"/vendor/uPlot.{end}") for end in ("esm.js", "min.css")]

    assert (200, b"export default null;\n") == (chart.status_code, chart.content)
    assert (200, b"", "text/css; charset=utf-8") == (
        *(style.status_code, style.content),
        style.headers["content-type"],
    )


def test_files_name_no_other_site() -> None:
    """No address of anybody else, no inline script or style: the policy would refuse them."""
    for path in FILES:
        text = (STATIC / path[1:]).read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")

        assert [] == re.findall(r"https?://\S+", text)
        assert [] == re.findall(r"innerHTML|insertAdjacentHTML|\son\w+=\"|style=\"", text)


async def test_every_reference_leads_to_a_file(browser: httpx.AsyncClient) -> None:
    """What the document and the modules import is there."""
    document = (await browser.get("/")).text
    named = re.findall(r'(?:src|href)="([\w./-]+\.\w+)"', document)
    for path in FILES:
        if path.endswith(".js"):
            named += [
                f"js/{name}" for name in re.findall(r'from "\./([\w.]+)"', (STATIC / path[1:]).read_text())
            ]

    assert len(named) > len(FILES)
    assert [] == [
        name for name in set(named) - {"openapi.json"} if (await browser.get(f"/{name}")).status_code != 200
    ]


def test_package_brings_every_file() -> None:
    """What pip installs has the page: each file matches a pattern of the package's data."""
    project = tomllib.loads((toolchain.root() / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]["indexer"]
    folder = STATIC.parents[2]
    brought = {path for pattern in patterns for path in folder.glob(pattern) if path.is_file()}

    assert set() == {path for path in STATIC.rglob("*") if path.is_file()} - brought
