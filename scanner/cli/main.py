"""The ``muster`` command."""


def run() -> None:
    """Entry point."""
