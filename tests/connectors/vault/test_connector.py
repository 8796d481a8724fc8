"""What the connector finds on a real OpenBao."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote

import msgspec
import pytest

from connectors.core.contract import Scope
from connectors.vault.connector import VaultConnector
from scanner.model import Identity
from tests.connectors.vault.conftest import MakeSettings
from tests.connectors.vault.estate import Place, login, scan
from tests.servers.openbao import enable_kv

pytestmark = pytest.mark.real_server

PUBLIC_KEY = """\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEu18/7DiAlyAE5VXmBH0q077n0eOu
LEonp8Z+jiLl0PN+T9GV+bqUav9MZ2aQ8cN2+fZRBf8dHyt3RacKcsVmsA==
-----END PUBLIC KEY-----
"""


def _alias(client: object, entity_id: str, accessor: str, name: str) -> None:
    client.secrets.identity.create_or_update_entity_alias(  # type: ignore[attr-defined]  # hvac ships no types
        name=name, canonical_id=entity_id, mount_accessor=accessor
    )


def test_finds_the_whole_estate(estate: Place, make_settings: MakeSettings) -> None:
    """Roles of nested mounts, users, tokens and secrets come out once each, under readable keys, without a gap."""
    found = scan(make_settings(estate.server.url, namespace=estate.namespace))

    assert not found.gaps
    assert sorted(found.identities) == sorted(
        estate.key(path)
        for path in (
            "auth/approle/role/billing",
            "auth/team/approle/role/deploy",
            "auth/userpass/user/bob",
            f"auth/token/accessor/{estate.seeded['periodic_token']}",
        )
    )
    assert sorted(found.secrets) == [estate.key(path) for path in ("kv/app/db", "kv/top", "team/old/legacy/key")]
    assert {identity.scope for identity in found.identities.values()} == {estate.scope}


def test_reads_no_secret(estate: Place, make_settings: MakeSettings) -> None:
    """Neither secrets' values nor secret-ids, role_ids or tokens are in any record."""
    found = scan(make_settings(estate.server.url, namespace=estate.namespace))

    text = msgspec.json.encode([*found.identities.values(), *found.secrets.values(), *found.coverage.values()]).decode()
    assert "billing" in text
    assert [secret for secret in estate.seeded["forbidden"] if secret in text] == []


def test_an_approle_with_its_credentials(estate: Place, make_settings: MakeSettings) -> None:
    """A role holds its secret-ids and the tokens logged in with it, and its entity is folded into it."""
    found = scan(make_settings(estate.server.url, namespace=estate.namespace))

    billing = found.named("billing")
    [secret_id] = [one for one in billing.credentials if one.kind == "secret_id"]
    [token] = [one for one in billing.credentials if one.kind == "token"]
    assert secret_id.never_expires
    assert secret_id.created_at is not None
    assert secret_id.last_used_at is None
    assert secret_id.use_tracked_days is None
    assert secret_id.attributes["metadata"] == {"owner": "ada@example.com"}
    assert token.id == estate.seeded["billing_token"]
    assert token.expires_at is not None
    assert billing.last_used_at == token.created_at
    assert billing.use_tracked_days is None
    assert billing.attributes["mount"] == "approle"
    assert billing.attributes["mount_accessor"].startswith("auth_approle_")
    assert billing.aliases == (estate.seeded["billing_entity"],)
    assert found.of_kind("entity") == []


def test_privilege_comes_from_what_policies_do(estate: Place, make_settings: MakeSettings) -> None:
    """A policy named like anything is judged by its text; a narrow one stays normal."""
    found = scan(make_settings(estate.server.url, namespace=estate.namespace))

    assert found.named("deploy").privilege.level == "admin"
    assert {grant.name: grant.admin for grant in found.named("deploy").grants} == {
        "default": False,
        "run-everything": True,
    }
    assert found.named("billing").privilege.level == "normal"
    assert [(grant.name, grant.via) for grant in found.named("billing").grants] == [("read-app", "direct")]


