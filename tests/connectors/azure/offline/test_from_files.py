"""A tenant read from what the Azure command line wrote is the tenant that the services report on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scanner.demo.fakes.azure.relations import add_agent, add_blueprint, hand_on
from scanner.demo.fakes.azure.rights import add_directory_role, give_directory_role, permit
from scanner.demo.fakes.azure.tenant import Tenant, guid
from scanner.model import Assignment, Coverage, FileEnd, Identity
from tests.connectors.azure.estate import AzureEstate
from tests.connectors.azure.offline.command_line import everything, rest, write
from tests.connectors.azure.offline.reading import LATER, connector, export, furnish, gaps, read, reported


@pytest.fixture
def tenant() -> Tenant:
    made = Tenant()
    furnish(made)
    return made


def test_files_say_what_the_services_say(azure: AzureEstate, tmp_path: Path) -> None:
    """The same identities, rights, workloads and secrets, to the last field; nothing is a gap."""
    furnish(azure.tenant)
    live = reported(azure.read())

    records = read(export(tmp_path, everything(azure.tenant)))

    assert len(live) > 10
    assert gaps(records) == {}
    assert reported(records) == live


def with_agents(tenant: Tenant) -> Tenant:
    """A blueprint that hands on what it was granted, and its agent."""
    furnish(tenant)
    graph = tenant.service_principals[guid("principal/Microsoft Graph")]
    blueprint = add_blueprint(tenant, "helper")
    principal = tenant.service_principals[guid("principal/helper")]
    add_agent(tenant, "helper-1", blueprint)
    hand_on(tenant, blueprint, graph, roles={"@odata.type": "#microsoft.graph.allAllowedRoles", "kind": "allAllowed"})
    permit(tenant, graph, "Mail.Read", principal)
    for cast, list_, rows in (
        ("agentIdentity", "servicePrincipals", tenant.service_principals),
        ("agentIdentityBlueprint", "applications", tenant.applications),
        ("agentIdentityBlueprintPrincipal", "servicePrincipals", tenant.service_principals),
    ):
        type_ = f"microsoft.graph.{cast}"
        of_type = [row for row in rows.values() if row.get("@odata.type") == f"#{type_}"]
        tenant.collections[f"/{list_}/{type_}"] = of_type
        for row in of_type:
            tenant.collections[f"/{list_}/{row['id']}/{type_}/sponsors"] = []
            row["sponsors"] = []
    return tenant


@pytest.mark.parametrize("context", [True, False])
def test_files_say_what_agents_inherit(azure: AzureEstate, tmp_path: Path, *, context: bool) -> None:
    """By the metadata of the answer, or by the id in the file's name."""
    files = everything(with_agents(azure.tenant))
    name = f"inheritable/{guid('application/helper')}"
    files[name] = files[name] if context else files[name]["value"]

    found = read(export(tmp_path, files))

    (agent,) = (one for one in found if isinstance(one, Identity) and one.name == "helper-1")
    assert agent.attributes["inherits"] == ["Mail.Read of Microsoft Graph"]
    assert "graph.inheritable_permissions" not in gaps(found)


def test_without_what_blueprints_hand_on_their_agents_are_unknown(tmp_path: Path) -> None:
    """The gap names the command."""
    files = everything(with_agents(Tenant()))
    del files[f"inheritable/{guid('application/helper')}"]

    found = read(export(tmp_path, files))

    (agent,) = (one for one in found if isinstance(one, Identity) and one.name == "helper-1")
    assert agent.privilege.level == "unknown"
    below = "microsoft.graph.agentIdentityBlueprint/inheritablePermissions"
    assert f"/applications/ID/{below}" in gaps(found)["graph.inheritable_permissions"]


def test_identities_are_as_old_as_the_newest_date_in_the_files(tenant: Tenant, tmp_path: Path) -> None:
    """When they were copied here says nothing of when they were true, nor does what is yet to come."""
    for one in tenant.applications.values():
        one["passwordCredentials"].append({"keyId": guid("ahead"), "startDateTime": "2999-01-01T00:00:00Z"})
    records = read(export(tmp_path, everything(tenant)))

    seen = {f"{one.observed_at:%Y-%m-%dT%H:%M:%SZ}" for one in records if isinstance(one, Identity)}

    assert seen == {LATER}


