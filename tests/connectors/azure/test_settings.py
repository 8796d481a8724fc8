"""What a source may say, and what is refused before anything is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from connectors.azure.settings import AzureSettings
from scanner.redaction.redact import SecretRef
from scanner.strict import Document, decode

ID = "11111111-2222-3333-4444-55555555aBcD"
SECRET = SecretRef(env="A_SECRET")


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"tenant_id": "contoso.onmicrosoft.com"}, "tenant_id must be an id"),
        ({"client_id": f"{ID}/.."}, "client_id must be an id"),
        ({"subscriptions": "prod"}, "is not a subscription id"),
        ({"subscriptions": (f"{ID}?x",)}, "is not a subscription id"),
        ({"skip_subscriptions": "prod"}, "is not a subscription id"),
        ({"management_groups": ("a/b",)}, "is not a management group id"),
        ({"management_groups": ("..",)}, "is not a management group id"),
        ({"management_groups": ("a b",)}, "is not a management group id"),
        ({"management_groups": ("",)}, "is not a management group id"),
        ({"client_secret": SECRET, "client_id": ID, "managed_identity": True}, "give one of"),
        ({"client_secret": SECRET, "client_id": ID, "certificate_file": Path("c.pem")}, "give one of"),
        ({"client_secret": SECRET}, "need client_id"),
        ({"certificate_file": Path("c.pem")}, "need client_id"),
        ({"managed_identity": "mine"}, "managed_identity is true"),
        ({"endpoint_url": "http://localhost:1"}, "signing in requires https"),
        ({"endpoint_url": "http://localhost:1", "client_secret": SECRET, "client_id": ID}, "give access_token"),
        ({"endpoint_url": "http://localhost:1", "graph_token": SECRET, "arm_token": SECRET}, "give access_token"),
        ({"authority_url": "http://localhost:1"}, "signing in requires https"),
        ({"endpoint_url": "http://muster.example", "access_token": SECRET}, "endpoint_url: plain http to another"),
        ({"arm_url": "http://muster.example"}, "arm_url: plain http to another"),
        ({"access_token": SECRET, "managed_identity": True}, "give one of"),
        ({"graph_url": "https://"}, "graph_url: give an address"),
        ({"arm_url": "https://x/?a=b"}, "arm_url: give an address"),
        ({"authority_url": "login.example.com"}, "authority_url: give an address"),
        ({"graph_url": "https://u:p@x"}, "must not hold a user name"),
        ({"graph_url": "https://x:0"}, "port 0"),
        ({"graph_url": "https://x:70000"}, "(?i)port"),
        ({"vault_suffix": "https://vault.azure.net"}, "vault_suffix is the end"),
        ({"vault_suffix": "net"}, "vault_suffix is the end"),
        ({"vault_suffix": ".azure.net"}, "vault_suffix is the end"),
        ({"max_attempts": 0}, "at least 1"),
        ({"workers": 0}, "at least 1"),
        ({"timeout": 0}, "above 0"),
    ],
)
def test_what_cannot_be_is_refused(facts: dict[str, Any], words: str) -> None:
    """In words that name the setting."""
    with pytest.raises(ValueError, match=words):
        AzureSettings(**facts)


@pytest.mark.parametrize(
    "table",
    [
        {},
        {"tenant_id": ID, "client_id": ID, "client_secret": {"env": "A_SECRET"}},
        {"client_id": ID, "certificate_file": "c.pem"},
        {"managed_identity": True},
        {"managed_identity": ID},
        {"subscriptions": [], "management_groups": ["corp", "Corp(old).1-2_3"]},
        {"subscriptions": ID, "skip_subscriptions": [ID], "management_groups": "all"},
        {"cloud": "usgov", "sign_ins": "off", "key_vaults": "arm", "first_party": True},
        {"endpoint_url": "https://localhost:8443/", "ca_file": "ca.pem"},
        {"endpoint_url": "http://127.0.0.1:5555", "access_token": {"env": "A_SECRET"}},
        {"endpoint_url": "http://[::1]:5555", "managed_identity": True},
        {
            "endpoint_url": "http://localhost:5555",
            "authority_url": "https://login.example",
            "client_id": ID,
            "client_secret": {"env": "A_SECRET"},
        },
        {"endpoint_url": "http://muster.example", "access_token": {"file": "token"}, "insecure_http": True},
        {"graph_url": "http://localhost:1"},
        {"from_files": "exported"},
    ],
)
def test_what_can_be_is_taken(table: dict[str, Any]) -> None:
    """As a config file has it."""
    assert isinstance(decode(table, AzureSettings, Document(file="config.toml")), AzureSettings)


def test_the_environment_s_own_names_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are the SDK's; a setting goes before them."""
    monkeypatch.setenv("AZURE_TENANT_ID", ID)
    monkeypatch.setenv("AZURE_CLIENT_ID", "")

    assert (AzureSettings().tenant, AzureSettings().client_id) == (ID.lower(), None)
    assert AzureSettings(tenant_id="0" * 8 + ID[8:]).tenant == "00000000" + ID[8:].lower()


