"""An exemption that is about to end."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scanner.model import Exemption, Policy
from scanner.rules.base import RuleContext
from scanner.rules.entries import EXEMPTION_EXPIRING
from tests.factories import NOW

BY = RuleContext(policy=Policy(expiry_warning=30), now=NOW)


@pytest.mark.parametrize(
    ("days", "fires"),
    [(31, False), (30, True), (0, True), (-1, False), (None, False)],
    ids=["before-the-warning", "first-day", "last-day", "expired-is-another-rule", "for-good"],
)
def test_it_warns_up_to_the_last_day(days: int | None, *, fires: bool) -> None:
    """With what it covers, why, and until when."""
    until = None if days is None else BY.today + timedelta(days)
    hit = EXEMPTION_EXPIRING.check(Exemption(match="a/*", reason="trial", until=until), BY)
    facts = {"match": "a/*", "reason": "trial", "until": until, "limit_days": 30}

    assert (hit and hit.evidence) == (facts if fires else None)
    assert set(facts) == set(EXEMPTION_EXPIRING.evidence)
