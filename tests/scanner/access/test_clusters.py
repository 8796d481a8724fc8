"""Clusters whose tokens are trusted, whatever the providers of the cluster and of the identity."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from scanner.access.assignments import held_by, with_assignments
from scanner.access.clusters import MOST_ACCOUNTS, with_clusters
from scanner.access.edges import resolve
from scanner.access.federation import with_federation
from scanner.model import (
    Assignment,
    Claim,
    Consequence,
    Grant,
    Identity,
    Link,
    Privilege,
    Takeover,
    TokenSubject,
    Trust,
    Workload,
    with_typed,
)
from scanner.model.reach import Said
from tests.factories import make_assignment, make_identity

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


# --- The accounts of clusters that were read themselves ---

LOCAL = "https://kubernetes.default.svc.cluster.local"
EKS = "https://oidc.eks.eu-west-1.amazonaws.com/id/ABC"
ARN = "arn:aws:eks:eu-west-1:1:cluster/shop"


def account(path: str, *issuers: str, kid: str | None = None, of: str = "c1", **facts: Any) -> Identity:
    """A service account, ``NAMESPACE/NAME``, of a cluster with these issuers."""
    namespace, _, name = path.partition("/")
    says = (Said("kid", kid),) if kid else ()
    tokens = tuple(TokenSubject(issuer, f"system:serviceaccount:{namespace}:{name}", says) for issuer in issuers)
    usual = {"provider": "kubernetes", "source": "k8s", "scope": of, "kind": "service_account", "consequences": ()}
    key = f"kubernetes://{of}/{namespace}/serviceaccount/{name}"
    level = Privilege(level="normal")
    return make_identity(name, **{**usual, "key": key, "token_subjects": tokens, "privilege": level, **facts})


def became(found: tuple[Identity, ...], key: str) -> set[str]:
    """The names of the identities that one can become."""
    names = {one.key: one.name for one in found}
    links = next(one for one in found if one.key == key).links
    return {names[link.target] for link in links if link.relation == "can_assume"}


@pytest.mark.parametrize(
    ("issuer", "own", "wanted", "joined"),
    [
        (EKS, None, (), True),
        (EKS, None, ("k1",), True),
        (LOCAL, "k1", ("k1",), True),
        (LOCAL, "k1", ("k0", "k1"), True),
        (LOCAL, "k1", ("k2",), False),
        (LOCAL, "k1", (), False),
        (LOCAL, None, ("k1",), False),
        (LOCAL, None, (), False),
        ("https://kubernetes.default.svc", "k1", (), False),
        ("https://kubernetes.default.svc:443/", "k1", ("k1",), True),
        ("kubernetes/serviceaccount", "k1", (), False),
        ("https://kubernetes.example.com", None, (), True),
    ],
)
@pytest.mark.parametrize("subject", ["system:serviceaccount:shop:cart", "system:serviceaccount:shop:*"])
def test_clusters_whose_issuers_have_one_name_are_distinguished_by_their_keys(
    issuer: str, own: str | None, wanted: tuple[str, ...], subject: str, *, joined: bool
) -> None:
    """Never by the name alone. Where the name is one cluster's, keys say nothing more."""
    claims = (Claim(name="kid", values=wanted),) if wanted else ()
    role = taking(issuer, subject=subject, claims=claims)
    signing = cluster(issuer, runs_as=("kubelet",))

    _, edges = with_federation([account("shop/cart", issuer, kid=own), role])
    _, (run,) = with_clusters([role], [signing])

    assert [(edge.target, edge.conditional) for edge in edges] == ([("role", False)] if joined else [])
    has_own_name = issuer in (EKS, "https://kubernetes.example.com")
    assert run.runs_as == (("kubelet", "role") if has_own_name else ("kubelet",))


def test_a_trust_in_all_accounts_of_a_cluster_by_its_key_gives_no_edges() -> None:
    """It is a finding of its own: one for each account would say nothing more."""
    role = taking(LOCAL, subject=None, claims=(Claim(name="kid", values=("k1",)),))

    assert with_federation([account("shop/cart", LOCAL, kid="k1"), role])[1] == ()


@pytest.mark.parametrize(
    ("clusters", "has", "trusted", "joined"),
    [
        ({"one": [EKS, POOL]}, EKS, POOL, True),
        ({"one": [EKS, POOL], "other": [AKS, POOL]}, EKS, POOL, True),
        ({"one": [EKS, POOL], "other": [AKS, POOL]}, EKS, AKS, False),
        ({"one": [EKS, POOL], "other": [AKS, POOL]}, POOL, AKS, False),
        ({"one": [EKS]}, EKS, POOL, False),
        ({"one": [AKS, POOL]}, EKS, POOL, False),
        ({}, EKS, POOL, False),
        ({"one": [LOCAL, POOL]}, LOCAL, POOL, False),
    ],
)
def test_accounts_have_tokens_of_the_pool_that_clusters_share(
    clusters: dict[str, list[str]], has: str, trusted: str, *, joined: bool
) -> None:
    """As a project's clusters at Google: the same name in each of them is one principal."""
    subject = "system:serviceaccount:shop:cart"
    workloads = [cluster(signs, key) for key, signs in clusters.items()]

    _, edges = with_federation([account("shop/cart", has), taking(trusted, subject=subject)], (), workloads)

    assert [edge.target for edge in edges] == (["role"] if joined else [])


