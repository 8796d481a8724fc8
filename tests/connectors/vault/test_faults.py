"""Whatever the server answers, a scan says what it could not read, and goes on with the rest."""

from __future__ import annotations

import json
import re

import pytest

from connectors.core.contract import Scope
from connectors.vault.connector import VaultConnector
from connectors.vault.settings import VaultSettings
from scanner.errors import SourceError
from scanner.model import Coverage
from scanner.redaction.redact import SecretRef
from tests.connectors.vault.conftest import MakeSettings
from tests.connectors.vault.estate import Place, scan
from tests.servers.vault_proxy import (
    BROKEN,
    DENIED,
    FORBIDDEN_HTML,
    HANGS,
    HTML,
    NO_SUCH_PATH,
    SEALED,
    Fault,
    VaultProxy,
)

pytestmark = pytest.mark.real_server

LINES = {
    "sys.auth": (r"^GET sys/auth$", 'path "sys/auth" { capabilities = ["read"] }'),
    "sys.mounts": (r"^GET sys/mounts$", 'path "sys/mounts" { capabilities = ["read"] }'),
    "sys.policies": (r"sys/policies", 'path "sys/policies/acl" { capabilities = ["list"] }'),
    "sys.namespaces": (r"sys/namespaces", 'path "sys/namespaces" { capabilities = ["list"] }'),
    "auth.approle:approle": (r"^LIST auth/approle/role$", 'path "auth/approle/role" { capabilities = ["list"] }'),
    "auth.userpass:userpass": (r"^LIST auth/userpass", 'path "auth/userpass/users" { capabilities = ["list"] }'),
    "auth.approle.secret_ids:team/approle": (
        r"auth/team/approle/role/.*/secret-id",
        'path "auth/team/approle/role/+/secret-id" { capabilities = ["list"] }',
    ),
    "auth.token": (r"accessors", 'path "auth/token/accessors" { capabilities = ["list", "sudo"] }'),
    "identity.groups": (r"identity/group", 'path "identity/group/id" { capabilities = ["list"] }'),
    "identity.entities": (r"identity/entity", 'path "identity/entity/id" { capabilities = ["list"] }'),
    "kv.metadata:kv": (r"kv/(detailed-)?metadata", 'path "kv/metadata/*" { capabilities = ["list"] }'),
    "kv.metadata:team/old": (r"LIST team/old", 'path "team/old/*" { capabilities = ["list"] }'),
}
FOLLOW = {
    "sys.auth": {
        "auth.approle",
        "auth.userpass",
        "auth.jwt",
        "auth.kubernetes",
        "auth.cert",
        "auth.approle.secret_ids",
        "auth.jwt.issuers",
        "auth.kubernetes.clusters",
    },
    "sys.mounts": {"kv.metadata"},
    "auth.approle:approle": set(),
}


@pytest.mark.parametrize("section", sorted(LINES))
def test_a_denied_section(section: str, estate: Place, proxy: VaultProxy, make_settings: MakeSettings) -> None:
    """It is denied, names the missing line of the policy, and takes nothing with it but what depends on it."""
    pattern, line = LINES[section]
    proxy.faults[pattern] = DENIED

    found = scan(make_settings(proxy.url, namespace=estate.namespace))

    assert found.section(section).status == "denied"
    assert found.section(section).permission == line
    name, _, mount = section.partition(":")
    is_of_roles = mount and name in FOLLOW["sys.auth"] and name.count(".") == 1
    assert found.section(section).unread_in == ((mount,) if is_of_roles else ())
    assert {name for _, name in found.gaps} - {section} == FOLLOW.get(section, set())


@pytest.mark.parametrize(
    ("pattern", "section", "line"),
    [
        pytest.param(
            "lookup-accessor",
            "auth.token",
            'path "auth/token/lookup-accessor" { capabilities = ["update"] }',
            id="tokens",
        ),
        pytest.param(
            "approle/role/billing/secret-id-accessor/lookup",
            "auth.approle.secret_ids:approle",
            'path "auth/approle/role/+/secret-id-accessor/lookup" { capabilities = ["update"] }',
            id="secret-ids",
        ),
    ],
)
def test_denied_lookups(
    pattern: str, section: str, line: str, estate: Place, proxy: VaultProxy, make_settings: MakeSettings
) -> None:
    """Accessors without lookups are no credentials: the section is denied, not half complete."""
    proxy.faults[pattern] = DENIED

    found = scan(make_settings(proxy.url, namespace=estate.namespace))

    assert (found.section(section).status, found.section(section).permission) == ("denied", line)
    assert set(found.gaps) == {(found.section(section).scope, section)}


