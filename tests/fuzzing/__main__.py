"""Breeds inputs for each parser, for so many seconds: ``make fuzz-parsers``. Exit code 1: some break their parser.

What was bred is kept in build/fuzz/corpus, what breaks a parser in build/fuzz/found: ``python -m tests.fuzzing TARGET
FILE`` runs it once more. Atheris follows the code that an input reaches, and mutates those that reach new code.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

KEPT = Path("build/fuzz")
_LIMITS = ("-timeout=20", "-rss_limit_mb=3000", "-max_len=8192", "-print_final_stats=1")
"""Of one input: seconds, memory in MB, bytes."""


def breed(name: str, seconds: int) -> tuple[str, int, str]:
    """In a process of its own, which ends with the first finding. Returns name, exit code and last lines."""
    from tests.fuzzing.seeds import SEEDS

    corpus, found = KEPT / "corpus" / name, KEPT / "found"
    for folder in (corpus, found):
        folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS[name]):
        (corpus / f"seed-{number}").write_bytes(seed)
    limits = [*_LIMITS, f"-max_total_time={seconds}", f"-artifact_prefix={found}/{name}-"]
    command = [sys.executable, "-m", "tests.fuzzing", "--child", name, *limits, str(corpus)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace")
    return name, done.returncode, "\n".join((done.stdout + done.stderr).splitlines()[-40:])


def child(name: str, arguments: list[str]) -> None:
    """Breed in this process; returns never."""
    import atheris

    with atheris.instrument_imports(include=["scanner", "connectors"]):
        from tests.fuzzing.targets import TARGETS

    atheris.Setup([name, *arguments], TARGETS[name])
    atheris.Fuzz()


def main(arguments: list[str]) -> int:
    """Each parser in turn, as many at once as there are cores; or one input once."""
    if arguments[:1] == ["--child"]:
        child(arguments[1], arguments[2:])
    from tests.fuzzing.targets import TARGETS

    parser = argparse.ArgumentParser(prog="python -m tests.fuzzing", description=__doc__)
    parser.add_argument("target", nargs="?", choices=sorted(TARGETS))
    parser.add_argument("file", nargs="?", type=Path)
    parser.add_argument("--seconds", type=int, default=60, help="for each parser")
    given = parser.parse_args(arguments)
    if given.file is not None:
        TARGETS[given.target](given.file.read_bytes())
        return 0
    names = [given.target] if given.target else sorted(TARGETS)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        outcomes = list(pool.map(lambda name: breed(name, given.seconds), names))
    for name, code, lines in outcomes:
        print(f"=== {name}: {'nothing found' if code == 0 else f'exit code {code}'}\n{lines}\n")  # noqa: T201  # its output
    return int(any(code for _, code, _ in outcomes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
