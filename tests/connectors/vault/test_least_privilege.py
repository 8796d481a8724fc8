"""The printed policy: enough for a whole scan, and for nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connectors.vault.connector import VaultConnector
from connectors.vault.rights.policies import Rules, capabilities, parse_policy
from tests.connectors.vault.conftest import MakeSettings
from tests.connectors.vault.estate import Place, scan, seed
from tests.servers.openbao import OpenBao
from tests.servers.vault_proxy import DENIED, NO_SUCH_PATH, VaultProxy

pytestmark = pytest.mark.real_server


@pytest.fixture(scope="module")
def audited() -> Iterator[OpenBao]:
    with OpenBao(audited=True) as server:
        seed(server.client)
        server.client.sys.create_namespace("team1")
        seed(server.client_with(server.token, "team1"))
        yield server


def _scanner_token(server: OpenBao, policy: str) -> str:
    server.client.sys.create_or_update_acl_policy("muster", policy)
    auth = server.client.auth.token.create(policies=["muster"], no_default_policy=True, no_parent=True)["auth"]
    return str(auth["client_token"])


def test_the_printed_policy_is_enough(audited: OpenBao, make_settings: MakeSettings) -> None:
    """With nothing but that policy, nested mounts and child namespaces are read whole, and the same is found."""
    as_root = make_settings(audited.url, audited.token)
    token = _scanner_token(audited, VaultConnector("vault", as_root).policy())
    whole = scan(as_root)

    found = scan(make_settings(audited.url, token))

    assert not found.gaps
    assert list(found.identities) == list(whole.identities)
    assert list(found.secrets) == list(whole.secrets)
    assert [one.privilege for one in found.identities.values()] == [one.privilege for one in whole.identities.values()]


@pytest.mark.parametrize("flavour", ["openbao", "vault"])
def test_the_printed_policy_is_the_server_s_own(
    flavour: str, estate: Place, proxy: VaultProxy, make_settings: MakeSettings
) -> None:
    """It has the listings that this server offers, not those another would need; with them alone all is read."""
    proxy.faults = {"detailed": NO_SUCH_PATH} if flavour == "vault" else {}

    text = VaultConnector("vault", make_settings(proxy.url, namespace=estate.namespace)).policy()

    only = {
        "openbao": {"sys/policies/detailed/acl", "kv/detailed-metadata/*"},
        "vault": {"sys/policies/acl", "sys/policies/acl/+", "kv/metadata/*"},
    }
    printed = parse_policy(text).keys() & set().union(*only.values())
    assert printed == only[flavour]
    estate.client.sys.create_or_update_acl_policy("muster", text)
    auth = estate.client.auth.token.create(policies=["muster"], no_default_policy=True, no_parent=True)["auth"]
    found = scan(make_settings(proxy.url, auth["client_token"], namespace=estate.namespace))
    estate.client.auth.token.revoke_accessor(auth["accessor"])
    estate.client.sys.delete_policy("muster")
    assert not found.gaps
    assert estate.scope_at(proxy.url) in found.named("billing").key


def test_where_the_server_does_not_say_both_are_printed(
    estate: Place, proxy: VaultProxy, make_settings: MakeSettings
) -> None:
    """A denied listing may be there or not: the lines for either kind of server are printed, and say which is which."""
    proxy.faults["detailed"] = DENIED

    text = VaultConnector("vault", make_settings(proxy.url, namespace=estate.namespace)).policy()

    lines = [line for line in text.splitlines() if "policies" in line or line.startswith('path "kv/')]
    assert lines == [
        'path "sys/policies/detailed/acl" { capabilities = ["list"] }  # for OpenBao',
        'path "sys/policies/acl" { capabilities = ["list"] }  # for HashiCorp\'s Vault; not needed on OpenBao',
        'path "sys/policies/acl/+" { capabilities = ["read"] }  # for HashiCorp\'s Vault; not needed on OpenBao',
        'path "kv/detailed-metadata/*" { capabilities = ["list"] }  # for OpenBao',
        'path "kv/metadata/*" { capabilities = ["list"] }  # for HashiCorp\'s Vault; not needed on OpenBao',
    ]
    assert parse_policy(text)["kv/metadata/*"] == {"list"}


def test_nothing_else_is_asked(audited: OpenBao, make_settings: MakeSettings) -> None:
    """By the server's own log every request of a scan was one the policy allows, and none reached a secret."""
    text = VaultConnector("vault", make_settings(audited.url, audited.token)).policy()
    settings = make_settings(audited.url, _scanner_token(audited, text))
    before = sum(1 for _ in audited.audit_log())

    scan(settings)
    list(VaultConnector("vault", settings).check())

    rules = parse_policy(text)
    records = [record for record in list(audited.audit_log())[before:] if record["type"] == "request"]
    asked = {(record["request"]["operation"], _path(record)) for record in records}
    assert ("list", "team1/auth/team/approle/role/billing/secret-id/") not in asked
    assert ("list", "team1/auth/team/approle/role/deploy/secret-id/") in asked
    assert {operation for operation, _ in asked} == {"read", "list", "update"}
    assert [(operation, path) for operation, path in asked if not _is_allowed(rules, operation, path)] == []
    assert [
        path for _, path in asked if any(part in path for part in ("/data/", "/creds/", "role-id", "subkeys"))
    ] == []


