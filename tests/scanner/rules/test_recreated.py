"""Identities recreated under a registered name: a finding until the registration is confirmed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from scanner.app.scanning import Run, conclude
from scanner.discovery.inventory import ScopeReading, join
from scanner.judging.pipeline import Declared
from scanner.matching.places import SourceRef
from scanner.model import Entry, Finding, Identity
from scanner.store.store import Store
from tests.databases import empty_store, sqlite_file
from tests.factories import NOW, make_coverage, make_entry, make_identity

FIRST = make_identity("billing", unique_id="AIDAFIRST")
SECOND = replace(FIRST, unique_id="AIDASECOND", created_at=NOW + timedelta(hours=23))
RECREATED_ON = SECOND.created_at.date() if SECOND.created_at else None
ENTRY = make_entry(FIRST.key, approved_on=NOW.date() - timedelta(days=300))


@pytest.fixture
def store() -> Store:
    """An empty store."""
    return empty_store(sqlite_file)


def night(
    store: Store, number: int, *found: Identity, entry: Entry | None = ENTRY, status: str = "complete"
) -> list[Finding]:
    """The findings of one scan about recreated identities, with what it stored."""
    coverage = make_coverage(kinds=("user",), status=status)
    other = ScopeReading(source="other", scope="x", coverage=(make_coverage(source="other", scope="x"),))
    reading = ScopeReading(source="prod", scope=FIRST.scope, identities=found, coverage=(coverage,))
    result = conclude(
        store,
        join([reading, other], {"prod": 0, "other": 0}),
        Declared(entries=() if entry is None else (entry,), sources=(SourceRef(name="prod", provider="aws"),)),
        Run(scan_id=f"night-{number}", started=NOW + timedelta(days=number)),
        lists=(),
        accept_drop=True,
    )
    return [finding for finding in result.findings if finding.rule == "recreated"]


def test_it_stands_from_the_night_it_was_seen(store: Store) -> None:
    """With both unique ids, the day and the entry. New once, then open until it is confirmed."""
    nights = [night(store, 0, FIRST), *(night(store, number, SECOND) for number in (1, 2, 3))]

    assert [len(found) for found in nights] == [0, 1, 1, 1]
    (found,) = nights[1]
    assert (found.severity, found.identity, found.new) == ("high", FIRST.key, True)
    assert found.evidence == {
        "unique_id": "AIDASECOND",
        "before": "AIDAFIRST",
        "recreated_on": str(RECREATED_ON),
        "entry": ENTRY.id,
    }
    assert [(one.evidence, one.new) for one in nights[3]] == [(found.evidence, False)]


@pytest.mark.parametrize(
    ("said", "stands"),
    [
        pytest.param({"last_reviewed": RECREATED_ON}, False, id="reviewed-since"),
        pytest.param({"approved_on": RECREATED_ON}, False, id="approved-since"),
        pytest.param({"last_reviewed": NOW.date() - timedelta(days=1)}, True, id="reviewed-before"),
        pytest.param({"identities": (FIRST.key, "AIDASECOND")}, False, id="its-unique-id-is-named"),
        pytest.param({"identities": (FIRST.key, "AIDAFIRST")}, True, id="the-old-one-is-named"),
    ],
)
def test_it_stands_until_the_registration_is_confirmed(store: Store, said: dict[str, Any], stands: bool) -> None:
    """By a date of the entry, or by the unique id that it has now."""
    night(store, 0, FIRST)
    assert night(store, 1, SECOND)

    assert bool(night(store, 2, SECOND, entry=replace(ENTRY, **said))) is stands


@pytest.mark.parametrize(
    "again",
    [
        pytest.param(FIRST, id="the-same-one"),
        pytest.param(replace(FIRST, unique_id=None), id="no-unique-id-this-time"),
    ],
)
def test_the_same_one_is_no_other(store: Store, again: Identity) -> None:
    """Only another unique id shows that it was recreated."""
    night(store, 0, FIRST)

    assert night(store, 1, again) == []


def test_an_unregistered_identity_has_no_approval_to_lose(store: Store) -> None:
    """An entry that came after it was made for the one that is there."""
    night(store, 0, FIRST, entry=None)
    night(store, 1, SECOND, entry=None)

    assert night(store, 2, SECOND) == []


def test_a_night_between_deletion_and_return_hides_nothing(store: Store) -> None:
    """It was gone for a night, or its scope could not be read: the store knows the earlier identity."""
    nights = [night(store, 0, FIRST), night(store, 1), night(store, 2, SECOND)]
    nights += [night(store, 3, status="denied"), night(store, 4, SECOND)]

    assert [len(found) for found in nights] == [0, 0, 1, 1, 1]


def test_made_anew_twice(store: Store) -> None:
    """The confirmed identity is gone again: the latest recreation counts, even without a creation date."""
    third = replace(FIRST, unique_id="AIDATHIRD", created_at=None)
    night(store, 0, FIRST)
    night(store, 1, SECOND)

    (found,) = night(store, 2, third)
    (later,) = night(store, 3, third)

    assert found.evidence["before"] == "AIDASECOND"
    assert found.evidence["recreated_on"] == str((NOW + timedelta(days=2)).date())
    assert later.evidence == found.evidence
