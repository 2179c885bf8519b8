from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import psutil
import pytest

from chain_kit import toolchain
from chain_kit.cli.local import children as module
from chain_kit.cli.local.children import ChildFailedError, Children
from tests.system_support.processes import below, still_running, words_of

PATIENCE_SECONDS = 60
SLEEPER = 'import signal; print(\'{"event": "up"}\', flush=True); signal.pause()'
DEAF = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    ' print(\'{"event": "up"}\', flush=True); signal.pause()'
)


class Heard:
    """What children said and what became of them, to be waited for."""

    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, object]]] = []
        self._moved = asyncio.Event()

    def __call__(self, name: str, event: dict[str, object]) -> None:
        """Takes an event."""
        self.events.append((name, event))
        self._moved.set()

    def names(self, child: str) -> list[object]:
        """The names of a child's events."""
        return [event["event"] for name, event in self.events if name == child]

    async def until(self, holds: Callable[[], bool]) -> None:
        """Returns when an event has made it true."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not holds():
                await self._moved.wait()
                self._moved.clear()


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Puts a program of the test's own in the command line's place: `python -m chain_kit.cli` runs it."""

    def put(code: str) -> None:
        package = tmp_path / "chain_kit"
        package.mkdir()
        (package / "__init__.py").touch()
        (package / "cli.py").write_text(code)
        monkeypatch.chdir(tmp_path)

    return put


@asynccontextmanager
async def running(heard: Heard) -> AsyncIterator[Children]:
    """A supervisor that is stopped in the end."""
    children = Children(heard)
    try:
        yield children
    finally:
        await children.stop()


def mine() -> list[psutil.Process]:
    """The running Python processes below this one."""
    return [process for process in below(os.getpid()) if "chain_kit.cli" in words_of(process)]


def pid_of(children: Children, name: str) -> int:
    """The process id of a child that must run."""
    pid = children.pid(name)
    assert pid is not None
    return pid


async def test_lines_become_events(program: Callable[[str], None]) -> None:
    """A line of JSON is an event; any other is passed on as said; standard error is not."""
    program("import sys; print('{\"event\": \"a\"}'); print('b'); sys.stderr.write('c\\n'); " + SLEEPER)
    heard = Heard()
    async with running(heard) as children:
        children.start("x", [])
        await heard.until(lambda: len(heard.events) == 3)

    assert [
        ("x", {"event": "a"}),
        ("x", {"event": "said", "text": "b"}),
        ("x", {"event": "up"}),
    ] == heard.events


async def test_arguments_reach_the_child(program: Callable[[str], None]) -> None:
    """The child is `chain-kit` with just the words that were given, without colour."""
    program(
        "import json, os, sys; words = [*sys.argv[1:], os.environ['NO_COLOR']];"
        " print(json.dumps({'event': words}), flush=True)"
    )
    heard = Heard()
    async with running(heard) as children:
        children.start("x", ["keeper", "resolve", "--json"])
        await heard.until(lambda: len(heard.events) >= 1)

    assert ["keeper", "resolve", "--json", "1"] == heard.events[0][1]["event"]


async def test_a_child_has_the_descriptors_that_it_inherits(program: Callable[[str], None]) -> None:
    """What is handed on stays open for it, under the same number; what is not, is closed to it."""
    program(
        "import json, os, sys\n"
        "def is_open(number):\n"
        "    try:\n"
        "        return bool(os.fstat(number))\n"
        "    except OSError:\n"
        "        return False\n"
        "print(json.dumps({'event': [is_open(int(word)) for word in sys.argv[1:]]}), flush=True)\n" + SLEEPER
    )
    heard = Heard()
    with socket.socket() as given, socket.socket() as kept:
        # So high that the child has nothing of its own there.
        kept_number = os.dup2(kept.fileno(), 200)
        try:
            async with running(heard) as children:
                numbers = [given.fileno(), kept_number]
                children.start("x", [str(number) for number in numbers], inherits=[given.fileno()])
                await heard.until(lambda: len(heard.events) >= 1)
        finally:
            os.close(kept_number)

    assert [True, False] == heard.events[0][1]["event"]


async def test_a_killed_child_is_started_again(program: Callable[[str], None]) -> None:
    """After kill -9 there is a new process, as often as it happens, and each time that is told."""
    program(SLEEPER)
    heard = Heard()
    seen: list[int] = []

    def ups(count: int) -> bool:
        return heard.names("x").count("up") == count

    async with running(heard) as children:
        children.start("x", [])
        for kills in range(7):
            await heard.until(partial(ups, kills + 1))
            seen.append(pid_of(children, "x"))
            os.kill(seen[-1], signal.SIGKILL)
        await heard.until(partial(ups, 8))
        children.check()

    assert 7 == len(set(seen))
    assert [{"event": "restarted", "status": -9}] * 7 == [
        e for _, e in heard.events if e["event"] == "restarted"
    ]


