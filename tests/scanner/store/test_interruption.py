"""A scan is there whole or not at all, for readers meanwhile and after a kill at any moment."""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any

import pytest
from msgspec.structs import replace

from scanner.model import Assessment, KnownFinding
from scanner.store.intervals import BATCH
from scanner.store.store import open_store
from tests.databases import SHARED, Backend
from tests.factories import make_assessment, make_finding, make_result
from tests.processes import Forks

FIRST = make_result(make_assessment("svc-billing"), findings=(make_finding(),))
NEXT = replace(FIRST, scan=replace(FIRST.scan, id="next"), identities=(make_assessment("deploy"),))

# Saves a scan of more than two batches and kills itself with SIGKILL, as no handler can see, at the point given.
_SAVE_AND_DIE = """
import os, signal, sys
from msgspec.structs import replace
from sqlalchemy import Engine, event
from scanner.store.store import open_store
from tests.factories import make_assessment, make_finding, make_result

url, point, size = sys.argv[1], sys.argv[2], int(sys.argv[3])
die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)

class Dying(tuple):
    at = 0

    def __getitem__(self, place):
        if place == self.at % len(self):
            die()
        return super().__getitem__(place)

identities = [make_assessment(f"svc-{number:06}") for number in range(size)]
findings = [make_finding(fingerprint=f"{number:032x}") for number in range(size)]
result = make_result(*identities, findings=tuple(findings))
kind, _, at = point.partition(":")
result = replace(result, scan=replace(result.scan, id="killed"))
if kind == "commit":
    event.listen(Engine, "commit", die)
else:
    Dying.at = int(at)
    result = replace(result, **{kind: Dying(getattr(result, kind))})
with open_store(url) as store:
    store.save(result)
"""


@pytest.fixture(params=SHARED)
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """An empty store that other processes can open."""
    backend: Backend = request.param
    with backend() as url:
        yield url


def assert_sound(url: str) -> None:
    """SQLite finds nothing wrong with its file; PostgreSQL looks after itself."""
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


class Meanwhile(list[Assessment]):
    """Identities that let somebody look on in the middle of being saved."""

    def __init__(self, identities: Sequence[Assessment], look: Callable[[], None]) -> None:
        super().__init__(identities)
        self._look = look

    def __getitem__(self, place: Any) -> Any:
        if place == len(self) - 1:
            self._look()
        return super().__getitem__(place)


@pytest.mark.parametrize(
    "point",
    [
        "identities:0",
        f"identities:{BATCH // 2}",
        f"identities:{BATCH + 1}",
        "identities:-1",
        "findings:0",
        f"findings:{BATCH + 1}",
        "findings:-1",
        "commit",
    ],
)
def test_kill_leaves_the_scan_before(url: str, point: str, forks: Forks) -> None:
    """After kill -9 the store holds the scan before, sound and readable, and the next save works."""
    with open_store(url) as store:
        store.save(FIRST)

    killed = forks.run(_SAVE_AND_DIE, url, point, str(BATCH + 10))

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with open_store(url) as store:
        assert [scan.id for scan in store.scans()] == [FIRST.scan.id]
        assert store.load() == FIRST
        store.save(NEXT)
        assert store.load() == NEXT
        assert store.load(FIRST.scan.id) == FIRST
    assert_sound(url)


@pytest.mark.parametrize("point", ["identities:-1", f"findings:{BATCH + 1}", "findings:-1", "commit"])
def test_kill_of_a_first_scan_leaves_an_empty_store(url: str, point: str, forks: Forks) -> None:
    """A first scan is written otherwise than later ones; after kill -9 nothing of it is there either."""
    open_store(url).close()

    killed = forks.run(_SAVE_AND_DIE, url, point, str(BATCH + 10))

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    with open_store(url) as store:
        assert store.scans() == ()
        store.save(FIRST)
        assert store.load() == FIRST
    assert_sound(url)


def test_readers_see_the_scan_before(url: str) -> None:
    """While a scan is being saved, another reader neither waits nor sees any of it."""
    seen = []
    many = tuple(make_assessment(f"svc-{number:06}") for number in range(BATCH + 10))

    def look() -> None:
        with open_store(url) as reader:
            seen.append((reader.load(), len(reader.scans()), reader.memory.known_fingerprints()))

    with open_store(url) as store:
        store.save(FIRST)
        store.save(replace(NEXT, identities=Meanwhile(many, look), findings=()))

        assert store.load() == replace(NEXT, identities=many, findings=())
    assert seen
    known = {FIRST.findings[0].fingerprint: KnownFinding(None, FIRST.findings[0].severity)}
    assert all(one == (FIRST, 1, known) for one in seen)


def test_a_reader_keeps_the_state_it_began_with(url: str) -> None:
    """A stream that began before a save goes on over the scan before."""
    many = tuple(make_assessment(f"svc-{number:06}") for number in range(BATCH + 10))
    with open_store(url) as store:
        store.save(replace(FIRST, identities=many))
        stream = store.memory.assessments(lambda *_: True)
        begun = [next(stream)]

        store.save(NEXT)

        assert (*begun, *stream) == many
