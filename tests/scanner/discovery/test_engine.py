"""The engine: every scope read, every failure a gap, nothing stopped by its neighbour."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import pytest
from msgspec import Struct
from msgspec.structs import replace

from connectors.core.contract import DiscoveredRecord, Meter, Scope, Section, Spec
from scanner import errors
from scanner.discovery.engine import read_all
from scanner.discovery.inventory import ScopeReading
from scanner.discovery.scopes import GRACE
from scanner.errors import MEMORY_HINT, Denied, SourceError, Throttled
from scanner.model import GAPS, Coverage, CoverageStatus, Identity
from tests.factories import make_assignment, make_identity


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """None."""


SPEC = Spec(
    name="fake",
    title="A fake",
    settings=Settings,
    kinds=("user",),
    sections=(
        Section(name="users", title="Users", permissions=("fake:List",), without="everything", kinds=("user",)),
        Section(name="keys", title="Keys", permissions=("fake:Keys",), without="key ids", rungs=("credential",)),
        Section(name="rights", title="Rights", permissions=(), without="rights", feeds=("permissions",)),
    ),
)


class FakeConnector:
    """Yields two users a scope; informed where to fail."""

    spec: ClassVar[Spec] = SPEC

    def __init__(self, source: str, settings: Any = None, *, scopes: int = 2, fail: Any = None, on: str = "") -> None:
        self.source = source
        self.settings = settings
        self._scopes = scopes
        self._fail = fail
        self._on = on
        self.discovered = 0
        self.pause = 0.0

    def scopes(self) -> Iterator[Scope | Coverage]:
        """So many of them."""
        if self._on == "scopes":
            raise self._fail
        for number in range(self._scopes):
            yield Scope(source=self.source, spec=SPEC, id=f"{self.source}-{number}")

    def discover(self, scope: Scope) -> Iterator[DiscoveredRecord]:
        """Two users and a section."""
        self.discovered += 1
        time.sleep(self.pause)
        meter = Meter()
        with scope.section("users", meter=meter) as section:
            for name in ("a", "b"):
                meter.add()
                section.found()
                yield make_identity(name, key=f"{scope.id}/{name}", source=scope.source, scope=scope.id)
            if self._on == "section":
                raise self._fail
        yield make_assignment(key=f"{scope.id}/r", source=scope.source, scope=scope.id)
        yield section.coverage
        if self._on == "scope":
            raise self._fail


class Quiet:
    """Watches, and says nothing."""

    def planned(self, source: str, scopes: int) -> None:
        """Nothing."""

    def done(self, reading: ScopeReading) -> None:
        """Nothing."""


def _read(*connectors: FakeConnector, deadline: float = 60) -> list[ScopeReading]:
    with ThreadPoolExecutor(4) as executor:
        readings = list(
            read_all(
                [(one.source, one) for one in connectors],
                executor=executor,
                scope_deadline=deadline,
                observer=Quiet(),
            )
        )
    return sorted(readings, key=lambda reading: (reading.source, reading.scope))


def _gaps(readings: list[ScopeReading]) -> list[tuple[str, str, str]]:
    return [(c.scope, c.section, c.status) for r in readings for c in r.coverage if c.is_gap]


def test_every_scope_of_every_source_is_read() -> None:
    """Two sources of two scopes with two users make eight."""
    readings = _read(FakeConnector("one"), FakeConnector("two"))

    assert sum(len(reading.identities) for reading in readings) == 8
    assert [one.key for reading in readings for one in reading.assignments] == [
        f"{source}-{number}/r" for source in ("one", "two") for number in (0, 1)
    ]
    assert _gaps(readings) == []
    assert [c.calls for r in readings for c in r.coverage] == [2, 2, 2, 2]


@pytest.mark.parametrize(
    ("fail", "on", "gap"),
    [
        pytest.param(Denied("no", permission="fake:List"), "scopes", ("*", "*", "denied"), id="scopes denied"),
        pytest.param(ValueError("bug"), "scopes", ("*", "*", "failed"), id="bug in scopes"),
        pytest.param(Denied("no"), "section", ("one-0", "users", "partial"), id="section denied half way"),
        pytest.param(Throttled("slow"), "scope", ("one-0", "*", "failed"), id="scope gives up"),
        pytest.param(KeyError("bug"), "section", ("one-0", "*", "failed"), id="bug in a section"),
    ],
)
def test_a_failure_is_a_gap_and_stops_no_one_else(fail: Exception, on: str, gap: tuple[str, str, str]) -> None:
    """What was read before it is kept, and the other source is read in full."""
    readings = _read(FakeConnector("one", scopes=1, fail=fail, on=on), FakeConnector("two"))

    assert _gaps(readings) == [gap]
    assert sum(len(reading.identities) for reading in readings) == (4 if on == "scopes" else 6)


@pytest.mark.parametrize(
    ("fail", "detail"),
    [
        (RuntimeError("s3cret"), "internal error (RuntimeError) (see the log; please report it)"),
        (MemoryError(), f"memory ran out ({MEMORY_HINT})"),
    ],
)
def test_a_bug_is_reported_without_its_text(fail: Exception, detail: str) -> None:
    """An exception's text may quote a secret; the coverage names only its kind."""
    (reading,) = _read(FakeConnector("one", scopes=1, fail=fail, on="scope"))

    assert [c.detail for c in reading.coverage if c.is_gap] == [detail]


