"""Which leaked key first: one line for each."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from reports.exposed import exposed_rows, leaking_identities
from reports.summary import Digest
from scanner.access.exposures import matched
from scanner.model import Assessment, Exposure, Privilege
from tests.factories import (
    days_ago,
    make_assessment,
    make_coverage,
    make_credential,
    make_exposure,
    make_identity,
    make_result,
)


def holder(name: str, level: Any = "normal", /, **facts: Any) -> Assessment:
    """An identity with one key, named after it."""
    identity = make_identity(name, credentials=(make_credential(name, f"AKIA-{name}", **facts),))
    return make_assessment(identity, privilege=Privilege(level=level))


def leak(name: str, /, **facts: Any) -> Exposure:
    """That key, in a file."""
    return make_exposure(key=f"exposure:{name}:{facts.get('line')}", key_id=f"AKIA-{name}", **facts)


HOLDERS = (
    holder("admin", "admin"),
    holder("tried-admin", "admin"),
    holder("high", "high"),
    holder("old", last_used_at=days_ago(300)),
    holder("recent", last_used_at=days_ago(1)),
    holder("off", "admin", enabled=False),
    holder("past", "admin", expires_at=days_ago(1)),
    holder("by-provider", attributes={"exposed": "in a public repository"}),
    holder("clean", "admin"),
)
LEAKS = (
    leak("admin"), leak("tried-admin", verified=True), leak("high"), leak("old"), leak("recent"), leak("off"),
    leak("past"), leak("nobody", provider="aws"), leak("nobody-tried", verified=True), leak("dead", verified=False),
)  # fmt: skip
RESULT = make_result(*HOLDERS, exposures=matched(LEAKS, [one.identity for one in HOLDERS]))


def test_the_order_in_which_to_rotate() -> None:
    """Privileged and tried first; among equals, what was used last; what does not work any more at the end."""
    rows = list(exposed_rows(RESULT))

    assert [(row.rank, row.key_id, row.state, row.priority) for row in rows] == [
        (1, "AKIA-tried-admin", "live", 1),
        (2, "AKIA-admin", "live", 2),
        (3, "AKIA-high", "live", 3),
        (4, "AKIA-by-provider", "live", 3),
        (5, "AKIA-nobody-tried", "no known identity", 3),
        (6, "AKIA-recent", "live", 4),
        (7, "AKIA-old", "live", 4),
        (8, "AKIA-nobody", "no known identity", 4),
        (9, "AKIA-off", "disabled", 5),
        (10, "AKIA-past", "expired", 5),
        (11, "AKIA-dead", "no known identity", 5),
    ]
    assert (
        leaking_identities(RESULT)
        == {row.identity for row in rows if row.identity is not None}
        == {one.identity.key for one in HOLDERS if one.identity.name != "clean"}
    )


def test_one_line_for_each_key() -> None:
    """Of several places the latest is shown, with the time of the first."""
    places = [
        leak("admin", line=line, exposed_at=days_ago(10 - line), committer=f"{line}@example.com") for line in (1, 2)
    ]
    result = make_result(HOLDERS[0], exposures=matched(places, [HOLDERS[0].identity]))
    (row,) = exposed_rows(result)

    assert (row.places, row.place, row.committer) == (2, "acme/shop prod.env:2", "2@example.com")
    assert row.exposed_at == days_ago(9)
    assert (row.identity, row.name, row.owner) == (HOLDERS[0].identity.key, "admin", None)


@pytest.mark.parametrize(
    ("unread", "rechecked", "state"),
    [((), True, "not listed"), (("credentials",), True, "unknown"), ((), False, "unknown")],
)
def test_a_key_in_no_list_of_its_identity(unread: Any, rechecked: bool, state: str) -> None:
    """It is gone, or nobody knows."""
    judged = make_assessment(replace(make_identity(), unread=unread), rechecked=rechecked)
    result = make_result(judged, exposures=matched([make_exposure(holder=judged.identity.key)], [judged.identity]))
    (row,) = exposed_rows(result)

    assert (row.state, row.key_id) == (state, "AKIAEXAMPLE1")


def test_a_report_alone_is_counted_by_its_keys() -> None:
    """One key in two places is one. A report that could not be read hides leaks, and no identity."""
    leaks = (leak("admin"), leak("admin", line=9), leak("nobody"))
    gap = make_coverage(section="secrets_report.exposures", status="partial", kinds=("exposure",))
    digest = Digest(make_result(exposures=leaks, coverage=(gap,)))
    assert digest.headline == "2 leaked keys were read, and no identities."
    assert digest.caveats == ["Leaked keys: reports of 1 source could not be read in full; there may be more."]
