"""What counts as a review, and when the next one is due."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from scanner.model import EntryAssessment, Policy, RegistryVerdict
from scanner.rules.base import RuleContext
from scanner.rules.entries import REVIEW_OVERDUE
from tests.factories import NOW, make_assessment, make_entry

LONG_AGO, RECENT = date(2026, 1, 5), NOW.date() - timedelta(10)


@pytest.mark.parametrize(
    ("dates", "evidence"),
    [
        pytest.param({"approved_on": LONG_AGO}, {"approved_on": LONG_AGO, "due": date(2026, 7, 4)}, id="only-approved"),
        pytest.param({"approved_on": LONG_AGO, "last_reviewed": RECENT}, None, id="reviewed-since"),
        pytest.param({"approved_on": RECENT, "last_reviewed": LONG_AGO}, None, id="approved-again-since"),
        pytest.param({"approved_on": RECENT}, None, id="approved-lately"),
        pytest.param({"next_review": LONG_AGO}, {"due": LONG_AGO}, id="its-own-date-alone"),
        pytest.param({"last_reviewed": date.max}, None, id="the-last-day-there-is"),
        pytest.param({}, None, id="never-reviewed-is-for-the-registrys-own-check"),
    ],
)
def test_an_approval_is_a_review(dates: dict[str, Any], evidence: dict[str, Any] | None) -> None:
    """The later of approval and review counts; the evidence names the dates there are and no others."""
    assessment = make_assessment(registry=RegistryVerdict(state="registered", entry="NHI-1", rung="key"))
    entry = EntryAssessment(entry=make_entry("svc-billing", **dates), state="found")
    hit = REVIEW_OVERDUE.check(assessment, RuleContext(policy=Policy(), now=NOW, entries={"NHI-1": entry}))

    assert (hit and hit.evidence) == (evidence and {"entry": "NHI-1"} | evidence)
    assert hit is None or set(hit.evidence) <= set(REVIEW_OVERDUE.evidence)