GAPS: dict[str, tuple[str, set[str]]] = {
    "sp": ("az ad sp list --all", {"graph.service_principals", "graph.app_permissions", "arm.principals"}),
    "app": ("az ad app list --all", {"graph.applications"}),
    "identity": ("az identity list", {"arm.managed_identities"}),
    "keyvault": ("az keyvault list --resource-group …", {"vault.vaults"}),
    "definitions": ("az role definition list", {"arm.role_definitions"}),
    "grants": ("/oauth2PermissionGrants", {"graph.delegated_grants"}),
    "servicePrincipals-microsoft.graph.agentIdentity": ("agentIdentity", {"graph.agent_identities"}),
    "users-microsoft.graph.agentUser": ("agentUser", {"graph.agent_users"}),
    "roleManagement-directory-roleDefinitions": ("roleDefinitions", {"graph.directory_roles"}),
    "reports-servicePrincipalSignInActivities": ("/beta/reports", {"graph.sign_ins"}),
    "reports-appCredentialSignInActivities": ("/beta/reports", {"graph.credential_use"}),
    "deny/corp": ("denyAssignments?api-version", {"arm.deny_assignments"}),
    f"deny/{guid('subscription/prod')}": ("denyAssignments?api-version", {"arm.deny_assignments"}),
    "vault/kv-prod-secrets": ("az keyvault secret list", {"vault.secrets"}),
    "vault/kv-prod-certificates": ("az keyvault certificate list", {"vault.certificates"}),
    "identity-federated/pull": ("az identity federated-credential list", {"arm.federated_credentials"}),
    f"owners/{guid('principal/shop')}": ("servicePrincipals/ID/owners", {"graph.owners"}),
    f"federated/{guid('application/shop')}": ("federatedIdentityCredentials", {"graph.federated_credentials"}),
    f"held/{guid('principal/Microsoft Graph')}": ("appRoleAssignedTo", {"graph.app_permissions"}),
}


@pytest.mark.parametrize("file", GAPS)
def test_a_missing_file_is_a_gap_of_its_section_that_names_the_command(
    file: str, tenant: Tenant, tmp_path: Path
) -> None:
    """And of no other: what the other files give still stands."""
    files = everything(tenant)
    del files[file]
    written_by, sections = GAPS[file]

    found = gaps(read(export(tmp_path, files)))

    assert found.keys() == sections
    assert any(written_by in detail for detail in found.values())


def test_without_the_list_of_all_resources_what_runs_as_what_is_a_gap(tenant: Tenant, tmp_path: Path) -> None:
    """Identities and vaults have lists of their own."""
    files = everything(tenant)
    del files["resource"]

    assert gaps(read(export(tmp_path, files))).keys() == {"arm.workloads"}


def test_vaults_are_listed_without_their_policies_but_their_secrets_are_found(tenant: Tenant, tmp_path: Path) -> None:
    """``az keyvault list`` without a resource group leaves out where a vault answers, and its policies."""
    files = everything(tenant)
    files["keyvault"] = [{**one, "properties": None} for one in files["keyvault"]]

    records = read(export(tmp_path, files))

    assert gaps(records).keys() == {"vault.vaults"}
    assert "StoredSecret https://kv-prod.vault.azure.net/secrets/db-password" in {
        one.split(" in ")[0] for one in reported(records)
    }


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_files_are_read_in_the_encoding_that_a_shell_gave_them(encoding: str, tenant: Tenant, tmp_path: Path) -> None:
    """Windows PowerShell writes UTF-16."""
    for name, answer in everything(tenant).items():
        write(tmp_path, name, answer, encoding=encoding)

    assert gaps(read(tmp_path)) == {}


def _pascal(value: Any) -> Any:
    match value:
        case dict():
            return {name[:1].upper() + name[1:]: _pascal(each) for name, each in value.items()}
        case list():
            return [_pascal(each) for each in value]
        case str() if value == LATER:
            return "/Date(1772600767000)/"
        case _:
            return value


def test_powershell_writes_other_names_and_dates(tenant: Tenant, tmp_path: Path) -> None:
    """``Get-MgServicePrincipal -All | ConvertTo-Json`` begins every name with a capital."""
    files = everything(tenant)
    usual = reported(read(export(tmp_path / "usual", files)))
    files |= {name: _pascal(files[name]) for name in ("sp", "app")}

    assert reported(read(export(tmp_path / "powershell", files))) == usual


def _pages(rows: list[Any]) -> list[Any]:
    first = rest("servicePrincipals", rows[:1]) | {"@odata.nextLink": "https://graph.microsoft.com/v1.0/next"}
    return [first, rest("servicePrincipals", rows[1:])]


