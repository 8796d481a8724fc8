"""What a gap kept from us of one role, entity or token, reported about it and of no one else."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.core.contract import Scope
from connectors.vault.client.payloads import AuthMount, Entity, EntityAlias, Token
from connectors.vault.identities import NamespaceFacts, parse_identities
from connectors.vault.logins import LoginRole, parse_role
from connectors.vault.methods import APPROLE, JWT, ApprolePayload, JwtPayload
from connectors.vault.rights.privilege import PolicyBook
from connectors.vault.spec import SPEC
from scanner.model import Fact
from tests.connectors.vault.conftest import MakeSettings
from tests.connectors.vault.estate import Place, login, scan
from tests.servers.vault_proxy import DENIED, VaultProxy

SCOPE = Scope(source="vault", spec=SPEC, id="vault:8200", context="")
MOUNTS = {
    "approle": AuthMount(type="approle", accessor="acc"),
    "jwt": AuthMount(type="jwt", accessor="jwt-acc"),
    "token": AuthMount(type="token", accessor="t"),
}
LOGIN = EntityAlias(name="role-id", mount_accessor="acc", mount_type="approle", metadata={"role_name": "app"})
ELSEWHERE = EntityAlias(name="bob", mount_accessor="ldap-acc", mount_type="ldap")
LOGINS: tuple[Fact, ...] = ("credentials", "use")


def role(payload: ApprolePayload | None) -> LoginRole:
    """The one AppRole."""
    return parse_role(SCOPE, APPROLE, "approle", "app", payload)


def reported(**facts: Any) -> dict[str, tuple[Fact, ...]]:
    """What is unread, by kind, of a namespace with an AppRole, a JWT role, an entity and a token; in case of gaps."""
    everything: dict[str, Any] = {
        "book": PolicyBook({"default": {}, "read": {}}, complete=True, secret_paths={}),
        "auth_mounts": MOUNTS,
        "roles": [
            role(ApprolePayload(token_policies=["read"])),
            parse_role(SCOPE, JWT, "jwt", "ci", JwtPayload(token_no_default_policy=True)),
        ],
        "entities": [Entity(id="e1", name="Payments", aliases=[ELSEWHERE])],
        "tokens": [Token(accessor="bare", path="auth/token/create")],
    }
    identities = parse_identities(SCOPE, NamespaceFacts(**{**everything, **facts}))
    return {identity.kind: identity.unread for identity in identities if identity.unread}


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({}, {}, id="read whole"),
        pytest.param(
            {"tokens_unread": True}, {"approle": LOGINS, "jwt_role": LOGINS, "entity": LOGINS}, id="some tokens"
        ),
        pytest.param({"secret_ids_unread": {role(None).key}}, {"approle": LOGINS}, id="one role's secret-ids"),
        pytest.param({"roles": [role(None)]}, {"approle": ("permissions",)}, id="a role's details"),
        pytest.param(
            {"book": PolicyBook({"default": {}, "read": None}, complete=True, secret_paths={})},
            {"approle": ("permissions",)},
            id="a policy it holds",
        ),
        pytest.param(
            {"book": PolicyBook({"default": {}}, complete=True, secret_paths={})}, {}, id="a policy that is not there"
        ),
        pytest.param(
            {"book": PolicyBook({}, complete=False, secret_paths={})},
            {"approle": ("permissions",)},
            id="all policies",
        ),
        pytest.param(
            {"engines_unread": True},
            dict.fromkeys(("approle", "jwt_role", "entity", "token"), ("permissions",)),
            id="what there is to be permitted",
        ),
        pytest.param({"entities_unread": True, "entities": []}, {"approle": ("permissions",)}, id="entities"),
        pytest.param(
            {
                "entities_unread": True,
                "entities": [],
                "tokens": [Token(accessor="x", path="auth/token/create", entity_id="e1")],
            },
            {"approle": ("credentials", "permissions", "use"), "token": ("permissions",)},
            id="entities, one of which holds a token",
        ),
        pytest.param({"half_read": {"e1"}}, {"entity": ("permissions", "tags")}, id="an entity's details"),
        pytest.param(
            {"half_read": {"e1"}, "entities": [Entity(id="e1", name="Payments", aliases=[LOGIN])]},
            {"approle": ("permissions",), "entity": ("permissions", "tags")},
            id="details of an entity that logs in where the role is",
        ),
        pytest.param(
            {"entities": [Entity(id="e1", name="Payments", direct_group_ids=["g1"])]},
            {"entity": ("permissions",)},
            id="a group it is in",
        ),
    ],
)
def test_what_a_gap_kept_from_us(facts: dict[str, Any], expected: dict[str, tuple[Fact, ...]]) -> None:
    """A gap is reported about those whose facts it holds."""
    assert reported(**facts) == expected


@pytest.fixture
def company(place: Place) -> Place:
    """Two AppRoles with a secret-id and a policy each, logged in."""
    client = place.client
    client.sys.enable_auth_method("approle")
    for name in ("billing", "deploy"):
        client.sys.create_or_update_acl_policy(f"p-{name}", 'path "kv/x" { capabilities = ["read"] }')
        client.auth.approle.create_or_update_approle(name, token_policies=[f"p-{name}"])
        login(client, name)
    return place


@pytest.mark.real_server
@pytest.mark.parametrize(
    ("patterns", "settings", "expected"),
    [
        pytest.param([], {}, {}, id="no gap"),
        pytest.param(["LIST auth/approle/role/billing/secret-id"], {}, {"billing": LOGINS}, id="one role's listing"),
        pytest.param(["approle/role/billing/secret-id-accessor"], {}, {"billing": LOGINS}, id="one role's lookups"),
        pytest.param(["LIST auth/token/accessors"], {}, {"billing": LOGINS, "deploy": LOGINS}, id="tokens"),
        pytest.param([], {"max_tokens": 1}, {"billing": LOGINS, "deploy": LOGINS}, id="tokens, capped"),
        pytest.param(
            ["detailed/acl", "GET sys/policies/acl/p-deploy"], {}, {"deploy": ("permissions",)}, id="one policy"
        ),
        pytest.param(
            ["LIST identity/entity"],
            {},
            {"billing": ("permissions",), "deploy": ("permissions",)},
            id="entities, while logins name their roles",
        ),
        pytest.param(["GET auth/approle/role/deploy"], {}, {"deploy": ("permissions",)}, id="one role's details"),
    ],
)
def test_each_gap_is_reported_of_who_it_hits(
    patterns: list[str],
    settings: dict[str, Any],
    expected: dict[str, tuple[Fact, ...]],
    company: Place,
    proxy: VaultProxy,
    make_settings: MakeSettings,
) -> None:
    """Everyone else was read whole."""
    proxy.faults = dict.fromkeys(patterns, DENIED)

    found = scan(make_settings(proxy.url, namespace=company.namespace, **settings))

    assert {one.name: one.unread for one in found.identities.values() if one.unread} == expected
    assert {one.name for one in found.of_kind("approle")} == {"billing", "deploy"}
