"""Where applications are from, and which of them someone else answers for."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.azure.identities.applications import application
from connectors.azure.identities.faces import FIRST_PARTY_REASON, GALLERY_REASON, NOT_GALLERY
from scanner.demo.fakes.azure.tenant import MICROSOFT, guid
from tests.connectors.azure.identities.made import both, found

VENDOR = guid("fabrikam")
VERIFIED = {"displayName": "Fabrikam", "verifiedPublisherId": "1234567", "addedDateTime": "2024-01-01T00:00:00Z"}
NOBODY = {"displayName": None, "verifiedPublisherId": None, "addedDateTime": None}
SECRET = {"passwordCredentials": [{"keyId": guid("secret")}]}
GALLERY = {"applicationTemplateId": guid("template")}


@pytest.mark.parametrize(
    ("principal", "registration", "reason"),
    [
        ({}, {}, None),
        ({"appOwnerOrganizationId": MICROSOFT}, None, FIRST_PARTY_REASON),
        ({"appOwnerOrganizationId": MICROSOFT.upper()}, None, FIRST_PARTY_REASON),
        ({"appOwnerOrganizationId": "cdc5aeea-15c5-4db6-b079-fcadd2505dc2"}, None, FIRST_PARTY_REASON),
        ({"appOwnerOrganizationId": "33E01921-4D64-4F8C-A055-5BDAFFD5E33D"}, None, FIRST_PARTY_REASON),
        ({"appOwnerOrganizationId": MICROSOFT, **SECRET}, None, None),
        ({"appOwnerOrganizationId": MICROSOFT}, {}, None),
        (GALLERY, {}, GALLERY_REASON),
        ({}, GALLERY, GALLERY_REASON),
        (GALLERY, SECRET, None),
        ({**GALLERY, **SECRET}, {}, None),
        ({"applicationTemplateId": min(NOT_GALLERY).upper()}, {}, None),
        ({"tags": ["WindowsAzureActiveDirectoryGalleryApplicationNonPrimaryV1"]}, {}, None),
        ({**GALLERY, "appOwnerOrganizationId": VENDOR, "verifiedPublisher": VERIFIED}, None, GALLERY_REASON),
        ({**GALLERY, "appOwnerOrganizationId": VENDOR, "verifiedPublisher": NOBODY}, None, None),
        ({**GALLERY, "appOwnerOrganizationId": VENDOR}, None, None),
        ({"appOwnerOrganizationId": VENDOR, "verifiedPublisher": VERIFIED}, None, None),
    ],
)
def test_exempt_is_what_no_one_here_can_sign_in_as(
    principal: dict[str, Any], registration: dict[str, Any] | None, reason: str | None
) -> None:
    """Microsoft's own and the gallery's, unless they hold a credential; a tag, which its owner writes, is no proof."""
    assert application(found(), both(principal, registration)).managed_by == reason


@pytest.mark.parametrize(
    ("principal", "registration", "external", "publisher"),
    [
        ({}, {}, None, None),
        ({"appOwnerOrganizationId": None, "servicePrincipalType": "Legacy"}, None, None, None),
        ({"appOwnerOrganizationId": MICROSOFT}, None, None, None),
        (
            {"appOwnerOrganizationId": VENDOR, "verifiedPublisher": VERIFIED},
            None,
            True,
            {"name": "Fabrikam", "verified": True, "tenant": VENDOR},
        ),
        (
            {"appOwnerOrganizationId": VENDOR, "verifiedPublisher": NOBODY},
            None,
            True,
            {"name": None, "verified": False, "tenant": VENDOR},
        ),
        ({"appOwnerOrganizationId": VENDOR}, None, True, {"name": None, "verified": False, "tenant": VENDOR}),
    ],
)
def test_an_application_of_another_tenant_says_who_publishes_it(
    principal: dict[str, Any], registration: dict[str, Any] | None, external: bool | None, publisher: object
) -> None:
    """And whether Microsoft has verified that."""
    attributes = application(found(), both(principal, registration)).attributes

    assert (attributes.get("external"), attributes.get("publisher")) == (external, publisher)


@pytest.mark.parametrize(
    ("principal", "registration", "expected"),
    [
        ({}, {"signInAudience": "AzureADMyOrg"}, None),
        ({}, {"signInAudience": "AzureADMultipleOrgs"}, True),
        ({}, {"signInAudience": "AzureADandPersonalMicrosoftAccount"}, True),
        ({"signInAudience": "AzureADMultipleOrgs"}, None, True),
        ({"appOwnerOrganizationId": VENDOR}, None, True),
    ],
)
def test_an_application_that_other_tenants_take_says_so(
    principal: dict[str, Any], registration: dict[str, Any] | None, expected: bool | None
) -> None:
    """An application of another tenant is one by being here."""
    assert application(found(), both(principal, registration)).attributes.get("multi_tenant") == expected