@pytest.mark.parametrize(
    ("pattern", "section", "name"),
    [
        pytest.param("GET auth/approle/role/billing", "auth.approle:approle", "billing", id="role"),
        pytest.param("GET identity/entity/id", "identity.entities", "billing", id="entity"),
    ],
)
def test_denied_details(
    pattern: str, section: str, name: str, estate: Place, proxy: VaultProxy, make_settings: MakeSettings
) -> None:
    """What is known by name only stays in the inventory, with a privilege no one claims to know."""
    proxy.faults[pattern] = DENIED

    found = scan(make_settings(proxy.url, namespace=estate.namespace))

    assert found.section(section).status == "partial"
    assert found.section(section).permission is not None
    assert found.named(name).privilege.level == "unknown"


def test_unread_policies_leave_privileges_unknown(
    estate: Place, proxy: VaultProxy, make_settings: MakeSettings
) -> None:
    """A role is not called harmless because no one could read its policies."""
    proxy.faults["sys/policies"] = DENIED

    found = scan(make_settings(proxy.url, namespace=estate.namespace))

    assert found.named("billing").privilege.level == "unknown"
    assert found.named("billing").privilege.evidence == ("policy read-app could not be read",)


def test_an_unparsable_policy(estate: Place, proxy: VaultProxy, make_settings: MakeSettings) -> None:
    """A policy whose text is not understood is a malformed row; who holds it has an unknown privilege."""
    text = {"data": {"keys": ["read-app"], "key_info": {"read-app": {"policy": "path ???"}}}}
    proxy.faults["sys/policies/detailed"] = Fault(status=200, body=json.dumps(text).encode())

    found = scan(make_settings(proxy.url, namespace=estate.namespace))

    assert found.section("sys.policies").status == "partial"
    assert "row read-app could not be read: line 1" in (found.section("sys.policies").detail or "")
    assert found.named("billing").privilege.level == "unknown"


@pytest.mark.parametrize("fault", [pytest.param(BROKEN, id="500"), pytest.param(FORBIDDEN_HTML, id="html 403")])
def test_a_broken_section(fault: Fault, estate: Place, proxy: VaultProxy, make_settings: MakeSettings) -> None:
    """A section that fails, fails alone; a 403 that is not the server's is no missing permission."""
    proxy.faults["LIST identity/entity"] = fault

    found = scan(make_settings(proxy.url, namespace=estate.namespace))

    assert {name: coverage.status for (_, name), coverage in found.gaps.items()} == {"identity.entities": "failed"}
    assert found.section("identity.entities").permission is None


def test_retries_are_counted(estate: Place, proxy: VaultProxy, make_settings: MakeSettings) -> None:
    """What the proxy saw is what the coverage says was sent."""
    proxy.faults["LIST identity/group"] = BROKEN

    found = scan(make_settings(proxy.url, namespace=estate.namespace))

    asked = [line for line in proxy.asked if line == "LIST identity/group/id"]
    assert found.section("identity.groups").calls == len(asked) == 4
    before = ["GET sys/seal-status", "GET auth/token/lookup-self"]
    assert proxy.asked[:2] == before
    assert sum(coverage.calls for coverage in found.coverage.values()) == len(proxy.asked) - len(before)