async def test_a_child_that_cannot_run_is_given_up(
    program: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After five quick deaths the error has the name, the status and the last lines; no more are started."""
    monkeypatch.setattr(module, "_PAUSE_SECONDS", 0)
    program("import sys; sys.stderr.write('line 1\\nerror: no such thing\\n'); sys.exit(4)")
    heard = Heard()
    async with running(heard) as children:
        children.start("bad", [])
        await asyncio.wait(children._tasks.values(), timeout=PATIENCE_SECONDS)
        with pytest.raises(
            ChildFailedError, match=r"bad ended with status 4:\nline 1\nerror: no such thing$"
        ):
            children.check()

        assert ["restarted"] * 4 == heard.names("bad")
        assert children.pid("bad") is None


async def test_a_late_death_is_no_quick_one(
    program: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child that ran for a while and then failed is not counted towards giving up."""
    monkeypatch.setattr(module, "_PAUSE_SECONDS", 0)
    monkeypatch.setattr(module, "_QUICK_SECONDS", 0)
    program("import sys; sys.exit(1)")
    heard = Heard()
    async with running(heard) as children:
        children.start("x", [])
        await heard.until(lambda: len(heard.events) >= 8)
        children.check()


async def test_a_child_waits_for_what_it_needs(program: Callable[[str], None]) -> None:
    """Nothing is started before `when` says so; asked again and again it may change its mind."""
    program(SLEEPER)
    heard, asked, there = Heard(), asyncio.Event(), asyncio.Event()

    async def ready() -> bool:
        asked.set()
        return there.is_set()

    async with running(heard) as children:
        children.start("x", [], when=ready)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asked.wait()
        assert children.pid("x") is None
        there.set()
        await heard.until(lambda: heard.names("x") == ["up"])


async def test_stopping_leaves_nothing(program: Callable[[str], None]) -> None:
    """After `stop` no child runs and none is started again; stopping twice is fine."""
    program(SLEEPER)
    heard = Heard()
    async with running(heard) as children:
        for name in "abc":
            children.start(name, [])
        await heard.until(lambda: len(heard.events) == 3)
        assert 3 == len(mine())
        await children.stop()

        assert [] == mine()
        assert 3 == len(heard.events)


async def test_stopping_in_the_middle_of_a_start_leaves_nothing(program: Callable[[str], None]) -> None:
    """Whatever instant of a child's start `stop` meets, with another that runs, no process is left."""
    program(SLEEPER)
    for steps in range(20):
        heard = Heard()
        children = Children(heard)
        children.start("first", [])
        await heard.until(lambda heard=heard: heard.names("first") == ["up"])  # type: ignore[misc]
        children.start("second", [])
        for _ in range(steps):
            await asyncio.sleep(0)
        await children.stop()
        assert [] == mine(), f"after {steps} steps"


async def test_stopping_while_one_waits_for_another_start(program: Callable[[str], None]) -> None:
    """A child that has not been started yet never is."""
    program(SLEEPER)

    async def never() -> bool:
        return False

    heard = Heard()
    async with running(heard) as children:
        children.start("x", [], when=never)
        await asyncio.sleep(0)

    assert [] == heard.events
    assert [] == mine()


async def test_a_deaf_child_is_killed(
    program: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child that does not hear SIGTERM is killed when its time is up."""
    monkeypatch.setattr(module, "_GRACE_SECONDS", 0.2)
    program(DEAF)
    heard = Heard()
    async with running(heard) as children:
        children.start("x", [])
        await heard.until(lambda: heard.names("x") == ["up"])

    assert [] == mine()


KILLED_PARENT = f"""
import asyncio, os, sys
from chain_kit.cli.local.children import Children

def heard(name, event):
    print(children.pid("x"), flush=True)

async def main():
    global children
    children = Children(heard)
    os.chdir(sys.argv[1])
    children.start("x", [])
    await asyncio.sleep({PATIENCE_SECONDS})

asyncio.run(main())
"""


async def test_children_do_not_outlive_a_killed_parent(program: Callable[[str], None]) -> None:
    """kill -9 of the process that started them ends the children too, even those deaf to SIGTERM."""
    program(DEAF)
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", KILLED_PARENT, Path.cwd()),
        cwd=toolchain.root(),
        stdout=asyncio.subprocess.PIPE,
    )
    assert parent.stdout is not None
    try:
        child = int(await parent.stdout.readline())
        assert [child] == still_running([child], seconds=0)
    finally:
        parent.kill()
        await parent.wait()

    assert [] == await asyncio.to_thread(still_running, [child])
