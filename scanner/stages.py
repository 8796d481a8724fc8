"""How long the stages of a scan take: a line each in the log, with ``-v``."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Log how many seconds the block took, and how many of CPU; a block that fails has no line."""
    began, used = time.perf_counter(), _cpu()
    yield
    log.info("%s took %.2f s (%.2f s of CPU)", name, time.perf_counter() - began, _cpu() - used)


def _cpu() -> float:
    """CPU seconds of this process, and of those that it started and that ended."""
    return sum(os.times()[:4])
