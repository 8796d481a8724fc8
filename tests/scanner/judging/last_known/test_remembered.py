"""Last known facts are used where this scan could not read."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from scanner.discovery.inventory import Inventory
from scanner.judging.last_known.remembered import (
    Remembered,
    filled,
    gaps_of_unlisted,
    unlisted_places,
    with_unread_assignments,
    with_unread_exposures,
    with_unread_secrets,
)
from scanner.matching.places import Places
from scanner.model import (
    EVERY_SCOPE,
    EXPOSURE_KIND,
    CoverageStatus,
    Grant,
    Link,
    Privilege,
    PrivilegeLevel,
    StoredSecret,
)
from tests.factories import NOW, make_assessment, make_assignment, make_coverage, make_exposure, make_identity

OWNER_ID = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"


@pytest.mark.parametrize(
    ("status", "now", "expected"), [("denied", None, True), ("complete", None, None), ("denied", False, False)]
)
def test_a_deleted_holder_stays_deleted_while_unread(
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
        ("denied", "normal", "x", (OWNER_ID, "normal")),
        ("complete", "admin", "x", (OWNER_ID, "admin")),
        ("denied", "unknown", "another", (OWNER_ID, "unknown")),
        ("complete", "unknown", "x", (OWNER_ID, "unknown")),
    ],
)
def test_the_privilege_of_a_right_stays_while_unread(
    status: CoverageStatus, level: PrivilegeLevel, holder: str, expected: tuple[str, str]
) -> None:
    """The list of roles was denied, and the right was read: it is no less than it was."""
    places = Places([make_coverage(scope="s", status=status)])
    last = make_assignment(holder="x", grant=Grant(name="Owner", via="direct"), privilege=Privilege(level="admin"))
    now = make_assignment(holder=holder, grant=Grant(name=OWNER_ID, via="direct"), privilege=Privilege(level=level))

    (found,) = with_unread_assignments([now], [last], places)

    assert (found.grant.name, found.privilege.level) == expected


NAMED = Grant(name="Owner", via="group:Admins", resource="Payroll")
BARE = Grant(name=OWNER_ID, via=f"group:{OWNER_ID.upper()}", resource=OWNER_ID)


@pytest.mark.parametrize("level", ["high", "unknown"])
@pytest.mark.parametrize(
    ("now", "last", "expected"),
    [
        (BARE, NAMED, NAMED),
        (NAMED, BARE, NAMED),
        (Grant(name="Keeper", via="group:Root", resource="Wages"), NAMED, None),
        (Grant(name="Keeper", via="direct", resource=f"/subscriptions/{OWNER_ID}"), NAMED, None),
        (Grant(name="Keeper", via=f"group:{OWNER_ID}"), NAMED, Grant(name="Keeper", via="group:Admins")),
    ],
    ids=["not read now", "read at last", "renamed", "an id in a path", "one of them"],
)
def test_a_name_that_was_read_is_trusted_under_a_lasting_gap(
    now: Grant, last: Grant, expected: Grant | None, level: PrivilegeLevel
) -> None:
    """The gap can hide any fact there: a bare id is the placeholder for an unread name."""
    places = Places([make_coverage(scope="s", section="vault.secrets", status="denied")])
    right = Privilege(level=level)
    found = make_assignment(grant=now, privilege=right, becomes=("read now",))
    before = make_assignment(grant=last, privilege=right, becomes=("read at last",))

    (known,) = with_unread_assignments([found], [before], places)

    assert known.grant == (expected or now)
    is_role_unread = (now, level) == (BARE, "unknown")
    assert known.becomes == (before if is_role_unread else found).becomes


@pytest.mark.parametrize(
    ("status", "now", "expected"), [("partial", None, 2024), ("partial", 2026, 2026), ("complete", None, None)]
)
def test_a_secret_with_an_unread_date_keeps_its_age(
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


def test_a_secret_of_a_repository_that_was_read_is_gone() -> None:
    """Another one could not be read."""
    unread = make_coverage(scope="s", section="secrets", status="partial", kinds=("secret",), unread_in=("acme/site",))
    read, kept, shared = (
        StoredSecret(key=name, provider="github", source=unread.source, scope="s", name=name, attributes=attributes)
        for name, attributes in (
            ("read", {"repository": "acme/shop"}),
            ("kept", {"repository": "acme/site"}),
            ("shared", {}),
        )
    )

    assert with_unread_secrets([], [read, kept, shared], Places([unread])) == (kept, shared)


@pytest.mark.parametrize(("status", "stays"), [("denied", True), ("partial", True), ("complete", False)])
def test_a_leaked_key_stays_until_the_report_was_read(status: CoverageStatus, *, stays: bool) -> None:
    """A report without it was read; no report was not."""
    leak = make_exposure()
    places = Places([make_coverage(source=leak.source, scope=leak.scope, status=status, kinds=(EXPOSURE_KIND,))])

    assert with_unread_exposures([], [leak], places) == ((leak,) if stays else ())


@pytest.mark.parametrize("own", [(), (Grant(name="own", via="direct"),)])
def test_grants_of_assignments_are_carried_over_by_their_own_gaps(own: tuple[Grant, ...]) -> None:
    """Permissions that were not all read bring back the identity's own grants, and no right that was revoked."""
    revoked = make_assignment("svc", grant=Grant(name="Owner", via="direct", resource="p"))
    link = Link(relation="can_assume", target="x", evidence="Owner")
    last = make_identity("svc", grants=(*own, revoked.grant), links=(link,))
    now = make_identity("svc", unread=("permissions",))
    remembered = Remembered(assessments=(make_assessment(last),), assignments=(revoked,))

    (found,) = filled(Inventory(identities=(now,)), remembered, [], NOW).identities

    assert found.grants == own
    assert found.links == ((link,) if own else ())


def test_a_scope_that_is_listed_no_more_is_a_gap_with_a_command() -> None:
    """Once per scope, and none where the source says that it lists all, or was not scanned."""
    carried = [make_assessment(make_identity(f"b{n}", scope="b")) for n in "12"]
    here = make_coverage(scope="a")

    (gap,) = gaps_of_unlisted(carried, [make_assignment(scope="b")], [here])

    assert (gap.source, gap.scope, gap.section, gap.status) == ("prod", "b", "*", "skipped")
    assert "`muster history forget prod --scope b`" in (gap.detail or "")
    assert unlisted_places(carried, [], [], [here, gap]) == unlisted_places(carried, [], [], [here])
    assert list(gaps_of_unlisted(carried, [], [here, make_coverage(scope=EVERY_SCOPE)])) == []
    assert list(gaps_of_unlisted(carried, [], [make_coverage(source="other", scope="a")])) == []
    assert list(gaps_of_unlisted(carried, [], [here], {"prod"})) == []


@pytest.mark.parametrize(
    ("scope", "unlisted"),
    [
        ("a", ["source prod no longer lists b: 2 identities and 1 right of b shown as last seen"]),
        (EVERY_SCOPE, []),
    ],
)
def test_a_scope_is_only_missed_where_scopes_were_listed(scope: str, unlisted: list[str]) -> None:
    """Without a list of scopes, its error is reported instead."""
    carried = [make_assessment(make_identity(f"{scope}-{n}", scope=scope)) for scope, n in ("a1", "b1", "b2")]
    coverage = [make_coverage(scope=scope, status="denied")]

    assert unlisted_places(carried, [make_assignment(scope="b")], [], coverage) == unlisted