@pytest.mark.parametrize(
    ("on", "but", "expected"),
    [
        ((ARN,), (), {"cart", "web", "job"}),
        ((f"{ARN}/namespaces/shop",), (), {"cart", "web"}),
        ((f"{ARN}/namespaces/sh*",), (), {"cart", "web"}),
        ((f"{ARN}/namespaces/other",), (), set()),
        (("arn:aws:eks:eu-west-1:1:cluster/*",), (), {"cart", "web", "job"}),
        (("arn:aws:eks:eu-west-1:1:cluster/*",), (f"{ARN}/namespaces/shop",), {"job"}),
        (("arn:aws:eks:eu-west-1:1:cluster/other",), (), set()),
    ],
)
def test_control_of_a_cluster_leads_to_its_accounts(
    on: tuple[str, ...], but: tuple[str, ...], expected: set[str]
) -> None:
    """Of a namespace only to those there; a cluster of another issuer is another cluster."""
    ci = make_identity("ci", privilege=Privilege(level="normal"))
    shop = cluster(EKS, ARN, provider="aws", scope="1")
    other = cluster(AKS, "aks", provider="azure")
    right = make_assignment(ci.key, takes_over=(Takeover(by="a policy", on=on, but=but),), provider="aws")
    accounts = [account(path, EKS) for path in ("shop/cart", "shop/web", "jobs/job")]
    accounts += [account("shop/elsewhere", AKS, of="c2"), account("shop/local", LOCAL, kid="k1", of="c3")]

    found = resolve([ci, *accounts], held_by([ci], [right]), [shop, other], []).identities

    assert became(found, ci.key) == expected
    assert all("it is an account of a cluster: a policy" in link.evidence for link in found[0].links)


def test_of_a_large_cluster_only_accounts_that_lead_further_get_an_edge() -> None:
    """A hundred holders would give as many edges for each account."""
    ci = make_identity("ci", privilege=Privilege(level="normal"))
    many = [account(f"shop/{number}", EKS) for number in range(MOST_ACCOUNTS)]
    powerful = account("kube-system/controller", EKS, privilege=Privilege(level="escalation"))
    right = make_assignment(ci.key, takes_over=(Takeover(by="a policy", on=(ARN,)),), provider="aws")
    aws = cluster(EKS, ARN, provider="aws", scope="1")

    found = resolve([ci, *many, powerful], held_by([ci], [right]), [aws], []).identities

    assert became(found, ci.key) == {"controller"}
    assert len(became(resolve([ci, *many], held_by([ci], [right]), [aws], []).identities, ci.key)) == MOST_ACCOUNTS


# --- What accounts name as their own elsewhere ---


ROLE = "arn:aws:iam::1:role/app"
CART = "system:serviceaccount:shop:cart"


@pytest.mark.parametrize(
    ("names", "facts", "becomes", "refused"),
    [
        (ROLE, {"trusts": ((EKS, CART),)}, ROLE, False),
        (ROLE, {"trusts": ((AKS, CART),)}, ROLE, False),
        (ROLE, {"trusts": ((EKS, "system:serviceaccount:shop:*"),)}, ROLE, False),
        (ROLE, {"trusts": ((EKS, None),)}, ROLE, False),
        (ROLE, {"trusts": ((EKS, "system:serviceaccount:jobs:cart"),)}, None, True),
        (ROLE, {"trusts": ()}, None, True),
        (ROLE, {"trusts": (), "unread": ("trusts",)}, ROLE, False),
        ("APP-ID", {"trusts": ((EKS, CART),), "aliases": ("app-id",)}, ROLE, False),
        ("app-id", {"trusts": (), "unique_id": "app-id"}, None, True),
        ("arn:aws:iam::2:role/elsewhere", {"trusts": ()}, "arn:aws:iam::2:role/elsewhere", False),
    ],
)
def test_an_account_becomes_what_it_names_only_if_that_trusts_it(
    names: str, facts: dict[str, Any], becomes: str | None, *, refused: bool
) -> None:
    """What is not known may trust it. Where the trust is in another issuer, the join has the last word."""
    link = Link(relation="can_assume", target=names, evidence="IAM role in annotation eks.amazonaws.com/role-arn")
    inside = Link(relation="can_assume", target="kubernetes://c1/shop/serviceaccount/pay", evidence="may run pods")
    cart = account("shop/cart", EKS, links=(link, inside))
    usual: dict[str, Any] = {"principal": "p", "kind": "federated", "evidence": "e"}
    trusts = tuple(Trust(issuer=issuer, subject=subject, **usual) for issuer, subject in facts["trusts"])
    role = make_identity("app", key=ROLE, **{**facts, "trusts": trusts})

    for others in ((), (role,)):
        (found, *_) = resolve([cart, *(() if others else (role,))], {}, [], [], others).identities

        named = [one.target for one in found.links if one.relation == "can_assume" and one.target != inside.target]
        assert named == ([becomes] if becomes else [])
        assert inside in found.links
        assert found.attributes.get("not_trusted_by") == ([ROLE] if refused else None)


