"""Clusters whose tokens are trusted, whatever the providers of the cluster and of the identity."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from scanner.access.trusts import with_clusters
from scanner.model import Identity, Trust, Workload, with_typed
from tests.factories import make_identity

AKS = "https://westeurope.oic.prod-aks.azure.com/T/C"
POOL = "shop.svc.id.goog"


def cluster(signs: Any, key: str = "aks", **facts: Any) -> Workload:
    """A cluster whose pods get such tokens."""
    usual = {"provider": "azure", "source": "azure", "scope": "s-1", "kind": "cluster", "name": key}
    return with_typed(Workload(**{**usual, "key": key, "attributes": {"signs_tokens_as": signs}, **facts}))


def taking(issuer: str | None, external: bool | None = None, **more: Any) -> Identity:
    """A role that accepts tokens of an issuer."""
    facts = {"principal": "p", "kind": "federated", "evidence": "its trust policy", "subject": "system:*", **more}
    return make_identity("role", key="role", trusts=(Trust(issuer=issuer, external=external, **facts),))


@pytest.mark.parametrize(
    ("signs", "issuer", "facts", "joined"),
    [
        (AKS, AKS, {}, True),
        (f"{AKS}/", AKS.removeprefix("https://"), {}, True),
        ([f"https://own/{POOL}", POOL], POOL, {}, True),
        (AKS, f"{AKS}2", {}, False),
        (AKS, AKS.lower(), {}, False),
        (AKS, None, {}, False),
        (AKS, AKS, {"kind": "principal"}, False),
        (None, "", {}, False),
        ("", "", {}, False),
    ],
)
def test_a_cluster_runs_as_the_identities_that_accept_its_tokens(
    signs: Any, issuer: str | None, facts: dict[str, Any], *, joined: bool
) -> None:
    """A discovered cluster is not external."""
    (role,), (aks,) = with_clusters([taking(issuer, **facts)], [cluster(signs, runs_as=("kubelet",))])

    assert [(link.relation, link.target, link.evidence) for link in role.links] == (
        [("federates", "aks", "its trust policy")] if joined else []
    )
    assert role.trusts[0].external is (False if joined else None)
    assert aks.runs_as == (("kubelet", "role") if joined else ("kubelet",))


def test_clusters_that_share_an_issuer_all_run_as_it() -> None:
    """As in a Google Cloud project; other workloads and trusts stay unchanged."""
    stranger = Trust(principal="q", kind="federated", evidence="e", issuer="https://issuer.example", external=True)
    role = taking(POOL)
    role = make_identity("role", key="role", trusts=(*role.trusts, stranger))
    job = cluster(None, "job")

    (found,), (one, other, same) = with_clusters([role], [cluster(POOL, "one"), cluster([POOL], "other"), job])

    assert [link.target for link in found.links] == ["one", "other"]
    assert [trust.external for trust in found.trusts] == [False, True]
    assert (one.runs_as, other.runs_as, same) == (("role",), ("role",), job)


def test_a_cluster_runs_as_last_known_identities_that_accept_its_tokens() -> None:
    """The identity's account was not read this time, so its last known trust counts."""
    (found,), (aks,) = with_clusters([make_identity("bot", key="bot")], [cluster(AKS)], [taking(AKS)])

    assert (found, aks.runs_as) == (make_identity("bot", key="bot"), ("role",))


def test_trusts_that_differ_only_in_external_are_merged() -> None:
    """One of them is the last known trust, as an earlier scan resolved it."""
    role = taking(AKS)
    settled = replace(role.trusts[0], external=False)

    (found,), _ = with_clusters([replace(role, trusts=(*role.trusts, settled))], [cluster(AKS)])

    assert found.trusts == (settled,)
