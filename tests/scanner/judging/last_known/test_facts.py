"""What stands of an identity under a gap."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from scanner.judging.last_known.facts import AS_LAST_READ, as_last_known
from scanner.model import PRIVILEGES, Fact, Grant, Link, Privilege, PrivilegeLevel, Signal, Trust
from scanner.model.attributes import UNLISTED
from tests.factories import NOW, days_ago, make_credential, make_identity


def test_under_a_gap_the_last_known_facts_stand() -> None:
    """Keys and permissions that could not be read are not gone; disuse is not concluded from them."""
    key = make_credential("x", "AKIA1", use_tracked_days=None)
    admin = Privilege(level="admin", evidence=("grant *",))
    read, before = (Grant(name=name, via="direct") for name in ("read", "before"))
    last = make_identity(
        "x", credentials=(key,), privilege=admin, tags={"a": "1"}, grants=(before, read), last_used_at=days_ago(3)
    )
    seen = make_identity("x", use_tracked_days=None, unread=("credentials", "permissions", "use"), grants=(read,))

    known = as_last_known(seen, last, NOW)

    assert known.credentials == (key,)
    assert known.privilege == Privilege(level="admin", evidence=("grant *", AS_LAST_READ))
    assert known.grants == (read, before)
    assert known.last_used_at == days_ago(3)
    assert known.use_tracked_days is None
    assert known.tags == {}
    assert as_last_known(seen, known, NOW) == known


@pytest.mark.parametrize("level", PRIVILEGES)
def test_under_a_gap_what_was_worse_than_unknown_stands(level: PrivilegeLevel) -> None:
    """A normal privilege may have grown since, so it is unknown; what can be worse than unknown is not forgotten."""
    unread = Privilege(level="unknown", evidence=("roles and bindings could not be read",))
    last = make_identity("x", privilege=Privilege(level=level, evidence=("before",)))
    seen = make_identity("x", unread=("permissions",), privilege=unread)

    known = as_last_known(seen, last, NOW).privilege

    assert known.level == ("unknown" if level == "normal" else level)
    assert known == unread if known.level == "unknown" else AS_LAST_READ in known.evidence


def test_without_its_trusts_an_identity_is_let_in_from_where_it_last_was() -> None:
    """The links to those that it lets in come from its trusts; others come from what was read."""
    trust = Trust(kind="federated", principal="sub", restriction="exact", external=True, evidence="its credential")
    repository = Link(relation="federates", target="github:acme/app", evidence="its credential")
    role = Link(relation="can_assume", target="y", evidence="a policy")
    last = make_identity("x", trusts=(trust,), links=(repository, role))

    read = Link(relation="can_assume", target="z", evidence="a policy")
    known = as_last_known(make_identity("x", unread=("trusts",), links=(read,)), last, NOW)

    assert (known.trusts, known.links) == ((trust,), (read, repository))


@pytest.mark.parametrize(
    ("attributes", "sponsors"),
    [({}, [{"id": "1"}]), ({"sponsors": []}, []), ({"sponsors": [{"id": "2"}]}, [{"id": "2"}])],
)
def test_who_the_provider_has_is_where_it_does_not_say(attributes: dict[str, Any], sponsors: list[Any]) -> None:
    """A list without anyone was read; no list was not. Other facts that are not reported any more are gone."""
    last = make_identity("x", attributes={"sponsors": [{"id": "1"}], "path": "/"})

    known = as_last_known(make_identity("x", attributes=attributes), last, NOW)

    assert known.attributes == {"sponsors": sponsors}


@pytest.mark.parametrize(
    ("message", "before", "known"),
    [(None, False, False), (None, True, True), (None, None, None), (True, False, True), (False, True, False)],
)
def test_a_disabled_one_does_not_wake_up_by_a_gap(
    message: bool | None, before: bool | None, known: bool | None
) -> None:
    """Anyone who says nothing of it could not see it."""
    last = make_identity("x", enabled=before)

    assert as_last_known(make_identity("x", enabled=message, unread=("use",)), last, NOW).enabled is known


def test_a_credential_that_is_only_remembered_reports_nothing_of_disuse() -> None:
    """Its last use is as of the last reading; of one that was listed it is as of now."""
    old, listed = (make_credential("x", name, use_tracked_days=3650) for name in ("AKIAOLD", "AKIANEW"))
    last = make_identity("x", credentials=(old, listed))

    known = as_last_known(make_identity("x", credentials=(listed,), unread=("credentials",)), last, NOW)

    assert {one.id: one.use_tracked_days for one in known.credentials} == {"AKIAOLD": None, "AKIANEW": 3650}


_OF_NO_LIST = {"kind": "certificate", "attributes": {UNLISTED: True}}


@pytest.mark.parametrize(
    ("facts", "unread", "stays"),
    [
        ({**_OF_NO_LIST, "expires_at": days_ago(1)}, "credentials", False),
        ({**_OF_NO_LIST, "expires_at": NOW}, "credentials", False),
        ({**_OF_NO_LIST, "expires_at": days_ago(-1)}, "credentials", True),
        (_OF_NO_LIST, "credentials", True),
        ({"kind": "certificate", "expires_at": days_ago(1)}, "credentials", True),
        ({**_OF_NO_LIST, "expires_at": days_ago(1), "attributes": {UNLISTED: "yes"}}, "credentials", True),
        ({"kind": "token", "expires_at": days_ago(1)}, "credentials", True),
        ({"kind": "client_secret", "expires_at": days_ago(1)}, "credentials", True),
        (_OF_NO_LIST, "permissions", False),
    ],
)
def test_only_what_has_expired_and_no_list_has_is_gone_under_a_gap(
    facts: dict[str, Any], unread: Any, *, stays: bool
) -> None:
    """A provider with a list keeps the expired, and may renew them; what was listed now stays."""
    last, other = make_credential("x", "last", **facts), make_credential("x", "other")
    seen = make_identity("x", unread=(unread,))

    known = as_last_known(seen, make_identity("x", credentials=(last, other)), NOW)

    kept = ("last", "other") if stays else ("other",)
    assert {one.id for one in known.credentials} == set(kept if unread == "credentials" else ())
    listed = as_last_known(msgspec.structs.replace(seen, credentials=(last,)), known, NOW)
    assert "last" in {one.id for one in listed.credentials}


def _of_agents(sort: Any) -> Signal:
    return Signal(says="agent", sort=sort, evidence=f"its {sort}")


@pytest.mark.parametrize(
    ("unread", "attributes", "signals"),
    [
        ("use", {"used_as": "application", "last_used_region": "eu-west-1"}, []),
        ("credentials", {"console_password": False, "active_keys": 1}, ["credential"]),
        ("permissions", {}, ["permission"]),
        ("tags", {}, []),
        ("trusts", {}, []),
    ],
)
def test_a_gap_keeps_alive_what_it_hides_and_nothing_else(
    unread: Fact, attributes: dict[str, Any], signals: list[str]
) -> None:
    """A gap may last for ever, and a mark or a sign that the provider has taken back would, too."""
    facts = {"used_as": "application", "last_used_region": "eu-west-1", "console_password": False, "active_keys": 1}
    sorts = ("provider", "credential", "permission")
    last = make_identity(
        "x",
        attributes={**facts, "labels": ["a"], "disabled_by_microsoft": "DisabledDueToViolationOfServicesAgreement"},
        signals=tuple(map(_of_agents, sorts)),
    )

    known = as_last_known(make_identity("x", unread=(unread,), attributes={"path": "/"}), last, NOW)

    assert known.attributes == {"path": "/", **attributes}
    assert [one.sort for one in known.signals] == signals


def test_a_trust_that_was_read_and_is_remembered_is_one() -> None:
    """Others have reported since who is an outsider and in which environment; the trust is the same."""
    read = Trust(kind="principal", principal="p", evidence="its trust policy")
    other = Trust(kind="principal", principal="q", evidence="its trust policy")
    last = Trust(kind="principal", principal="p", evidence="its trust policy", external=False, crosses="prod")

    known = as_last_known(
        make_identity("x", trusts=(read,), unread=("trusts",)), make_identity("x", trusts=(last, other)), NOW
    )

    assert known.trusts == (read, other)


def test_what_was_read_is_trusted() -> None:
    """A key that was rotated and a tag that was removed are gone, whatever else could not be read."""
    last = make_identity("x", credentials=(make_credential("x", "AKIAOLD"),), tags={"muster:entry": "N-1"})
    seen = make_identity("x", credentials=(make_credential("x", "AKIANEW"),), unread=("permissions",))

    known = as_last_known(seen, last, NOW)

    assert (known.credentials, known.tags) == (seen.credentials, {})
