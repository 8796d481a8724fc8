"""Assignments, joined with their holders."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from scanner.access.assignments import (
    MOST_EVIDENCE,
    held_by,
    unknown_rights_notices,
    with_assignments,
    with_unknown_rights,
)
from scanner.access.edges import resolve
from scanner.model import PRIVILEGES, Assignment, Edge, Grant, Identity, Privilege, PrivilegeLevel
from tests.factories import make_assignment, make_coverage, make_identity

OBJECT = "5b1e0a1c-0000-4000-8000-00000000000a"
APP = make_identity(
    "app", key="azure://t/applications/1", provider="azure", source="entra", scope="t", unique_id=OBJECT,
    aliases=("api://app",), privilege=Privilege(level="normal"),
)  # fmt: skip
OTHER = replace(APP, key="azure://t/applications/2", name="other", unique_id="other", aliases=())
OWNER = Grant(name="Owner", via="direct", resource="/subscriptions/s")


def right(holder: str = OBJECT, /, level: PrivilegeLevel = "normal", **facts: Any) -> Assignment:
    """A role on a subscription, read in another scope than its holder."""
    privilege = Privilege(level=level, evidence=facts.pop("because", ()))
    return make_assignment(holder, grant=OWNER, privilege=privilege, **facts)


def joined(*rights: Assignment, identities: tuple[Identity, ...] = (APP, OTHER)) -> dict[str, Identity]:
    """The identities with these rights, by name."""
    return {one.name: one for one in with_assignments(identities, held_by(identities, rights))}


@pytest.mark.parametrize(
    ("holder", "facts", "holders"),
    [
        (OBJECT, {}, ["app"]),
        (OBJECT.upper(), {}, ["app"]),
        ("AZURE://t/applications/1", {}, ["app"]),
        ("API://app", {}, ["app"]),
        ("app", {}, []),
        ("stranger", {}, []),
        (OBJECT, {"provider": "gcp"}, []),
        (OBJECT, {"gone": False}, ["app"]),
        (OBJECT, {"gone": True}, []),
    ],
)
def test_the_holder_of_an_assignment(holder: str, facts: dict[str, Any], holders: list[str]) -> None:
    """Found by key, unique id or alias, as the provider compares them, never by name. Deleted holders have none."""
    found = joined(right(holder, **facts))

    assert [name for name, one in found.items() if one.grants == (OWNER,)] == holders


@pytest.mark.parametrize("case", ["key", "unique_id", "alias"])
def test_a_stronger_id_counts_before_a_weaker_one(case: str) -> None:
    """Another identity can have that id as a name or alias."""
    ids: dict[str, dict[str, Any]] = {
        "key": {"key": "x"},
        "unique_id": {"key": "1", "unique_id": "x"},
        "alias": {"key": "2", "unique_id": "2", "aliases": ("x",)},
    }
    order = list(ids)
    weaker = order[order.index(case) :]
    identities = tuple(replace(APP, name=rung, **{"aliases": (), "unique_id": None, **ids[rung]}) for rung in weaker)

    found = joined(right("x"), identities=identities)

    assert [name for name, one in found.items() if one.grants] == [case]


def test_both_identities_with_an_alias_have_the_assignment() -> None:
    """Either can be the holder, so both count."""
    found = joined(right("api://app"), identities=(APP, replace(OTHER, aliases=("api://app",))))

    assert [name for name, one in found.items() if one.grants] == ["app", "other"]


def test_an_assignment_without_a_holder_belongs_to_no_identity() -> None:
    """It is not given to identities without a unique id."""
    nameless = replace(APP, unique_id=None, aliases=("",))

    assert joined(right(""), identities=(nameless,))["app"] == nameless


def test_case_matters_where_the_provider_says_so() -> None:
    """An AWS id in another case is another id."""
    role = make_identity("role", unique_id="AROAX")

    assert joined(right("aroax", provider="aws"), identities=(role,))["role"] == role


@pytest.mark.parametrize(
    ("own", "rights", "level", "evidence"),
    [
        ("normal", [("normal", ("w",))], "normal", ()),
        ("normal", [("high", ("reads all",)), ("normal", ())], "high", ("reads all",)),
        ("normal", [("high", ()), ("high", ("reads all",))], "high", ("Owner on /subscriptions/s", "reads all")),
        ("normal", [("high", ("x",)), ("admin", ("everything",))], "admin", ("everything",)),
        ("admin", [("high", ("x",))], "admin", ("own",)),
        ("high", [("high", ("x",))], "high", ("own", "x")),
        ("unknown", [("normal", ())], "unknown", ("own",)),
        ("unknown", [("high", ("x",))], "high", ("x",)),
        ("normal", [("unknown", ("its role",))], "unknown", ("its role",)),
    ],
)
def test_the_highest_assignment_decides_the_privilege(
    own: PrivilegeLevel,
    rights: list[tuple[PrivilegeLevel, tuple[str, ...]]],
    level: PrivilegeLevel,
    evidence: tuple[str, ...],
) -> None:
    """With the reasons of all that have this level."""
    app = replace(APP, privilege=Privilege(level=own, evidence=("own",) if own != "normal" else ()))
    given = [right(key=str(place), level=each, because=why) for place, (each, why) in enumerate(rights)]

    assert joined(*given, identities=(app,))["app"].privilege == Privilege(level=level, evidence=evidence)


@pytest.mark.parametrize(("level", "expected"), [("admin", "high"), ("escalation", "high"), ("unknown", "unknown")])
def test_under_a_condition_a_right_is_high_at_most(level: PrivilegeLevel, expected: PrivilegeLevel) -> None:
    """It is unknown whether the condition is met."""
    found = joined(right(level=level, because=("everything",), conditional=True))["app"]

    assert found.privilege == Privilege(level=expected, evidence=("everything, if its condition is met",))


def test_reasons_are_limited() -> None:
    """Many assignments of one level do not make many lines; the grants list all."""
    rights = [right(key=f"{place:03}", level="high", because=(f"why {place}",)) for place in range(MOST_EVIDENCE + 5)]
    distinct = [replace(one, grant=replace(OWNER, resource=one.key)) for one in rights]

    found = joined(*distinct)["app"]

    assert len(found.privilege.evidence) == MOST_EVIDENCE
    assert len(found.grants) == len(rights)


def links(found: Identity) -> list[tuple[str, str]]:
    """The targets of its links, with the evidence."""
    return [(link.target, link.evidence) for link in found.links]


@pytest.mark.parametrize(
    ("pattern", "targets"),
    [
        ("azure://t/applications/2", ["2"]),
        ("AZURE://T/Applications/*", ["2", "3"]),
        ("azure://t/applications/?", ["2", "3"]),
        ("azure://other/*", []),
    ],
)
def test_an_assignment_gives_links_to_its_targets(pattern: str, targets: list[str]) -> None:
    """Never to itself; to last known identities as well."""
    old = replace(OTHER, key="azure://t/applications/3")
    elsewhere = make_identity(key="azure://t/applications/9", provider="gcp")
    held = held_by([APP], [right(becomes=(pattern,))])

    app, *_ = resolve([APP, OTHER, elsewhere], held, [], [], [old]).identities

    assert links(app) == [(f"azure://t/applications/{one}", "Owner on /subscriptions/s") for one in targets]


def test_an_admin_needs_no_links() -> None:
    """It would have too many. Being an admin by another assignment counts, too."""
    found = joined(right(key="1", becomes=("*",)), right(key="2", level="admin"))

    assert found["app"].links == ()


def test_a_condition_makes_an_edge_but_no_link() -> None:
    """Attack paths show it as conditional."""
    held = held_by([APP], [right(becomes=("*",), conditional=True)])

    found = resolve([APP, OTHER], held, [], [])

    assert found.identities[0].links == ()
    assert found.edges == (Edge(APP.key, OTHER.key, "Owner on /subscriptions/s, under a condition", conditional=True),)


LEVELS = st.sampled_from(PRIVILEGES)
RIGHTS = st.lists(
    st.builds(
        lambda key, holder, level, why, becomes, conditional: right(
            holder, key=str(key), level=level, because=why, becomes=becomes, conditional=conditional
        ),
        st.integers(0, 30),
        st.sampled_from([OBJECT, "other", "stranger"]),
        LEVELS,
        st.lists(st.sampled_from("xyz"), max_size=3, unique=True).map(tuple),
        st.sampled_from([(), ("*",), (OTHER.key,)]),
        st.booleans(),
    ),
    max_size=30,
    unique_by=lambda one: one.key,
)


@given(RIGHTS, LEVELS, st.randoms())
def test_joining_again_changes_nothing(rights: list[Assignment], own: PrivilegeLevel, random: Any) -> None:
    """Last known identities can be joined again, and the order of assignments does not matter."""
    identities = (replace(APP, privilege=Privilege(level=own)), OTHER)
    once = with_assignments(identities, held_by(identities, rights))
    shuffled = random.sample(rights, len(rights))

    assert with_assignments(once, held_by(once, shuffled)) == once
    assert with_assignments(identities, held_by(identities, shuffled)) == once


@given(RIGHTS, LEVELS)
def test_no_assignment_lowers_a_privilege(rights: list[Assignment], own: PrivilegeLevel) -> None:
    """The highest level wins, and known grants stay."""
    identities = (replace(APP, privilege=Privilege(level=own)), OTHER)
    before, after = identities[0], with_assignments(identities, held_by(identities, rights))[0]

    assert PRIVILEGES.index(after.privilege.level) <= PRIVILEGES.index(before.privilege.level)
    assert {one.grant for one in rights if one.holder == OBJECT} == set(after.grants)


@pytest.mark.parametrize(
    ("level", "facts", "expected"),
    [
        ("normal", {}, "unknown"),
        ("normal", {"section": "*:far"}, "unknown"),
        ("high", {}, "high"),
        ("admin", {}, "admin"),
        ("unknown", {}, "unknown"),
        ("normal", {"status": "partial"}, "unknown"),
        ("normal", {"scope": "*"}, "unknown"),
        ("normal", {"status": "complete"}, "normal"),
        ("normal", {"status": "off"}, "normal"),
        ("normal", {"feeds": ()}, "normal"),
        ("normal", {"feeds": ("use",)}, "normal"),
        ("normal", {"source": "another"}, "normal"),
    ],
)
def test_an_unread_scope_makes_privileges_unknown(
    level: PrivilegeLevel, facts: dict[str, Any], expected: PrivilegeLevel
) -> None:
    """For all identities of its source with a normal privilege; higher ones stay."""
    gap = {"source": "entra", "scope": "s", "section": "arm.assignments", "status": "denied", "feeds": ("permissions",)}
    coverage = make_coverage(**{**gap, **facts})
    (found,) = with_unknown_rights([replace(APP, privilege=Privilege(level=level))], [coverage])

    assert found.privilege.level == expected
    if expected == "unknown" and level == "normal":
        section = "everything" if coverage.section == "*:far" else "arm.assignments"
        place = f"{section} of {'every scope' if coverage.scope == '*' else coverage.scope}"
        assert found.privilege.evidence == (f"{place} could not be read ({coverage.status})",)


def test_many_unread_scopes_are_counted() -> None:
    """Three are named."""
    gaps = [make_coverage(scope=str(number), status="denied", feeds=("permissions",)) for number in range(5)]
    (found,) = with_unknown_rights(
        [make_identity(source="x", sources=("x", "prod"), privilege=Privilege(level="normal"))], gaps
    )

    assert found.privilege.evidence[2:] == (
        "iam.users of 2 could not be read (denied)",
        "and 2 more",
    )


def test_an_unread_scope_that_feeds_within_leaves_other_scopes_alone() -> None:
    """Except identities with another assignment in that scope."""
    gap = make_coverage(source="entra", scope="s", status="denied", feeds=("permissions",), feeds_within=True)
    own, guest, other = (
        replace(APP, key=f"azure://t/applications/{name}", name=name, unique_id=name, aliases=(), scope=scope)
        for name, scope in (("own", "s"), ("guest", "t"), ("other", "t"))
    )
    held = held_by([own, guest, other], [right("guest", scope="s"), right("other", scope="t")])

    seen = with_unknown_rights([own, guest, other], [gap], held)

    assert {one.name: one.privilege.level for one in seen} == {"own": "unknown", "guest": "unknown", "other": "normal"}
    (notice,) = unknown_rights_notices(seen, [gap], held)
    assert notice == (
        "source entra: the privilege of 2 identities is unknown, because they may have more rights: "
        "iam.users of s could not be read (denied); the rights of other scopes' identities there are unknown, too"
    )


def test_one_notice_for_each_source_with_unread_assignments() -> None:
    """With the number of identities; none without such identities, or if everything was read."""
    gaps = [make_coverage(source=one, scope="s", status="denied", feeds=("permissions",)) for one in ("entra", "x")]
    known = [replace(one, privilege=Privilege(level="normal")) for one in (APP, OTHER)]
    powerful = replace(APP, key="azure://t/applications/3", privilege=Privilege(level="high"))
    seen = with_unknown_rights([*known, powerful, make_identity(privilege=Privilege(level="unknown"))], gaps)

    (notice,) = unknown_rights_notices(seen, gaps)

    assert notice == (
        "source entra: the privilege of 2 identities is unknown, because they may have more rights: "
        "iam.users of s could not be read (denied)"
    )
    assert unknown_rights_notices(known, []) == []
