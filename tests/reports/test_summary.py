"""What a whole result says: the words of a gap, and numbers as people write them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest
from msgspec.structs import replace

from reports.limits import EVERY, Number
from reports.summary import Digest, by_reason, gap_text
from scanner.text import counted
from tests.factories import make_assessment, make_coverage, make_result
from tests.reports.samples import estate_with_activity

PLACE = "aws 123456789012 iam.users"


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        pytest.param({}, PLACE, id="nothing known"),
        pytest.param({"permission": "iam:ListUsers"}, f"{PLACE}: needs iam:ListUsers", id="permission"),
        pytest.param({"detail": "timed out"}, f"{PLACE}: timed out", id="detail"),
        pytest.param(
            {"permission": "iam:ListUsers", "detail": "AccessDenied"},
            f"{PLACE}: needs iam:ListUsers; AccessDenied",
            id="both",
        ),
    ],
)
def test_a_gap_says_where_and_what_it_takes(facts: dict[str, Any], text: str) -> None:
    """The place, then the missing permission, then what went wrong."""
    assert gap_text(make_coverage(section="iam.users", status="denied", **facts)) == text


def test_large_numbers_can_be_read() -> None:
    """Thousands are set apart."""
    assert [counted(number, "gap", "gaps") for number in (1, 1200)] == ["1 gap", "1,200 gaps"]


def test_states_no_one_is_in_count_nothing() -> None:
    """Every state of every axis has a number."""
    states = Digest(make_result(make_assessment(), make_assessment("other"))).states
    assert states["registry"] == {"registered": 0, "unregistered": 2, "ambiguous": 0, "exempt": 0, "unchecked": 0}


def test_days_of_a_log_with_the_same_fault_are_one_gap() -> None:
    """Otherwise a month without files would be the whole list. Other sections and faults stay apart."""
    gaps = Digest(estate_with_activity()).gaps
    other = replace(gaps[0], section="activity:2026-11-22", detail="denied")
    plain = replace(gaps[0], section="iam.users")

    shown = by_reason([*gaps, other, plain, plain])

    assert [gap.section for gap in shown] == [
        "activity of 3 days, 2026-11-20 to 2026-11-24",
        "activity:2026-11-22",
        "iam.users",
        "iam.users",
    ]


def test_unread_days_of_a_log_put_no_total_uncertain() -> None:
    """They hide what identities did, and no identity; any other gap may hide one."""
    days = Digest(estate_with_activity())
    both = Digest(
        replace(days.result, coverage=(*days.result.coverage, make_coverage(status="denied", kinds=("user",))))
    )

    assert days.headline == "2 of 7 identities are unregistered; 3 are orphaned."
    assert "Audit logs: 3 days could not be read in full; what was done then is not known." in days.caveats
    assert both.headline.startswith("As far as could be read, 2 of 7")
    assert "Incomplete: 1 section could not be read in full; the numbers below are minimums." in both.caveats


def test_an_unread_row_of_the_registry_makes_numbers_uncertain_both_ways() -> None:
    """What it declares counts as unregistered."""
    row = make_coverage(
        status="partial", provider="registry", source="registry", scope="a.csv:2", section="registry.rows"
    )
    digest = Digest(make_result(make_assessment(), coverage=(row,)))

    expected = "Incomplete: registry a.csv:2 registry.rows could not be read in full; "
    assert digest.caveats == [
        f"{expected}the numbers of registration, ownership, entries and findings may be higher or lower."
    ]


@pytest.mark.parametrize(
    ("gap", "touched", "not_touched"),
    [
        pytest.param({"kinds": ("user",)}, EVERY, (), id="a listing of identities"),
        pytest.param({"kinds": ("secret",)}, ("findings",), ("registry", "privilege"), id="a listing of secrets"),
        pytest.param(
            {"kinds": (), "rungs": ("credential",)},
            ("registry", "credentials", "usage"), ("identities", "privilege", "agents"), id="credentials of users",
        ),
        pytest.param(
            {"kinds": (), "feeds": ("permissions",)}, ("privilege",), ("registry", "usage", "identities"), id="rights"
        ),
        pytest.param({"kinds": ()}, ("privilege", "usage"), ("registry", "identities"), id="facts of whatever sort"),
        pytest.param(
            {"provider": "registry", "section": "registry.rows", "kinds": ()},
            ("registry", "ownership", "entries"), ("privilege", "identities", "credentials"), id="rows of a registry",
        ),
        pytest.param(
            {"provider": "people", "section": "people.rows", "kinds": ()},
            ("ownership",), ("registry", "privilege"), id="a roster",
        ),
        pytest.param({"section": "activity:2026-11-20", "kinds": ()}, (), EVERY, id="a day of a log"),
    ],
)  # fmt: skip
def test_a_number_is_incomplete_only_by_a_gap_that_can_change_it(
    gap: dict[str, Any], touched: Collection[Number], not_touched: Collection[Number]
) -> None:
    """And the gap is named beside it."""
    digest = Digest(make_result(make_assessment(), coverage=(make_coverage(**{"status": "denied", **gap}),)))

    assert set(touched) <= digest.limited.keys()
    assert digest.limited.keys().isdisjoint(not_touched)
    assert all(digest.gaps[0].section in text for text in digest.limited.values())
