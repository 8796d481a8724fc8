"""Workload identity pools: which of them can be used, by whom, and who IAM manages in them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.gcp.client.payloads import Pool
from connectors.gcp.identities.pools import (
    ManagedIdentity,
    Namespace,
    open_providers,
    parse_managed_identity,
    principal_of,
)
from connectors.gcp.rights.pools import numbered, provider_in
from connectors.gcp.rights.providers import ProviderPayload
from connectors.gcp.units import ProjectRef

PROD = ProjectRef(id="acme-prod", number="1111", labels={"team": "web"})
POOLS = "projects/1111/locations/global/workloadIdentityPools"
GITHUB, OWN = "https://token.actions.githubusercontent.com", "https://issuer.example"


def _provider(**fields: Any) -> ProviderPayload:
    row = {
        "name": f"{POOLS}/ci/providers/main",
        "oidc": {"issuerUri": GITHUB},
        "attributeMapping": {"google.subject": "assertion.sub"},
    }
    return msgspec.convert(row | fields, ProviderPayload)


@pytest.mark.parametrize(
    ("fields", "off", "enabled"),
    [
        ({}, (), True),
        ({"disabled": True}, (), False),
        ({"state": "DELETED"}, (), False),
        ({}, (f"{POOLS}/ci",), False),
        ({}, (f"{POOLS}/other",), True),
        (
            {"name": "projects/acme-prod/locations/global/workloadIdentityPools/ci/providers/main"},
            (f"{POOLS}/ci",),
            False,
        ),
    ],
)
def test_a_pool_that_is_off_switches_its_providers_off(
    fields: dict[str, Any], off: tuple[str, ...], enabled: bool
) -> None:
    """Whether names have the project's id or its number."""
    provider = provider_in(PROD, _provider(**fields), off)

    assert provider.is_enabled is enabled
    assert provider.pool == f"{POOLS}/ci"


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({}, True),
        ({"oidc": {"issuerUri": OWN}}, False),
        ({"attributeCondition": 'assertion.repository_owner == "acme"'}, False),
        ({"attributeCondition": "true"}, True),
        ({"disabled": True}, False),
        ({"oidc": None, "aws": {"accountId": "123456789012"}}, False),
    ],
)
def test_an_open_provider_takes_tokens_of_anybody_at_its_issuer(fields: dict[str, Any], found: bool) -> None:
    """One that signs for everyone, and no condition."""
    provider = provider_in(PROD, _provider(**fields), ())

    assert open_providers([provider]) == [provider][:found]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("FEDERATION_ONLY", True), ("", True), ("TRUST_DOMAIN", False), ("SYSTEM_TRUST_DOMAIN", False)],
)
def test_trust_domains_have_no_providers(mode: str, expected: bool) -> None:
    """To list them is refused."""
    assert Pool(name=f"{POOLS}/ci", mode=mode).has_providers is expected


@pytest.mark.parametrize(
    ("pool", "namespace", "row", "enabled"),
    [
        ({}, {}, {}, True),
        ({"disabled": True}, {}, {}, False),
        ({"state": "DELETED"}, {}, {}, False),
        ({}, {"disabled": True}, {}, False),
        ({}, {"state": "DELETED"}, {}, False),
        ({}, {}, {"disabled": True}, False),
        ({}, {}, {"state": "DELETED"}, False),
    ],
)
def test_a_managed_identity_is_on_where_all_above_it_is(pool: Any, namespace: Any, row: Any, enabled: bool) -> None:
    """Named as members of policies and SPIFFE name it."""
    name = f"{POOLS}/mesh/namespaces/shop"
    identity = parse_managed_identity(
        "prod",
        PROD,
        Pool(name=f"{POOLS}/mesh", mode="TRUST_DOMAIN", **pool),
        Namespace(name=name, **namespace),
        ManagedIdentity(name=f"{name}/managedIdentities/cart", **row),
    )

    assert identity.enabled is enabled
    assert identity.key == f"principal://iam.googleapis.com/{POOLS}/mesh/subject/ns/shop/sa/cart"
    assert identity.aliases == ("spiffe://mesh.global.1111.workload.id.goog/ns/shop/sa/cart",)
    assert (identity.kind, identity.managed_by) == ("workload_identity", None)
    assert identity.tags == {"project:team": "web"}


def test_a_namespace_of_google_s_is_google_s_to_answer_for() -> None:
    """And so are those in it."""
    agent = "serviceAccount:service-1@gcp-sa-gkehub.iam.gserviceaccount.com"
    namespace = msgspec.convert(
        {"name": "a/b/c/d/e/f/namespaces/n", "ownerService": {"principalSubject": agent}}, Namespace
    )

    identity = parse_managed_identity("prod", PROD, Pool(name="p"), namespace, ManagedIdentity(name="a/b/c"))

    assert agent in str(identity.managed_by)


@given(st.text())
def test_any_name_has_a_number_afterwards(name: str) -> None:
    """What a server says may be anything."""
    assert numbered(PROD, name).startswith("projects/1111")
    assert principal_of(name).startswith("principal://iam.googleapis.com/")
