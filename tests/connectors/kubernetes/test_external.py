"""Rights of external users and groups in a cluster, joined with the identities of its cloud."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from connectors.kubernetes.least_privilege import manifests
from scanner.access.assignments import held_by
from scanner.access.edges import resolve
from scanner.model import Assignment, Identity, Privilege
from tests.connectors.kubernetes.conftest import Read, Scan
from tests.connectors.kubernetes.manifests import account, binding, group, namespace, pod, role, rule, user
from tests.factories import make_assignment, make_identity

ISSUER = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE"
CI = "arn:aws:iam::123456789012:role/ci"
GOOGLE, OBJECT = "ci@shop.iam.gserviceaccount.com", "0A1b2c3d-1111-2222-3333-444455556666"
SAFE = {"pod-security.kubernetes.io/enforce": "restricted"}
ACCOUNTS = (
    namespace("shop", **SAFE),
    namespace("jobs", **SAFE),
    account("shop", "cart"),
    account("shop", "pay"),
    account("jobs", "job"),
    pod("shop", "p", "cart"),
)
ROLES = (
    role("everything", rule("*", "*", "*")),
    role("run", rule("create", "", "pods")),
    role("exec", rule("create", "", "pods/exec")),
    role("view", rule("list", "", "pods")),
)
WITH_AWS_AUTH = manifests(frozenset({"aws_auth"}))


def external(found: Read) -> list[Assignment]:
    """Those of users and groups that the test bound."""
    every = (one for one in found.records if isinstance(one, Assignment))
    return [one for one in every if "aws-auth" in one.key or (one.holder_name or "").startswith(("ci", "dev", OBJECT))]


def became(found: Read, caller: Identity, *more: Assignment) -> set[str]:
    """The accounts that an identity of a cloud becomes, by namespace and name."""
    estate = [caller, *(one for one in found.records if isinstance(one, Identity))]
    rights = [*(one for one in found.records if isinstance(one, Assignment)), *more]
    resolved = resolve(estate, held_by(estate, rights), list(found.workloads.values()), [])
    paths = {one.key: one.display_name for one in estate}
    made = {str(paths[link.target]) for link in resolved.identities[0].links if link.relation == "can_assume"}
    return made & {"shop/cart", "shop/pay", "jobs/job"}


def principal(**facts: Any) -> Identity:
    """An identity of a cloud without rights of its own."""
    return make_identity("ci", privilege=Privilege(level="normal"), consequences=(), **facts)


@pytest.mark.parametrize(
    ("given", "within", "expected"),
    [
        ("everything", "", {"shop/cart", "shop/pay", "jobs/job"}),
        ("run", "", {"shop/cart", "shop/pay", "jobs/job"}),
        ("run", "jobs", {"jobs/job"}),
        ("exec", "shop", {"shop/cart"}),
        ("exec", "jobs", set()),
        ("view", "", set()),
        ("missing", "", set()),
    ],
)
@pytest.mark.parametrize(
    ("subject", "caller"),
    [
        (group("dev"), {"key": CI}),
        (user("dev"), {"key": CI}),
        (user(GOOGLE), {"key": GOOGLE, "provider": "gcp"}),
        (user(OBJECT), {"key": "azure://t/applications/1", "provider": "azure", "unique_id": OBJECT.lower()}),
        (group(OBJECT), {"key": "azure://t/groups/1", "provider": "azure", "unique_id": OBJECT}),
    ],
    ids=["access entry, group", "access entry, user", "Google", "Entra", "Entra, group"],
)
def test_what_rbac_gives_from_outside_leads_to_accounts(
    scan: Scan, subject: dict[str, Any], caller: dict[str, Any], given: str, within: str, expected: set[str]
) -> None:
    """As it does from inside; at its own cloud the principal is no administrator by it."""
    found = scan(*ACCOUNTS, *ROLES, binding("b", f"ClusterRole/{given}", subject, within=within))
    names = tuple(f"kubernetes:{ISSUER}#{kind}:dev" for kind in ("group", "user"))
    entry = make_assignment(CI, provider="aws", key="entry", acts_as=names)

    one = principal(**caller)

    assert became(found, one, entry) == expected
    rights = [each for each in external(found) if each.becomes_at]
    assert len(rights) == (0 if given == "missing" else 1)
    for right in rights:
        assert right.grant.name == f"ClusterRole/{given}"
        assert right.grant.resource == (f"namespace {within}" if within else "the cluster")
        estate = [one]
        settled = resolve(estate, held_by(estate, [right, entry]), [], []).identities[0]
        assert settled.privilege.level == ("high" if given != "view" else "normal")
        assert settled.consequences == ()


def test_names_of_kubernetes_own_are_nobody_from_outside(scan: Scan) -> None:
    """Nor are service accounts, however they are named."""
    ours = (group("system:nodes"), user("system:kube-scheduler"), user("system:serviceaccount:shop:cart"))
    subjects = (*ours, ("shop", "pay"))
    found = scan(*ACCOUNTS, *ROLES, binding("b", "ClusterRole/view", *subjects))

    assert [one.holder_name for one in found.records if isinstance(one, Assignment) and one.becomes_at] == []


def aws_auth(**data: Any) -> dict[str, Any]:
    """The config map, with lists as YAML."""
    texts = {name: rows if isinstance(rows, str) else yaml.safe_dump(rows) for name, rows in data.items()}
    return {
        "apiVersion": "v1", "kind": "ConfigMap", "data": texts,
        "metadata": {"namespace": "kube-system", "name": "aws-auth"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("row", "expected", "is_admin"),
    [
        ({"rolearn": CI, "username": "ci", "groups": ["dev"]}, {"shop/cart", "shop/pay"}, False),
        ({"rolearn": CI, "username": "dev"}, {"jobs/job"}, False),
        ({"rolearn": CI, "username": "{{SessionName}}", "groups": ["other"]}, set(), False),
        ({"rolearn": CI, "groups": ["system:masters"]}, {"shop/cart", "shop/pay", "jobs/job"}, True),
        ({"rolearn": CI, "groups": ["system:nodes"], "username": "system:node:{{EC2PrivateDNSName}}"}, set(), False),
        ({"rolearn": "arn:aws:iam::123456789012:role/other", "groups": ["dev"]}, set(), False),
    ],
)
def test_aws_auth_maps_principals_to_groups_and_users(
    scan: Scan, row: dict[str, Any], expected: set[str], *, is_admin: bool
) -> None:
    """A member of ``system:masters`` administers the cluster, which no binding shows."""
    bound = (
        binding("b", "ClusterRole/run", group("dev"), within="shop"),
        binding("c", "ClusterRole/run", user("dev"), within="jobs"),
    )
    settings = {"settings": {"aws_auth": True}, "reader": WITH_AWS_AUTH}

    for member in ("mapRoles", "mapUsers"):
        arn = {"rolearn" if member == "mapRoles" else "userarn": row["rolearn"]}
        mapped = arn | {name: value for name, value in row.items() if name != "rolearn"}
        found = scan(*ACCOUNTS, *ROLES, *bound, aws_auth(**{member: [mapped]}), **settings)

        (entry,) = [one for one in external(found) if "aws-auth" in one.key]
        assert became(found, principal(key=CI)) == expected
        assert (entry.grant.admin, entry.privilege.level) == (is_admin, "high" if is_admin else "normal")
        assert found.coverage["aws_auth"] == "complete"


@pytest.mark.parametrize("text", ["- 1", "{", "x: y", "[{groups: 3}]", "!!python/object:os.system {}"])
def test_an_aws_auth_that_is_none_is_a_gap(scan: Scan, text: str) -> None:
    """Its principals are unknown then, not none."""
    found = scan(*ACCOUNTS, aws_auth(mapRoles=text), settings={"aws_auth": True}, reader=WITH_AWS_AUTH)

    assert found.coverage["aws_auth"] == "failed"
    assert external(found) == []
