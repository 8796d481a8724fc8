"""The state of the server: a tenant and its subscriptions, in the form of the APIs."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, TypeAlias

Row: TypeAlias = dict[str, Any]

MICROSOFT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
_GROUPS = "/providers/Microsoft.Management/managementGroups"


def guid(name: str) -> str:
    """An id derived from a name."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


class Tenant:
    """Rows by id, in the form of the APIs. Builder methods return the row, which may be changed.

    ``client_id`` and ``client_secret``: for sign-in. ``facts`` of a builder: fields of the row.
    """

    def __init__(self, name: str = "contoso") -> None:
        self.id = guid(name)
        self.client_id = guid(f"{name}/muster")
        self.client_secret = "demo-only-secret"  # noqa: S105  # opens nothing but this fake
        self.service_principals: dict[str, Row] = {}
        self.applications: dict[str, Row] = {}
        self.people: dict[str, Row] = {}
        """Users and groups."""
        self.shows_people = True
        """Whether applications may read users; otherwise owners are returned with their ids only."""
        self.subscriptions: dict[str, Row] = {}
        self.management_groups: dict[str, Row] = {}
        self.role_assignments: list[Row] = []
        self.deny_assignments: list[Row] = []
        self.role_definitions: list[Row] = []
        self.resources: list[Row] = []
        self.power_platform: list[Row] = []
        """Rows of Resource Graph's table of Power Platform."""
        self.collections: dict[str, list[Row]] = {}
        """Any other list of Graph by its path without a version, such as ``/applications/{id}/owners``."""
        self.resource_graph_page = 1000
        """The most rows of a query on one page."""
        self.federated_credentials: dict[str, list[Row]] = {}
        """Federated credentials by the id of a user-assigned identity, in lower case."""
        self.sign_ins: list[Row] = []
        """Sign-ins of workloads, the oldest first."""
        self.events: list[Row] = []
        """Events of the activity logs of all subscriptions, the oldest first."""
        self.kubeconfigs: dict[str, str] = {}
        """Kubeconfigs for users of managed clusters, by cluster id in lower case."""
        self.vault_items: dict[str, dict[str, list[Row]]] = {}
        """By name of a vault, its ``secrets``, ``keys`` and ``certificates``."""

    def add_application(self, name: str, *, principal: bool = True, **facts: Any) -> Row:
        """An application registration, with its service principal in this tenant unless said otherwise."""
        row = {
            "id": guid(f"application/{name}"),
            "appId": guid(f"client/{name}"),
            "displayName": name,
            "signInAudience": "AzureADMyOrg",
            "keyCredentials": [],
            "passwordCredentials": [],
            "tags": [],
            **facts,
        }
        self.applications[row["id"]] = row
        if principal:
            self.add_service_principal(name, appId=row["appId"])
        return row

    def add_service_principal(self, name: str, **facts: Any) -> Row:
        """A service principal of this tenant's own application, unless ``appOwnerOrganizationId`` says otherwise."""
        client: str = facts.get("appId") or guid(f"client/{name}")
        row = {
            "id": guid(f"principal/{name}"),
            "appId": client,
            "displayName": name,
            "servicePrincipalType": "Application",
            "accountEnabled": True,
            "appOwnerOrganizationId": self.id,
            "alternativeNames": [],
            "servicePrincipalNames": [client],
            "keyCredentials": [],
            "passwordCredentials": [],
            "appRoles": [],
            "tags": [],
            **facts,
        }
        self.service_principals[row["id"]] = row
        return row

    def add_managed_identity(self, arm_id: str, *, user_assigned: bool = True, **facts: Any) -> Row:
        """The service principal of a managed identity; ``arm_id``: its own, or that of the resource that has it."""
        names = [f"isExplicit={user_assigned}", arm_id]
        return self.add_service_principal(
            arm_id.rpartition("/")[2],
            **{
                "id": guid(f"principal/{arm_id}"),
                "appId": guid(f"client/{arm_id}"),
                "servicePrincipalType": "ManagedIdentity",
                "appOwnerOrganizationId": None,
                "alternativeNames": names,
                **facts,
            },
        )

    def add_person(self, name: str, *, kind: str = "user", **facts: Any) -> Row:
        """A user, or a group (``kind``)."""
        row = {"@odata.type": f"#microsoft.graph.{kind}", "id": guid(f"{kind}/{name}"), "displayName": name, **facts}
        self.people[row["id"]] = row
        return row

    def directory_object(self, object_id: str) -> Row | None:
        """The object of the directory with that id, with its type, which lists of a single type leave out."""
        places = {"servicePrincipal": self.service_principals, "application": self.applications, "": self.people}
        for kind, place in places.items():
            if object_id in place:
                return {"@odata.type": f"#microsoft.graph.{kind}", **place[object_id]}
        return None

    def add_management_group(self, name: str, *, parent: str | None = None, title: str | None = None) -> Row:
        """A management group below ``parent``, or at the root."""
        row: Row = {"name": name, "parent": parent, "displayName": title or name}
        self.management_groups[name] = row
        return row

    def add_subscription(self, name: str, *, group: str | None = None, state: str = "Enabled") -> Row:
        """A subscription in a management group."""
        row: Row = {
            "subscriptionId": guid(f"subscription/{name}"),
            "displayName": name,
            "state": state,
            "parent": group,
        }
        self.subscriptions[row["subscriptionId"]] = row
        return row

    def add_resource(self, subscription: str, type_: str, name: str, **facts: Any) -> Row:
        """A resource as Resource Graph has it; ``subscription``: its id."""
        row = {
            "id": f"/subscriptions/{subscription}/resourceGroups/rg/providers/{type_}/{name}",
            "name": name,
            "type": type_.lower(),
            "location": "westeurope",
            "subscriptionId": subscription,
            "resourceGroup": "rg",
            "tags": {},
            "properties": {},
            "identity": None,
            **facts,
        }
        self.resources.append(row)
        return row

    def add_environment(self, name: str) -> str:
        """An environment of Power Platform. Returns its id."""
        facts = {"displayName": name, "environmentType": "Production"}
        row = {"name": guid(f"environment/{name}"), "type": "microsoft.powerplatform/environments", "properties": facts}
        self.power_platform.append(row)
        return str(row["name"])

    def add_copilot_agent(self, name: str, environment: str, **properties: Any) -> Row:
        """An agent of Copilot Studio. ``environment``: its id."""
        facts = {"displayName": name, "environmentId": environment, "createdIn": "Copilot Studio", **properties}
        row: Row = {
            "name": guid(f"copilot/{environment}/{name}"),
            "type": "microsoft.copilotstudio/agents",
            "properties": facts,
        }
        self.power_platform.append(row)
        return row

    def add_vault(self, subscription: str, name: str, **properties: Any) -> Row:
        """An empty key vault; its items are in ``vault_items[name]``."""
        self.vault_items[name] = {"secrets": [], "keys": [], "certificates": []}
        usual = {
            "tenantId": self.id,
            "sku": {"family": "A", "name": "standard"},
            "vaultUri": f"https://{name}.vault.azure.net/",
            "enableRbacAuthorization": True,
            "accessPolicies": [],
        }
        return self.add_resource(subscription, "Microsoft.KeyVault/vaults", name, properties=usual | properties)

    def define_role(self, name: str, actions: Sequence[str], *, place: str = "/", **facts: Any) -> Row:
        """A role definition, built in if ``place`` is the root, else custom. ``facts``: of its ``properties``."""
        role = guid(f"role/{name}")
        properties = {
            "roleName": name,
            "type": "BuiltInRole" if place == "/" else "CustomRole",
            "description": "",
            "assignableScopes": [place],
            "permissions": [{"actions": list(actions), "notActions": [], "dataActions": [], "notDataActions": []}],
            **facts,
        }
        row = {
            "id": f"{place.rstrip('/')}/providers/Microsoft.Authorization/roleDefinitions/{role}",
            "name": role,
            "type": "Microsoft.Authorization/roleDefinitions",
            "properties": properties,
        }
        self.role_definitions.append(row)
        return row

    def assign_role(self, scope: str, principal: str, role: str = READER, **facts: Any) -> Row:
        """A role assignment on ``scope`` (``/subscriptions/…``, or ``managementGroups/…``) to an object id."""
        place = f"/providers/Microsoft.Management/{scope}" if scope.startswith("managementGroups/") else scope
        name = guid(f"assignment/{place}/{principal}/{role}")
        definition = f"/providers/Microsoft.Authorization/roleDefinitions/{role}"
        properties = {
            "roleDefinitionId": f"/subscriptions/{guid('any')}{definition}",
            "principalId": principal,
            "principalType": "ServicePrincipal",
            "scope": place,
            "condition": None,
            "createdOn": "2026-01-02T03:04:05.6789012Z",
            "updatedOn": "2026-01-02T03:04:05.6789012Z",
            **facts,
        }
        row = {
            "id": f"{place.rstrip('/')}/providers/Microsoft.Authorization/roleAssignments/{name}",
            "name": name,
            "type": "Microsoft.Authorization/roleAssignments",
            "properties": properties,
        }
        self.role_assignments.append(row)
        return row

    def deny(self, scope: str, name: str, actions: Sequence[str], **facts: Any) -> Row:
        """A deny assignment for everyone at a scope, as Azure creates for managed applications."""
        place = f"/providers/Microsoft.Management/{scope}" if scope.startswith("managementGroups/") else scope
        id_ = guid(f"denial/{place}/{name}")
        permissions = {"actions": list(actions), "notActions": ["*/read"], "dataActions": [], "notDataActions": []}
        row = {
            "id": f"{place}/providers/Microsoft.Authorization/denyAssignments/{id_}",
            "name": id_,
            "type": "Microsoft.Authorization/denyAssignments",
            "properties": {
                "denyAssignmentName": name,
                "permissions": [permissions],
                "scope": place,
                "doNotApplyToChildScopes": False,
                "principals": [{"id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined"}],
                "excludePrincipals": [],
                "isSystemProtected": True,
                **facts,
            },
        }
        self.deny_assignments.append(row)
        return row

    def above(self, place: str) -> list[str]:
        """A subscription or management group and its ancestors, up to the root (``/``)."""
        kind, _, name = place.strip("/").rpartition("/")
        row = self.subscriptions[name] if kind == "subscriptions" else self.management_groups[name]
        found = [f"/subscriptions/{name}" if kind == "subscriptions" else f"{_GROUPS}/{name}"]
        while (parent := row["parent"]) is not None:
            found.append(f"{_GROUPS}/{parent}")
            row = self.management_groups[parent]
        return [*found, "/"]
