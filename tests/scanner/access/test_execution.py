"""Agents that run as a role elsewhere become it only where the role's trusts let their platform in."""

from __future__ import annotations

from typing import Any

import pytest

from scanner.access.edges import resolve
from scanner.model import Claim, Identity, Link, Trust
from tests.factories import make_identity

ROLE = "arn:aws:iam::111122223333:role/agent-runner"
SERVICE = "aws-external-anthropic.amazonaws.com"
ISSUER = "https://api.anthropic.com"


def agent(**facts: Any) -> Identity:
    """A managed agent that names the role as what it runs as."""
    named = Link(relation="federates", target=ROLE, evidence="its execution identity")
    return make_identity("support", key="anthropic:agents/agent_1", provider="anthropic", unique_id="agent_1",
                         links=(named,), **facts)  # fmt: skip


def edges(*trusts: Trust, provider: str = "aws") -> list[tuple[str, bool]]:
    """Targets of the agent's edges, and whether a condition decides."""
    role = make_identity("agent-runner", key=ROLE, provider=provider, trusts=trusts)
    resolved = resolve((agent(), role), {}, (), ())
    return [(one.target, one.conditional) for one in resolved.edges if one.source == "anthropic:agents/agent_1"]


def federated(subject: str | None = None, *claims: Claim, issuer: str = ISSUER) -> Trust:
    """A trust in tokens of an issuer."""
    return Trust(principal=issuer, kind="federated", evidence="allows tokens", issuer=issuer, subject=subject,
                 claims=claims)  # fmt: skip


def service(name: str) -> Trust:
    """A trust in a service of AWS."""
    return Trust(principal=name, kind="service", evidence=f"allows {name}")


AUDIENCE = Claim(name="aud", values=("sts.amazonaws.com",))
WORKSPACE = Claim(name="workspace", values=("wrkspc_1",))


@pytest.mark.parametrize(
    ("trust", "expected"),
    [
        (service(SERVICE), [(ROLE, False)]),
        (service("lambda.amazonaws.com"), []),
        (federated(), [(ROLE, False)]),
        (federated("*", AUDIENCE), [(ROLE, False)]),
        (federated("agent:agent_1"), [(ROLE, False)]),
        (federated("agent:agent_2"), [(ROLE, True)]),
        (federated(None, WORKSPACE), [(ROLE, True)]),
        (federated(issuer="https://anthropic.com.evil.example"), []),
        (federated(issuer="https://token.actions.githubusercontent.com"), []),
    ],
)
def test_a_trust_decides(trust: Trust, expected: list[tuple[str, bool]]) -> None:
    """By the service or issuer that it names; what is asked of a token is a condition."""
    assert edges(trust) == expected


def test_a_certain_trust_wins_and_is_a_link() -> None:
    """One edge for each role, and its evidence is the trust's."""
    assert edges(federated("agent:agent_2"), service(SERVICE)) == [(ROLE, False)]
    role = make_identity("agent-runner", key=ROLE, provider="aws", trusts=(service(SERVICE),))

    found, _ = resolve((agent(), role), {}, (), ()).identities

    links = {(one.relation, one.evidence) for one in found.links}
    assert links == {("federates", "its execution identity"), ("can_assume", f"allows {SERVICE}")}


def test_within_one_provider_its_connector_decides() -> None:
    """An agent and its role of the same provider need no trust here."""
    assert edges(service(SERVICE), provider="anthropic") == []