@pytest.mark.parametrize(
    ("seconds", "calls", "said"),
    [
        pytest.param("0", 4, "throttled, and the retries are used up: rate limit quota exceeded", id="again and again"),
        pytest.param("600", 1, "the API asks to wait for 600 seconds", id="for longer than a scan waits"),
    ],
)
def test_a_refusal_for_load(
    seconds: str, calls: int, said: str, estate: Place, proxy: VaultProxy, make_settings: MakeSettings
) -> None:
    """It is a gap of its section, and asked again no earlier than the server wants."""
    body = b'{"errors":["rate limit quota exceeded"]}'
    proxy.faults["LIST identity/group"] = Fault(status=429, body=body, headers={"Retry-After": seconds})

    found = scan(make_settings(proxy.url, namespace=estate.namespace))

    assert {name: coverage.status for (_, name), coverage in found.gaps.items()} == {"identity.groups": "failed"}
    assert said in (found.section("identity.groups").detail or "")
    assert found.section("identity.groups").calls == calls


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"data": {"keys": ["ok", 7, "", "..", "a/b", null]}}', id="names that are none"),
        pytest.param(b'{"data": {"keys": "ok"}}', id="no list"),
        pytest.param(b'{"data": null}', id="no data"),
        pytest.param(b"[]", id="no object"),
        pytest.param(b"{", id="cut off"),
        pytest.param(b'{"data": {"keys": ["\\ud800"]}}', id="lone surrogate"),
        pytest.param(b"\xff\xfe", id="no text"),
        pytest.param(b"[" * 100_000, id="too deep"),
    ],
)
@pytest.mark.parametrize(
    "pattern", [r"^LIST auth/approle/role$", "LIST auth/token/accessors", "LIST kv/detailed", "LIST id"]
)
def test_malformed_listings(
    body: bytes, pattern: str, estate: Place, proxy: VaultProxy, make_settings: MakeSettings
) -> None:
    """A listing of another shape is a gap of its section, and no name from it leads a request astray."""
    proxy.faults[pattern] = Fault(status=200, body=body)

    found = scan(make_settings(proxy.url, namespace=estate.namespace))

    assert found.gaps
    assert [line for line in proxy.asked if ".." in line or "/data/" in line] == []


def test_namespaces_cannot_lead_elsewhere(estate: Place, proxy: VaultProxy, make_settings: MakeSettings) -> None:
    """A child namespace whose name would climb is a malformed row, and no scope."""
    proxy.faults["LIST sys/namespaces"] = Fault(status=200, body=b'{"data": {"keys": ["../", "a/../b/", "/", 7]}}')

    found = scan(make_settings(proxy.url, namespace=estate.namespace))

    assert {scope for scope, _ in found.coverage} == {estate.scope_at(proxy.url)}
    assert found.section("sys.namespaces").status == "partial"


def test_endless_nesting_ends(estate: Place, proxy: VaultProxy, make_settings: MakeSettings) -> None:
    """Namespaces and folders that go on for ever are followed for a while, and then are a gap."""
    proxy.faults["LIST (sys/namespaces|kv/detailed)"] = Fault(status=200, body=b'{"data": {"keys": ["a/"]}}')
    connector = VaultConnector("vault", make_settings(proxy.url, namespace=estate.namespace))

    start, *others = list(connector.scopes())

    assert isinstance(start, Scope)
    assert isinstance(others[-1], Coverage)
    assert others[-1].is_gap
    gaps = [record.section for record in connector.discover(start) if isinstance(record, Coverage) and record.is_gap]
    assert gaps == ["kv.metadata:kv"]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(SEALED, id="sealed, 503"),
        pytest.param(Fault(status=200, body=b'{"sealed": true, "initialized": true}'), id="sealed, says so"),
        pytest.param(Fault(status=200, body=b'{"sealed": true, "initialized": false}'), id="not initialised"),
        pytest.param(HTML, id="html"),
        pytest.param(BROKEN, id="500"),
        pytest.param(HANGS, id="hangs"),
        pytest.param(Fault(status=307, headers={"Location": "http://127.0.0.2:1/v1/x"}, body=b""), id="redirect"),
    ],
)
def test_a_server_that_is_none(fault: Fault, proxy: VaultProxy, make_settings: MakeSettings) -> None:
    """Nothing is known then, not even the scopes: one gap over everything."""
    proxy.faults["."] = fault

    [coverage] = list(VaultConnector("vault", make_settings(proxy.url, timeout=0.2)).scopes())

    assert isinstance(coverage, Coverage)
    assert (coverage.scope, coverage.status) == ("*", "failed")
    assert "approle" in coverage.kinds
    assert coverage.detail


