from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = "// SPDX-License-Identifier: MIT\npragma solidity ^0.8.30;\n"
LIBRARY = SOURCE + "library Two { function two() internal pure returns (uint256) { return %d; } }\n"
USER = (
    SOURCE
    + 'import {Two} from "lib/Two.sol";\n'
    + "contract C { function f() public pure returns (uint256) { return Two.two(); } }\n"
)


class Solc:
    """A copy of the compiler's script in a folder of its own, with a cache of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cache = folder / ".cache" / "solc-output"
        (folder / "tools").mkdir()
        shutil.copy(ROOT / "tools" / "solc.cjs", folder / "tools" / "solc.cjs")
        (folder / "node_modules").symlink_to(ROOT / "node_modules")

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Runs the script."""
        script = self.folder / "tools" / "solc.cjs"
        return subprocess.run(
            [str(script), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=self.folder,
            check=False,
        )

    def compile(self, source: str, **settings: Any) -> dict[str, Any]:
        """Compiles one source; imports are looked up in the folder."""
        wanted = {"*": {"*": ["evm.deployedBytecode.object", "metadata"]}}
        document = {
            "language": "Solidity",
            "sources": {"C.sol": {"content": source}},
            "settings": {"outputSelection": wanted, **settings},
        }
        done = self.run("--standard-json", "--base-path", str(self.folder), stdin=json.dumps(document))
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))


def code(output: dict[str, Any]) -> str:
    """The runtime code of contract C."""
    return str(output["contracts"]["C.sol"]["C"]["evm"]["deployedBytecode"]["object"])


@pytest.fixture
def solc(tmp_path: Path) -> Solc:
    """The compiler with an empty cache."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "Two.sol").write_text(LIBRARY % 2)
    return Solc(tmp_path)


def test_version_is_in_the_compilers_own_form(solc: Solc) -> None:
    """py-solc-x and forge read the second line."""
    first, second = solc.run("--version").stdout.splitlines()

    assert first.startswith("solc, the solidity compiler")
    assert second == "Version: 0.8.37+commit.f401782d.Linux.g++"


def test_imports_are_read_from_the_base_path(solc: Solc) -> None:
    """A source that the input does not hold is found below the base path."""
    assert code(solc.compile(USER))


def test_imports_from_outside_are_refused(solc: Solc) -> None:
    """Nothing above the base path is read, however the import is written."""
    (solc.folder.parent / "Outside.sol").write_text(LIBRARY % 3)
    output = solc.compile(USER.replace("lib/Two.sol", "../Outside.sol"))

    assert "is not below" in output["errors"][0]["message"]


def test_code_carries_no_metadata(solc: Solc) -> None:
    """The source's path is not in the code: two tools that name it differently get the same code."""
    here = solc.compile(USER)
    remapped = solc.compile(USER.replace("lib/Two.sol", "x/Two.sol"), remappings=["x/=lib/"])

    assert code(here) == code(remapped)


def test_second_compilation_is_answered_from_the_cache(solc: Solc) -> None:
    """The same input gives the stored answer: it is not compiled again."""
    solc.compile(USER)
    (entry,) = solc.cache.iterdir()
    stored = json.loads(entry.read_text())
    entry.write_text(json.dumps({**stored, "output": '{"from": "the cache"}'}))

    assert solc.compile(USER) == {"from": "the cache"}


def test_changed_import_is_compiled_again(solc: Solc) -> None:
    """A file that the input names only by its import counts as input."""
    before = code(solc.compile(USER))
    (solc.folder / "lib" / "Two.sol").write_text(LIBRARY % 5)

    assert before != code(solc.compile(USER))


def test_changed_settings_are_compiled_again(solc: Solc) -> None:
    """The settings are part of the input."""
    plain = code(solc.compile(USER))

    assert plain != code(solc.compile(USER, optimizer={"enabled": True, "runs": 1}))


def test_failed_compilation_is_not_kept(solc: Solc) -> None:
    """A missing import may be there the next time."""
    library = solc.folder / "lib" / "Two.sol"
    library.rename(solc.folder / "moved")
    assert solc.compile(USER)["errors"]
    (solc.folder / "moved").rename(library)

    assert code(solc.compile(USER))


def test_broken_cache_is_compiled_again(solc: Solc) -> None:
    """Half an entry, from a full disk for one, is no answer."""
    expected = code(solc.compile(USER))
    (entry,) = solc.cache.iterdir()
    entry.write_text(entry.read_text()[:50])

    assert expected == code(solc.compile(USER))


def test_cache_does_not_grow_without_end(solc: Solc) -> None:
    """Old answers make room for new ones."""
    solc.cache.mkdir(parents=True)
    for number in range(40):
        (solc.cache / f"{number}.json").write_text("{}")
    solc.compile(USER)

    assert len(list(solc.cache.iterdir())) == 16


@pytest.mark.parametrize("arguments", [["--bin"], [], ["--standard-json", "--optimize"]])
def test_anything_else_is_refused(solc: Solc, arguments: list[str]) -> None:
    """What the script cannot do it says, rather than answering something else."""
    done = solc.run(*arguments, stdin="{}")

    assert (1, "") == (done.returncode, done.stdout)
    assert done.stderr.startswith("solc: ")
