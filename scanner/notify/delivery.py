"""Why a message did not arrive."""

from __future__ import annotations


class Undelivered(Exception):
    """It may be sent ``again`` at once; ``wait``: not before so many seconds."""

    def __init__(self, why: str, *, again: bool, wait: float | None = None) -> None:
        super().__init__(why)
        self.again = again
        self.wait = wait
