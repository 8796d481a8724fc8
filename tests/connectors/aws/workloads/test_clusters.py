"""EKS: the roles of a cluster's accounts, and the IAM principals that it lets in."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from scanner.access.assignments import held_by
from scanner.access.edges import resolve
from scanner.model import Assignment, Identity, Privilege, TokenSubject, with_typed
from tests.connectors.aws.workloads.account import REGION, Account, Found
from tests.factories import make_identity
from tests.servers.moto_server import ACCOUNT

CLUSTER = f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/shop"
ISSUER = "https://oidc.eks.eu-west-1.amazonaws.com/id/ABC"
CREATED = datetime(2026, 5, 1, tzinfo=UTC)
APP, TARGET, CI = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("app", "target", "path/ci"))
POLICY = "arn:aws:eks::aws:cluster-access-policy/"


def speak(account: Account, mode: str = "API_AND_CONFIG_MAP", issuer: str | None = ISSUER) -> None:
    """A cluster without anything in it."""
    described = {"name": "shop", "arn": CLUSTER, "accessConfig": {"authenticationMode": mode}, "roleArn": APP}
    if issuer is not None:
        described["identity"] = {"oidc": {"issuer": issuer}}
    account.server.say("eks", "ListClusters", {"clusters": ["shop"]})
    account.server.say("eks", "DescribeCluster", {"cluster": described})


def associate(account: Account, **facts: Any) -> None:
    """A pod identity association of ``web/cart``."""
    one = {"clusterName": "shop", "namespace": "web", "serviceAccount": "cart", "associationId": "a-1",
           "associationArn": f"arn:aws:eks:{REGION}:{ACCOUNT}:podidentityassociation/shop/a-1"}  # fmt: skip
    account.server.say("eks", "ListPodIdentityAssociations", {"associations": [one]})
    described = {**one, "roleArn": APP, "createdAt": CREATED, **facts}
    account.server.say("eks", "DescribePodIdentityAssociation", {"association": described})


def enter(account: Account, policies: Mapping[str, tuple[str, ...] | None] | None = None, **facts: Any) -> None:
    """An access entry of the role ``ci`` with access policies: by name their namespaces, None for the cluster."""
    account.server.say("eks", "ListAccessEntries", {"accessEntries": [CI]})
    entry = {"clusterName": "shop", "principalArn": CI, "type": "STANDARD", "username": "ci", "kubernetesGroups": [],
             "accessEntryArn": f"arn:aws:eks:{REGION}:{ACCOUNT}:access-entry/shop/role/1/ci/x"}  # fmt: skip
    account.server.say("eks", "DescribeAccessEntry", {"accessEntry": {**entry, **facts}})
    rows = [
        {
            "policyArn": POLICY + name,
            "accessScope": {"type": "cluster"} if spaces is None else {"type": "namespace", "namespaces": list(spaces)},
            "associatedAt": CREATED,
        }
        for name, spaces in (policies or {}).items()
    ]
    answer = {"clusterName": "shop", "principalArn": CI, "associatedAccessPolicies": rows}
    account.server.say("eks", "ListAssociatedAccessPolicies", answer)


def assignments(found: Found) -> list[Assignment]:
    """Sorted by key."""
    return sorted((one for one in found.records if isinstance(one, Assignment)), key=lambda one: one.key)


def account_of_cluster(path: str) -> Identity:
    """As the connector for Kubernetes gives it."""
    namespace, _, name = path.partition("/")
    issuer = ISSUER.removeprefix("https://")
    return make_identity(
        name,
        key=f"kubernetes://uid/{namespace}/serviceaccount/{name}",
        provider="kubernetes",
        scope="uid",
        aliases=(f"kubernetes:{issuer}/{namespace}/{name}",),
        token_subjects=(TokenSubject(ISSUER, f"system:serviceaccount:{namespace}:{name}"),),
        privilege=Privilege(level="normal"),
    )


ACCOUNTS = tuple(map(account_of_cluster, ("web/cart", "web/pay", "kube-system/controller")))


def edges(found: Found, *principals: Identity) -> set[tuple[str, str]]:
    """Which identity can become which, by their names, once the cluster was read, too."""
    estate = (*ACCOUNTS, *principals)
    names = {one.key: one.name for one in estate}
    workloads = [with_typed(one) for one in found.workloads.values()]
    resolved = resolve(estate, held_by(estate, assignments(found)), workloads, [])
    return {
        (names[edge.source], names.get(edge.target, edge.target)) for edge in resolved.edges if not edge.conditional
    }


@pytest.mark.parametrize(
    ("facts", "issuer", "becomes"),
    [
        ({}, ISSUER, "app"),
        ({"targetRoleArn": TARGET, "externalId": "x-hidden"}, ISSUER, "target"),
        ({"policy": ""}, ISSUER, "app"),
        ({"policy": '{"Statement": []}'}, ISSUER, None),
        ({}, None, None),
    ],
)
def test_an_account_becomes_the_role_of_its_association(
    account: Account, facts: dict[str, Any], issuer: str | None, becomes: str | None
) -> None:
    """Pods get credentials of the target role, if there is one; a session policy leaves less than the role may do."""
    speak(account, issuer=issuer)
    associate(account, **facts)

    found = account.read("eks.pod_identities")
    roles = [make_identity(name, key=key) for name, key in (("app", APP), ("target", TARGET))]
    workload = found.workloads["eks_pod_identity", "web/cart"]

    assert found.gaps == {}
    assert edges(found, *roles) == ({("cart", becomes)} if becomes else set())
    assert workload.attributes["cluster"] == CLUSTER
    assert workload.attributes.get("external_id") == (True if "externalId" in facts else None)
    assert "x-hidden" not in repr(found.records)
    if issuer:
        (given,) = assignments(found)
        assert (given.holder_name, given.conditional) == ("web/cart", bool(facts.get("policy")))
        assert given.grant.resource == "EKS cluster shop"


ALL = {"cart", "pay", "controller"}


@pytest.mark.parametrize(
    ("policies", "level", "becomes"),
    [
        ({"AmazonEKSClusterAdminPolicy": None}, "high", ALL),
        ({"AmazonEKSClusterAdminPolicy": ("web",)}, "high", {"cart", "pay"}),
        ({"AmazonEKSAdminPolicy": None}, "high", ALL),
        ({"AmazonEKSEditPolicy": ("w*", "dev")}, "high", {"cart", "pay"}),
        ({"AmazonEKSEditPolicy": ("dev",)}, "high", set()),
        ({"AmazonEKSEditPolicy": ()}, "high", set()),
        ({"AmazonEKSAdminViewPolicy": None}, "high", set()),
        ({"AmazonEKSSecretReaderPolicy": None}, "high", set()),
        ({"AmazonEKSViewPolicy": None}, "normal", set()),
        ({"AmazonEKSTomorrowPolicy": None}, "unknown", set()),
        ({"AmazonEKSViewPolicy": None, "AmazonEKSEditPolicy": ("web",)}, "high", {"cart", "pay"}),
        ({}, "normal", set()),
    ],
)
def test_an_access_policy_leads_to_the_accounts_of_its_scope(
    account: Account, policies: dict[str, Any], level: str, becomes: set[str]
) -> None:
    """What only reads leads to none; a policy that is not known leaves the privilege unknown."""
    speak(account)
    enter(account, policies)
    ci = make_identity("ci", key=CI, privilege=Privilege(level="normal"))

    found = account.read("eks.access_policies")
    given = assignments(found)
    resolved = resolve([ci], held_by([ci], given), [], []).identities[0]

    assert found.gaps == {}
    assert {target for source, target in edges(found, ci) if source == "ci"} == becomes
    assert resolved.privilege.level == level
    assert {one.name for one in resolved.grants} >= set(policies)
    assert any(one.admin for one in resolved.grants) == (policies == {"AmazonEKSClusterAdminPolicy": None})


def test_an_access_entry_names_the_groups_and_the_user_of_its_principal(account: Account) -> None:
    """As the cluster's bindings name them, by its issuer."""
    speak(account)
    enter(account, kubernetesGroups=["deployers", "viewers"])

    found = account.read("eks.access_entries")
    (given,) = assignments(found)

    issuer = ISSUER.removeprefix("https://")
    names = ("#group:deployers", "#group:viewers", "#user:ci")
    assert given.acts_as == tuple(f"kubernetes:{issuer}{name}" for name in names)
    assert (given.provider, given.holder, given.grant.name) == ("aws", CI, "Kubernetes groups deployers, viewers")
    assert set(found.workloads) == {("eks_cluster", "shop")}