def test_a_limited_secret_id_shows_its_last_use(place: Place, make_settings: MakeSettings) -> None:
    """Where uses are limited each login leaves its time; before the first one the record says never."""
    client = place.client
    client.sys.enable_auth_method("approle")
    client.auth.approle.create_or_update_approle("batch", secret_id_num_uses=5, secret_id_ttl="1h")
    client.auth.approle.generate_secret_id("batch")
    login(client, "batch")

    found = scan(make_settings(place.server.url, namespace=place.namespace))

    secret_ids = [one for one in found.named("batch").credentials if one.kind == "secret_id"]
    assert sorted(one.attributes["uses_left"] for one in secret_ids) == [4, 5]
    assert {one.attributes["uses_left"]: one.last_used_at is not None for one in secret_ids} == {4: True, 5: False}
    assert all(one.use_tracked_days and one.expires_at and not one.never_expires for one in secret_ids)


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        pytest.param({"period": "24h"}, {"never_expires": False, "period": 86_400}, id="periodic"),
        pytest.param({"no_parent": True}, {"never_expires": False, "orphan": True}, id="orphan"),
        pytest.param({"policies": ["root"]}, {"never_expires": True, "policies": ["root"]}, id="root never expires"),
        pytest.param({"explicit_max_ttl": "1h"}, {"never_expires": False, "explicit_max_ttl": 3600}, id="capped"),
        pytest.param({"num_uses": 7}, {"never_expires": False, "num_uses": 7}, id="counted"),
    ],
)
def test_a_token_of_no_one(
    request_: dict[str, object], expected: dict[str, object], place: Place, make_settings: MakeSettings
) -> None:
    """A token with neither role nor entity is an identity of its own, holding itself."""
    client = place.client if "policies" not in request_ else place.server.client
    auth = client.auth.token.create(display_name="ci", meta={"owner": "ada"}, **request_)["auth"]
    namespace = place.namespace if "policies" not in request_ else ""

    found = scan(make_settings(place.server.url, namespace=namespace))

    token = next(one for one in found.of_kind("token") if one.name == auth["accessor"])
    [credential] = token.credentials
    facts = {"never_expires": credential.never_expires, **credential.attributes}
    assert {name: facts[name] for name in expected} == expected
    assert token.display_name == "token-ci"
    assert token.tags == {"owner": "ada"}
    assert credential.use_tracked_days is None
    assert credential.id == auth["accessor"]


def test_a_renewal_is_a_sign_of_life(place: Place, make_settings: MakeSettings) -> None:
    """The only use of a token that the server remembers is its last renewal."""
    client = place.client
    auth = client.auth.token.create(ttl="1h", renewable=True)["auth"]
    client.auth.token.renew_accessor(auth["accessor"])

    found = scan(make_settings(place.server.url, namespace=place.namespace))

    token = found.named(auth["accessor"])
    assert token.last_used_at is not None
    assert token.last_used_at == token.credentials[0].last_used_at
    assert token.last_used_at <= datetime.now(UTC)


def test_batch_tokens_are_not_there(place: Place, make_settings: MakeSettings) -> None:
    """The server keeps no record of batch tokens, so none is claimed."""
    place.client.auth.token.create(type="batch", ttl="1h")

    found = scan(make_settings(place.server.url, namespace=place.namespace))

    assert found.identities == {}
    assert found.section("auth.token").status == "complete"


def test_the_scan_marks_its_own_token(place: Place, make_settings: MakeSettings) -> None:
    """The token that reads is listed like any other, and says so."""
    place.client.sys.create_or_update_acl_policy(
        "all", 'path "*" { capabilities = ["read", "list", "update", "sudo"] }'
    )
    auth = place.client.auth.token.create(policies=["all"])["auth"]

    found = scan(make_settings(place.server.url, auth["client_token"], namespace=place.namespace))

    token = found.named(auth["accessor"])
    assert token.attributes["own_token"] is True
    assert token.credentials[0].attributes["own_token"] is True


