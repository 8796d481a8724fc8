"""The high-consequence actions that policies allow, and which stored secrets they read."""

from __future__ import annotations

import pytest

from connectors.vault.rights.consequences import consequences_of
from connectors.vault.rights.policies import parse_policy
from connectors.vault.rights.privilege import secret_paths
from tests.connectors.vault.rights.test_privilege import MOUNTS

WITHIN = "vault://host/"


@pytest.mark.parametrize(
    ("text", "on"),
    [
        ('path "kv/data/team/*" { capabilities = ["read"] }', ("vault://host/kv/team/*",)),
        ('path "kv/data/+/db" { capabilities = ["read"] }', ("vault://host/kv/*/db",)),
        ('path "team/old/app" { capabilities = ["read"] }', ("vault://host/team/old/app",)),
        ('path "kv/*" { capabilities = ["read"] }', ("vault://host/kv/*",)),
        ('path "kv/metadata/*" { capabilities = ["read", "list"] }', None),
        ('path "kv/data/{{identity.entity.name}}/*" { capabilities = ["read"] }', ()),
        ('path "kv/data/x" { capabilities = ["update"] }', None),
        ('path "kv/data/*" { capabilities = ["read", "deny"] }', None),
    ],
)
def test_secrets_are_named_by_the_patterns_of_their_keys(text: str, on: tuple[str, ...] | None) -> None:
    """Where an entity decides, it stays open which they are; metadata is no value."""
    found = list(consequences_of(parse_policy(text), secret_paths(MOUNTS), WITHIN))

    if on is None:
        assert found == []
    else:
        assert [(one.kind, one.on, one.narrow) for one in found] == [("read_secrets", on, not on)]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('path "kv/metadata/*" { capabilities = ["delete"] }', "delete"),
        ('path "sys/mounts/*" { capabilities = ["delete"] }', "delete"),
        ('path "sys/audit/*" { capabilities = ["sudo", "delete"] }', "hide_traces"),
    ],
)
def test_deleting_and_hiding_are_consequences(text: str, kind: str) -> None:
    """With the path that allows it."""
    (one,) = consequences_of(parse_policy(text), secret_paths(MOUNTS), WITHIN)

    assert (one.kind, one.narrow) == (kind, False)
    assert one.actions[0] in text