def test_a_scope_that_takes_too_long_is_a_gap_over_all_it_lists() -> None:
    """What came in time is kept; nothing in that scope may be called gone."""
    slow = FakeConnector("one", scopes=1)
    slow.pause = 0.3 + GRACE
    (reading,) = _read(slow, deadline=0.1)

    (gap,) = [c for c in reading.coverage if c.is_gap]

    assert (gap.section, gap.status, gap.kinds, gap.feeds) == ("*", "failed", ("user",), ("permissions",))
    assert len(reading.identities) == 1


def test_closing_the_iterator_stops_the_reading() -> None:
    """Ctrl-C must not wait for a thousand scopes."""
    with ThreadPoolExecutor(1) as executor:
        connector = FakeConnector("one", scopes=1000)
        connector.pause = 0.01
        readings = read_all([("one", connector)], executor=executor, scope_deadline=60, observer=Quiet())
        next(readings)
        readings.close()  # type: ignore[attr-defined]  # a generator, which the signature does not promise

    assert connector.discovered < 1000


def test_every_source_error_has_a_coverage_status() -> None:
    """The engine and the sections take an error's status for a coverage status."""
    kinds = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, SourceError)]
    allowed: frozenset[CoverageStatus] = GAPS | {"not_offered"}

    assert {kind.status for kind in kinds} <= allowed


def test_malformed_rows_are_named_up_to_three_and_counted() -> None:
    """A section with a thousand broken rows stays readable."""
    with Scope(source="s", spec=SPEC, id="1").section("users") as section:
        for number in range(5):
            section.malformed(f"#{number}", "no key")

    coverage = section.coverage

    assert coverage.status == "partial"
    assert coverage.detail is not None
    assert coverage.detail.count("could not be read") == 3
    assert coverage.detail.endswith("and 2 more such rows")


def test_a_text_of_ten_megabytes_is_cut_with_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    """No connector needs to count characters."""

    class Long(FakeConnector):
        def discover(self, scope: Scope) -> Iterator[DiscoveredRecord]:
            for record in super().discover(scope):
                yield replace(record, description="y" * 10**7) if isinstance(record, Identity) else record

    (reading,) = (one for one in _read(Long("long", scopes=1)) if one.identities)

    assert {len(one.description or "") for one in reading.identities} < set(range(200_000))
    assert "a text of long-0/a has more than 131,072 characters and was cut" in caplog.text
