"""``python -m benchmarks [NAME]…``: all of them, or those named; each prints its own lines."""

from __future__ import annotations

import importlib
import subprocess
import sys

NAMES = ("start_up", "aws_scan", "matching", "store", "files", "html_report")


def main() -> int:
    """Run them one after the other; 2 where there is no such benchmark."""
    wanted = sys.argv[1:] or NAMES
    unknown = [name for name in wanted if name not in NAMES]
    if unknown:
        print(f"there is no benchmark called {unknown[0]}; there are: {', '.join(NAMES)}", file=sys.stderr)
        return 2
    for name in wanted:
        module = importlib.import_module(f"benchmarks.{name}")
        print(f"\n{name}: {(module.__doc__ or '').splitlines()[0]}", flush=True)
        # Each in a process of its own: a child's peak memory counts what its parent held when it was started.
        subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
