"""Changes the contracts one place at a time, and tells which changes no test notices.

    python tools/mutate.py FILE... [--sample N] [--seed N] [--tests GLOB] [--timeout SECONDS] [--report FILE]

A mutant is killed if a test fails, has run into the timeout if they do not end, is invalid if it does not
compile, and has survived otherwise; invalid ones do not count towards the sample. Mutants are made in a copy
of the sources under .cache/mutation, which is compiled by an optimizer that is in no hurry; for a library, no
contract is. Without --tests, a file is judged by the tests of its folder.
"""

from __future__ import annotations

import argparse
import difflib
import json
import os
import random
import shutil
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".cache" / "mutation"
TREE = FOLDER / "tree"
LINKED = ("node_modules",)
COPIED = ("contracts", "tests/contracts", "foundry.toml", "tools/solc.cjs", "package.json")
TESTS = {
    "libraries": "tests/contracts/{{unit/libraries,fuzz}}/{name}.t.sol",
    "hub": "tests/contracts/{{unit/hub,fuzz,attack}}/**",
    "vault": "tests/contracts/{{unit/vault,fuzz,attack}}/**",
    "oracle": "tests/contracts/{{unit/oracle,fuzz,attack}}/**",
    "mrt": "tests/contracts/{{unit/mrt,fuzz,attack}}/**",
}
"""What judges the files of a folder of contracts/. Others are judged by every test but invariants."""
ANY_TEST = "tests/contracts/{unit,fuzz,attack}/**"


def tests_of(file: str) -> str:
    """The glob of the tests that judge a file."""
    path = Path(file)
    return TESTS[path.parent.name].format(name=path.stem) if path.parent.name in TESTS else ANY_TEST


