from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from chain_kit.cli.local.folders import FolderLock, LocalFiles, SystemRunningError
from chain_kit.errors import SettingError

HOLDER = """
import sys
from pathlib import Path
from chain_kit.cli.local.folders import FolderLock
lock = FolderLock(Path(sys.argv[1]))
lock.acquire()
print("held", flush=True)
sys.stdin.read()
"""


def test_files_stand_beside_the_manifest() -> None:
    """Everything of a system is named after its manifest, so that two systems share nothing."""
    files = LocalFiles.of(Path("a/8453-fork.json"), None)

    assert (
        LocalFiles(
            manifest=Path("a/8453-fork.json"),
            database=Path("a/8453-fork.db"),
            outboxes=Path("a/8453-fork-outbox"),
            payouts=Path("a/8453-fork-payouts.json"),
            locks=(Path("a/.8453-fork.json.lock"), Path("a/.8453-fork.db.lock")),
        )
        == files
    )
    assert Path("a/8453-fork-outbox/claim.db") == files.outbox("claim")


def test_the_database_may_be_elsewhere() -> None:
    """--db moves the index and nothing else."""
    moved, plain = (LocalFiles.of(Path("a/1.json"), db) for db in (Path("b/index.db"), None))

    assert (Path("b/index.db"), Path("b/.index.db.lock")) == (moved.database, moved.locks[1])
    assert (plain.manifest, plain.outboxes, plain.payouts, plain.locks[0]) == (
        *(moved.manifest, moved.outboxes, moved.payouts, moved.locks[0]),
    )


@pytest.mark.parametrize("url", ["postgresql://user@host/index", "sqlite:///index.db"])
def test_the_database_is_a_file(url: str) -> None:
    """A URL, which other commands take, is refused: no folder is made of its scheme."""
    with pytest.raises(SettingError, match="--db is"):
        LocalFiles.of(Path("a/1.json"), Path(url))


def test_one_system_at_a_time(tmp_path: Path) -> None:
    """The second to ask is refused, with the place named; when the first lets go, the next may have it."""
    path = tmp_path / "new folder" / ".31337.lock"
    first, second = FolderLock(path), FolderLock(path)
    first.acquire()
    with pytest.raises(SystemRunningError, match=r"new folder/\.31337\.lock"):
        second.acquire()
    first.release()
    second.acquire()
    second.release()


def test_letting_go_twice_is_fine(tmp_path: Path) -> None:
    """Stopping what never started, or again, does no harm."""
    lock = FolderLock(tmp_path / ".lock")
    lock.release()
    lock.acquire()
    lock.release()
    lock.release()


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    """The kernel takes the lock back from a process that is killed: nobody has to clean up."""
    path = tmp_path / ".lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert "held\n" == holder.stdout.readline()
        with pytest.raises(SystemRunningError):
            FolderLock(path).acquire()
        holder.kill()
        assert -9 == holder.wait()
    again = FolderLock(path)
    again.acquire()
    again.release()