@pytest.mark.parametrize(
    ("facts", "authority", "graph", "arm", "vault"),
    [
        ({}, "https://login.microsoftonline.com", "https://graph.microsoft.com", "https://management.azure.com",
         "https://vault.azure.net"),
        ({"cloud": "china", "graph_url": "https://g.example/"}, "https://login.chinacloudapi.cn", "https://g.example",
         "https://management.chinacloudapi.cn", "https://vault.azure.cn"),
        ({"endpoint_url": "https://localhost:8443/"}, "https://localhost:8443", "https://localhost:8443",
         "https://localhost:8443", "https://localhost:8443/vault"),
        ({"endpoint_url": "https://x", "arm_url": "https://arm.example"}, "https://x", "https://x",
         "https://arm.example", "https://x/vault"),
        ({"vault_suffix": "vault.example.com"}, "https://login.microsoftonline.com", "https://graph.microsoft.com",
         "https://management.azure.com", "https://vault.example.com"),
    ],
)  # fmt: skip
def test_each_address_is_its_own_the_stand_in_s_or_the_cloud_s(
    facts: dict[str, Any], authority: str, graph: str, arm: str, vault: str
) -> None:
    """In this order."""
    found = AzureSettings(**facts).endpoints

    assert (found.authority, found.graph, found.arm, found.vault) == (authority, graph, arm, vault)


@pytest.mark.parametrize(
    ("facts", "graph", "vault"),
    [
        ({}, "https://graph.microsoft.com", "https://vault.azure.net"),
        ({"endpoint_url": "https://x", "cloud": "china"}, "https://microsoftgraph.chinacloudapi.cn",
         "https://vault.azure.cn"),
        ({"endpoint_url": "https://x", "graph_url": "https://g.example/"}, "https://g.example",
         "https://vault.azure.net"),
        ({"vault_suffix": "vault.example.com"}, "https://graph.microsoft.com", "https://vault.example.com"),
    ],
)  # fmt: skip
def test_tokens_are_made_out_to_the_cloud_or_to_a_service_s_own_address(
    facts: dict[str, Any], graph: str, vault: str
) -> None:
    """Not to the address that stands in for all, which may pass them on."""
    found = AzureSettings(**facts).endpoints

    assert (found.audience("graph"), found.audience("vault")) == (f"{graph}/.default", f"{vault}/.default")


def test_names_are_reported_from_all_and_none() -> None:
    """An empty list asks for none."""
    assert AzureSettings().named_subscriptions is None
    assert AzureSettings(subscriptions=()).named_subscriptions == ()
    assert AzureSettings(subscriptions=(ID, ID.upper())).named_subscriptions == (ID.lower(),)
    assert AzureSettings(management_groups="corp").named_management_groups == ("corp",)


def test_no_secret_is_shown() -> None:
    """A setting only says where it is."""
    assert "value" not in repr(AzureSettings(client_id=ID, client_secret=SECRET)).lower()