def find(files: list[str]) -> list[dict[str, Any]]:
    """All mutants of the files."""
    command = [str(FOLDER / "venv" / "bin" / "python"), str(ROOT / "tools" / "mutants.py"), *files]
    environment = {**_environment("contracts"), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    mutants: list[dict[str, Any]] = json.loads(done.stdout[done.stdout.index("[{") :])
    sources = {file: (ROOT / file).read_bytes() for file in files}
    return [put for mutant in mutants if (put := placed(sources[mutant["file"]], mutant)) is not None]


def placed(source: bytes, mutant: dict[str, Any]) -> dict[str, Any] | None:
    """The mutant with the offsets of what it replaces; None if that does not stand there.

    Some mutators of slither give the text of a whole statement with the place of a part of it.
    """
    before = mutant["before"].encode()
    start = source.rfind(before, 0, mutant["start"] + len(before))
    if not start <= mutant["start"] < start + len(before):
        return None
    return {**mutant, "start": start, "end": start + len(before)}


def prepare() -> None:
    """A fresh copy of the sources; what was compiled before is kept."""
    for name in LINKED:
        (TREE / name).parent.mkdir(parents=True, exist_ok=True)
        if not (TREE / name).is_symlink():
            (TREE / name).symlink_to(ROOT / name)
    for name in COPIED:
        source, target = ROOT / name, TREE / name
        if source.is_dir():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    compiler = TREE / ".cache" / "solcx" / "solc-v0.8.37"
    compiler.parent.mkdir(parents=True, exist_ok=True)
    if not compiler.is_symlink():
        compiler.symlink_to("../../tools/solc.cjs")


def _environment(profile: str) -> dict[str, str]:
    path = f"{ROOT / 'node_modules' / '.bin'}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "FOUNDRY_PROFILE": profile}


def patched(source: bytes, mutant: dict[str, Any]) -> bytes:
    """The source with the change. Raises ValueError if it is not the source that the mutant was made from."""
    start, end = mutant["start"], mutant["end"]
    if source[start:end] != mutant["before"].encode():
        raise ValueError(f"{mutant['file']} has changed at byte {start}")
    after: str = mutant["after"]
    return source[:start] + after.encode() + source[end:]


def judge(mutant: dict[str, Any], tests: str, timeout: float) -> dict[str, Any]:
    """Compiles and tests one mutant; gives it back with its result, its seconds and its diff."""
    file = TREE / mutant["file"]
    original = file.read_bytes()
    changed = patched(original, mutant)
    file.write_bytes(changed)
    began = time.monotonic()
    try:
        result = run(tests, timeout, libraries_only=_is_library(mutant["file"]))
    finally:
        file.write_bytes(original)
    diff = difflib.unified_diff(
        original.decode().splitlines(), changed.decode().splitlines(), lineterm="", n=1
    )
    kept = {name: mutant[name] for name in ("file", "mutator", "line")}
    return {**kept, "result": result, "seconds": round(time.monotonic() - began, 1), "diff": list(diff)[2:]}


def _is_library(file: str) -> bool:
    return Path(file).parent.name == "libraries"


def run(tests: str, timeout: float, *, libraries_only: bool) -> str:
    """What the tests say of the tree: killed, survived, invalid or timeout."""
    environment = _environment("mutation")
    if libraries_only:
        # No contract: the tests bring the libraries that they need.
        environment["FOUNDRY_SRC"] = "contracts/.no-sources"
    command = ["nice", "-n", "10", "forge", "test", "--match-path", tests, "--fail-fast"]
    with subprocess.Popen(
        command,
        cwd=TREE,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            return "timeout"
    return verdict(process.returncode, output)


def verdict(status: int, output: str) -> str:
    """What forge's exit status and output mean. Raises RuntimeError for a run without any test."""
    if "[PASS]" not in output and "[FAIL" not in output:
        if status == 0:
            raise RuntimeError(f"no test ran:\n{output}")
        return "invalid"
    return "survived" if status == 0 else "killed"


def campaign(options: argparse.Namespace) -> list[dict[str, Any]]:
    """All judged mutants, told one by one as they come, in the order of the draw."""
    mutants = find(options.files)
    drawn = random.Random(options.seed).sample(mutants, len(mutants))  # noqa: S311 -- to be repeated
    prepare()
    for tests in sorted({options.tests or tests_of(file) for file in options.files}):
        libraries_only = all(_is_library(file) for file in options.files)
        if run(tests, 4 * options.timeout, libraries_only=libraries_only) != "survived":
            raise SystemExit(f"{tests} fail without any mutant")
    print(f"{min(options.sample, len(mutants))} of {len(mutants)} mutants", flush=True)
    judged: list[dict[str, Any]] = []
    for mutant in drawn:
        if sum(one["result"] != "invalid" for one in judged) == options.sample:
            break
        judged.append(judge(mutant, options.tests or tests_of(mutant["file"]), options.timeout))
        print("{result:9} {seconds:6} s  {file}:{line} {mutator}".format(**judged[-1]), flush=True)
        report(options.report, judged)
    return judged


def report(file: Path, judged: list[dict[str, Any]]) -> dict[str, int]:
    """Writes what is known so far, so that a campaign may be broken off; gives the count of each result."""
    summary = dict(Counter(one["result"] for one in judged))
    file.write_text(json.dumps({"summary": summary, "mutants": judged}, indent=2) + "\n", encoding="utf-8")
    return summary


def main() -> None:
    """Runs the campaign, writes the report and prints the survivors."""
    parser = argparse.ArgumentParser(description="Which changes of the contracts no test notices.")
    parser.add_argument("files", nargs="+")
    parser.add_argument("--sample", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tests", help="a glob of test files, instead of those of the file's folder")
    parser.add_argument("--timeout", type=float, default=180)
    parser.add_argument("--report", type=Path, default=FOLDER / "report.json")
    options = parser.parse_args()
    judged = campaign(options)
    print(report(options.report, judged))
    for one in judged:
        if one["result"] == "survived":
            print("\n".join([f"\n{one['file']}:{one['line']} {one['mutator']}", *one["diff"]]))


if __name__ == "__main__":
    main()