def test_a_named_entity_stands_on_its_own(place: Place, make_settings: MakeSettings) -> None:
    """An entity someone made is an identity, the role acts as it, and its and its groups' policies count for both."""
    client = place.client
    client.sys.create_or_update_acl_policy("ops", 'path "sys/policies/acl/*" { capabilities = ["update"] }')
    client.sys.create_or_update_acl_policy("crew", 'path "sys/auth/*" { capabilities = ["update"] }')
    client.sys.enable_auth_method("approle")
    client.auth.approle.create_or_update_approle("worker")
    accessor = client.sys.list_auth_methods()["data"]["approle/"]["accessor"]
    entity = client.secrets.identity.create_or_update_entity("Payments", policies=["ops"], metadata={"team": "pay"})
    client.secrets.identity.create_or_update_group(
        "on call", policies=["crew"], member_entity_ids=[entity["data"]["id"]]
    )
    role_id = client.auth.approle.read_role_id("worker")["data"]["role_id"]
    _alias(client, entity["data"]["id"], accessor, role_id)
    login(client, "worker")

    found = scan(make_settings(place.server.url, namespace=place.namespace))

    payments, worker = found.named("Payments"), found.named("worker")
    assert payments.key == place.key("identity/entity/Payments")
    assert payments.unique_id == entity["data"]["id"]
    assert payments.aliases == ()
    assert payments.tags == {"team": "pay"}
    assert [(link.relation, link.target) for link in worker.links] == [("acts_as", payments.key)]
    assert {(grant.name, grant.via) for grant in worker.grants} == {
        ("default", "direct"),
        ("ops", "entity:Payments"),
        ("crew", "group:on call"),
    }
    assert worker.privilege.level == payments.privilege.level == "escalation"
    assert role_id not in msgspec.json.encode([payments, worker]).decode()


def test_people_and_machines_say_themselves_apart_by_their_login(place: Place, make_settings: MakeSettings) -> None:
    """An entity that logs in with a password hints at a human, weakly; through an AppRole, at a machine."""
    client = place.client
    client.sys.enable_auth_method("approle")
    client.sys.enable_auth_method("userpass")
    mounts = client.sys.list_auth_methods()["data"]
    for name, mount in (("Ada", "userpass/"), ("robot", "approle/")):
        entity = client.secrets.identity.create_or_update_entity(name)["data"]["id"]
        _alias(client, entity, mounts[mount]["accessor"], f"{name}@example.com")

    found = scan(make_settings(place.server.url, namespace=place.namespace))

    assert [(one.says, one.strength) for one in found.named("Ada").signals] == [("human", "weak")]
    assert [one.says for one in found.named("robot").signals] == ["machine"]
    assert found.named("Ada").aliases == ("Ada@example.com",)


def test_a_disabled_entity_disables_its_role(place: Place, make_settings: MakeSettings) -> None:
    """A role whose own entity is switched off cannot log in."""
    client = place.client
    client.sys.enable_auth_method("approle")
    client.auth.approle.create_or_update_approle("off")
    entity = login(client, "off")["entity_id"]
    client.secrets.identity.update_entity(entity, disabled=True)

    found = scan(make_settings(place.server.url, namespace=place.namespace))

    assert found.named("off").enabled is False


@pytest.mark.parametrize(("names", "status"), [(100, "complete"), (101, "partial")])
def test_a_role_that_binds_more_accounts_than_are_read_is_a_gap(
    names: int, status: str, place: Place, make_settings: MakeSettings
) -> None:
    """Whom it lets in is unknown then, and that is no detail of the identity alone."""
    place.client.sys.enable_auth_method("kubernetes")
    api = {"kubernetes_host": "https://k8s.example.com", "kubernetes_ca_cert": PUBLIC_KEY}
    place.client.write("auth/kubernetes/config", **api, disable_local_ca_jwt=True)
    bound = {
        "bound_service_account_names": [f"a{n}" for n in range(names)],
        "bound_service_account_namespaces": [f"n{n}" for n in range(100)],
    }
    place.client.write_data("auth/kubernetes/role/web", data=bound)

    found = scan(make_settings(place.server.url, namespace=place.namespace))

    assert found.section("auth.kubernetes:kubernetes").status == status
    assert (found.named("web").unread, len(found.named("web").trusts)) == (
        ((), 10_000) if status == "complete" else (("trusts",), 0)
    )


