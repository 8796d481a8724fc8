"""The owner in the organisation's own rules."""

from __future__ import annotations

import pytest

from scanner.model import Ownership, OwnershipRule
from tests.factories import ACCOUNT, make_identity
from tests.scanner.judging.ownership.people import candidates, scores

ADA, CYD = "ada@example.com", "cyd@example.com"


def rules(**owners: str) -> Ownership:
    """Rules by pattern."""
    return Ownership(rules=tuple(OwnershipRule(match=match, owner=owner) for match, owner in owners.items()))


@pytest.mark.parametrize(
    ("owners", "facts", "expected"),
    [
        pytest.param({"svc-*": CYD}, {}, [CYD], id="name"),
        pytest.param({"arn:aws:iam::*:user/svc-*": CYD}, {}, [CYD], id="key"),
        pytest.param({"/billing/**": CYD}, {"attributes": {"path": "/billing/eu/"}}, [CYD], id="path"),
        pytest.param({"svc-billing": CYD}, {}, [CYD], id="no-wildcard"),
        pytest.param({"SVC-*": CYD}, {}, [CYD], id="names-as-the-provider-compares"),
        pytest.param({"SVC-*": CYD}, {"provider": "kubernetes"}, [], id="whose-names-are-case-sensitive"),
        pytest.param({"ARN:aws:iam::*:user/svc-*": CYD}, {}, [], id="keys-are-case-sensitive"),
        pytest.param({"billing": CYD}, {}, [], id="never-a-part-of-a-name"),
        pytest.param({"svc-*": ADA, "svc-bill*": CYD}, {}, [CYD], id="the-most-specific"),
        pytest.param({"svc-bill*": CYD, "svc-*": ADA}, {}, [CYD], id="in-whatever-order"),
        pytest.param({"svc-*": CYD, "svc-bill*": "gus@x.y"}, {}, [CYD], id="whose-owner-is-known"),
        pytest.param({"svc-bil*": ADA, "*-billing": ADA, "svc*ing": CYD}, {}, [ADA], id="by-literal-characters"),
        pytest.param({"svc-*": "eve@example.com"}, {}, [ADA], id="manager-of-who-is-gone"),
        pytest.param({"svc-*": "gus@x.y"}, {}, [], id="unknown-owner"),
        pytest.param({"/*": CYD}, {"attributes": {"path": 7}}, [], id="a-path-that-is-none"),
        pytest.param({"arn:aws:iam::*": CYD}, {"key": "u1", "name": "arn:aws:iam::1"}, [], id="a-name-posing-as-a-key"),
    ],
)
def test_rules(owners: dict[str, str], facts: dict[str, object], expected: list[str]) -> None:
    """The most specific pattern that fits key, name or path counts."""
    identity = make_identity(**{"name": "svc-billing", **facts})
    assert [candidate.person for candidate in candidates(identity, ownership=rules(**owners))] == expected


@pytest.mark.parametrize(
    ("reason", "evidence"),
    [
        pytest.param("naming convention", "rule svc-*: naming convention", id="with-a-reason"),
        pytest.param(None, "rule svc-*", id="without"),
    ],
)
def test_a_rule_says_why(reason: str | None, evidence: str) -> None:
    """Its pattern, and the reason that was given for it."""
    ownership = Ownership(rules=(OwnershipRule(match="svc-*", owner=CYD, reason=reason),))
    (cyd,) = candidates(make_identity(), ownership=ownership)
    assert (cyd.score, cyd.evidence) == (0.8, evidence)


@pytest.mark.parametrize(
    ("platforms", "expected"),
    [
        pytest.param({"aws": CYD}, [(CYD, 0.2)], id="provider"),
        pytest.param({"Amazon Web Services": CYD}, [(CYD, 0.2)], id="as-people-call-it"),
        pytest.param({"aws": ADA, f"aws:{ACCOUNT}": CYD}, [(CYD, 0.2)], id="scope-before-provider"),
        pytest.param({"aws": CYD, "aws:999999999999": ADA}, [(CYD, 0.2)], id="another-scope"),
        pytest.param({"vault": CYD}, [], id="another-provider"),
        pytest.param({"aws": "gus@x.y"}, [], id="unknown-owner"),
    ],
)
def test_platforms(platforms: dict[str, str], expected: list[tuple[str, float]]) -> None:
    """The owner of the platform is the last resort."""
    assert scores(candidates(make_identity(), ownership=Ownership(platforms=platforms))) == expected
