"""What could be read last time and cannot be now, and what can be read again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from scanner.model import BlindSpot, Coverage, CoverageStatus
from scanner.notify.blindness import compare
from tests.factories import NOW, make_coverage

BEFORE = NOW - timedelta(days=3)


def spot(section: str = "iam.users", scope: str = "1", status: str = "denied", source: str = "prod") -> BlindSpot:
    """A place known to be unread for three days."""
    return BlindSpot(source=source, scope=scope, section=section, status=status, since=BEFORE)


def section(name: str = "iam.users", scope: str = "1", status: CoverageStatus = "denied", **facts: Any) -> Coverage:
    """What this scan says of it."""
    return make_coverage(section=name, scope=scope, status=status, **facts)


EU = spot("lambda:eu-west-1")
US = section("lambda:us-east-1", status="complete")
ROLES = section("iam.roles", status="complete")
LOG = section("activity", status="complete")


@pytest.mark.parametrize(
    ("known", "coverage", "lost", "regained", "blind"),
    [
        pytest.param([], [section()], 1, 0, 1, id="newly denied"),
        pytest.param([spot()], [section()], 0, 0, 1, id="still denied"),
        pytest.param([spot(status="partial")], [section()], 1, 0, 1, id="worse than in part"),
        pytest.param([spot()], [section(status="partial")], 0, 0, 1, id="better, and not well"),
        pytest.param([spot()], [section(status="complete")], 0, 1, 0, id="read again"),
        pytest.param([spot()], [section(status="off")], 0, 1, 0, id="no longer asked for"),
        pytest.param([spot()], [section(scope="2", status="complete")], 0, 0, 0, id="its scope is no longer listed"),
        pytest.param([spot()], [section(source="other", status="complete")], 0, 0, 0, id="its source was not scanned"),
        pytest.param([spot()], [section("*")], 1, 0, 2, id="the whole scope is unread now"),
        pytest.param([spot(), spot("*")], [section("*")], 0, 0, 2, id="the whole scope is still unread"),
        pytest.param([spot(), spot("*")], [section(), ROLES], 0, 1, 1, id="the scope is back, the section is not"),
        pytest.param([spot()], [section("*", "*", "failed")], 1, 0, 2, id="the whole source is unread now"),
        pytest.param([spot("*", "*")], [section(status="complete")], 0, 1, 0, id="the source is back"),
        pytest.param([EU], [section("*:eu-west-1"), US], 1, 0, 2, id="the whole region is unread now"),
        pytest.param([EU], [section("*:us-east-1"), ROLES], 1, 0, 1, id="another region is unread now"),
        pytest.param(
            [EU], [section("lambda", status="skipped"), ROLES], 1, 0, 2, id="the section is unread in each part"
        ),
        pytest.param([EU], [US], 0, 0, 0, id="its region is no longer listed"),
        pytest.param([spot("*:eu-west-1")], [US], 0, 0, 0, id="the region, unread as a whole, is no longer listed"),
        pytest.param([spot("*:us-east-1")], [US], 0, 1, 0, id="the region is back"),
        pytest.param([spot("reach:us-east-1")], [US], 0, 1, 0, id="a gap that has no record once it is closed"),
        pytest.param([spot("activity:2026-11-20")], [LOG], 0, 1, 0, id="a day of a log that is read now"),
        pytest.param([spot()], [section("role")], 1, 0, 2, id="nothing of its scope was read"),
        pytest.param([spot()], [section("account", "*")], 1, 0, 2, id="nothing of its source was read"),
        pytest.param([spot()], [ROLES], 0, 1, 0, id="a gap of the scope that is listed no more"),
    ],
)
def test_places_lost_and_regained(
    known: list[BlindSpot], coverage: list[Coverage], lost: int, regained: int, blind: int
) -> None:
    """Each is reported once, when it changes; a wider gap hides what is in it."""
    sight = compare(known, coverage, NOW)

    assert (len(sight.lost), len(sight.regained), len(sight.blind)) == (lost, regained, blind)


def test_it_is_known_since_when() -> None:
    """A place that stays unread keeps its first day."""
    sight = compare([spot()], [section(), section("iam.roles")], NOW)

    assert {one.section: one.since for one in sight.blind} == {"iam.users": BEFORE, "iam.roles": NOW}
    assert sight.sources == {"prod"}
