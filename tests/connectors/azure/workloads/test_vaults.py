"""What vaults hold: listed and never read, and what is said where a list cannot be had."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from scanner.demo.fakes.azure.estate import put, with_access_policy
from scanner.demo.fakes.azure.faults import Fault
from scanner.demo.fakes.azure.tenant import guid
from scanner.demo.fakes.azure.wire import Reply
from scanner.model import Assignment, StoredSecret
from tests.connectors.azure.estate import AzureEstate
from tests.connectors.azure.workloads.conftest import Subscription

ITEMS = ("vault.secrets", "vault.keys", "vault.certificates")


def test_each_thing_in_a_vault_is_listed_once(full: Subscription) -> None:
    """A certificate's secret and key belong to it."""
    found = {(one.attributes["type"], one.name): one for one in full.records(StoredSecret)}

    assert sorted(found) == [
        ("certificate", "web"), ("key", "signing"), ("secret", "api-key"), ("secret", "db-password")
    ]  # fmt: skip
    password = found["secret", "db-password"]
    assert password.key == "https://by-roles.vault.azure.net/secrets/db-password"
    assert (password.tags, password.attributes["vault"]) == ({"team": "shop"}, "by-roles")
    assert password.expires_at == datetime(2027, 1, 15, 8, 0, tzinfo=UTC)
    assert (password.created_at, password.rotated_at) == (
        datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC),
        datetime(2024, 3, 9, 16, 0, tzinfo=UTC),
    )


def test_a_large_vault_is_read_to_its_end(empty: Subscription) -> None:
    """Twenty-five on a page."""
    empty.tenant.add_vault(empty.here, "kv")
    for number in range(60):
        put(empty.tenant, "kv", "secrets", f"s-{number}")

    assert len(empty.records(StoredSecret)) == 60
    assert empty.coverage()["vault.secrets"].calls == 3


def test_the_resource_manager_lists_secrets_and_keys_where_it_is_to(full: Subscription) -> None:
    """Vaults are not asked then; it has no list of certificates, and does not say what belongs to one."""
    asked = {one.key: one for one in full.records(StoredSecret)}
    full.server.log.clear()

    found = {one.key: one for one in full.records(StoredSecret, key_vaults="arm")}

    assert full.server.asked("vault") == []
    assert full.coverage(key_vaults="arm")["vault.certificates"].status == "not_offered"
    shared = found.keys() & asked.keys()
    assert len(shared) == 3
    assert {key: found[key] for key in shared} == {key: asked[key] for key in shared}


def test_vaults_are_left_alone_where_they_are_to_be(full: Subscription) -> None:
    """Who may use them is still reported."""
    coverage = full.coverage(key_vaults="off")

    assert {coverage[name].status for name in ITEMS} == {"off"}
    assert full.server.asked("vault") == []
    assert [one.holder for one in full.records(Assignment, key_vaults="off")] == [guid("principal/shop")]


@pytest.mark.parametrize(
    ("vault", "inner", "status", "words", "permission"),
    [
        ("by-roles", "ForbiddenByFirewall", "partial", "its firewall blocks this network", None),
        ("by-roles", "ForbiddenByConnection", "partial", "its firewall blocks this network", None),
        ("by-roles", "ForbiddenByRbac", "partial", "denied",
         "Microsoft.KeyVault/vaults/secrets/readMetadata/action"),
        ("by-policies", None, "partial", "denied", 'an access policy of the vault with "list" on secrets'),
    ],
)  # fmt: skip
def test_a_vault_that_is_closed_to_us_says_how(
    full: Subscription, vault: str, inner: str | None, status: str, words: str, permission: str | None
) -> None:
    """By its firewall, by roles or by its policies: each takes something else. The other one is read."""
    full.server.faults.deny("vault", f"/{vault}/", inner=inner)

    gap = full.coverage()["vault.secrets"]

    assert (gap.status, gap.permission, gap.identities) == (status, permission, 1)
    assert words in str(gap.detail)
    assert f"1 of 2 vaults not read: {vault}" in str(gap.detail)


def test_different_reasons_are_each_reported(full: Subscription) -> None:
    """A firewall is no missing right."""
    full.server.faults.deny("vault", "/by-roles/", inner="ForbiddenByFirewall")
    full.server.faults.deny("vault", "/by-policies/")

    detail = str(full.coverage()["vault.keys"].detail)

    assert "1 of 2 vaults not read: by-roles" in detail
    assert "1 of 2 vaults not read: by-policies" in detail


