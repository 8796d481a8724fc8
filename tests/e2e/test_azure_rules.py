"""What a scan of a tenant comes to: facts of Entra, read from a server, become findings."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from scanner.demo.fakes.azure.relations import (
    add_agent,
    add_blueprint,
    add_credential_use,
    add_owner,
    add_sign_in,
    hand_on,
)
from scanner.demo.fakes.azure.rights import GRAPH, add_api, consent, delete_principal, permit
from scanner.demo.fakes.azure.tenant import Row, guid
from tests.cli.conftest import Muster, muster
from tests.connectors.azure.conftest import azure
from tests.connectors.azure.estate import SECRET_VARIABLE, AzureEstate

__all__ = ["azure", "muster"]

CONFIG = """\
[[source]]
name = "entra"
type = "azure"
tenant_id = "{tenant}"
client_id = "{client}"
client_secret = {{ env = "{variable}" }}
endpoint_url = "{url}"
ca_file = "{ca}"
max_attempts = 2
"""
NOW = datetime.now(UTC)
VENDOR = guid("fabrikam")
VERIFIED = {"displayName": "Fabrikam", "verifiedPublisherId": "1234567", "addedDateTime": "2024-01-01T00:00:00Z"}
NOBODY = {"displayName": None, "verifiedPublisherId": None, "addedDateTime": None}
Findings: TypeAlias = Callable[[], dict[str, list[dict[str, Any]]]]


def _ago(days: int) -> str:
    return (NOW - timedelta(days=days)).isoformat()


@pytest.fixture
def findings(azure: AzureEstate, muster: Muster, tmp_path: Path) -> Findings:  # the imported fixtures
    """Scan with the command line: each rule's findings, with the name of the identity that they are about."""
    config = CONFIG.format(
        tenant=azure.tenant.id,
        client=azure.tenant.client_id,
        variable=SECRET_VARIABLE,
        url=azure.server.url,
        ca=azure.server.ca_file,
    )
    (tmp_path / "muster.toml").write_text(config)

    def scan() -> dict[str, list[dict[str, Any]]]:
        done = muster("scan", "--config", "muster.toml", "--quiet", "-o", "json:-")
        result = json.loads(done.out)
        names = {one["key"]: one["name"] for one in result["identities"]}
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for one in result["findings"]:
            found[one["rule"]].append({**one, "name": names.get(one["identity"])})
        return found

    return scan


@pytest.fixture
def graph(azure: AzureEstate) -> Row:  # the imported fixture
    """Microsoft Graph, as every tenant has it."""
    return add_api(azure.tenant, "Microsoft Graph", GRAPH, ["Mail.Read", "RoleManagement.ReadWrite.Directory"])


@pytest.mark.parametrize(
    ("facts", "permission", "severity"),
    [
        ({"verifiedPublisher": NOBODY}, "Mail.Read", "medium"),
        ({}, "Mail.Read", "medium"),
        ({"verifiedPublisher": NOBODY, "signInAudience": "AzureADMultipleOrgs"}, "Mail.Read", "medium"),
        ({"verifiedPublisher": NOBODY, "applicationTemplateId": guid("template")}, "Mail.Read", "medium"),
        ({"verifiedPublisher": NOBODY}, "RoleManagement.ReadWrite.Directory", "high"),
        ({"verifiedPublisher": VERIFIED}, "Mail.Read", None),
    ],
)
def test_anyone_who_holds_rights_and_is_not_known_is_reported(
    azure: AzureEstate,  # the imported fixture
    graph: Row,
    findings: Findings,
    facts: dict[str, Any],
    permission: str,
    severity: str | None,
) -> None:
    """An application of another tenant with a permission on everyone's mail."""
    vendor = azure.tenant.add_service_principal("mailer", appOwnerOrganizationId=VENDOR, **facts)
    permit(azure.tenant, graph, permission, vendor)

    expected = [(one["name"], one["severity"]) for one in findings()["unverified_publisher"]]

    assert expected == ([("mailer", severity)] if severity else [])