def _owners_apart(rows: list[Any]) -> list[Any]:
    return [rows, rest("applications(id,owners())", [{"id": one["id"], "owners": []} for one in rows])]


@pytest.mark.parametrize(
    ("name", "break_up"),
    [("sp", _pages), ("app", lambda rows: [rows, rows]), ("app", _owners_apart)],
    ids=["pages", "twice", "a relationship apart"],
)
def test_a_list_may_be_in_several_files(
    name: str, break_up: Callable[[Any], list[Any]], tenant: Tenant, tmp_path: Path
) -> None:
    """Each row counts once."""
    files = everything(tenant)
    usual = reported(read(export(tmp_path / "one", files)))
    for number, part in enumerate(break_up(files.pop(name))):
        files[f"{name}-{number}"] = part

    records = read(export(tmp_path / "several", files))

    assert gaps(records) == {}
    assert reported(records) == usual


def test_the_last_page_missing_is_a_gap(tenant: Tenant, tmp_path: Path) -> None:
    """What the others have is kept."""
    files = everything(tenant)
    files["sp"] = rest("servicePrincipals", files["sp"]) | {"@odata.nextLink": "https://graph.microsoft.com/v1.0/next"}

    assert "graph.service_principals" in gaps(read(export(tmp_path, files)))


def test_exactly_a_hundred_is_where_the_command_line_stops(tenant: Tenant, tmp_path: Path) -> None:
    """Unless it is given ``--all``; a hundred and one is everything."""
    for number in range(100 - len(tenant.service_principals)):
        tenant.add_service_principal(f"more-{number}")
    hundred = gaps(read(export(tmp_path / "100", everything(tenant))))
    tenant.add_service_principal("one more")

    assert "az ad sp list --all" in hundred["graph.service_principals"]
    assert "graph.service_principals" not in gaps(read(export(tmp_path / "101", everything(tenant))))


def _rights(records: list[Any]) -> dict[str, bool | None]:
    return {one.holder: one.gone for one in records if isinstance(one, Assignment) and one.holder_kind}


@pytest.mark.parametrize(
    ("change", "gone"),
    [
        (lambda files: files, True),
        (lambda files: files.pop("sp"), False),
        (lambda files: files.update(sp=[one | {"createdDateTime": LATER} for one in files["sp"][1:]]), False),
        (lambda files: [one.update(createdOn="2026-05-05T05:05:05Z") for one in files["assignments"]], False),
    ],
    ids=["as it is", "no list", "a list without Microsoft Graph", "rights younger than the list"],
)
def test_a_holder_is_gone_where_a_whole_and_younger_list_lacks_it(
    change: Callable[[Any], object], gone: bool, tenant: Tenant, tmp_path: Path
) -> None:
    """Otherwise it may just not have been exported, or have been made since."""
    files = everything(tenant)
    change(files)

    assert _rights(read(export(tmp_path, files)))[guid("someone deleted")] is gone


def test_a_subscription_says_its_own_assignments_and_those_it_inherits(tenant: Tenant, tmp_path: Path) -> None:
    """One file has those of all subscriptions."""
    ids = [tenant.add_subscription(name)["subscriptionId"] for name in ("blue", "green")]
    for one in ids:
        tenant.assign_role(f"/subscriptions/{one}", guid(f"holder in {one}"))

    records = read(export(tmp_path, everything(tenant)))
    told_by = {one.holder: one.scope for one in records if isinstance(one, Assignment)}
    listed = {
        one.scope: one.identities
        for one in records
        if isinstance(one, Coverage) and one.section == "arm.role_assignments"
    }

    assert [told_by[guid(f"holder in {one}")] for one in ids] == ids
    assert [listed[one] for one in ids] == [1, 1]


@pytest.mark.parametrize(
    ("scope", "level"),
    [
        ("managementGroups/corp", "admin"),
        ("managementGroups/corp2", "admin"),
        ("managementGroups/TENANT", "high"),
        ("/", "high"),
        ("/subscriptions/PROD", "high"),
        ("/subscriptions/PROD2", "admin"),
    ],
)
def test_what_is_denied_elsewhere_takes_nothing_from_a_subscription(
    scope: str, level: str, tenant: Tenant, tmp_path: Path
) -> None:
    """No file says which subscriptions a management group holds, but for the root one."""
    prod = guid("subscription/prod")
    tenant.deny(scope.replace("TENANT", tenant.id).replace("PROD", prod), "stack", ["*"])
    files = everything(tenant) | {"deny/all": {"value": tenant.deny_assignments}}

    records = read(export(tmp_path, files))

    owners = [one for one in records if isinstance(one, Assignment) and one.scope == prod]
    assert {one.privilege.level for one in owners} == {level}