def test_a_server_that_is_down(make_settings: MakeSettings) -> None:
    """A refused connection is a gap over everything."""
    [coverage] = list(VaultConnector("vault", make_settings("http://127.0.0.1:1", timeout=0.2)).scopes())

    assert isinstance(coverage, Coverage)
    assert (coverage.scope, coverage.status) == ("*", "failed")
    assert "127.0.0.1:1 does not respond" in (coverage.detail or "")


def test_a_server_that_stops_answering(place: Place, proxy: VaultProxy, make_settings: MakeSettings) -> None:
    """After a few silences it is asked no more, and every section that is left is a gap with its kinds."""
    settings = make_settings(proxy.url, namespace=place.namespace, timeout=0.1)
    [scope] = [record for record in VaultConnector("vault", settings).scopes() if isinstance(record, Scope)]
    proxy.faults["."] = HANGS
    asked = len(proxy.asked)

    records = list(VaultConnector("vault", settings).discover(scope))

    assert all(isinstance(record, Coverage) and record.is_gap for record in records)
    assert {kind for record in records if isinstance(record, Coverage) for kind in record.kinds} >= {
        "approle",
        "secret",
    }
    assert len(proxy.asked) - asked == 4  # the first one twice


def test_a_wrong_token(place: Place, proxy: VaultProxy, make_settings: MakeSettings) -> None:
    """A token the server does not know is said once, as a gap over everything, and nothing else is asked."""
    found = scan(make_settings(proxy.url, "s.wrong", namespace=place.namespace))

    [coverage] = found.coverage.values()
    assert (coverage.scope, coverage.status, coverage.permission) == ("*", "failed", None)
    assert (coverage.detail or "").startswith("the token is not valid (wrong, expired or revoked) (")
    assert proxy.asked == ["GET sys/seal-status", "GET auth/token/lookup-self"]


def test_a_revoked_token_of_vault(proxy: VaultProxy, make_settings: MakeSettings) -> None:
    """HashiCorp's server says it in other words, and the same is understood."""
    body = b'{"errors":["2 errors occurred:\\n\\t* permission denied\\n\\t* invalid token\\n\\n"]}'
    proxy.faults["lookup-self"] = Fault(status=403, body=body)

    [coverage] = scan(make_settings(proxy.url)).coverage.values()

    assert "the token is not valid" in (coverage.detail or "")


@pytest.mark.parametrize(
    "fault", [pytest.param(DENIED, id="denied"), pytest.param(BROKEN, id="500"), pytest.param(NO_SUCH_PATH, id="none")]
)
def test_a_token_that_may_not_look_itself_up(
    fault: Fault, estate: Place, proxy: VaultProxy, make_settings: MakeSettings
) -> None:
    """It can be good for all the rest, so the scan goes on."""
    proxy.faults["lookup-self"] = fault

    found = scan(make_settings(proxy.url, namespace=estate.namespace))

    assert found.named("billing").kind == "approle"


@pytest.mark.parametrize("fault", [pytest.param(BROKEN, id="500"), pytest.param(DENIED, id="denied")])
@pytest.mark.parametrize(
    ("listing", "detail", "section", "kept", "said"),
    [
        pytest.param(
            "^LIST auth/approle/role$",
            "GET auth/approle/role/",
            "auth.approle:approle",
            150,
            "150 of 150 AppRoles not read; the rest was skipped after 8 failures in a row",
            id="roles",
        ),
        pytest.param(
            "LIST auth/token/accessors",
            "POST auth/token/lookup-accessor",
            "auth.token",
            0,
            "150 of 150 tokens not read; the rest was skipped after 8 failures in a row",
            id="tokens",
        ),
    ],
)
def test_reading_one_by_one_gives_up(
    fault: Fault,
    listing: str,
    detail: str,
    section: str,
    kept: int,
    said: str,
    estate: Place,
    proxy: VaultProxy,
    make_settings: MakeSettings,
) -> None:
    """Where nothing succeeds most are not asked at all; what is known by name stays, and the gap counts the rest."""
    names = json.dumps({"data": {"keys": [f"n{number:03}" for number in range(150)]}}).encode()
    proxy.faults = {listing: Fault(status=200, body=names), detail: fault}

    found = scan(make_settings(proxy.url, namespace=estate.namespace, workers=4))

    asked = [line for line in proxy.asked if re.search(detail, line)]
    assert len(asked) <= (8 + 4) * (1 if fault is DENIED else 4)
    assert said in (found.section(section).detail or "")
    assert found.section(section).identities == kept


