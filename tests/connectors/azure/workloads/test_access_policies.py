"""What an access policy amounts to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.azure.workloads.vaults import privilege_of


@pytest.mark.parametrize(
    ("permissions", "words"),
    [
        ({}, ()),
        ({"secrets": ["list"], "keys": ["get", "list", "verify", "wrapKey"], "certificates": ["get", "list"]}, ()),
        ({"secrets": None}, ()),
        ({"other": ["all"]}, ()),
        ({"secrets": ["Get"]}, ("read every secret",)),
        ({"secrets": ["SET"]}, ("replace every secret",)),
        ({"keys": ["sign"]}, ("sign with every key",)),
        ({"keys": ["unwrapKey", "decrypt"]}, ("decrypt with every key", "unwrap what every key protects")),
        ({"certificates": ["import", "create"]}, ("replace every certificate and its key",)),
        ({"storage": ["getsas"]}, ("get access to storage accounts",)),
        (
            {"secrets": ["all"]},
            ("read every secret", "export every secret, encrypted", "replace every secret"),
        ),
    ],
)
def test_values_their_use_and_their_replacement_are_high(
    permissions: dict[str, list[str] | None], words: tuple[str, ...]
) -> None:
    """Each with its reason; lists and public halves are ordinary."""
    privilege = privilege_of("kv", permissions)

    assert privilege.level == ("high" if words else "normal")
    assert privilege.evidence == tuple(f"may {word} in the vault kv" for word in words)


@given(st.dictionaries(st.sampled_from(["secrets", "keys", "certificates", "storage"]), st.lists(st.text())))
def test_more_permissions_never_amount_to_less(permissions: dict[str, list[str]]) -> None:
    """Whatever else is in a policy."""
    more = {**permissions, "secrets": [*permissions.get("secrets", []), "get"]}

    assert privilege_of("kv", more).level == "high"
    assert set(privilege_of("kv", permissions).evidence) <= set(privilege_of("kv", more).evidence)
