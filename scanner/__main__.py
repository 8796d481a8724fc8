"""``python -m scanner`` is ``muster``."""

from scanner.cli.main import run

run()