def test_what_cannot_be_compared_keeps_its_links() -> None:
    """An account without known tokens, and an identity that is no account of a cluster."""
    link = Link(relation="can_assume", target=ROLE, evidence="annotation")
    role = make_identity("app", key=ROLE)
    for one in (account("shop/cart", links=(link,)), make_identity("ci", links=(link,))):
        assert resolve([one, role], {}, [], []).identities[0].links == (link,)


# --- Rights in a cluster of a principal of its cloud ---

GROUP = f"kubernetes:{EKS.removeprefix('https://')}/group/deployers"
BOUND: dict[str, Any] = {"provider": "kubernetes", "scope": "c1", "key": "binding"}


def entry(**facts: Any) -> Assignment:
    """What makes the role a member of a group of the cluster."""
    return make_assignment("arn:aws:iam::1:role/ci", provider="aws", key="entry", **facts)


def test_a_member_of_a_group_has_what_is_bound_to_the_group() -> None:
    """Its grants and ways; at another provider it is no administrator of its own."""
    role = make_identity("ci", key="arn:aws:iam::1:role/ci", privilege=Privilege(level="normal"), consequences=())
    stranger = make_identity("other", privilege=Privilege(level="normal"))
    grant = Grant(name="ClusterRole/admin", via="ClusterRoleBinding/x", resource="the cluster")
    bound = make_assignment(
        GROUP, **BOUND, grant=grant, privilege=Privilege(level="admin"), becomes=("kubernetes://c1/shop/*",),
        consequences=(Consequence(kind="read_secrets", by="x"),),
    )  # fmt: skip
    estate = [role, stranger, account("shop/cart", EKS), account("jobs/job", EKS)]
    held = held_by(estate, [entry(acts_as=(GROUP,)), bound])

    found = with_assignments(estate, held)
    resolved = resolve(estate, held, [], []).identities

    assert grant in found[0].grants
    assert (found[0].privilege.level, found[0].consequences) == ("high", ())
    assert found[1:] == tuple(estate[1:])
    assert became(resolved, role.key) == {"cart"}
    assert with_assignments(found, held_by(found, [entry(acts_as=(GROUP,)), bound])) == found


def test_an_association_lets_an_account_become_a_role() -> None:
    """Which nothing in the cluster shows; under a condition it does not count as a link."""
    cart, role = account("shop/cart", EKS), make_identity("app", key="arn:aws:iam::1:role/app")
    cart = replace(cart, aliases=("kubernetes:x/shop/cart",))
    given: dict[str, Any] = {"provider": "kubernetes", "becomes": (role.key,), "becomes_at": "aws"}
    certain = make_assignment("kubernetes:x/shop/cart", **given)

    assert became(resolve([cart, role], held_by([cart], [certain]), [], []).identities, cart.key) == {"app"}
    for other in ({"conditional": True}, {"becomes_at": ""}, {"becomes_at": "gcp"}):
        right = replace(certain, **other)
        assert became(resolve([cart, role], held_by([cart], [right]), [], []).identities, cart.key) == set()


@pytest.mark.parametrize(
    ("pools", "subjects", "trusted", "shared"),
    [
        ((POOL, POOL), ("system:serviceaccount:shop:web",) * 2, "system:serviceaccount:shop:web", True),
        ((POOL, "other.svc.id.goog"), ("system:serviceaccount:shop:web",) * 2, "system:serviceaccount:shop:web", False),
        (
            (POOL, POOL),
            ("system:serviceaccount:shop:web", "system:serviceaccount:shop:api"),
            "system:serviceaccount:shop:web",
            False,
        ),
        ((POOL, POOL), ("system:serviceaccount:shop:web",) * 2, "system:serviceaccount:shop:*", False),
    ],
)
def test_accounts_of_one_name_in_clusters_with_one_pool(
    pools: tuple[str, str], subjects: tuple[str, str], trusted: str, shared: bool
) -> None:
    """A trust in one subject means an account of each cluster; one in a pattern says so itself."""
    issuers = ("https://a.example", "https://b.example")
    clusters = [cluster([issuer, pool], issuer) for issuer, pool in zip(issuers, pools, strict=True)]
    accounts = [
        make_identity("web", key=issuer, scope=issuer, token_subjects=(TokenSubject(issuer, subject),))
        for issuer, subject in zip(issuers, subjects, strict=True)
    ]
    trust = Trust(principal="p", kind="federated", evidence="binding", issuer=POOL, subject=trusted)

    found, _ = with_federation([*accounts, make_identity("google", key="google", trusts=(trust,))], (), clusters)

    expected = [{"subject": f"{trusted} of {POOL}", "identities": list(issuers)}]
    assert found[-1].attributes.get("shared_subjects") == (expected if shared else None)