def test_whose_an_application_is_its_principal_says(
    azure: AzureEstate,  # the imported fixture
    graph: Row,
    findings: Findings,
) -> None:
    """Also where a list of registrations has it, as those of stand-ins for Entra may."""
    row = azure.tenant.add_application("mailer", principal=False, signInAudience="AzureADMultipleOrgs")
    vendor = azure.tenant.add_service_principal("mailer", appId=row["appId"], appOwnerOrganizationId=VENDOR)
    permit(azure.tenant, graph, "Mail.Read", vendor)

    assert [one["name"] for one in findings()["unverified_publisher"]] == ["mailer"]


def test_consent_of_people_alone_is_a_right_too(
    azure: AzureEstate,  # the imported fixture
    graph: Row,
    findings: Findings,
) -> None:
    """An application that acts in the name of everyone."""
    vendor = azure.tenant.add_service_principal("mailer", appOwnerOrganizationId=VENDOR, verifiedPublisher=NOBODY)
    consent(azure.tenant, vendor, graph, "Mail.Read")

    assert [one["name"] for one in findings()["unverified_publisher"]] == ["mailer"]


def test_agents_that_no_one_sponsors_are_reported(
    azure: AzureEstate,  # the imported fixture
    findings: Findings,
) -> None:
    """And those alone."""
    ada = azure.tenant.add_person("Ada", mail="ada@example.com")
    blueprint = add_blueprint(azure.tenant, "helper")
    add_owner(azure.tenant, blueprint, ada, relation="sponsors")
    add_owner(azure.tenant, add_agent(azure.tenant, "sponsored", blueprint), ada, relation="sponsors")
    add_agent(azure.tenant, "alone", blueprint)

    assert [one["name"] for one in findings()["agent_without_sponsor"]] == ["alone"]


def test_agents_whose_sponsors_have_all_left_are_reported(
    azure: AzureEstate,  # the imported fixture
    findings: Findings,
    tmp_path: Path,
) -> None:
    """By the roster; whoever is not on it may still be here."""
    ada, bob = (azure.tenant.add_person(name, mail=f"{name.lower()}@example.com") for name in ("Ada", "Bob"))
    blueprint = add_blueprint(azure.tenant, "helper")
    add_owner(azure.tenant, blueprint, bob, relation="sponsors")
    add_owner(azure.tenant, add_agent(azure.tenant, "left-alone", blueprint), ada, relation="sponsors")
    both = add_agent(azure.tenant, "of-both", blueprint)
    for person in (ada, bob):
        add_owner(azure.tenant, both, person, relation="sponsors")
    (tmp_path / "people.csv").write_text("email,name,status\nada@example.com,Ada,left\neve@example.com,Eve,active\n")
    with (tmp_path / "muster.toml").open("a") as config:
        config.write('\n[[people]]\npath = "people.csv"\n')

    (found,) = findings()["agent_without_sponsor"]
    assert (found["name"], found["evidence"]["left"]) == ("left-alone", ["ada@example.com"])


def test_agents_of_another_tenants_blueprint_are_reported(
    azure: AzureEstate,  # the imported fixture
    findings: Findings,
) -> None:
    """Its publisher can sign in as the agent; not so for a blueprint of this tenant."""
    kind = "#microsoft.graph.agentIdentityBlueprintPrincipal"
    vendor = azure.tenant.add_service_principal("vendor", appOwnerOrganizationId=VENDOR, **{"@odata.type": kind})
    add_agent(azure.tenant, "vendors", vendor)
    add_agent(azure.tenant, "ours", add_blueprint(azure.tenant, "helper"))

    (found,) = findings()["foreign_blueprint"]
    assert (found["name"], found["severity"], found["evidence"]["tenant"]) == ("vendors", "medium", VENDOR)


