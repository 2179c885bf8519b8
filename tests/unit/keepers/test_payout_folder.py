from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path

import pytest

from chain_kit.keepers.payout_folder import PayoutFolder
from chain_kit.networks import ANVIL_ADDRESSES
from chain_kit.payouts import PayoutTree, leaf_hash, verify_proof

VAULT, ALICE, BOB = ANVIL_ADDRESSES[:3]
TREE = PayoutTree.build(31337, VAULT, [(ALICE, 5), (BOB, 7)])


def names(folder: Path) -> set[str]:
    """All files of a folder, below it too."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_publishes_the_tree_and_each_account_s_proof(tmp_path: Path) -> None:
    """Whoever has one of the files can claim with it; the URI has the root and the content's hash."""
    folder = PayoutFolder(tmp_path / "out", "https://payouts.example/v1/")

    uri = folder.publish(TREE)

    root = "0x" + TREE.root.hex()
    place = tmp_path / "out" / root
    assert names(place) == {"payouts.json", f"accounts/{ALICE}.json", f"accounts/{BOB}.json"}
    content = hashlib.sha256((place / "payouts.json").read_bytes()).hexdigest()
    assert uri == f"https://payouts.example/v1/{root}/payouts.json#sha256={content}"
    mine = json.loads((place / "accounts" / f"{BOB}.json").read_text())
    proof = [bytes.fromhex(node[2:]) for node in mine["proof"]]
    assert mine["root"] == root
    assert verify_proof(TREE.root, leaf_hash(31337, VAULT, BOB, int(mine["total"])), proof)
    assert folder.tree(TREE.root) == TREE
    assert place.stat().st_mode & 0o777 == 0o755


def test_publishing_twice_changes_nothing(tmp_path: Path) -> None:
    """The same URI, the same files, nothing left over."""
    folder = PayoutFolder(tmp_path)
    uri = folder.publish(TREE)
    place = tmp_path / f"0x{TREE.root.hex()}"
    before = place.stat().st_ino

    assert folder.publish(TREE) == uri
    assert uri.startswith(tmp_path.as_uri())
    assert place.stat().st_ino == before
    assert [path.name for path in tmp_path.iterdir()] == [place.name]


def test_a_root_s_folder_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Broken off in the middle, it has published nothing."""

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    folder = PayoutFolder(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(PayoutTree, "save", full)
        with pytest.raises(OSError, match="no space left"):
            folder.publish(TREE)
    assert list(tmp_path.iterdir()) == []
    assert folder.tree(TREE.root) is None

    folder.publish(TREE)

    assert folder.tree(TREE.root) == TREE


def test_another_process_may_be_quicker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both give the same URI, and one folder stays."""
    one, other = PayoutFolder(tmp_path), PayoutFolder(tmp_path)
    write = PayoutFolder._write

    def overtaken(self: PayoutFolder, tree: PayoutTree, place: Path) -> None:
        write(self, tree, place)
        if self is one:
            other.publish(tree)

    monkeypatch.setattr(PayoutFolder, "_write", overtaken)

    assert one.publish(TREE) == other.publish(TREE)
    assert [path.name for path in tmp_path.iterdir()] == [f"0x{TREE.root.hex()}"]


def test_what_was_damaged_is_published_again(tmp_path: Path) -> None:
    """A file that does not give its root is no tree."""
    folder = PayoutFolder(tmp_path)
    folder.publish(TREE)
    file = tmp_path / f"0x{TREE.root.hex()}" / "payouts.json"
    file.write_text(file.read_text().replace('"7"', '"8"'))
    assert folder.tree(TREE.root) is None

    folder.publish(TREE)

    assert folder.tree(TREE.root) == TREE


def test_removes_what_a_killed_process_left_a_day_ago(tmp_path: Path) -> None:
    """Younger ones may be somebody's at work."""
    old, young = tmp_path / ".0xaa.1", tmp_path / ".0xbb.2"
    for left in (old, young):
        left.mkdir()
        (left / "half").write_text("")
    os.utime(old, (time.time() - 90_000,) * 2)

    PayoutFolder(tmp_path).publish(TREE)

    assert not old.exists()
    assert young.exists()


def test_shows_the_active_tree(tmp_path: Path) -> None:
    """Under a name that stays."""
    folder = PayoutFolder(tmp_path)
    folder.publish(TREE)

    folder.set_active(TREE.root)

    assert PayoutTree.load(tmp_path / "payouts.json") == TREE