@pytest.mark.parametrize(
    ("mode", "kind", "calls"),
    [
        ("API", "STANDARD", {"ListAccessEntries": 1, "DescribeAccessEntry": 1, "ListAssociatedAccessPolicies": 1}),
        ("API", "EC2", {"ListAccessEntries": 1, "DescribeAccessEntry": 1, "ListAssociatedAccessPolicies": 1}),
        ("API", "FARGATE_LINUX", {"ListAccessEntries": 1, "DescribeAccessEntry": 1}),
        ("CONFIG_MAP", "STANDARD", {}),
    ],
)
def test_only_what_can_be_there_is_asked_for(account: Account, mode: str, kind: str, calls: dict[str, int]) -> None:
    """A cluster without access entries refuses to list them; entries of nodes take no policies."""
    speak(account, mode)
    enter(account, {"AmazonEKSViewPolicy": None}, type=kind)

    found = account.read("eks.access_policies")

    asked = {name: number for name, number in account.server.calls.items() if "Access" in name}
    assert asked == {f"eks:{name}": number for name, number in calls.items()}
    assert found.gaps == {}


@pytest.mark.parametrize(
    ("operation", "gaps"),
    [
        ("ListAccessEntries", {"eks.access_entries": "denied", "eks.access_policies": "denied"}),
        ("DescribeAccessEntry", {"eks.access_entries": "partial", "eks.access_policies": "partial"}),
        ("ListAssociatedAccessPolicies", {"eks.access_policies": "denied"}),
    ],
)
def test_a_refusal_is_a_gap_of_what_depends_on_it(account: Account, operation: str, gaps: dict[str, str]) -> None:
    """Nothing of it is taken for none."""
    speak(account)
    enter(account, {"AmazonEKSViewPolicy": None})
    account.server.refuse("eks", operation)

    assert account.read("eks.access_policies").gaps == gaps