def test_what_an_agent_inherits_is_what_it_may_do(
    azure: AzureEstate,  # the imported fixture
    muster: Muster,
    findings: Findings,
) -> None:
    """To the reader of the report: level, grants with the blueprint, and what the lock compares."""
    graph = add_api(azure.tenant, "Microsoft Graph", GRAPH, ["Mail.ReadWrite"])
    blueprint = add_blueprint(azure.tenant, "helper")
    add_agent(azure.tenant, "helper-1", blueprint)
    hand_on(azure.tenant, blueprint, graph, roles={"@odata.type": "#microsoft.graph.allAllowedRoles"})
    permit(azure.tenant, graph, "Mail.ReadWrite", azure.tenant.service_principals[guid("principal/helper")])

    assert findings()
    shown = json.loads(muster("scan", "--config", "muster.toml", "--quiet", "-o", "json:-").out)["identities"]
    (agent,) = (one for one in shown if one["name"] == "helper-1")
    assert agent["privilege"]["level"] == "high"
    assert [one["via"] for one in agent["grants"] if one["name"] == "Mail.ReadWrite"] == ["inherited from helper"]
    assert agent["attributes"]["inherits"] == ["Mail.ReadWrite of Microsoft Graph"]


def test_rights_of_the_deleted_are_reported(
    azure: AzureEstate,  # the imported fixture
    findings: Findings,
) -> None:
    """On a subscription, of one in the bin and of one that is in no directory any more."""
    place = f"/subscriptions/{azure.tenant.add_subscription('prod')['subscriptionId']}"
    binned = azure.tenant.add_service_principal("binned")
    for holder in (binned["id"], guid("long gone"), azure.tenant.add_service_principal("alive")["id"]):
        azure.tenant.assign_role(place, holder)
    delete_principal(azure.tenant, binned, on=_ago(2))

    found = findings()["orphaned_grant"]

    assert {(one["evidence"]["holder"], one["evidence"]["resource"]) for one in found} == {
        (binned["id"], place),
        (guid("long gone"), place),
    }


def test_no_one_is_gone_whose_id_is_written_in_capitals(
    azure: AzureEstate,  # the imported fixture
    graph: Row,
    findings: Findings,
) -> None:
    """Where ids are no GUIDs, only the id as it was written may be known."""
    azure.is_hostile = True  # Microsoft's ids are GUIDs
    place = f"/subscriptions/{azure.tenant.add_subscription('prod')['subscriptionId']}"
    azure.tenant.assign_role(place, azure.tenant.add_service_principal("alive", id="SP-Alive")["id"])
    azure.tenant.assign_role(place, graph["id"])

    assert findings()["orphaned_grant"] == []


def test_an_expired_secret_is_no_credential_to_mend(
    azure: AzureEstate,  # the imported fixture
    findings: Findings,
) -> None:
    """No one uses the application, which is said; of the secret that it is still there, and nothing else."""
    ended = {"keyId": guid("ended"), "startDateTime": _ago(900), "endDateTime": _ago(500)}
    lives = {"keyId": guid("lives"), "startDateTime": _ago(900), "endDateTime": _ago(-500)}
    for name, secret in (("ended", ended), ("lives", lives)):
        row = azure.tenant.add_application(name, passwordCredentials=[secret], createdDateTime=_ago(900))
        add_sign_in(azure.tenant, row["appId"], _ago(400))
        add_credential_use(azure.tenant, row, secret["keyId"], _ago(600))

    found = findings()

    of_credentials = [one for some in found.values() for one in some if one["credential"]]
    assert "credential_too_old" in {one["rule"] for one in of_credentials}
    assert {one["rule"] for one in of_credentials if one["name"] == "ended"} == {"credential_expired"}
    assert {one["name"] for one in found["credential_expired"]} == {"ended"}
    assert {one["name"] for one in found["dormant"]} == {"ended", "lives"}
    assert {one["title"] for one in found["dormant"]} == {"Identity is dormant"}