def test_other_login_methods(place: Place, make_settings: MakeSettings) -> None:
    """Roles of further methods are identities with the facts that bind them; what no one reads is said, and no gap."""
    client = place.client
    client.sys.enable_auth_method("kubernetes")
    client.write(
        "auth/kubernetes/role/web",
        bound_service_account_names="web",
        bound_service_account_namespaces="prod",
        token_policies="default",
    )
    client.sys.enable_auth_method("kubernetes", path="unused")
    client.write("auth/unused/role/idle", bound_service_account_names="x", bound_service_account_namespaces="y")
    client.sys.enable_auth_method("jwt")
    issuer = "https://token.actions.githubusercontent.com"
    client.write("auth/jwt/config", jwt_validation_pubkeys=[PUBLIC_KEY], bound_issuer=issuer)
    client.write(
        "auth/jwt/role/pipeline",
        role_type="jwt",
        bound_audiences=["ci"],
        bound_subject="repo:acme/app",
        bound_claims={"ref": "refs/heads/*"},
        bound_claims_type="glob",
        user_claim="sub",
        token_policies=["default"],
    )
    client.sys.enable_secrets_engine("pki")
    issued = client.secrets.pki.generate_root(type="internal", common_name="gw.example.com")
    certificate = issued["data"]["certificate"]
    api = {"kubernetes_host": "https://api.shop.example.com:6443", "kubernetes_ca_cert": certificate}
    client.write("auth/kubernetes/config", **api, pem_keys=[PUBLIC_KEY], disable_local_ca_jwt=True)
    client.sys.enable_auth_method("cert")
    client.write("auth/cert/certs/gateway", certificate=certificate, allowed_common_names=["gw.example.com"])

    found = scan(make_settings(place.server.url, namespace=place.namespace))

    assert found.named("web").kind == "kubernetes_role"
    assert found.named("web").attributes["bound_service_account_names"] == ["web"]
    (accepted,) = found.named("web").trusts
    assert (accepted.subject, [claim.name for claim in accepted.claims]) == ("system:serviceaccount:prod:web", ["kid"])
    assert (found.named("idle").trusts, found.named("idle").unread) == ((), ())
    assert found.named("pipeline").kind == "jwt_role"
    (trust,) = found.named("pipeline").trusts
    assert (trust.issuer, trust.subject) == (issuer, "repo:acme/app")
    assert [(claim.name, claim.values) for claim in trust.claims] == [("ref", ("refs/heads/*",))]
    assert found.named("gateway").key == place.key("auth/cert/cert/gateway")
    assert found.named("gateway").attributes["allowed_common_names"] == ["gw.example.com"]
    assert not found.gaps


def test_other_engines_are_named(place: Place, make_settings: MakeSettings) -> None:
    """A secrets engine that no one reads is off, with mount and type, and no gap; the built-in ones are not named."""
    for type_, path in (("transit", "team/transit"), ("pki", "pki"), ("database", "db")):
        place.client.sys.enable_secrets_engine(type_, path=path)

    found = scan(make_settings(place.server.url, namespace=place.namespace))

    others = {section: row for (_, section), row in found.coverage.items() if section.startswith("secrets.other")}
    assert {section: (row.status, row.detail) for section, row in others.items()} == {
        "secrets.other:db": ("off", "secrets engine database at db/ is not read"),
        "secrets.other:pki": ("off", "secrets engine pki at pki/ is not read"),
        "secrets.other:team/transit": ("off", "secrets engine transit at team/transit/ is not read"),
    }
    assert not found.gaps


def test_child_namespaces_are_scopes(place: Place, make_settings: MakeSettings) -> None:
    """Every namespace below the one to start at is a scope, named after its full path."""
    place.client.sys.create_namespace("team1")
    place.server.client_with(place.server.token, f"{place.namespace}/team1").sys.create_namespace("sub")
    connector = VaultConnector("vault", make_settings(place.server.url, namespace=place.namespace))

    scopes = [record for record in connector.scopes() if isinstance(record, Scope)]

    assert [scope.id for scope in scopes] == [place.scope, f"{place.scope}/team1", f"{place.scope}/team1/sub"]
    assert msgspec.json.decode(msgspec.json.encode(scopes[1].context)) == f"{place.namespace}/team1"


