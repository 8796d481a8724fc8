"""The demo's Entra tenant with its subscriptions, from azure.toml, and the server for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from scanner.demo.estate import days_ago
from scanner.demo.fakes.azure import estate as azure
from scanner.demo.fakes.azure import relations
from scanner.demo.fakes.azure.audit_logs import log_sign_in
from scanner.demo.fakes.azure.server import AzureServer
from scanner.demo.fakes.azure.tenant import MICROSOFT, Row, Tenant, guid

_GRAPH = "00000003-0000-0000-c000-000000000000"
_GALLERY_TAG = "WindowsAzureActiveDirectoryGalleryApplicationPrimaryV1"
_NEVER = "2299-12-31T00:00:00Z"
_FOREVER = -99999
_ROLES: Mapping[str, tuple[list[str], list[str]]] = {
    "Owner": (["*"], []),
    "Contributor": (["*"], ["Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write"]),
    "Reader": (["*/read"], []),
}
"""Actions and excluded actions by role."""
_DIRECTORY_ROLES = {"Privileged Role Administrator": "e8611ab8-c189-46e8-94e1-60213ab1f814"}
Table = Mapping[str, Any]


@contextmanager
def azure_server(estate: Table) -> Iterator[AzureServer]:
    """Serve the tenant on loopback for the duration of a ``with`` block."""
    with AzureServer(make_tenant(estate)) as server:
        yield server


def make_tenant(estate: Table) -> Tenant:
    """The tenant of azure.toml."""
    made = _Making(estate)
    made.applications()
    made.agents()
    made.subscriptions()
    return made.tenant


class _Making:
    """``principals``: principals with permissions, by name."""

    def __init__(self, estate: Table) -> None:
        self.tenant = Tenant(estate["tenant"])
        self._estate = estate
        self._people = {
            mail: self.tenant.add_person(name, userPrincipalName=mail, mail=mail)
            for mail, name in estate["people"].items()
        }
        names = {
            name for one in (*estate["applications"], *estate["third_parties"]) for name in one.get("permissions", ())
        }
        roles = [
            {"id": guid(f"graph/{name}"), "value": name, "displayName": name, "allowedMemberTypes": ["Application"]}
            for name in sorted(names)
        ]
        self._graph = self.tenant.add_service_principal(
            "Microsoft Graph", appId=_GRAPH, appOwnerOrganizationId=MICROSOFT, appRoles=roles
        )
        self.tenant.add_management_group(estate["group"])
        self._subscriptions = {
            name: self.tenant.add_subscription(name, group=estate["group"])["subscriptionId"]
            for name in estate["subscriptions"]
        }
        self._roles = {
            name: self.tenant.define_role(
                name,
                actions,
                permissions=[{"actions": actions, "notActions": but, "dataActions": [], "notDataActions": []}],
            )["name"]
            for name, (actions, but) in _ROLES.items()
        }

    def applications(self) -> None:
        """Applications of the tenant and of third parties."""
        for table in self._estate["applications"]:
            self._application(table)
        for table in self._estate["third_parties"]:
            self._third_party(table)

    def agents(self) -> None:
        """Agent blueprints and their agents."""
        blueprints: dict[str, Row] = {}
        for table in self._estate["blueprints"]:
            row = relations.add_blueprint(self.tenant, table["name"], createdDateTime=_day(table["created"]))
            blueprints[table["name"]] = row
            self._owned(row, table.get("owners", ()))
            self._owned(row, table.get("sponsors", ()), relation="sponsors")
        for table in self._estate["agents"]:
            facts = {"createdDateTime": _day(table["created"])}
            row = relations.add_agent(self.tenant, table["name"], blueprints[table["blueprint"]], **facts)
            self._owned(row, table.get("sponsors", ()), relation="sponsors")
            self._used(row["appId"], table)

    def subscriptions(self) -> None:
        """Managed identities, workloads, vaults, and a role assignment of a deleted principal."""
        identities: dict[str, Row] = {}
        for table in self._estate["identities"]:
            place = self._subscriptions[table["subscription"]]
            row = azure.add_user_assigned(self.tenant, place, table["name"], tags=table.get("tags", {}))
            identities[table["name"]] = row
            self._assigned(row["properties"]["principalId"], table)
            for name, issuer, subject in table.get("federated", ()):
                azure.trust_issuer(self.tenant, row, name, issuer, subject)
        for table in self._estate["resources"]:
            azure.run(
                self.tenant,
                self._subscriptions[table["subscription"]],
                table["type"],
                table["name"],
                own=table.get("own", True),
                as_=[identities[name] for name in table.get("runs_as", ())],
                **{name: table[name] for name in ("kind", "tags") if name in table},
            )
        for table in self._estate["gone"]:
            self._assigned(guid(table["name"]), {"roles": [[table["role"], table["subscription"]]]})
        for table in self._estate["vaults"]:
            self._vault(table)

    def _application(self, table: Table) -> None:
        secrets = [_secret(table["name"], *row) for row in table.get("secrets", ())]
        has_principal = table.get("principal", True)
        row = self.tenant.add_application(
            table["name"],
            principal=has_principal,
            createdDateTime=_day(table["created"]),
            passwordCredentials=secrets,
        )
        for (_, _, _, used), secret in zip(table.get("secrets", ()), secrets, strict=True):
            if used >= 0:
                relations.add_credential_use(self.tenant, row, secret["keyId"], _day(used))
        for days in table.get("signs_in", ()):
            used_key = {"servicePrincipalCredentialKeyId": secrets[0]["keyId"]}
            log_sign_in(self.tenant, table["name"], f"{days_ago(days):%Y-%m-%d}T03:15:00Z", **used_key)
        self._owned(row, table.get("owners", ()))
        for name, issuer, *subject in table.get("federated", ()):
            relations.add_federation(self.tenant, row, name, issuer, *subject)
        if has_principal:
            principal = self.tenant.service_principals[guid(f"principal/{table['name']}")]
            self._owned(principal, table.get("owners", ()))
            self._granted(principal, table)

    def _third_party(self, table: Table) -> None:
        home = guid(f"tenant/{table['name']}")
        publisher = {
            "displayName": table.get("publisher"),
            "verifiedPublisherId": "1" if "publisher" in table else None,
        }
        gallery = table.get("gallery", False)
        principal = self.tenant.add_service_principal(
            table["name"],
            appOwnerOrganizationId=home,
            verifiedPublisher=publisher,
            applicationTemplateId=guid(f"template/{table['name']}") if gallery else None,
            tags=["WindowsAzureActiveDirectoryIntegratedApp", *([_GALLERY_TAG] if gallery else [])],
        )
        self._granted(principal, table)

    def _granted(self, principal: Row, table: Table) -> None:
        """Grant its permissions, and set its last use."""
        holder = {"principalId": principal["id"], "principalType": "ServicePrincipal"}
        graph = {"resourceId": self._graph["id"], "resourceDisplayName": "Microsoft Graph"}
        for name in table.get("permissions", ()):
            self._list(f"/servicePrincipals/{self._graph['id']}/appRoleAssignedTo").append(
                {"id": guid(f"{principal['id']}/{name}"), "appRoleId": guid(f"graph/{name}")}
                | {"principalDisplayName": principal["displayName"], "createdDateTime": _day(100)}
                | holder
                | graph
            )
        if "delegated" in table:
            self._list("/oauth2PermissionGrants").append(
                {"id": guid(f"{principal['id']}/grant"), "clientId": principal["id"], "consentType": "AllPrincipals"}
                | {"principalId": None, "resourceId": self._graph["id"], "scope": " ".join(table["delegated"])}
            )
        for name in table.get("directory_roles", ()):
            self._directory_role(principal, name)
        self._assigned(principal["id"], table)
        self._used(principal["appId"], table)

    def _directory_role(self, principal: Row, name: str) -> None:
        role = _DIRECTORY_ROLES[name]
        self._list("/roleManagement/directory/roleDefinitions").append(
            {"id": role, "templateId": role, "displayName": name, "isBuiltIn": True, "isEnabled": True}
            | {
                "rolePermissions": [
                    {"allowedResourceActions": ["microsoft.directory/roleAssignments/allProperties/allTasks"]}
                ]
            }
        )
        self._list("/roleManagement/directory/roleAssignments").append(
            {"id": guid(f"{principal['id']}/{name}"), "principalId": principal["id"], "roleDefinitionId": role}
            | {"directoryScopeId": "/"}
        )

    def _assigned(self, principal: str, table: Table) -> None:
        for role, subscription in table.get("roles", ()):
            place = f"/subscriptions/{self._subscriptions[subscription]}"
            self.tenant.assign_role(place, principal, self._roles[role], createdOn=_day(200), updatedOn=_day(200))

    def _owned(self, row: Row, people: Sequence[str], *, relation: str = "owners") -> None:
        for mail in people:
            relations.add_owner(self.tenant, row, self._people[mail], relation=relation)

    def _used(self, client: str, table: Table) -> None:
        if "used" in table:
            relations.add_sign_in(self.tenant, client, _day(table["used"]))

    def _list(self, path: str) -> list[Row]:
        return self.tenant.collections.setdefault(path, [])

    def _vault(self, table: Table) -> None:
        self.tenant.add_vault(self._subscriptions[table["subscription"]], table["name"])
        for name, created, updated, expires in table["secrets"]:
            times = {"created": _seconds(created), "updated": _seconds(updated)}
            times |= {"exp": _seconds(expires)} if expires else {}
            azure.put(self.tenant, table["name"], "secrets", name, times=times)
        for name, created in table["keys"]:
            azure.put(
                self.tenant, table["name"], "keys", name, times=dict.fromkeys(("created", "updated"), _seconds(created))
            )


def _secret(application: str, name: str, created: float, expires: float, _used: float) -> Row:
    return {
        "keyId": guid(f"secret/{application}/{name}"),
        "displayName": name,
        "customKeyIdentifier": None,
        "hint": None,
        "secretText": None,
        "startDateTime": _day(created),
        "endDateTime": _NEVER if expires == _FOREVER else _day(expires),
    }


def _day(days: float) -> str:
    return days_ago(days).strftime("%Y-%m-%dT%H:%M:%SZ")


def _seconds(days: float) -> int:
    return int(days_ago(days).timestamp())
