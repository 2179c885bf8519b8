"""A folder in which payout trees are published, for a web server to serve as it is.

    0x<root>/payouts.json                 the tree, each account with its proof
    0x<root>/accounts/0x<account>.json    one account's total and proof
    payouts.json                          the tree of the vault's active root

A root's folder appears whole or not at all, and never changes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import orjson

from chain_kit.errors import PayoutTreeError
from chain_kit.files import write_atomically
from chain_kit.payouts import PayoutTree
from chain_kit.prices import DAY

__all__ = ["PayoutFolder"]

_TREE = "payouts.json"


class PayoutFolder:
    """Publishes into `folder`, which the world sees at `base_uri`; None for the folder's own file URI."""

    def __init__(self, folder: Path | str, base_uri: str | None = None) -> None:
        self.folder = Path(folder)
        self._base_uri = (base_uri or self.folder.resolve().as_uri()).rstrip("/")

    def publish(self, tree: PayoutTree) -> str:
        """Publishes a tree, if it is not; gives its URI, which holds the root and the content's hash.

        Whatever happens, the root's folder is there with all that belongs into it, or not at all. Raises
        OSError.
        """
        place = self._place(tree.root)
        if self.tree(tree.root) is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._clear()
            made = Path(tempfile.mkdtemp(dir=self.folder, prefix=f".{place.name}."))
            try:
                self._write(tree, made)
                made.chmod(0o755)
                self._put(made, place)
                self._sync(self.folder)
            finally:
                shutil.rmtree(made, ignore_errors=True)
        content = hashlib.sha256((place / _TREE).read_bytes()).hexdigest()
        return f"{self._base_uri}/{place.name}/{_TREE}#sha256={content}"

    def tree(self, root: bytes) -> PayoutTree | None:
        """The published tree of a root; None if there is none, or it does not give that root."""
        try:
            tree = PayoutTree.load(self._place(root) / _TREE)
        except PayoutTreeError:
            return None
        return tree if tree.root == root else None

    def set_active(self, root: bytes) -> None:
        """Shows a published tree as the active root's. Raises OSError."""
        tree, shown = (self._place(root) / _TREE).read_bytes(), self.folder / _TREE
        if not shown.exists() or shown.read_bytes() != tree:
            write_atomically(shown, tree)

    def _place(self, root: bytes) -> Path:
        return self.folder / f"0x{root.hex()}"

    def _write(self, tree: PayoutTree, place: Path) -> None:
        accounts = place / "accounts"
        accounts.mkdir()
        for account, total_units in tree.totals.items():
            document = {
                "chain_id": tree.chain_id,
                "vault": tree.vault,
                "root": "0x" + tree.root.hex(),
                "account": account,
                "total": str(total_units),
                "proof": ["0x" + node.hex() for node in tree.proof(account)],
            }
            (accounts / f"{account}.json").write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))
        tree.save(place / _TREE)
        # Thousands of small files: to wait for each would take minutes.
        os.sync()

    def _clear(self) -> None:
        """Removes what a process has left that was killed a day ago or longer."""
        for left in self.folder.glob(".0x*"):
            with suppress(OSError):
                if time.time() - left.stat().st_mtime > DAY:
                    shutil.rmtree(left, ignore_errors=True)

    def _put(self, made: Path, place: Path) -> None:
        try:
            made.rename(place)
        except OSError:
            # Another process was quicker; or what is there was damaged.
            if self.tree(bytes.fromhex(place.name[2:])) is None:
                shutil.rmtree(place, ignore_errors=True)
                made.rename(place)

    @staticmethod
    def _sync(folder: Path) -> None:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
