"""Clusters of AKS, joined with their accounts: who administers them, and what trusts their tokens."""

from __future__ import annotations

from typing import Any

import pytest

from scanner.access.assignments import held_by
from scanner.access.edges import resolve
from scanner.demo.fakes.azure.estate import add_user_assigned, run, trust_issuer
from scanner.demo.fakes.azure.rights import add_built_in_roles
from scanner.demo.fakes.azure.tenant import guid
from scanner.model import Assignment, Identity, Privilege, TokenSubject, Workload, with_typed
from tests.connectors.azure.workloads.conftest import CLUSTERS, ISSUER, Subscription
from tests.factories import make_identity

ADMIN_ROLE, RBAC_ADMIN = "0ab0b1a8-8aac-4efd-b8c2-3ee1fb270be8", "b1ff04bb-8a4e-4dc4-8eb5-8693973ce19b"
WRITER = "Microsoft.ContainerService/managedClusters/pods/write"


def account(path: str) -> Identity:
    """As the connector for Kubernetes gives it."""
    namespace, _, name = path.partition("/")
    return make_identity(
        name,
        key=f"kubernetes://uid/{namespace}/serviceaccount/{name}",
        provider="kubernetes",
        scope="uid",
        display_name=path,
        token_subjects=(TokenSubject(ISSUER, f"system:serviceaccount:{namespace}:{name}"),),
        privilege=Privilege(level="normal"),
        consequences=(),
    )


ACCOUNTS = tuple(map(account, ("shop/api", "jobs/job")))
ALL = {"shop/api", "jobs/job"}


def joined(empty: Subscription, *more: Identity) -> dict[str, set[str]]:
    """The identities that each can become, by names, once subscription and cluster were read."""
    records = [*empty.of_unit()]
    found = [*ACCOUNTS, *more, *(one for one in records if isinstance(one, Identity))]
    rights = [one for one in records if isinstance(one, Assignment)]
    workloads = [with_typed(one) for one in records if isinstance(one, Workload)]
    identities = resolve(found, held_by(found, rights), workloads, []).identities
    names = {one.key: one.display_name or one.name for one in identities}
    made = {one.key: [link.target for link in one.links if link.relation == "can_assume"] for one in identities}
    return {names[key]: {names[target] for target in targets} for key, targets in made.items()}


@pytest.mark.parametrize(
    ("role", "place", "local", "expected"),
    [
        (ADMIN_ROLE, "", None, ALL),
        (ADMIN_ROLE, "", False, ALL),
        (ADMIN_ROLE, "", True, set()),
        (ADMIN_ROLE, "group", None, ALL),
        (ADMIN_ROLE, "group", True, set()),
        (RBAC_ADMIN, "", True, ALL),
        (RBAC_ADMIN, "subscription", True, ALL),
        (RBAC_ADMIN, "/namespaces/shop", True, {"shop/api"}),
        (RBAC_ADMIN, "/namespaces/other", True, set()),
        ("data", "/namespaces/jobs", True, {"jobs/job"}),
        ("reader", "", None, set()),
    ],
)
def test_roles_on_a_cluster_lead_to_its_accounts(
    empty: Subscription, role: str, place: str, local: bool | None, expected: set[str]
) -> None:
    """Of a namespace to those there; a cluster without local accounts gives no administrator's certificate."""
    tenant = empty.tenant
    add_built_in_roles(tenant)
    profile: dict[str, Any] = {"oidcIssuerProfile": {"issuerURL": ISSUER}}
    profile |= {} if local is None else {"disableLocalAccounts": local}
    run(tenant, empty.here, CLUSTERS, "aks", properties=profile)
    cluster = empty.arm_id(CLUSTERS, "aks")
    scopes = {"group": cluster.partition("/providers/")[0], "subscription": f"/subscriptions/{empty.here}"}
    on = f"/subscriptions/{empty.here}"
    data = [{"actions": [], "notActions": [], "dataActions": [WRITER], "notDataActions": []}]
    tenant.define_role("data", (), place=on, permissions=data)
    tenant.define_role("reader", (f"{CLUSTERS}/read",), place=on)
    ci = tenant.add_service_principal("ci")
    tenant.assign_role(scopes.get(place, f"{cluster}{place}"), ci["id"], role if "-" in role else guid(f"role/{role}"))

    principal = make_identity("ci", key=f"azure://{tenant.id}/service_principals/{ci['id']}", provider="azure",
                              unique_id=ci["id"], privilege=Privilege(level="normal"))  # fmt: skip
    assert joined(empty, principal)["ci"] & ALL == expected


def test_an_account_becomes_the_identity_that_trusts_it(empty: Subscription) -> None:
    """By issuer and subject: the annotation of the account is not needed; one without the trust leads nowhere."""
    shop = add_user_assigned(empty.tenant, empty.here, "Shop")
    trust_issuer(empty.tenant, shop, "cluster", ISSUER, "system:serviceaccount:shop:api")

    found = joined(empty)

    assert found["shop/api"] == {"Shop"}
    assert found["jobs/job"] == set()
