"""Roles that principals of Entra sign in as, joined with those principals."""

from __future__ import annotations

import pytest

from connectors.azure.client.clouds import CloudName
from connectors.azure.identities.facts import ISSUERS
from connectors.core.contract import Scope
from connectors.postgresql import rows as r
from connectors.postgresql.identities import PostgresqlIdentities, ServerFacts
from connectors.postgresql.spec import SPEC
from scanner.access.federation import with_federation
from scanner.model.reach import TokenSubject
from tests.factories import make_identity

SCOPE = Scope(source="pg", spec=SPEC, id="db:5432")


@pytest.mark.parametrize("cloud", ["public", "usgov"])
@pytest.mark.parametrize(("object_id", "joined"), [("object-1", True), ("object-2", False)])
def test_a_principal_becomes_the_role_by_its_object_id(cloud: CloudName, object_id: str, *, joined: bool) -> None:
    """Both directions: an edge to the role, and a link from it. The name alone says nothing."""
    roles = [
        r.PostgresqlRole(id=1, name="azuresu", superuser=True),
        r.PostgresqlRole(id=2, name="shop-app", can_login=True),
    ]
    mapped = [r.PostgresqlPrincipal(role="shop-app", type="service", object="object-1", tenant="tenant-1")]
    facts = ServerFacts(version=160000, roles=roles, principals=mapped)
    (role,) = (one for one in PostgresqlIdentities(SCOPE, facts) if one.name == "shop-app")
    principal = make_identity(
        "shop-app",
        provider="azure",
        key="azure:tenant-1/object",
        token_subjects=tuple(TokenSubject(one.format(tenant="tenant-1"), object_id) for one in ISSUERS[cloud]),
    )
    (linked, _), edges = with_federation([role, principal])

    pair = (principal.key, role.key)
    assert {(one.source, one.target, one.conditional) for one in edges} == ({(*pair, False)} if joined else set())
    assert [one.target for one in linked.links if one.relation == "federates"] == ([principal.key] if joined else [])
