"""Whole scans of an emulator: plain http on this machine, and tokens that someone else got."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.azure.client.errors import NotSignedIn
from connectors.azure.client.requests import Forbidden, request_of
from connectors.azure.client.session import GivenToken
from connectors.azure.settings import AzureSettings
from connectors.core.contract import Meter
from scanner.demo.fakes.azure.server import AzureServer
from scanner.errors import SourceError
from scanner.model import Assignment, Coverage, Identity, StoredSecret
from scanner.redaction.redact import SecretRef, redact
from tests.connectors.azure.estate import AzureEstate

HERE = "http://localhost:5555"
WITHOUT_SIGNING_IN = {"client_secret": None, "ca_file": None}


@pytest.fixture
def emulator() -> Iterator[AzureEstate]:
    """A tenant with a subscription, a vault in it and an application, in clear text."""
    with AzureServer(tls=False) as server:
        estate, tenant = AzureEstate(server), server.tenant
        subscription = tenant.add_subscription("prod")["subscriptionId"]
        ci = tenant.add_application("ci")
        holder = next(row["id"] for row in tenant.service_principals.values() if row["appId"] == ci["appId"])
        tenant.assign_role(f"/subscriptions/{subscription}", holder)
        tenant.add_vault(subscription, "kv")
        secret = {"id": "https://kv.vault.azure.net/secrets/db", "attributes": {"enabled": True, "created": 1}}
        tenant.vault_items["kv"]["secrets"] = [secret]
        yield estate
        estate.ask_nothing_else()


def test_everything_is_read_in_clear_text_with_given_tokens(
    emulator: AzureEstate, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Graph, the resource manager, its SDK's client and vaults, with one token for all but two of them."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # which no one answers at, and which is to see no token
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("A_TOKEN", emulator.token("graph"))
    monkeypatch.setenv("ARM_TOKEN", json.dumps({"accessToken": emulator.token("arm"), "tokenType": "Bearer"}))
    (tmp_path / "vault").write_text(emulator.token("vault") + "\n")
    given = {
        "access_token": SecretRef(env="A_TOKEN"),
        "arm_token": SecretRef(env="ARM_TOKEN"),
        "vault_token": SecretRef(file=str(tmp_path / "vault")),
    }

    records = emulator.read(**WITHOUT_SIGNING_IN, **given)

    assert [one for one in records if isinstance(one, Coverage) and one.is_gap] == []
    assert [one.name for one in records if isinstance(one, Identity)] == ["ci"]
    assert [one.grant.via for one in records if isinstance(one, Assignment)] == ["direct"]
    assert [one.name for one in records if isinstance(one, StoredSecret)] == ["db"]


def test_a_token_that_is_not_taken_is_a_gap(emulator: AzureEstate, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is asked for nowhere else, and stands in no message."""
    monkeypatch.setenv("A_TOKEN", "a-token-of-another-place")

    gaps = emulator.gaps(**WITHOUT_SIGNING_IN, access_token=SecretRef(env="A_TOKEN"))

    assert gaps
    assert "a-token-of-another-place" not in repr(gaps)


@pytest.mark.parametrize("text", ["two words", "line\nbreak", "tökén", "{}", '{"accessToken": "a\\nb"}', "{"])
def test_what_is_no_token_is_not_sent(text: str, tmp_path: Path) -> None:
    """A header would carry it."""
    (tmp_path / "token").write_text(text, encoding="utf-8")

    with pytest.raises(SourceError, match="holds no access token"):
        GivenToken(SecretRef(file=str(tmp_path / "token"))).get_token("any")


def test_a_token_that_was_printed_is_masked(tmp_path: Path) -> None:
    """Not only the whole of what was printed."""
    (tmp_path / "token").write_text('{"accessToken": "printed-as-json"}', encoding="utf-8")

    assert GivenToken(SecretRef(file=str(tmp_path / "token"))).get_token("any").token == "printed-as-json"
    assert "printed-as-json" not in redact("sent printed-as-json")


def test_a_token_file_is_read_again_when_its_token_is_refused(emulator: AzureEstate, tmp_path: Path) -> None:
    """It may have been renewed; if not, the request is not sent again."""
    (tmp_path / "token").write_text("a-token-that-has-ended")
    given = SecretRef(file=str(tmp_path / "token"))

    with emulator.api(meter := Meter(), **WITHOUT_SIGNING_IN, access_token=given) as api:
        with pytest.raises(NotSignedIn):
            list(api.graph_pages("/servicePrincipals"))
        (tmp_path / "token").write_text(emulator.token("graph"))
        list(api.graph_pages("/servicePrincipals"))

    assert meter.calls == 3


@pytest.mark.parametrize(
    ("endpoint", "url", "is_sent"),
    [
        (HERE, f"{HERE}/vault/kv/secrets", True),
        (HERE, "https://localhost:5555/vault/kv/secrets", False),
        ("https://localhost:5555", f"{HERE}/vault/kv/secrets", False),
        (None, "http://kv.vault.azure.net/secrets", False),
    ],
)
def test_a_vault_is_asked_as_the_settings_say(endpoint: str | None, url: str, is_sent: bool) -> None:
    """A link does not choose clear text."""
    endpoints = AzureSettings(endpoint_url=endpoint, access_token=SecretRef(env="A_TOKEN")).endpoints

    if is_sent:
        assert request_of(endpoints, "vault", "GET", url).path == "/secrets"
        return
    with pytest.raises(Forbidden):
        request_of(endpoints, "vault", "GET", url)
