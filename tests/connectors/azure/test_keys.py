"""Keys are the same from whichever side a thing is seen."""

from __future__ import annotations

import pytest

from connectors.azure.keys import (
    application_key,
    arm_name,
    managed_identity_key,
    subscription_of,
    vault_item_key,
)

PROVIDER = "/subscriptions/S-1/resourceGroups/RG/providers"
SITE = f"{PROVIDER}/Microsoft.Web/sites/Shop"
MINE = f"{PROVIDER}/Microsoft.ManagedIdentity/userAssignedIdentities/id-Shop"


@pytest.mark.parametrize(
    ("arm_id", "key", "name"),
    [
        (MINE, MINE.lower(), "id-Shop"),
        (f"{MINE}/", MINE.lower(), "id-Shop"),
        (MINE.upper(), MINE.lower(), "ID-SHOP"),
        (SITE, f"{SITE.lower()}/providers/microsoft.managedidentity/identities/default", "Shop"),
        (f"{SITE}/providers/Microsoft.ManagedIdentity/Identities/default",
         f"{SITE.lower()}/providers/microsoft.managedidentity/identities/default", "Shop"),
    ],
)  # fmt: skip
def test_a_managed_identity_has_one_key(arm_id: str, key: str, name: str) -> None:
    """From the directory and from its subscription, in whatever case either writes it."""
    assert (managed_identity_key(arm_id), arm_name(arm_id)) == (key, name)
    assert managed_identity_key(key) == key


@pytest.mark.parametrize(
    ("arm_id", "subscription"),
    [
        (SITE, "s-1"),
        ("/providers/Microsoft.Management/managementGroups/g", None),
        ("/", None),
        ("/subscriptions/", None),
    ],
)
def test_a_resource_lies_in_a_subscription_or_in_none(arm_id: str, subscription: str | None) -> None:
    """Management groups lie above them."""
    assert subscription_of(arm_id) == subscription


def test_ids_are_compared_without_regard_to_case() -> None:
    """But the names of secrets keep theirs."""
    assert application_key("T", "A") == application_key("t", "a") == "azure://t/applications/a"
    assert vault_item_key("https://KV.vault.azure.net/", "secrets", "Db") == "https://kv.vault.azure.net/secrets/Db"
