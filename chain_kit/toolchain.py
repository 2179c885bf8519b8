"""Where the programs are that chain-kit runs (anvil, forge, the compiler), and where they may write.

Everything is looked up in the project's own folder first, where `make setup` puts it, and on the PATH after
that. What the programs write goes into the project's `.cache`, never into the user's home.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import tempfile
from pathlib import Path

from chain_kit.errors import ToolMissingError

__all__ = ["SOLC_VERSION", "anvil", "cache_folder", "environment", "forge", "prepare_ape", "root", "solc"]

SOLC_VERSION = "0.8.37"
_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def root() -> Path:
    """The project's folder: the clone that this package is in, or else the current folder."""
    clone = Path(__file__).resolve().parent.parent
    return clone if (clone / "ape-config.yaml").is_file() else Path.cwd()


def cache_folder() -> Path:
    """The folder for all that may be deleted; made if it is missing."""
    folder = root() / ".cache"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def anvil() -> Path:
    """The anvil program. Raises ToolMissingError."""
    return _foundry("anvil")


def forge() -> Path:
    """The forge program. Raises ToolMissingError."""
    return _foundry("forge")


def solc() -> Path:
    """The compiler that ape and forge call. Raises ToolMissingError for it, and for node, which runs it."""
    path = cache_folder() / "solcx" / f"solc-v{SOLC_VERSION}"
    if not os.access(path, os.X_OK):
        raise ToolMissingError("the Solidity compiler", path)
    if shutil.which("node") is None:
        raise ToolMissingError("node", "PATH")
    return path


def environment() -> dict[str, str]:
    """The environment for a program that we start: this one's, with its home and data in the cache."""
    home = cache_folder() / "home"
    home.mkdir(exist_ok=True)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    return {**inherited, "HOME": str(home), **_ape_variables()}


def prepare_ape() -> None:
    """Tells ape and py-solc-x, in this process, where to write, and forgets a build of older sources.

    Call it before `import ape`.

    Raises ToolMissingError if there is no compiler, because ape would try to download one.
    """
    solc()
    _forget_stale_build()
    os.environ.update(_ape_variables())
    # ape compiles in temporary folders and py-solc-x leaves lock files in them: ask for TMPDIR again.
    tempfile.tempdir = None


def _forget_stale_build() -> None:
    """Deletes what ape has compiled if any source has changed since.

    ape compiles the changed file again, but not every contract that inherits from it or creates it: they
    would be deployed as they were before.
    """
    folder = root()
    sources = sorted((folder / "contracts").rglob("*.sol"))
    digest = hashlib.sha256()
    for file in [
        folder / "ape-config.yaml",
        folder / "package-lock.json",
        folder / "tools/solc.cjs",
        *sources,
    ]:
        digest.update(f"{file.relative_to(folder)}\0{file.stat().st_size}\0".encode())
        digest.update(file.read_bytes())
    stamp = cache_folder() / "ape-sources.sha256"
    if not stamp.is_file() or stamp.read_text() != digest.hexdigest():
        shutil.rmtree(folder / ".build", ignore_errors=True)
        stamp.write_text(digest.hexdigest())


def _ape_variables() -> dict[str, str]:
    cache = cache_folder()
    temporary = cache / "tmp"
    temporary.mkdir(exist_ok=True)
    return {
        "APE_DATA_FOLDER": str(cache / "ape"),
        "SOLCX_BINARY_PATH": str(cache / "solcx"),
        "IPYTHONDIR": str(cache / "ipython"),
        "TMPDIR": str(temporary),
    }


def _foundry(tool: str) -> Path:
    packages = root() / "node_modules"
    system = f"{platform.system().lower()}-{_MACHINES.get(platform.machine().lower(), 'unknown')}"
    # The program itself, rather than the link to it that npm makes: npm's may be a script that starts node.
    inside = packages / "@foundry-rs" / f"{tool}-{system}" / "bin" / tool
    if os.access(inside, os.X_OK):
        return inside
    found = shutil.which(tool)
    if found is None:
        raise ToolMissingError(tool, f"{packages} and PATH")
    return Path(found)
