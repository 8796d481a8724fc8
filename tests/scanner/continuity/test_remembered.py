"""What the last scan knew stands in for what this one could not read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from scanner.continuity.remembered import with_unread_assignments, with_unread_secrets
from scanner.matching.places import Places
from scanner.model import CoverageStatus, Grant, Privilege, PrivilegeLevel, StoredSecret
from tests.factories import make_assignment, make_coverage


@pytest.mark.parametrize(
    ("status", "now", "expected"), [("denied", None, True), ("complete", None, None), ("denied", False, False)]
)
def test_a_holder_that_was_gone_stays_so_while_nobody_can_tell(
    status: CoverageStatus, *, now: bool | None, expected: bool | None
) -> None:
    """The list of holders was denied, and the right was read."""
    places = Places([make_coverage(scope="s", status=status)])

    (found,) = with_unread_assignments([make_assignment(gone=now)], [make_assignment(gone=True)], places)

    assert found.gone is expected


@pytest.mark.parametrize(
    ("status", "level", "holder", "expected"),
    [
        ("denied", "unknown", "X", ("Owner", "admin")),
        ("denied", "admin", "x", ("Owner", "admin")),
        ("denied", "normal", "x", ("b24988ac", "normal")),
        ("complete", "admin", "x", ("b24988ac", "admin")),
        ("denied", "unknown", "somebody else", ("b24988ac", "unknown")),
        ("complete", "unknown", "x", ("b24988ac", "unknown")),
    ],
)
def test_what_a_right_amounts_to_stands_while_nobody_can_tell(
    status: CoverageStatus, level: PrivilegeLevel, holder: str, expected: tuple[str, str]
) -> None:
    """The list of roles was denied, and the right was read: it is no less than it was."""
    places = Places([make_coverage(scope="s", status=status)])
    last = make_assignment(holder="x", grant=Grant(name="Owner", via="direct"), privilege=Privilege(level="admin"))
    now = make_assignment(holder=holder, grant=Grant(name="b24988ac", via="direct"), privilege=Privilege(level=level))

    (found,) = with_unread_assignments([now], [last], places)

    assert (found.grant.name, found.privilege.level) == expected


@pytest.mark.parametrize(
    ("status", "now", "expected"), [("partial", None, 2024), ("partial", 2026, 2026), ("complete", None, None)]
)
def test_a_secret_whose_age_was_not_told_is_as_old_as_it_was(
    status: CoverageStatus, *, now: int | None, expected: int | None
) -> None:
    """It was listed, and the dates of its values were denied."""
    places = Places([make_coverage(scope="s", status=status, kinds=("secret",))])
    secret, last = (
        StoredSecret(
            key="db",
            provider="gcp",
            source="prod",
            scope="s",
            name="db",
            rotated_at=None if year is None else datetime(year, 1, 1, tzinfo=UTC),
        )
        for year in (now, 2024)
    )

    (found,) = with_unread_secrets([secret], [last], places)

    assert (found.rotated_at and found.rotated_at.year) == expected
