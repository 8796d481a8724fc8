"""What a process calls itself where others wait for it."""

from __future__ import annotations

import os
import socket
from datetime import UTC, datetime

_MOST_OF_A_HOST = 24


def this_process() -> str:
    """``pid 123 on host x since 2026-11-25T22:15:00Z``: at most the 63 bytes that PostgreSQL takes for a name."""
    host = socket.gethostname().encode("ascii", "replace").decode()[:_MOST_OF_A_HOST]
    return f"pid {os.getpid()} on {host} since {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
