"""Trust policies across scopes: links, external principals and environments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from scanner.access.edges import resolve
from scanner.model import Coverage, Edge, Identity, Link, Privilege, Trust, Way
from tests.factories import make_identity

OURS, THEIRS, STRANGER = "111111111111", "222222222222", "333333333333"
ROLE = f"arn:aws:iam::{THEIRS}:role/app[1]"
CALLER = f"arn:aws:iam::{OURS}:role/caller"


def settle(
    identities: Sequence[Identity], others: Sequence[Identity] = (), *, places: Sequence[Coverage] = ()
) -> tuple[Identity, ...]:
    """The identities, resolved."""
    return resolve(identities, {}, (), places, others).identities


def trust(principal: str, kind: Any = "principal", **more: Any) -> Trust:
    """A trust as a policy states it."""
    return Trust(principal=principal, kind=kind, external=True, evidence="trust policy", **more)


def target(*trusts: Trust, **facts: Any) -> Identity:
    """A role of another account that trusts them."""
    return make_identity("app", **{"key": ROLE, "scope": THEIRS, "trusts": trusts, **facts})


def caller(*patterns: str, **facts: Any) -> Identity:
    """A role of our account that may assume keys of these patterns."""
    return make_identity(
        "caller", **{"key": CALLER, "scope": OURS, "reach": (Way(kind="assume", on=patterns),), **facts}
    )


ADMIN = Privilege(level="admin")
ROOT = f"arn:aws:iam::{OURS}:root"


@pytest.mark.parametrize(
    ("one", "other", "linked"),
    [
        (caller(ROLE), target(trust(CALLER)), True),
        (caller("*"), target(trust(CALLER)), True),
        (caller("arn:aws:iam::*:role/app?1]"), target(trust(CALLER)), True),
        (caller("arn:aws:iam::*:role/x*"), target(trust(CALLER)), False),
        (caller(), target(trust(CALLER)), False),
        (caller(reach=(Way(kind="take_over", on=("*",)),)), target(trust(CALLER)), False),
        (caller(reach=(Way(kind="assume", on=("*",), conditional=True),)), target(trust(CALLER)), False),
        (caller(unread=("permissions",)), target(trust(CALLER)), True),
        (caller("*"), target(trust(OURS, "account")), True),
        (caller("*"), target(trust(ROOT, "account", restriction="loose")), True),
        (caller("*"), target(trust(STRANGER, "account")), False),
        (caller("*"), target(trust(OURS, "account", only=(CALLER,))), True),
        (caller("*"), target(trust(OURS, "account", only=("x", "*:role/call*"))), True),
        (caller("*"), target(trust(OURS, "account", only=("*:role/other",))), False),
        (caller(), target(trust(ROOT, "account")), False),
        (caller("*", privilege=ADMIN), target(trust(ROOT, "account")), False),
        (caller("*", privilege=ADMIN), target(trust(CALLER)), True),
        (caller("*"), target(trust("*", "anyone")), True),
        (caller("*"), target(trust("*", "anyone", restriction="exact")), False),
        (caller("*"), target(trust("ec2.amazonaws.com", "service")), False),
        (caller("*"), target(trust(CALLER), scope=OURS), False),
        (caller(), target(trust(CALLER), scope=OURS, unread=("trusts",)), True),
        (caller("*"), target(trust(ROOT, "account"), scope=OURS), False),
    ],
)  # fmt: skip
def test_across_scopes_it_takes_both_sides(one: Identity, other: Identity, linked: bool) -> None:
    """The trust and the caller's own policies; within a scope the connector has decided, if it could read the trust."""
    found = {each.key: [(link.relation, link.target) for link in each.links] for each in settle([one, other])}

    assert found == {one.key: [("can_assume", ROLE)] if linked else [], ROLE: []}


def test_certain_and_conditional_edges_come_together() -> None:
    """The evidence names the condition of the caller's policies, and there is no link."""
    sure, maybe = caller(ROLE), caller(key=f"{CALLER}2", reach=(Way(kind="assume", on=(ROLE,), conditional=True),))
    found = resolve([sure, maybe, target(trust(CALLER), trust(f"{CALLER}2"))], {}, (), ())

    assert found.edges == (
        Edge(CALLER, ROLE, "trust policy"),
        Edge(f"{CALLER}2", ROLE, "a condition of its own policies; trust policy", conditional=True),
    )
    assert [len(identity.links) for identity in found.identities] == [1, 0, 0]


def test_a_target_that_was_not_read_this_time_still_counts() -> None:
    """Its last known trust counts; the target stays unchanged."""
    (found,) = settle([caller()], [target(trust(CALLER), scope=OURS)])

    assert [link.target for link in found.links] == [ROLE]


def test_a_link_that_is_there_is_kept_as_it_is() -> None:
    """The connector's evidence is more specific, and applying it again changes nothing."""
    held = Link(relation="can_assume", target=ROLE, evidence="seen by the connector")
    once = settle([caller("*", links=(held,)), target(trust(CALLER), trust(ROOT, "account"))])

    assert settle(once) == once
    assert once[0].links == (held,)


@pytest.mark.parametrize(
    ("principal", "kind", "places", "external"),
    [
        (STRANGER, "account", (), True),
        (OURS, "account", (), False),
        (ROOT, "account", (), False),
        (f"arn:aws:sts::{OURS}:assumed-role/gone/job", "principal", (), False),
        (f"arn:aws:iam::{STRANGER}:root", "account", (STRANGER,), False),
        (f"arn:aws:iam::{OURS}:oidc-provider/x", "federated", (), True),
        ("*", "anyone", (), True),
    ],
)
def test_a_scanned_account_is_not_external(principal: str, kind: Any, places: tuple[str, ...], external: bool) -> None:
    """Even if it could not be read. The owner of a token issuer is another question."""
    coverage = [
        Coverage(source="prod", provider="aws", scope=scope, section="sts.account", status="denied") for scope in places
    ]

    _, found = settle([caller(), target(trust(principal, kind))], places=coverage)

    assert found.trusts[0].external is external


@pytest.mark.parametrize(
    ("one", "other", "crosses"),
    [
        ({"tags": {"Environment": "dev"}}, {"tags": {"env": "Production"}}, "dev"),
        ({"environment": "staging"}, {"name": "app-prod"}, "staging"),
        ({"name": "deploy-dev"}, {"name": "app-prod"}, "dev"),
        ({"tags": {"env": "prod"}, "name": "deploy-dev"}, {"name": "app-prod"}, None),
        ({"name": "deploy"}, {"name": "app-prod"}, None),
        ({"name": "deploy-dev"}, {"name": "app"}, None),
        ({"name": "deploy-dev", "unread": ("tags",)}, {"name": "app-prod"}, None),
    ],
)
def test_a_principal_of_another_environment(one: dict[str, Any], other: dict[str, Any], crosses: str | None) -> None:
    """By the provider's data, else tags, else name. Without a result if either is unknown."""
    *_, found = settle([caller(**one), target(trust(CALLER), **other)])

    assert found.trusts[0].crosses == crosses
