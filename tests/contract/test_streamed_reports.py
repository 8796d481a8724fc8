"""Reports of a scan that stays in the store while they are written: the same bytes as of a loaded scan."""

from __future__ import annotations

import io
import weakref
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import update

from reports.base import VIEWS, Screen, View, streams
from reports.judged import work_list
from scanner.model import (
    PRIVILEGES,
    SEVERITIES,
    Acknowledged,
    Acknowledgement,
    Assessment,
    Finding,
    Origin,
    OwnershipVerdict,
    Privilege,
    ScanResult,
    UsageVerdict,
    most_severe_first,
)
from scanner.model.counts import FindingCounts, IdentityCounts, count_findings, count_identities
from scanner.model.stored import StoredFindings, StoredIdentities, WorkList
from scanner.model.summary import summarise
from scanner.store import schema
from scanner.store.engine import reading, writing
from scanner.store.records import Records
from scanner.store.store import Store
from scanner.store.urgency import most_urgent
from scanner.suppressions.acknowledgements import has_later, with_later
from tests.contract.test_reports import FORMATS, RESULTS, load, written
from tests.databases import BACKENDS, empty_store
from tests.factories import make_assessment, make_finding, make_identity, make_result

STREAMING = tuple(name for name in sorted(FORMATS) if streams(load(name)))
WORK_LISTS: tuple[WorkList, ...] = ("all", "orphans", "unregistered")


@pytest.fixture(params=BACKENDS)
def store(request: pytest.FixtureRequest) -> Store:
    """An empty store."""
    return empty_store(request.param)


def saved(store: Store, result: ScanResult) -> ScanResult:
    """The scan as the store loads it."""
    store.save(result)
    return store.with_past(store.load())


