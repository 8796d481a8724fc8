"""What doctor says about a source before anything is scanned."""

from __future__ import annotations

import pytest

from connectors.core.contract import Check, LeastPrivilege, Preflight
from connectors.vault.connector import VaultConnector
from tests.connectors.vault.conftest import MakeSettings
from tests.connectors.vault.estate import Place, seed
from tests.servers.vault_proxy import NO_SUCH_PATH, SEALED, VaultProxy

pytestmark = pytest.mark.real_server


def _check(settings: object) -> dict[str, list[Check]]:
    checks: dict[str, list[Check]] = {}
    for check in VaultConnector("vault", settings).check():  # type: ignore[arg-type]  # made by make_settings
        checks.setdefault(check.name, []).append(check)
    return checks


def _token(place: Place, policy: str, **facts: object) -> str:
    place.client.sys.create_or_update_acl_policy("muster", policy)
    auth = place.client.auth.token.create(policies=["muster"], no_default_policy=True, **facts)["auth"]
    return str(auth["client_token"])


def test_the_printed_policy_passes(place: Place, make_settings: MakeSettings) -> None:
    """With the printed policy every section is permitted and nothing is too much."""
    seed(place.client)
    policy = VaultConnector("vault", make_settings(place.server.url, namespace=place.namespace)).policy()

    checks = _check(make_settings(place.server.url, _token(place, policy, ttl="2h"), namespace=place.namespace))

    assert {name for name, some in checks.items() for check in some if not check.ok} == set()
    assert {"server", "token", "sys.auth", "auth.approle:team/approle", "kv.metadata:team/old"} <= set(checks)


def test_each_missing_line_is_named(place: Place, proxy: VaultProxy, make_settings: MakeSettings) -> None:
    """A section whose permission is missing fails with the very line to add, and no other section does."""
    seed(place.client)
    proxy.faults["detailed"] = NO_SUCH_PATH  # so that the policy is the one for a server without these listings
    policy = VaultConnector("vault", make_settings(proxy.url, namespace=place.namespace)).policy()
    lines = [line for line in policy.splitlines() if "identity/group/id" not in line]

    checks = _check(make_settings(place.server.url, _token(place, "\n".join(lines)), namespace=place.namespace))

    assert [name for name, some in checks.items() for check in some if not check.ok] == ["identity.groups"]
    [groups] = checks["identity.groups"]
    assert groups.fix == (
        'path "identity/group/id" { capabilities = ["list"] }\npath "identity/group/id/+" { capabilities = ["read"] }'
    )
    [ages] = checks["kv.ages:kv"]
    assert (ages.ok, ages.fix) == (True, 'path "kv/detailed-metadata/*" { capabilities = ["list"] }')


def test_a_token_that_may_too_much(estate: Place, make_settings: MakeSettings) -> None:
    """A scanner that could read secrets or write policies is warned about, with the paths."""
    checks = _check(make_settings(estate.server.url, namespace=estate.namespace))

    secrets, policies = checks["token's rights"]
    assert not secrets.ok
    assert "kv/data/" in secrets.detail
    assert "team/old/" in secrets.detail
    assert "sys/policies/acl/" in policies.detail


def test_a_short_lived_token(place: Place, make_settings: MakeSettings) -> None:
    """A token that ends before a scan may is a problem."""
    policy = VaultConnector("vault", make_settings(place.server.url, namespace=place.namespace)).policy()

    checks = _check(make_settings(place.server.url, _token(place, policy, ttl="60s"), namespace=place.namespace))

    [token] = checks["token"]
    assert not token.ok


def test_a_sealed_server(proxy: VaultProxy, make_settings: MakeSettings) -> None:
    """Where there is nothing to ask, that is the one thing said."""
    proxy.faults["."] = SEALED

    checks = _check(make_settings(proxy.url))

    [server] = checks.pop("server")
    assert not server.ok
    assert "sealed" in server.detail
    assert checks == {}


def test_a_wrong_token(place: Place, make_settings: MakeSettings) -> None:
    """The token fails, and that is all there is to say."""
    checks = _check(make_settings(place.server.url, "s.wrong", namespace=place.namespace))

    assert {name: [check.ok for check in some] for name, some in checks.items()} == {"server": [True], "token": [False]}
    assert checks["token"][0].detail == "the token is not valid (wrong, expired or revoked)"


def test_few_calls(estate: Place, proxy: VaultProxy, make_settings: MakeSettings) -> None:
    """All permissions are asked about in one call."""
    _check(make_settings(proxy.url, namespace=estate.namespace))

    assert proxy.asked.count("POST sys/capabilities-self") == 1
    assert len(proxy.asked) == 10


def test_offers_both_skills(make_settings: MakeSettings) -> None:
    """The connector is one that can check itself and print its policy."""
    connector = VaultConnector("vault", make_settings("http://127.0.0.1:1"))

    assert isinstance(connector, Preflight)
    assert isinstance(connector, LeastPrivilege)
