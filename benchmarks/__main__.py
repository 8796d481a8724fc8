"""``python -m benchmarks [NAME]…`` runs all of them, or those named; each prints its own lines.

``python -m benchmarks NAME ARGUMENT…`` runs one with arguments of its own, e.g. ``matching 1000000``.
``python -m benchmarks --help`` lists them.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Sequence

NAMES = (
    "start_up", "aws_scan", "aws_organization", "azure_scan", "gcp_scan", "kubernetes_scan", "ldap_scan", "matching",
    "suggestions", "accuracy", "behaviour", "pipeline", "store", "reads", "files", "html_report", "served_page", "diff",
    "cluster", "scaling", "cloudtrail", "blast_radius", "gate", "workflows", "served", "served_lists", "served_people",
    "paths",
    "control", "shapes", "masking", "retiring",
)  # fmt: skip


def main() -> int:
    """Run them one after the other; 1 if one fails or misses its goal, 2 where there is no such benchmark."""
    names, arguments = split(sys.argv[1:])
    if not names and arguments:
        print(__doc__, *NAMES, sep="\n")
        return 0 if arguments[0] in ("-h", "--help") else 2
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(f"there is no benchmark called {unknown[0]}; there are: {', '.join(NAMES)}", file=sys.stderr)
        return 2
    failed = False
    for name in names or NAMES:
        module = importlib.import_module(f"benchmarks.{name}")
        print(f"\n{name}: {(module.__doc__ or '').splitlines()[0]}", flush=True)
        # Each in a process of its own: a child's peak memory counts what its parent held when it was started.
        done = subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *arguments], check=False)
        failed = failed or done.returncode != 0
    return int(failed)


def split(words: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Names of benchmarks, and the arguments: those begin with what can be no name, a number or an option."""
    first = next((number for number, word in enumerate(words) if not word.isidentifier()), len(words))
    return words[:first], words[first:]


if __name__ == "__main__":
    sys.exit(main())
