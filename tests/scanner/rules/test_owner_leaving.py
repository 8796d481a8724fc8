"""The rule that warns before the last owner goes."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from scanner.model import EntryAssessment, OwnershipState, OwnershipVerdict, Policy, Privilege, RegistryVerdict
from scanner.rules.base import RuleContext
from scanner.rules.ownership import OWNER_LEAVING
from tests.factories import NOW, make_assessment, make_entry

REGISTERED = RegistryVerdict(state="registered", entry="A", agreeing=("B",))
ENTRIES = {
    "A": EntryAssessment(entry=make_entry("x", id="A", backup_owner=("bo@example.com",)), state="found"),
    "B": EntryAssessment(
        entry=make_entry("x", id="B", backup_owner=("bo@example.com", "cy@example.com")), state="found"
    ),
    "C": EntryAssessment(entry=make_entry("x", id="C"), state="found"),
}
BY = RuleContext(policy=Policy(), now=NOW, entries=ENTRIES)


def leaving(*people: str, state: OwnershipState = "owned", last_day: date | None = None) -> OwnershipVerdict:
    """Owned by these, who are about to leave."""
    return OwnershipVerdict(state=state, owner=next(iter(people), "ada@example.com"), leaving=people, last_day=last_day)


@pytest.mark.parametrize(
    ("verdicts", "severity"),
    [
        pytest.param({"ownership": leaving("lea@example.com")}, "medium", id="leaving"),
        pytest.param(
            {"ownership": leaving("lea@example.com"), "privilege": Privilege(level="admin")}, "high", id="admin"
        ),
        pytest.param(
            {"ownership": leaving("lea@example.com"), "privilege": Privilege(level="escalation")},
            "high",
            id="can-make-itself-one",
        ),
        pytest.param({"ownership": leaving()}, None, id="one-stays"),
        pytest.param({"ownership": leaving("lea@example.com", state="orphaned")}, None, id="orphaned-already"),
    ],
)
def test_it_fires_where_no_owner_stays(verdicts: dict[str, Any], severity: str | None) -> None:
    """It warns about owned identities whose every owner is leaving, the louder the more they can do."""
    hit = OWNER_LEAVING.check(make_assessment(registry=REGISTERED, **verdicts), BY)

    assert (hit and (hit.severity or OWNER_LEAVING.severity)) == severity


@pytest.mark.parametrize(
    ("registry", "last_day", "expected"),
    [
        pytest.param(
            REGISTERED,
            date(2026, 12, 31),
            {"last_day": date(2026, 12, 31), "backup_owner": ("bo@example.com", "cy@example.com")},
            id="backups-of-every-entry-that-declares-it",
        ),
        pytest.param(RegistryVerdict(state="registered", entry="C"), None, {}, id="nothing-known"),
        pytest.param(RegistryVerdict(state="ambiguous"), None, {}, id="no-single-entry"),
    ],
)
def test_evidence_says_who_goes_when_and_who_is_left(
    registry: RegistryVerdict, last_day: date | None, expected: dict[str, Any]
) -> None:
    """Owner, leavers, the last day and the declared backups; what is not known is left out."""
    verdict = leaving("lea@example.com", last_day=last_day)
    hit = OWNER_LEAVING.check(make_assessment(registry=registry, ownership=verdict), BY)

    assert hit is not None
    assert hit.evidence == {"owner": "lea@example.com", "leaving": ("lea@example.com",), **expected}
    assert set(hit.evidence) <= set(OWNER_LEAVING.evidence)