def test_denials_that_no_file_holds_take_nothing_away(tenant: Tenant, tmp_path: Path) -> None:
    """It is a gap, but most exports have none."""
    files = everything(tenant)
    prod = guid("subscription/prod")
    del files[f"deny/{prod}"]

    records = read(export(tmp_path, files))

    assert "arm.deny_assignments" in gaps(records)
    assert "admin" in {one.privilege.level for one in records if isinstance(one, Assignment) and one.scope == prod}


@pytest.mark.parametrize("listed", ["nothing", "groups", "the holder"])
def test_whose_directory_roles_may_be_a_group_s_is_a_gap(listed: str, tenant: Tenant, tmp_path: Path) -> None:
    """Service principals may be in it: the list of groups says that it is none, or that of users that it is a user."""
    ada = tenant.add_person("ada")
    add_directory_role(tenant, "Reports Reader", guid("reports reader"), ["microsoft.directory/signInReports/read"])
    give_directory_role(tenant, guid("reports reader"), ada)
    files = everything(tenant)
    others = {
        "nothing": {},
        "groups": {"groups": [{"id": "g", "displayName": "ops", "securityEnabled": True}]},
        "the holder": {"users": [{"id": ada["id"], "userPrincipalName": "ada@contoso.example"}]},
    }

    found = gaps(read(export(tmp_path, files | others[listed])))

    assert ("az ad group list" in found.get("graph.directory_roles", "")) is (listed == "nothing")


def test_a_subscription_that_no_other_file_says_of_is_named(tenant: Tenant, tmp_path: Path) -> None:
    """The account list shows it, and nothing of it was exported."""
    other = tenant.add_subscription("forgotten")["subscriptionId"]

    records = read(export(tmp_path, everything(tenant)))

    assert other in gaps(records)["arm.subscriptions"]
    assert other not in {one.scope for one in records if not isinstance(one, FileEnd)}


def _units(records: list[Any]) -> set[str]:
    return {one.scope for one in records if isinstance(one, Coverage)}


def test_subscriptions_are_chosen_by_the_settings(tenant: Tenant, tmp_path: Path) -> None:
    """As they are when the services are asked."""
    (only,) = tenant.subscriptions

    folder = export(tmp_path, everything(tenant))

    assert only in _units(read(folder))
    assert only not in _units(read(folder, skip_subscriptions=only))


def test_doctor_says_what_the_files_are_and_names_those_that_cannot_be_used(tenant: Tenant, tmp_path: Path) -> None:
    """No one is called."""
    export(tmp_path, everything(tenant))
    (tmp_path / "broken.json").write_text('[{"id": ', encoding="utf-8")

    checks = {check.name: check for check in connector(tmp_path).check()}

    assert checks["files"].ok
    assert tenant.id in checks["files"].detail
    assert not checks["broken.json"].ok


def test_files_that_no_one_needs_are_named(tenant: Tenant, tmp_path: Path) -> None:
    """So that no one believes that they were read."""
    export(tmp_path, {**everything(tenant), "vm-sizes": [{"name": "Standard_B1s", "numberOfCores": 1}]})

    records = read(tmp_path)
    (told_of,) = [one.detail for one in records if isinstance(one, Coverage) and one.section == "entra.tenant"]

    assert told_of is not None
    assert "no file is recognised in vm-sizes.json" in told_of


def test_files_of_another_tenant_than_the_one_that_is_set_are_reported_of(tenant: Tenant, tmp_path: Path) -> None:
    """A variable of the environment may say another; keys are of the one that is set."""
    records = read(export(tmp_path, everything(tenant)), tenant_id=guid("another"))
    (told_of,) = [one for one in records if isinstance(one, Coverage) and one.section == "entra.tenant"]

    assert told_of.scope == guid("another")
    assert f"most files are of tenant {tenant.id}" in (told_of.detail or "")


def test_one_file_can_hold_all_of_a_list_as_lines(tenant: Tenant, tmp_path: Path) -> None:
    """As ``jq -c '.[]'`` writes it."""
    files = everything(tenant)
    usual = reported(read(export(tmp_path / "usual", files)))
    rows = files.pop("sp")
    folder = export(tmp_path / "lines", files)
    (folder / "sp.ndjson").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")

    assert reported(read(folder)) == usual
