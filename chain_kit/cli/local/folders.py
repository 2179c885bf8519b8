"""Where a local system keeps its files, and the lock that keeps them its own."""

from __future__ import annotations

import fcntl
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from chain_kit.errors import SettingError, StoreReadOnlyError, ToolError

__all__ = ["FolderLock", "LocalFiles", "SystemRunningError"]


class SystemRunningError(ToolError, hint="stop that one, or keep the files apart: --deployment, --db"):
    """Another local system uses these files."""


@dataclass(frozen=True)
class LocalFiles:
    """The files of one local system. All of them are made anew with its chain."""

    manifest: Path
    database: Path
    outboxes: Path
    """A folder: each keeper has an outbox of its own, because each has a key of its own."""
    payouts: Path
    locks: tuple[Path, Path]
    """Of the manifest and what stands beside it, and of the database, which may be elsewhere."""

    @classmethod
    def of(cls, manifest: Path, database: Path | None) -> LocalFiles:
        """The files beside `manifest`, and the database where it is wanted. Raises SettingError for a URL."""
        folder = manifest.parent
        stem = manifest.stem
        database = database or folder / f"{stem}.db"
        if ":/" in str(database):
            raise SettingError(
                f"--db is {database}, a URL", hint="a local system has its index in a file: give a path"
            )
        return cls(
            manifest=manifest,
            database=database,
            outboxes=folder / f"{stem}-outbox",
            payouts=folder / f"{stem}-payouts.json",
            locks=(folder / f".{manifest.name}.lock", database.with_name(f".{database.name}.lock")),
        )

    def outbox(self, keeper: str) -> Path:
        """The outbox of one keeper."""
        return self.outboxes / f"{keeper}.db"


class FolderLock:
    """Held by one local system at a time; the kernel lets go of it when the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None

    def acquire(self) -> None:
        """Raises SystemRunningError if another process holds it, StoreReadOnlyError if nobody can."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            file = self._path.open("w")
        except OSError as error:
            raise StoreReadOnlyError(
                f"{self._path} cannot be written: {error.strerror}",
                hint="make the folder writable, or name another: --deployment FILE, --db PATH",
            ) from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise SystemRunningError(f"a local system runs already with the files of {self._path}") from None
        self._file = file

    def release(self) -> None:
        """Lets others have it; once more is fine."""
        if self._file is not None:
            self._file.close()
            self._file = None
