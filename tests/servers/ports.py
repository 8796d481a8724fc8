"""Ports for servers of other programs, which are told their port before they start."""

from __future__ import annotations

import socket
from itertools import islice
from random import SystemRandom

_BELOW_EPHEMERAL = range(15_000, 30_000)
"""Linux gives connections, and servers that ask for any port, numbers from 32,768: none of these, meanwhile."""


def free_ports(count: int) -> list[int]:
    """Return different ports that are free now, at random, so that tests in other processes choose others."""
    free = filter(_is_free, SystemRandom().sample(_BELOW_EPHEMERAL, 100))
    return list(islice(free, count))


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
