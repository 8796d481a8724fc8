"""A small company's Vault, and what a scan of it found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import hvac

from connectors.core.contract import Scope
from connectors.vault.connector import VaultConnector
from connectors.vault.settings import VaultSettings
from scanner.model import Coverage, Identity, StoredSecret
from tests.servers.openbao import OpenBao, enable_kv

READ_APP = 'path "kv/data/app/*" { capabilities = ["read"] }'
READ_ALL = 'path "kv/data/*" { capabilities = ["read", "list"] }'
ALL = 'path "*" { capabilities = ["create", "read", "update", "delete", "list", "sudo"] }'


@dataclass
class Place:
    """A namespace on a server."""

    server: OpenBao
    namespace: str
    seeded: dict[str, Any] = field(default_factory=dict)
    """What ``seed`` returned, where it was called."""

    @property
    def client(self) -> hvac.Client:
        return self.server.client_with(self.server.token, self.namespace)

    @property
    def scope(self) -> str:
        return self.scope_at(self.server.url)

    def scope_at(self, url: str) -> str:
        """The scope's id as seen through that address."""
        return f"{url.removeprefix('http://')}/{self.namespace}"

    def key(self, path: str) -> str:
        return f"vault://{self.scope}/{path}"


@dataclass
class Scan:
    """Records by what they are called in tests."""

    identities: dict[str, Identity] = field(default_factory=dict)
    secrets: dict[str, StoredSecret] = field(default_factory=dict)
    coverage: dict[tuple[str, str], Coverage] = field(default_factory=dict)

    def of_kind(self, kind: str) -> list[Identity]:
        return [identity for identity in self.identities.values() if identity.kind == kind]

    def named(self, name: str) -> Identity:
        [found] = [identity for identity in self.identities.values() if identity.name == name]
        return found

    def section(self, name: str) -> Coverage:
        [found] = [coverage for (_, section), coverage in self.coverage.items() if section == name]
        return found

    @property
    def gaps(self) -> dict[tuple[str, str], Coverage]:
        return {key: coverage for key, coverage in self.coverage.items() if coverage.is_gap}


def scan(settings: VaultSettings) -> Scan:
    """Everything the connector finds; no key may come twice."""
    result = Scan()
    connector = VaultConnector("vault", settings)
    for scope in connector.scopes():
        for record in connector.discover(scope) if isinstance(scope, Scope) else [scope]:
            _keep(result, record)
    return result


def _keep(result: Scan, record: object) -> None:
    if isinstance(record, Identity):
        assert record.key not in result.identities
        result.identities[record.key] = record
    elif isinstance(record, StoredSecret):
        assert record.key not in result.secrets
        result.secrets[record.key] = record
    elif isinstance(record, Coverage):
        assert (record.scope, record.section) not in result.coverage
        result.coverage[record.scope, record.section] = record


def login(client: hvac.Client, role: str, mount: str = "approle", **secret_id: Any) -> dict[str, Any]:
    """A token of an approle, through a new secret-id."""
    role_id = client.auth.approle.read_role_id(role, mount_point=mount)["data"]["role_id"]
    secret = client.auth.approle.generate_secret_id(role, mount_point=mount, **secret_id)["data"]
    auth = client.auth.approle.login(role_id, secret["secret_id"], use_token=False, mount_point=mount)["auth"]
    return {**auth, "role_id": role_id, "secret_id": secret["secret_id"]}


def seed(client: hvac.Client) -> dict[str, Any]:
    """Fill a namespace; returns what must never be seen in a scan, and accessors to look for."""
    enable_kv(client)
    client.sys.enable_secrets_engine("kv", path="team/old", options={"version": "1"})
    client.secrets.kv.v2.create_or_update_secret("app/db", {"password": "hunter2"}, mount_point="kv")
    client.secrets.kv.v2.create_or_update_secret("top", {"password": "hunter3"}, mount_point="kv")
    client.secrets.kv.v1.create_or_update_secret("legacy/key", {"password": "hunter4"}, mount_point="team/old")
    for name, text in (("read-app", READ_APP), ("read-all", READ_ALL), ("run-everything", ALL)):
        client.sys.create_or_update_acl_policy(name, text)
    for mount in ("approle", "team/approle"):
        client.sys.enable_auth_method("approle", path=mount)
    client.sys.enable_auth_method("userpass")
    client.auth.approle.create_or_update_approle("billing", token_policies=["read-app"], token_no_default_policy=True)
    client.auth.approle.create_or_update_approle(
        "deploy", token_policies=["run-everything"], mount_point="team/approle"
    )
    billing = login(client, "billing", metadata={"owner": "ada@example.com", "note": "=cmd|'/C calc'!A0"})
    deploy = login(client, "deploy", mount="team/approle")
    client.auth.userpass.create_or_update_user("bob", password="pw", policies=["read-app"])
    client.auth.userpass.login("bob", "pw", use_token=False)
    periodic = client.auth.token.create(
        policies=["read-app"], period="24h", no_parent=True, display_name="nightly", meta={"team": "data"}
    )["auth"]
    return {
        "forbidden": [
            "hunter2",
            "hunter3",
            "hunter4",
            *(login[key] for login in (billing, deploy) for key in ("role_id", "secret_id", "client_token")),
            periodic["client_token"],
        ],
        "billing_token": billing["accessor"],
        "billing_entity": billing["entity_id"],
        "deploy_token": deploy["accessor"],
        "periodic_token": periodic["accessor"],
    }