def varied(size: int = 60) -> ScanResult:
    """Identities of every privilege and use, with findings of every severity about one or several, and none."""
    identities, findings = [], []
    for number in range(size):
        key = f"arn:aws:iam::1:user/{number * 7 % size:04}"
        of_it = [
            make_finding(
                fingerprint=f"{number:08x}{at:024x}",
                rule=("dormant", "orphaned", "unregistered")[(number + at) % 3],
                severity=SEVERITIES[(number // 3 + at) % len(SEVERITIES)],
                identity=key,
                new=number % 4 == 0,
            )
            for at in range(number % 4)
        ]
        findings += of_it
        identities.append(
            make_assessment(
                make_identity(key.rpartition("/")[2], key=key),
                privilege=Privilege(level=PRIVILEGES[number % len(PRIVILEGES)]),
                ownership=OwnershipVerdict(state="orphaned" if number % 3 else "owned"),
                usage=UsageVerdict(state="dormant" if number // 7 % 2 else "active", window_days=90, evidence=""),
                findings=tuple(one.fingerprint for one in sorted(of_it, key=most_severe_first)),
            )
        )
    identities.sort(key=lambda one: one.identity.key)
    findings.sort(key=most_severe_first)
    result = make_result(*identities, findings=tuple(findings))
    return replace(result, summary=summarise(result))


EXPIRED = Acknowledged(reason="known", by="ada@example.com", until=date(2026, 11, 1))
RESULTS_AND_VARIED: dict[str, Callable[[], ScanResult]] = {**RESULTS, "varied": varied}


@pytest.mark.parametrize("name", RESULTS_AND_VARIED)
def test_every_report_of_a_stored_scan_is_that_of_the_loaded_one(store: Store, name: str) -> None:
    loaded = saved(store, RESULTS_AND_VARIED[name]())
    with store.opened() as stored:
        for format_name in STREAMING:
            for view in VIEWS:
                as_loaded = written(load(format_name), loaded, view)
                assert written(load(format_name), stored, view) == as_loaded, (format_name, view)


def test_formats_that_need_the_whole_get_the_same_from_the_store(store: Store) -> None:
    loaded = saved(store, varied())
    with store.opened() as stored:
        for format_name in ("json", "html", "sarif"):
            assert written(load(format_name), stored, "all") == written(load(format_name), loaded, "all")


def test_an_earlier_scan_is_opened_as_it_was(store: Store) -> None:
    first = varied()
    loaded = saved(store, first)
    scan = replace(first.scan, id="next", started_at=first.scan.started_at + timedelta(days=1))
    store.save(replace(make_result(*first.identities[::2]), scan=scan))
    with store.opened(first.scan.id) as stored:
        assert written(load("table"), stored, "all") == written(load("table"), loaded, "all")
        assert written(load("csv"), stored, "orphans") == written(load("csv"), loaded, "orphans")


def test_a_scan_is_reported_without_records_that_a_repair_removed(store: Store) -> None:
    store.save(varied())
    with writing(store._engine) as connection:  # damage comes from outside
        body = update(schema.finding).where(schema.finding.c.key.like("00000001%")).values(body="{}}")
        connection.execute(body)
    store.repair()
    loaded = store.with_past(store.load())
    with store.opened() as stored:
        assert written(load("table"), stored, "all") == written(load("table"), loaded, "all")


@pytest.mark.parametrize("few", [0, 5, 10_000])
@pytest.mark.parametrize("which", WORK_LISTS)
def test_the_order_of_work_lists_is_found_from_columns(store: Store, which: WorkList, few: int) -> None:
    """No matter how many of the first are looked up one by one."""
    loaded = saved(store, varied(200))
    expected = [one.identity.key for one in work_list(loaded, which)]
    found = loaded.summary.findings
    with reading(store._engine) as connection:  # the store has no door to one part of its lists
        keys = list(most_urgent(connection, 1, Records(connection, None), which, found, few))
    assert keys == expected


@pytest.mark.parametrize(
    ("facts", "changes"),
    [
        ({"finding": "00000002" + "0" * 24}, True),
        ({"finding": "ff" * 16}, False),
        ({"rule": "dormant", "match": "arn:aws:iam::1:user/*"}, True),
        ({"rule": "over_privileged", "match": "arn:aws:iam::1:user/*"}, False),
        (
            {
                "rule": "dormant",
                "match": "arn:aws:iam::1:user/*",
                "given": Acknowledged(reason="r", by="b", until=date(2026, 11, 1)),
            },
            False,
        ),
    ],
)
def test_what_was_acknowledged_later_is_looked_for_among_few_findings(
    store: Store, facts: dict[str, Any], changes: bool
) -> None:
    loaded, today = saved(store, varied()), date(2026, 11, 26)
    given = Acknowledged(reason="known", by="ada@example.com", until=date(2027, 1, 1))
    later = [Acknowledgement(**{"origin": Origin(file="acknowledged.toml"), "given": given, **facts})]
    assert (with_later(loaded, later, today) != loaded) == changes
    with store.opened() as stored:
        assert has_later(stored, later, today) == changes


# --- How many records are in memory at once ---


class Tracked(Assessment, frozen=True, kw_only=True, gc=True, weakref=True):
    """An assessment that can be watched."""


class Endless(StoredIdentities):
    """Identities that are made while they are iterated, and how many of them there were at most at once."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._alive: list[weakref.ref[Tracked]] = []
        self.most = 0

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[Assessment]:
        for number in range(self._size):
            made = make_assessment(make_identity(f"svc-{number}"))
            one = Tracked(**{field: getattr(made, field) for field in made.__struct_fields__})
            self._alive.append(weakref.ref(one))
            yield one
            del one, made
            if number % 500 == 0:
                self._alive = [ref for ref in self._alive if ref() is not None]
                self.most = max(self.most, len(self._alive))

    @property
    def counts(self) -> IdentityCounts:
        """As of a few."""
        return count_identities([make_assessment(make_identity())] * self._size)

    def named(self, keys: Collection[str]) -> dict[str, Assessment]:
        """None: no finding is about one."""
        del keys
        return {}

    def most_urgent(self, which: WorkList) -> Iterator[Assessment]:
        """As they come."""
        del which
        return iter(self)


class NoFindings(StoredFindings):
    """An empty list."""

    def __len__(self) -> int:
        return 0

    def __iter__(self) -> Iterator[Finding]:
        return iter(())

    @property
    def counts(self) -> FindingCounts:
        """Of none."""
        return count_findings(())

    def named(self, keys: Collection[str]) -> dict[str, Finding]:
        """None."""
        del keys
        return {}

    def fingerprints(self) -> Sequence[str]:
        """None."""
        return ()


@pytest.mark.parametrize(
    ("name", "view"),
    [("csv", "inventory"), ("csv", "orphans"), ("splunk", "inventory"), ("table", "orphans"), ("table", "all")],
)
def test_few_records_are_in_memory_at_once(name: str, view: View) -> None:
    identities = Endless(5_000)
    result = replace(make_result(), identities=identities, findings=NoFindings())
    load(name).write(result, view, io.BytesIO(), Screen())
    assert identities.most < 2_000