def test_a_redirect_does_not_get_the_token(place: Place, proxy: VaultProxy, make_settings: MakeSettings) -> None:
    """Another host is named in the gap, and never asked."""
    with VaultProxy(place.server.url) as elsewhere:
        location = {"Location": f"{elsewhere.url}/v1/sys/auth"}
        proxy.faults["^GET sys/auth$"] = Fault(status=307, headers=location, body=b"")

        found = scan(make_settings(proxy.url, namespace=place.namespace))

        assert elsewhere.asked == []
        assert elsewhere.url.removeprefix("http://") in (found.section("sys.auth").detail or "")


def test_a_vault_without_openbaos_listings(estate: Place, proxy: VaultProxy, make_settings: MakeSettings) -> None:
    """On a server without bulk listings and namespaces the same is found, one by one; ages stay off."""
    whole = scan(make_settings(estate.server.url, namespace=estate.namespace))
    for pattern in ("detailed", "sys/namespaces"):
        proxy.faults[pattern] = NO_SUCH_PATH

    found = scan(make_settings(proxy.url, namespace=estate.namespace))

    assert not found.gaps
    assert {key.partition("/t")[2] for key in found.identities} == {key.partition("/t")[2] for key in whole.identities}
    assert found.named("deploy").privilege == whole.named("deploy").privilege
    assert len(found.secrets) == len(whole.secrets)
    assert found.section("sys.namespaces").status == "not_offered"
    assert found.section("kv.ages:kv").status == "off"


def test_an_expired_secret_id_is_no_credential(estate: Place, proxy: VaultProxy, make_settings: MakeSettings) -> None:
    """A secret-id that has expired but is not tidied away yet answers with nothing, which is no gap."""
    proxy.faults["secret-id-accessor/lookup"] = Fault(status=204, body=b"", headers={})

    found = scan(make_settings(proxy.url, namespace=estate.namespace))

    assert not found.gaps
    assert [one.kind for one in found.named("billing").credentials] == ["token"]


def test_an_unset_token(place: Place) -> None:
    """Without a token there is one gap, which says where it was looked for."""
    unset = VaultSettings(url=place.server.url, token=SecretRef(env="MUSTER_TEST_UNSET"))
    connector = VaultConnector("vault", unset)

    [coverage] = list(connector.scopes())

    assert isinstance(coverage, Coverage)
    assert "MUSTER_TEST_UNSET" in (coverage.detail or "")
    with pytest.raises(SourceError, match="MUSTER_TEST_UNSET"):
        connector.policy()


def test_a_server_s_words_are_made_safe(estate: Place, proxy: VaultProxy, make_settings: MakeSettings) -> None:
    """What it echoes into an error may hold the token, and may act on a terminal."""
    settings = make_settings(proxy.url, namespace=estate.namespace)
    words = f"bad \x1b[2J header X-Vault-Token: {estate.server.token}"
    proxy.faults["LIST identity/group"] = Fault(status=500, body=json.dumps({"errors": [words]}).encode())

    detail = scan(settings).section("identity.groups").detail or ""

    assert "bad" in detail
    assert "\x1b" not in detail
    assert estate.server.token not in detail


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_the_environment_leads_nowhere(
    variable: str, estate: Place, proxy: VaultProxy, make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy named there would see the token: the server itself is asked."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with VaultProxy(estate.server.url) as elsewhere:
        monkeypatch.setenv(variable, elsewhere.url)

        found = scan(make_settings(proxy.url, namespace=estate.namespace))

        assert not found.gaps
        assert elsewhere.asked == []