def test_namespaces_of_any_alphabet_are_read(place: Place, make_settings: MakeSettings) -> None:
    """The server takes their names as UTF-8."""
    place.client.sys.create_namespace("préprod-東京")
    name = f"{place.namespace}/préprod-東京"

    found = scan(make_settings(place.server.url, namespace=place.namespace))

    assert not found.gaps
    assert (place.scope_at(place.server.url).replace(place.namespace, name), "sys.auth") in found.coverage


def test_stored_secrets_have_dates_where_the_server_lists_them(estate: Place, make_settings: MakeSettings) -> None:
    """KV version 2 says when the current value was written; version 1 gives names, and ages are shown as off."""
    found = scan(make_settings(estate.server.url, namespace=estate.namespace))

    dated = found.secrets[estate.key("kv/app/db")]
    undated = found.secrets[estate.key("team/old/legacy/key")]
    assert dated.created_at is not None
    assert dated.created_at == dated.rotated_at
    assert undated.created_at is None
    assert found.section("kv.ages:team/old").status == "off"
    assert found.section("kv.metadata:team/old").status == "complete"


def test_hostile_names_pass_through_unharmed(place: Place, make_settings: MakeSettings) -> None:
    """Names are carried as they are, and metadata that could act anywhere is left behind."""
    client = place.client
    name = '=HYPERLINK("http://x")<script>\x1b[31m'
    client.secrets.identity.create_or_update_entity(
        name,
        metadata={
            "owner": "ada",
            "note": "<img src=x onerror=alert(1)>",
            "api_token": "abc",
            "passcode": "a1",
            "x": "\x1b[2J",
        },
    )
    enable_kv(client)
    client.adapter.post(f"/v1/kv/data/{quote('we ird?#%41é')}", json={"data": {"k": "v"}})

    found = scan(make_settings(place.server.url, namespace=place.namespace))

    assert found.named(name).tags == {"owner": "ada"}
    assert place.key("kv/we ird?#%41é") in found.secrets
    assert not found.gaps


def test_the_cap_on_tokens_is_reported(place: Place, make_settings: MakeSettings) -> None:
    """Beyond max_tokens the section is partial and says how many of how many were looked up."""
    for _ in range(3):
        place.client.auth.token.create()

    found = scan(make_settings(place.server.url, namespace=place.namespace, max_tokens=2))

    assert len(found.of_kind("token")) == 2
    assert found.section("auth.token").status == "partial"
    assert "2 of 3 tokens were looked up" in (found.section("auth.token").detail or "")


def test_reading_twice_gives_the_same(estate: Place, make_settings: MakeSettings) -> None:
    """Same server, same records in the same order."""
    connector = VaultConnector("vault", make_settings(estate.server.url, namespace=estate.namespace))

    def read() -> list[object]:
        scopes = [record for record in connector.scopes() if isinstance(record, Scope)]
        return [record for scope in scopes for record in connector.discover(scope)]

    first = read()
    assert first == read()
    assert {record.kind for record in first if isinstance(record, Identity)} <= set(VaultConnector.spec.kinds)


def test_few_calls(estate: Place, make_settings: MakeSettings) -> None:
    """One listing a section, one read for each role, entity, secret-id and token: nothing is asked twice."""
    found = scan(make_settings(estate.server.url, namespace=estate.namespace))

    calls = {section: coverage.calls for (_, section), coverage in found.coverage.items() if coverage.calls}
    assert calls == {
        "sys.namespaces": 1,
        "sys.auth": 1,
        "sys.mounts": 1,
        "sys.policies": 1,
        "auth.approle:approle": 2,
        "auth.approle:team/approle": 2,
        "auth.approle.secret_ids:approle": 2,
        "auth.approle.secret_ids:team/approle": 2,
        "auth.userpass:userpass": 2,
        "identity.groups": 1,
        "identity.entities": 4,
        "auth.token": 6,
        "kv.metadata:kv": 2,
        "kv.metadata:team/old": 2,
    }