def test_an_empty_vault_is_no_gap(empty: Subscription) -> None:
    """It has nothing, and that is known."""
    empty.tenant.add_vault(empty.here, "kv")

    assert {empty.coverage()[name].status for name in ITEMS} == {"complete"}


def test_a_vault_that_cannot_be_reached_is_not_asked_again(full: Subscription) -> None:
    """Each further kind would cost as many tries."""
    full.server.faults.add(Fault(service="vault", path="/by-roles/", reply=Reply(status=503, body={})))

    coverage = full.coverage()

    assert {coverage[name].status for name in ITEMS} == {"partial"}
    assert {call.split("/")[-1] for call in full.server.asked("vault") if "by-roles" in call} == {"secrets"}


def test_many_closed_vaults_hide_no_open_one(empty: Subscription) -> None:
    """However many refuse in a row."""
    for number in range(30):
        empty.tenant.add_vault(empty.here, f"closed-{number:02}")
        empty.server.faults.deny("vault", f"/closed-{number:02}/")
    empty.tenant.add_vault(empty.here, "open")
    put(empty.tenant, "open", "secrets", "s")

    assert [one.name for one in empty.records(StoredSecret)] == ["s"]
    detail = str(empty.coverage()["vault.secrets"].detail)
    assert "30 of 31 vaults not read: closed-00" in detail
    assert "closed-29" not in detail


@pytest.mark.parametrize(
    "row",
    [
        {"id": "https://by-roles.vault.azure.net/secrets/"},
        {"id": "https://by-roles.vault.azure.net/secrets/../keys"},
        {"id": "secrets/x"},
        {"id": "https://by-roles.vault.azure.net/secrets/a b"},
        {"id": 7},
        {"attributes": {"created": "yesterday"}, "id": "https://kv/secrets/x"},
        {},
    ],
)
def test_an_item_without_a_proper_name_is_a_gap_of_its_size(
    azure: AzureEstate, full: Subscription, row: dict[str, object]
) -> None:
    """The others of the vault are listed."""
    azure.is_hostile = True
    full.tenant.vault_items["by-roles"]["secrets"].insert(0, row)

    gap = full.coverage()["vault.secrets"]

    assert (gap.status, gap.identities) == ("partial", 2)


@pytest.mark.parametrize("uri", [None, "", "https://[", "ftp://kv.vault.azure.net/"])
def test_a_vault_without_a_proper_address_costs_only_itself(full: Subscription, uri: str | None) -> None:
    """No token goes there."""
    full.tenant.add_vault(full.here, "odd", vaultUri=uri)

    coverage = full.coverage()

    assert {one.name for one in full.records(StoredSecret)} >= {"api-key", "db-password"}
    assert coverage["vault.vaults"].status == "complete"


def test_a_vault_elsewhere_gets_no_token(full: Subscription) -> None:
    """Its address is what someone could write."""
    full.tenant.add_vault(full.here, "evil", vaultUri="https://evil.example.com/")
    full.tenant.vault_items["evil"] = {"secrets": [], "keys": [], "certificates": []}
    urls = {
        "endpoint_url": None,
        "authority_url": full.server.url,
        "graph_url": full.server.url,
        "arm_url": full.server.url,
        "key_vaults": "data",
    }

    records = full.coverage(**urls | {"max_attempts": 1, "vault_suffix": "invalid.test"})

    assert "not a key vault of this cloud" in str(records["vault.secrets"].detail)
    assert full.server.asked("vault") == []


def test_a_policy_is_a_right_of_its_holder(full: Subscription) -> None:
    """With what it allows, and on which vault."""
    vault = next(row for row in full.tenant.resources if row["name"] == "by-policies")
    with_access_policy(vault, guid("principal/shop"), {"keys": ["sign"]}, applicationId=guid("client/portal"))

    found = {one.conditional: one for one in full.records(Assignment)}

    assert {one.holder for one in found.values()} == {guid("principal/shop")}
    assert (found[False].grant.name, found[False].grant.resource) == ("secrets: Get, List", vault["id"])
    assert found[False].privilege.level == "high"
    assert found[True].attributes == {"through": guid("client/portal")}
    assert found[False].gone is None
