"""The databases behind a store: for each the URL of an empty one, for as long as a ``with`` lasts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import pytest

from tests.servers import postgres

Backend: TypeAlias = Callable[[], AbstractContextManager[str]]


@contextmanager
def sqlite_file() -> Iterator[str]:
    """A file that is gone afterwards."""
    with TemporaryDirectory() as folder:
        yield f"sqlite:///{Path(folder) / 'muster.db'}"


@contextmanager
def sqlite_memory() -> Iterator[str]:
    """Memory, which nobody else sees."""
    yield "sqlite://"


@contextmanager
def postgresql() -> Iterator[str]:
    """A schema on a real server."""
    yield postgres.shared().store_url()


SHARED = (
    pytest.param(sqlite_file, id="sqlite_file"),
    pytest.param(postgresql, id="postgresql", marks=postgres.needed),
)
"""Those that another process can open."""

BACKENDS = (*SHARED, pytest.param(sqlite_memory, id="sqlite_memory"))


def every_backend() -> Iterator[Backend]:
    """All that there are here: for tests that take longer to make an example than to try it."""
    yield from (sqlite_memory, sqlite_file)
    if postgres.missing() is None:
        yield postgresql
