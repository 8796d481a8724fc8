"""What the rows of all scanners share: a format, and one name for each place."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Generic, TypeVar
from urllib.parse import urlsplit

from msgspec import Raw, Struct

from connectors.exposed import Leak

R = TypeVar("R")


class NoLeak(Struct, frozen=True):
    """A row that is no leak. ``why``: such as ``canary``; None for a line of the scanner's log."""

    why: str | None = None


class Format(Struct, Generic[R], frozen=True, kw_only=True):
    """A scanner's rows. ``mark``: the key that only its rows have."""

    name: str
    mark: str
    decode: Callable[[bytes | Raw], R]
    leak: Callable[[R], Leak | NoLeak]

    def read(self, row: bytes | Raw) -> Leak | NoLeak:
        """Return the leak in the row. Raises Malformed."""
        return self.leak(self.decode(row))


_BY_SSH = re.compile(r"\A[\w.-]+@([\w.-]+):", re.ASCII)


def repository_of(address: str | None) -> str | None:
    """``acme/shop``, as other scanners say, of the address that was cloned, which may hold a token."""
    try:
        parts = urlsplit(_BY_SSH.sub(r"ssh://\1/", address or ""))
    except ValueError:
        return address
    path = parts.path.strip("/").removesuffix(".git")
    return path if parts.netloc and "/" in path else address


def path_of(path: str | None) -> str | None:
    """The path as git has it: a scan of the current folder begins it with ``./``."""
    return (path or "").removeprefix("./") or None
