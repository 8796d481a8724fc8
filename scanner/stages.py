"""Durations of a scan's stages, one log line each with ``-v``."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Log the seconds and CPU seconds of the block, unless it fails."""
    began, used = time.perf_counter(), _cpu()
    yield
    log.info("%s took %.2f s (%.2f s of CPU)", name, time.perf_counter() - began, _cpu() - used)


def _cpu() -> float:
    """CPU seconds of this process and its finished children."""
    return sum(os.times()[:4])
