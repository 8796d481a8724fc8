"""OIDC and SAML providers: who may vouch for workloads and people from outside."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from scanner.model import Identity
from tests.connectors.aws.estate import Estate, arn
from tests.servers.fault_proxy import Fault

pytestmark = pytest.mark.real_server

GITHUB = "token.actions.githubusercontent.com"
METADATA = "<EntityDescriptor>not to be kept</EntityDescriptor>".ljust(1024)


@pytest.fixture
def estate(aws: Estate) -> Estate:
    """A provider of each kind, and two roles that trust the first."""
    aws.iam.create_open_id_connect_provider(
        Url=f"https://{GITHUB}",
        ClientIDList=["sts.amazonaws.com", "a.example.com"],
        Tags=[{"Key": "owner", "Value": "ada@example.com"}],
    )
    aws.iam.create_saml_provider(Name="okta", SAMLMetadataDocument=METADATA)
    for name in ("deploy", "release"):
        aws.role(name, trusts={"Federated": arn("oidc-provider", GITHUB)})
    return aws


def providers(found: Any) -> dict[str, Identity]:
    """By kind."""
    return {one.kind: one for one in found.identities.values() if one.kind.endswith("_provider")}


def test_a_provider_is_an_identity_without_rights(estate: Estate) -> None:
    """Its facts and tags are there, and how many roles trust it; a SAML provider's metadata is not."""
    found = estate.read_iam()

    oidc, saml = providers(found)["oidc_provider"], providers(found)["saml_provider"]
    assert (oidc.key, oidc.name, oidc.tags) == (
        arn("oidc-provider", GITHUB), GITHUB, {"owner": "ada@example.com"},
    )  # fmt: skip
    assert oidc.attributes == {
        "issuer": GITHUB,
        "audiences": ["a.example.com", "sts.amazonaws.com"],
        "trusting_roles": 2,
    }
    assert (oidc.privilege.level, oidc.use_tracked_days, [one.says for one in oidc.signals]) == (
        "normal", None, ["machine"],
    )  # fmt: skip
    assert (saml.key, saml.name, saml.attributes["trusting_roles"]) == (arn("saml-provider", "okta"), "okta", 0)
    assert saml.created_at is not None
    assert "not to be kept" not in repr(found.records)


def test_each_listing_is_asked_for_once_and_each_provider_once(estate: Estate) -> None:
    """There is no listing that gives it all."""
    estate.read_iam()

    calls = estate.proxy.calls
    assert [
        calls[f"iam:{name}"]
        for name in (
            "ListOpenIDConnectProviders", "GetOpenIDConnectProvider", "ListSAMLProviders", "GetSAMLProvider",
        )
    ] == [1, 1, 1, 1]  # fmt: skip


def test_of_a_saml_provider_its_end_is_reported(estate: Estate) -> None:
    """And the id that it keeps when it is made anew; the emulator does not give it."""
    estate.proxy.made["iam:GetSAMLProvider"] = lambda _: {
        "SAMLProviderUUID": "abcd1234efgh5678ijkl90",
        "SAMLMetadataDocument": METADATA,
        "CreateDate": datetime(2024, 1, 1, tzinfo=UTC),
        "ValidUntil": datetime(2030, 1, 1, tzinfo=UTC),
        "AssertionEncryptionMode": "Required",
        "Tags": [{"Key": "team", "Value": "identity"}],
    }

    saml = providers(estate.read_iam())["saml_provider"]

    assert (saml.unique_id, saml.tags) == ("abcd1234efgh5678ijkl90", {"team": "identity"})
    assert saml.attributes == {
        "valid_until": "2030-01-01T00:00:00+00:00",
        "assertion_encryption": "Required",
        "trusting_roles": 0,
    }


def test_a_provider_that_cannot_be_looked_at_is_still_found(estate: Estate) -> None:
    """By its ARN; its tags are unread, and the coverage names the permission."""
    estate.proxy.fail("iam:GetOpenIDConnectProvider", Fault("denied"))

    found = estate.read_iam()

    oidc = providers(found)["oidc_provider"]
    assert found.gaps == {"iam.oidc_providers": "partial"}
    assert found.coverage["iam.oidc_providers"].permission == "iam:GetOpenIDConnectProvider"
    assert (oidc.name, oidc.unread, oidc.attributes) == (GITHUB, ("tags",), {"trusting_roles": 2})


def test_a_provider_deleted_meanwhile_is_gone(estate: Estate) -> None:
    """It was listed a moment ago; that is no error."""
    estate.proxy.fail("iam:GetSAMLProvider", Fault("gone"))

    found = estate.read_iam()

    assert found.gaps == {}
    assert set(providers(found)) == {"oidc_provider"}


@pytest.mark.parametrize(
    "fault",
    [Fault("denied"), Fault("throttled", from_page=2)],
    ids=["trust policies are not told", "some roles are unread"],
)
def test_who_trusts_a_provider_is_unknown_where_roles_are(estate: Estate, fault: Fault) -> None:
    """A count of those that could be read would be taken for all."""
    estate.proxy.page_size = 1
    estate.proxy.fail("iam:GetAccountAuthorizationDetails", fault)
    estate.proxy.fail("iam:ListRoles", Fault("denied"))

    oidc = providers(estate.read_iam())["oidc_provider"]

    assert "trusting_roles" not in oidc.attributes