def _is_allowed(rules: Rules, operation: str, path: str) -> bool:
    """Listings end in a slash, with which or without which a rule may name them."""
    return any(operation in capabilities(rules, one) for one in (path, path.rstrip("/")))


def _path(record: dict[str, Any]) -> str:
    namespace = record["request"].get("namespace", {}).get("path", "")
    return f"{namespace}{record['request']['path']}"


@pytest.mark.parametrize(
    ("operation", "path"),
    [
        pytest.param("read", "kv/data/app/db", id="kv 2 value"),
        pytest.param("read", "kv/subkeys/app/db", id="kv 2 key names"),
        pytest.param("read", "team/old/legacy/key", id="kv 1 value"),
        pytest.param("read", "auth/approle/role/billing/role-id", id="role_id"),
        pytest.param("update", "auth/approle/role/billing/secret-id", id="new secret-id"),
        pytest.param("update", "auth/token/create", id="new token"),
        pytest.param("update", "auth/token/revoke-accessor", id="revoke"),
        pytest.param("update", "sys/policies/acl/muster", id="its own policy"),
        pytest.param("read", "team1/kv/data/app/db", id="value in a child namespace"),
    ],
)
def test_the_printed_policy_is_not_more(
    operation: str, path: str, audited: OpenBao, make_settings: MakeSettings
) -> None:
    """The server itself denies that token every value and every change."""
    token = _scanner_token(audited, VaultConnector("vault", make_settings(audited.url, audited.token)).policy())

    allowed = audited.client.sys.get_capabilities([path], token=token)["data"][path]

    assert operation not in allowed
    assert "root" not in allowed


def test_the_base_policy_says_what_is_missing() -> None:
    """Without a server it prints what all servers need, and where the rest comes from."""
    text = VaultConnector.base_policy()

    rules = parse_policy(text)
    assert capabilities(rules, "sys/auth") == {"read"}
    assert capabilities(rules, "auth/token/accessors") == {"list", "sudo"}
    assert capabilities(rules, "kv/metadata/x") == {"deny"}
    assert rules["sys/policies/detailed/acl"] == rules["sys/policies/acl"] == {"list"}
    assert text.count("# for OpenBao") == 1
    assert "muster connectors vault --policy SOURCE" in text


def test_mount_names_cannot_write_policy(place: Place, make_settings: MakeSettings) -> None:
    """A mount whose name has quotes or wildcards in it stays within its own line."""
    place.client.adapter.post('/v1/sys/mounts/k"v', json={"type": "kv", "options": {"version": "2"}})

    text = VaultConnector("vault", make_settings(place.server.url, namespace=place.namespace)).policy()

    assert parse_policy(text)['k"v/detailed-metadata/*'] == {"list"}
