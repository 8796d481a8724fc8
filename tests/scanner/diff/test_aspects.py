"""What counts as a move, and what only looks like one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from msgspec.structs import replace

from scanner.diff.aspects import NAMED, NOT_READ_BEFORE, differences
from scanner.diff.records import Difference
from scanner.model import (
    AgentVerdict,
    Assessment,
    Grant,
    Link,
    NatureVerdict,
    OwnershipVerdict,
    Privilege,
    RegistryVerdict,
    Signal,
    Trust,
    UsageVerdict,
)
from tests.factories import NOW, days_ago, make_assessment, make_credential, make_identity
from tests.scanner.store.strategies import of

READ = Grant(name="ReadOnly", via="direct")
WRITE = Grant(name="Write", via="group:ops", resource="bucket", admin=True)
ASSUME = Link(relation="can_assume", target="role/admin", evidence="trust policy")
PARTNER = Trust(principal="999", kind="account", external=True, restriction="none", evidence="trust policy")
OLD_KEY, NEW_KEY = make_credential("svc", "AKIAOLD"), make_credential("svc", "AKIANEW")
OWNED = OwnershipVerdict(state="owned", owner="ada@example.com")
DEPARTED = OwnershipVerdict(state="orphaned", reason="departed", owner="ada@example.com")
REGISTERED = RegistryVerdict(state="registered", entry="NHI-1")


def _one(facts: dict[str, Any] | None = None, **verdicts: Any) -> Assessment:
    return make_assessment(make_identity("svc", **facts or {}), **verdicts)


def _usage(state: Any) -> UsageVerdict:
    return UsageVerdict(state=state, window_days=90, evidence="as told")


CASES: dict[str, tuple[Assessment, Assessment, list[Difference]]] = {
    "another owner": (
        _one(ownership=OWNED, registry=REGISTERED),
        _one(ownership=replace(OWNED, owner="bob@example.com"), registry=REGISTERED),
        [Difference(aspect="owner", before="ada@example.com", after="bob@example.com")],
    ),
    "an owner who left": (
        _one(ownership=OWNED, registry=REGISTERED),
        _one(ownership=DEPARTED, registry=REGISTERED),
        [Difference(aspect="ownership", before="owned", after="orphaned (departed)")],
    ),
    "declared at last": (
        _one(),
        _one(registry=REGISTERED),
        [Difference(aspect="registry", before="unregistered", after="registered, entry NHI-1")],
    ),
    "a higher level": (
        _one(privilege=Privilege(level="high", evidence=("a",))),
        _one(privilege=Privilege(level="admin", evidence=("b",))),
        [Difference(aspect="privilege", before="high", after="admin", reach_grew=True)],
    ),
    "a lower level": (
        _one(privilege=Privilege(level="admin")),
        _one(privilege=Privilege(level="normal")),
        [Difference(aspect="privilege", before="admin", after="normal")],
    ),
    "a level that is known at last": (
        _one(privilege=Privilege(level="unknown")),
        _one(privilege=Privilege(level="admin")),
        [Difference(aspect="privilege", before="unknown", after="admin")],
    ),
    "a further way to the same level": (
        _one(privilege=Privilege(level="escalation", evidence=("PassRole",))),
        _one(privilege=Privilege(level="escalation", evidence=("PassRole", "UpdateCode"))),
        [Difference(aspect="permissions", after="UpdateCode", reach_grew=True)],
    ),
    "another example of the way to the same level": (
        _one(privilege=Privilege(level="escalation", evidence=("path: svc -> a", "own"), goal="a")),
        _one(privilege=Privilege(level="escalation", evidence=("path: svc -> b", "own"), goal="b")),
        [Difference(aspect="permissions", before="path: svc -> a", after="path: svc -> b")],
    ),
    "a way of its own in place of a path": (
        _one(privilege=Privilege(level="escalation", evidence=("path: svc -> a",))),
        _one(
            {"privilege": Privilege(level="escalation", evidence=("own",))},
            privilege=Privilege(level="escalation", evidence=("own",)),
        ),
        [Difference(aspect="permissions", before="path: svc -> a", after="own", reach_grew=True)],
    ),
    "somebody else that it makes an admin": (
        _one(privilege=Privilege(level="high", evidence=("makes a",), makes_admin=("a",))),
        _one(privilege=Privilege(level="high", evidence=("makes b",), makes_admin=("b",))),
        [Difference(aspect="permissions", before="makes a", after="makes b", reach_grew=True)],
    ),
    "one grant for another": (
        _one({"grants": (READ,)}),
        _one({"grants": (WRITE,)}),
        [
            Difference(
                aspect="permissions",
                before="ReadOnly via direct",
                after="Write via group:ops on bucket [admin]",
                reach_grew=True,
            )
        ],
    ),
    "a grant less": (
        _one({"grants": (READ, WRITE)}),
        _one({"grants": (WRITE,)}),
        [Difference(aspect="permissions", before="ReadOnly via direct")],
    ),
    "someone else it can become": (
        _one(),
        _one({"links": (ASSUME,)}),
        [Difference(aspect="links", after="can_assume role/admin", reach_grew=True)],
    ),
    "someone who can become it": (
        _one(),
        _one({"trusts": (PARTNER,)}),
        [Difference(aspect="trust", after="account 999 (external), none restriction")],
    ),
    "a looser condition": (
        _one({"trusts": (replace(PARTNER, restriction="exact"),)}),
        _one({"trusts": (PARTNER,)}),
        [Difference(aspect="trust", before="account 999 (external)", after="account 999 (external), none restriction")],
    ),
    "a key more": (
        _one({"credentials": (OLD_KEY,)}),
        _one({"credentials": (OLD_KEY, NEW_KEY)}),
        [Difference(aspect="credentials", after="access_key AKIANEW")],
    ),
    "a key less": (
        _one({"credentials": (OLD_KEY,)}),
        _one(),
        [Difference(aspect="credentials", before="access_key AKIAOLD")],
    ),
    "a key rotated": (
        _one({"credentials": (OLD_KEY,)}),
        _one({"credentials": (NEW_KEY,)}),
        [Difference(aspect="credentials", before="access_key AKIAOLD", after="access_key AKIANEW (rotated)")],
    ),
    "a key disabled": (
        _one({"credentials": (OLD_KEY,)}),
        _one({"credentials": (replace(OLD_KEY, enabled=False),)}),
        [Difference(aspect="credentials", before="access_key AKIAOLD enabled", after="access_key AKIAOLD disabled")],
    ),
    "a key with the same id and a new value": (
        _one({"credentials": (OLD_KEY,)}),
        _one({"credentials": (replace(OLD_KEY, created_at=NOW),)}),
        [
            Difference(
                aspect="credentials",
                before="access_key AKIAOLD of 2025-10-21",
                after="access_key AKIAOLD of 2026-11-25 (rotated)",
            )
        ],
    ),
    "a key that lives longer": (
        _one({"credentials": (replace(OLD_KEY, expires_at=NOW),)}),
        _one({"credentials": (replace(OLD_KEY, never_expires=True),)}),
        [
            Difference(
                aspect="credentials",
                before="access_key AKIAOLD expires 2026-11-25",
                after="access_key AKIAOLD never expires",
            )
        ],
    ),
    "another environment": (
        _one({"environment": "dev"}),
        _one({"environment": "prod"}),
        [Difference(aspect="environment", before="dev", after="prod")],
    ),
    "disabled": (
        _one({"enabled": True}),
        _one({"enabled": False}),
        [Difference(aspect="enabled", before="yes", after="no")],
    ),
    "no longer used": (
        _one(usage=_usage("active")),
        _one(usage=_usage("never_used")),
        [Difference(aspect="usage", before="active", after="never used")],
    ),
    "an agent now": (
        _one(),
        _one(agent=AgentVerdict(is_agent=True)),
        [Difference(aspect="agent", before="no", after="yes")],
    ),
    "used by a person": (
        _one(),
        _one(nature=NatureVerdict(verdict="mixed")),
        [Difference(aspect="nature", before="non-human", after="mixed")],
    ),
    "deleted and recreated": (
        _one({"unique_id": "AIDA1"}),
        _one({"unique_id": "AIDA2"}),
        [Difference(aspect="unique_id", before="AIDA1", after="AIDA2")],
    ),
}


@pytest.mark.parametrize(("before", "after", "expected"), CASES.values(), ids=CASES)
def test_what_moved(before: Assessment, after: Assessment, expected: list[Difference]) -> None:
    """Each aspect by itself, with what was and what is."""
    assert list(differences(before, after)) == expected


PROVISIONAL = RegistryVerdict(state="unregistered", provisional=True)

STILL: dict[str, tuple[Assessment, Assessment]] = {
    "used again": (
        _one({"last_used_at": days_ago(9), "credentials": (replace(OLD_KEY, last_used_at=days_ago(9)),)}),
        _one({"last_used_at": NOW, "credentials": (replace(OLD_KEY, last_used_at=NOW),)}),
    ),
    "words and tags": (
        _one({"description": "a", "tags": {"a": "1"}, "attributes": {"x": 1}}),
        _one({"description": "b", "tags": {"a": "2"}}),
    ),
    "evidence in other words": (
        _one(ownership=OWNED, registry=REGISTERED),
        _one(ownership=replace(OWNED, evidence="active"), registry=replace(REGISTERED, evidence="name")),
    ),
    "other signals": (
        _one(),
        _one(
            agent=AgentVerdict(signals=(Signal(says="agent", sort="name", evidence="bot", strength="suggested"),)),
        ),
    ),
    "trusts told otherwise": (_one({"trusts": (PARTNER,)}), _one({"trusts": (replace(PARTNER, evidence="other"),)})),
    "no registry was given this time": (
        _one(registry=REGISTERED, ownership=OWNED),
        _one(registry=RegistryVerdict(state="unchecked"), ownership=OwnershipVerdict(state="unchecked")),
    ),
    "a gap hides the entry": (
        _one(registry=REGISTERED, ownership=OWNED),
        _one(registry=PROVISIONAL),
    ),
    "the gap is closed": (
        _one(registry=PROVISIONAL),
        _one(registry=REGISTERED, ownership=OWNED),
    ),
    "use could not be read": (
        _one(usage=_usage("active")),
        _one({"unread": ("use",)}, usage=_usage("unknown")),
    ),
    "use can be read again": (
        _one({"unread": ("use",)}, usage=_usage("unknown")),
        _one(usage=_usage("dormant")),
    ),
    "permissions as last read": (
        _one(privilege=Privilege(level="admin", evidence=("a",))),
        _one({"unread": ("permissions",)}, privilege=Privilege(level="admin", evidence=("a", "as last read"))),
    ),
    "a place that gives rights could not be read": (
        _one(privilege=Privilege(level="normal")),
        _one(privilege=Privilege(level="unknown", evidence=("it could not be read",))),
    ),
    "a place that gives rights can be read again": (
        _one(privilege=Privilege(level="unknown")),
        _one(privilege=Privilege(level="normal")),
    ),
    "tags could not be read": (
        _one({"environment": "prod"}),
        _one({"unread": ("tags",)}),
    ),
    "an id that is not known": (_one({"unique_id": "AIDA1"}), _one()),
}


@pytest.mark.parametrize(("before", "after"), STILL.values(), ids=STILL)
def test_what_is_no_move(before: Assessment, after: Assessment) -> None:
    """Dates of use, words, and what a gap only makes look so."""
    assert differences(before, after) == ()


def test_what_came_to_light_may_be_older() -> None:
    """Where the scan before could not read such facts, nothing is said to have grown."""
    before = _one({"unread": ("permissions", "credentials", "trusts")})
    after = _one({"grants": (WRITE,), "links": (ASSUME,), "credentials": (NEW_KEY,), "trusts": (PARTNER,)})

    found = differences(before, after)

    assert [one.aspect for one in found] == ["permissions", "links", "trust", "credentials"]
    assert {(one.caveat, one.reach_grew) for one in found} == {(NOT_READ_BEFORE, False)}


def test_many_are_counted() -> None:
    """A role with a thousand new grants fills no page."""
    grants = tuple(Grant(name=f"G{number:04}", via="direct") for number in range(NAMED + 5))

    (found,) = differences(_one(), _one({"grants": grants}))

    assert found.after is not None
    assert found.after.endswith("G0009 via direct; and 5 more")


@given(of(Assessment))
def test_nothing_differs_from_itself(one: Assessment) -> None:
    """Whatever it holds."""
    assert differences(one, one) == ()


@given(of(Assessment), of(Assessment))
def test_any_two_can_be_compared(before: Assessment, after: Assessment) -> None:
    """And each difference says something of at least one side."""
    assert all(one.before is not None or one.after is not None for one in differences(before, after))
