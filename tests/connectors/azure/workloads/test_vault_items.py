"""Rows of vaults as stored secrets."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.azure.reader import AzureUnit
from connectors.azure.spec import SPEC
from connectors.azure.workloads.rows import AzureResource
from connectors.azure.workloads.vaults import ListedItem, Times, VaultItem, VaultKey, stored_secret
from connectors.core.contract import Scope

SCOPE = Scope(source="prod", spec=SPEC, id="s-1", context=AzureUnit(kind="subscription", tenant="t-1"))
VAULT = AzureResource(id="/subscriptions/s-1/x", name="kv", type="t", vault_uri="https://KV.vault.azure.net/")


@pytest.mark.parametrize(
    ("row", "kind", "name"),
    [
        ({"id": "https://kv.vault.azure.net/secrets/a-1"}, VaultItem, "a-1"),
        ({"id": "https://kv.vault.azure.net/secrets/a-1/0123456789"}, VaultItem, "a-1"),
        ({"kid": "https://kv.vault.azure.net:443/keys/A"}, VaultKey, "A"),
        ({"id": "/subscriptions/s/resourceGroups/g/providers/Microsoft.KeyVault/vaults/kv/secrets/b"}, ListedItem, "b"),
        ({"id": "https://kv.vault.azure.net/secrets"}, VaultItem, None),
        ({"id": "https://kv.vault.azure.net/secrets/a.b"}, VaultItem, None),
        ({"id": "https://kv.vault.azure.net/secrets/" + "a" * 128}, VaultItem, None),
        ({"id": "kv/secrets/a"}, VaultItem, None),
        ({"id": ""}, ListedItem, None),
    ],
)
def test_the_name_is_in_the_address(row: dict[str, str], kind: type[VaultItem], name: str | None) -> None:
    """With or without a version behind it; what Key Vault would not take for a name is none."""
    assert msgspec.convert(row, kind).name == name


@given(st.integers() | st.none(), st.integers() | st.none())
def test_any_number_of_seconds_is_a_moment_or_unknown(created: int | None, expires: int | None) -> None:
    """Also where no calendar has it."""
    item = VaultItem(address="https://kv/secrets/a", times=Times(created=created, expires=expires, not_before=created))

    found = stored_secret(SCOPE, VAULT, "secrets", "a", item)

    for reported, moment in ((created, found.created_at), (expires, found.expires_at)):
        assert moment is None or (reported is not None and int(moment.timestamp()) == reported)
        assert moment is not None or reported is None or not 0 <= reported < 200_000_000_000
    assert found.rotated_at is None


def test_nothing_is_reported_of_what_is_not_known() -> None:
    """A row may hold an address and no more; the vault's host is in lower case."""
    found = stored_secret(SCOPE, VAULT, "keys", "A", VaultKey(address="https://kv/keys/A"))

    assert found.key == "https://kv.vault.azure.net/keys/A"
    assert found.attributes == {"type": "key", "vault": "kv"}
    assert (found.created_at, found.rotated_at, found.expires_at, found.tags) == (None, None, None, {})
