"""By when an entry is to be reviewed: a day that is yet to come is no review, and puts none off for ever."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from scanner.model.declared import review_due
from tests.factories import make_entry

TODAY = date(2026, 11, 25)
SEEN, FAR = date(2026, 11, 1), date(2099, 1, 1)


@pytest.mark.parametrize(
    ("facts", "due"),
    [
        pytest.param({"last_reviewed": SEEN}, date(2026, 11, 11), id="by-policy"),
        pytest.param({"last_reviewed": FAR}, None, id="yet-to-come"),
        pytest.param({"last_reviewed": FAR, "approved_on": SEEN}, date(2026, 11, 11), id="the-approval-counts"),
        pytest.param({"approved_on": FAR, "last_reviewed": SEEN}, date(2026, 11, 11), id="an-approval-to-come"),
        pytest.param({"last_reviewed": SEEN, "next_review": FAR}, date(2026, 11, 11), id="put-off-beyond-the-policy"),
        pytest.param({"last_reviewed": SEEN, "next_review": TODAY}, date(2026, 11, 11), id="the-policy-is-sooner"),
        pytest.param({"next_review": FAR}, None, id="never-reviewed-and-put-off"),
        pytest.param({"next_review": date(2026, 11, 30)}, date(2026, 11, 30), id="soon"),
        pytest.param({}, None, id="no-day"),
    ],
)
def test_when_a_review_is_due(facts: dict[str, Any], due: date | None) -> None:
    assert review_due(make_entry("x", **facts), 10, TODAY) == due
