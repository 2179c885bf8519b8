"""What `index run` shows: JSON lines, lines of talk, or a bar on a terminal."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING

from chain_kit.cli.output import print_json_line, say

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from indexer.tail import Progress

__all__ = ["Shown"]


class Shown:
    """As a context manager. On a terminal a bar says how far the index is while it catches up."""

    def __init__(self, *, json: bool) -> None:
        self._json = json
        self._bar: Bar | None = None
        self._task: TaskID | None = None
        self._events = 0
        self._caught_up = False

    def __enter__(self) -> Shown:
        if not self._json and sys.stderr.isatty():
            self._start_bar()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_bar()

    def step(self, progress: Progress) -> None:
        """One step was taken."""
        if self._json:
            print_json_line(
                {
                    "event": "undone" if progress.undone else "indexed",
                    "block": progress.block,
                    "head": progress.head,
                    "events": progress.events,
                    "undone": progress.undone,
                }
            )
        elif self._bar is not None and not self._caught_up:
            self._move(progress)
        elif progress.events or progress.undone:
            what = f"{progress.undone} blocks undone" if progress.undone else f"{progress.events} events"
            say(f"block {progress.block} of {progress.head}: {what}")

    def say(self, text: str) -> None:
        """A line of talk, above the bar if there is one."""
        if self._bar is not None:
            self._bar.console.print(text, markup=False, highlight=False)
        else:
            say(text)

    def _start_bar(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            TextColumn("indexing"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("blocks, {task.fields[events]:,} events,"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._bar.start()

    def _move(self, progress: Progress) -> None:
        assert self._bar is not None
        self._events += progress.events
        if self._task is None:
            self._task = self._bar.add_task("", total=progress.head, completed=progress.block, events=0)
        self._bar.update(self._task, completed=progress.block, total=progress.head, events=self._events)
        if progress.caught_up:
            # From here on a line for each block says more.
            self._caught_up = True
            self._end_bar()
            say(f"block {progress.block} of {progress.head}: at the head, {self._events} events taken")

    def _end_bar(self) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
