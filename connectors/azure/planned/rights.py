"""The rights from role assignments and permissions of a plan, by the connector's evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from connectors.azure.planned.identities import SOURCE, UNKNOWN_PLACE, AzureHolder, Holders
from connectors.azure.rights.api_permissions import Permission, application_power, delegated_power
from connectors.azure.rights.azure_privilege import AzureJudge
from connectors.azure.rights.azure_role import Block, Role, published_roles
from connectors.azure.rights.directory_roles import TENANT, DirectoryRole, as_published, built_in_roles, directory_power
from connectors.azure.rights.places import AzureScope, place_of
from connectors.azure.rights.power import Power
from connectors.azure.rights.role_definitions import guid_of
from connectors.azure.spec import SPEC
from connectors.planned import UNKNOWN
from connectors.planned.shapes import PlannedDeclared, listed, mapping, text
from scanner.model import Assignment, Grant, Privilege
from scanner.model.planned import Unread

ROLE_ASSIGNMENT, ROLE_DEFINITION = "azurerm_role_assignment", "azurerm_role_definition"
DIRECTORY_ASSIGNMENT = "azuread_directory_role_assignment"
APP_ROLE, DELEGATED = "azuread_app_role_assignment", "azuread_service_principal_delegated_permission_grant"
HOLDERS: Mapping[str, str] = {
    ROLE_ASSIGNMENT: "principal_id",
    DIRECTORY_ASSIGNMENT: "principal_object_id",
    APP_ROLE: "principal_object_id",
    DELEGATED: "service_principal_object_id",
}
"""By resource type: the argument that names the holder of the right."""
_PEOPLE = frozenset({"User", "Group"})
_DIRECTORY_ROLE, _CUSTOM_DIRECTORY_ROLE = "azuread_directory_role", "azuread_custom_directory_role"
RIGHT_TYPES = HOLDERS.keys() | {ROLE_DEFINITION, _DIRECTORY_ROLE, _CUSTOM_DIRECTORY_ROLE}
"""Types that give rights, or say what a role is."""
_NO_SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
_LATER = "is only known after deploying"


class Right(Struct, frozen=True, kw_only=True):
    """A right in a plan. ``assignment``: its evaluation."""

    holder: AzureHolder
    declared: PlannedDeclared
    assignment: Assignment


class AzureRights:
    """Finds what a plan's resources give to its identities at one moment."""

    def __init__(self, declared: Sequence[PlannedDeclared], holders: Holders, tenant: str) -> None:
        self._declared = {each.at: each for each in declared}
        self._holders = holders
        self._tenant = tenant
        self.unread: list[Unread] = []
        self._roles = {each.at: _custom_role(each) for each in declared if each.type == ROLE_DEFINITION}

    def given(self) -> list[Right]:
        """Every right that a known identity gets."""
        found = [(each, holder) for each in self._declared.values() for holder in self._receiving(each)]
        running = {
            id(holder)
            for each, holder in found
            if each.type == ROLE_ASSIGNMENT and (role := self._role(each)) and AzureJudge(role).runs_workloads
        }
        return [
            Right(holder=holder, declared=each, assignment=self._assignment(each, holder, runs=id(holder) in running))
            for each, holder in found
        ]

    def _receiving(self, declared: PlannedDeclared) -> Iterator[AzureHolder]:
        """The holders of the right that a resource grants; people and their groups are left out."""
        argument = HOLDERS.get(declared.type)
        if argument is None or declared.is_data or declared.text("principal_type") in _PEOPLE:
            return
        holders = self._holders.referred(declared, argument)
        yield from holders
        if not holders and declared.resource.effect not in ("unchanged", "deleted"):
            reason = (
                f"who gets it {_LATER}"
                if declared.values.get(argument) is UNKNOWN
                else "who gets it is not in the plan"
            )
            self.unread.append(Unread(place=declared.resource.place, reason=reason))

    def _assignment(self, declared: PlannedDeclared, holder: AzureHolder, *, runs: bool) -> Assignment:
        of_type = {
            ROLE_ASSIGNMENT: lambda: self._on_resources(declared, runs=runs),
            DIRECTORY_ASSIGNMENT: lambda: self._in_directory(declared),
            APP_ROLE: lambda: self._of_application(declared),
            DELEGATED: lambda: self._delegated(declared),
        }
        name, on, power = of_type[declared.type]()
        return Assignment(
            key=declared.at,
            provider=SPEC.name,
            source=SOURCE,
            scope=holder.place or UNKNOWN_PLACE,
            holder=holder.key,
            grant=Grant(name=name, via="direct", resource=on, admin=power.privilege.level == "admin"),
            privilege=power.privilege,
            becomes=power.becomes,
            takes_over=power.takes_over,
            consequences=power.consequences,
            conditional=power.conditional,
        )

    # --- Roles on resources ---

    def _on_resources(self, declared: PlannedDeclared, *, runs: bool) -> tuple[str, str | None, Power]:
        role, scope = self._role(declared), self._scope(declared)
        named = (
            declared.text("role_definition_name")
            or guid_of(declared.text("role_definition_id"))
            or f"a role that {_LATER}"
        )
        if role is None or scope is None:
            reason = f"what {named} allows is not known here" if role is None else f"the scope of {role.name} {_LATER}"
            return role.name if role else named, declared.text("scope") or None, _unknown(reason)
        condition = declared.values.get("condition")
        conditioned = text(condition) or ("unknown" if condition is UNKNOWN else None)
        power = AzureJudge(role).power(scope, condition=conditioned, runs_workloads=runs)
        return role.name, declared.text("scope") or scope.id, power

    def _role(self, declared: PlannedDeclared) -> Role | None:
        name, definition = declared.text("role_definition_name"), declared.text("role_definition_id")
        if name:
            own = (role for role in self._roles.values() if role.name == name)
            published = (role for role in published_roles().values() if role.name.lower() == name.lower())
            return next(iter((*own, *published)), None)
        if definition:
            guid = guid_of(definition.partition("|")[0])
            return next((role for role in self._roles.values() if role.id == guid), published_roles().get(guid))
        roles = [self._roles[at] for at in declared.resource.refers.get("role_definition_id", ()) if at in self._roles]
        return roles[0] if len(roles) == 1 else None

    def _scope(self, declared: PlannedDeclared) -> AzureScope | None:
        """The scope; of a resource of the plan that does not exist yet, one of its kind. None if unknown."""
        scope = declared.text("scope")
        if not scope:
            named = declared.resource.refers.get("scope", ())
            made = self._declared.get(named[0]) if len(named) == 1 else None
            scope = _made_up(made) if made is not None else ""
        try:
            return place_of(scope) if scope else None
        except ValueError:
            return None

    # --- Roles in the directory ---

    def _in_directory(self, declared: PlannedDeclared) -> tuple[str, str | None, Power]:
        scope = declared.text("directory_scope_id") or TENANT
        role = self._directory_role(declared)
        if role is None:
            return f"a directory role that {_LATER}", scope, _unknown(f"which directory role it is {_LATER}")
        return role.name, scope, directory_power(role, scope, self._tenant, {})

    def _directory_role(self, declared: PlannedDeclared) -> DirectoryRole | None:
        given = declared.text("role_id") or declared.text("template_id")
        if given:
            return as_published(given) or DirectoryRole(id=given, name=given, template="")
        for at in declared.resource.refers.get("role_id", ()):
            made = self._declared.get(at)
            if made is not None and made.type == _CUSTOM_DIRECTORY_ROLE:
                return _custom_directory_role(made)
            if made is not None and made.type == _DIRECTORY_ROLE:
                return as_published(made.text("template_id")) or _built_in(made.text("display_name"))
        return None

    # --- Permissions of APIs ---

    def _of_application(self, declared: PlannedDeclared) -> tuple[str, str | None, Power]:
        api = self._api(declared, "resource_object_id")
        names = {
            str(value).lower(): name for name, value in mapping(api.values.get("app_role_ids") if api else None).items()
        }
        name = names.get(declared.text("app_role_id").lower(), "")
        if api is None or not name:
            return "a permission of an API", None, _unknown(f"the API's permission {_LATER}")
        return name, api.text("display_name"), application_power(_permission(name, api), self._tenant)

    def _delegated(self, declared: PlannedDeclared) -> tuple[str, str | None, Power]:
        api = self._api(declared, "resource_service_principal_object_id")
        names = [each for each in listed(declared.values.get("claim_values")) if isinstance(each, str)]
        if api is None or not names:
            return "permissions of an API", None, _unknown(f"the list of the API's permissions {_LATER}")
        everyone = not declared.text("user_object_id")
        powers = [delegated_power(_permission(name, api), for_everybody=everyone) for name in names]
        strongest = min(powers, key=lambda one: _ORDER.index(one.privilege.level))
        return " ".join(names), api.text("display_name"), strongest

    def _api(self, declared: PlannedDeclared, argument: str) -> PlannedDeclared | None:
        """The service principal of the API, as a data source of the plan describes it."""
        given = declared.text(argument).lower()
        referred = [self._declared[at] for at in declared.resource.refers.get(argument, ()) if at in self._declared]
        by_id = (each for each in self._declared.values() if given and each.text("object_id").lower() == given)
        return next(iter((*referred, *by_id)), None)


_ORDER = ("admin", "escalation", "high", "unknown", "normal")


def _unknown(reason: str) -> Power:
    return Power(privilege=Privilege(level="unknown", evidence=(reason,)))


def _permission(name: str, api: PlannedDeclared) -> Permission:
    return Permission(
        name=name, api=api.text("client_id") or api.text("application_id"), api_name=api.text("display_name")
    )


def _custom_role(declared: PlannedDeclared) -> Role:
    blocks = [mapping(each) for each in listed(declared.values.get("permissions"))]
    return Role(
        id=guid_of(declared.text("role_definition_id")) or declared.at.lower(),
        name=declared.text("name") or declared.at,
        custom=True,
        blocks=tuple(
            Block(
                actions=_texts(block, "actions"),
                not_actions=_texts(block, "not_actions"),
                data_actions=_texts(block, "data_actions"),
                not_data_actions=_texts(block, "not_data_actions"),
            )
            for block in blocks
        ),
        assignable=_texts(declared.values, "assignable_scopes") or tuple(filter(None, (declared.text("scope"),))),
    )


def _texts(block: Mapping[str, Any], name: str) -> tuple[str, ...]:
    return tuple(each for each in listed(block.get(name)) if isinstance(each, str))


def _custom_directory_role(declared: PlannedDeclared) -> DirectoryRole:
    actions = [
        one
        for block in listed(declared.values.get("permissions"))
        for one in _texts(mapping(block), "allowed_resource_actions")
    ]
    name = declared.text("display_name") or declared.at
    return DirectoryRole(id=declared.at, name=name, template="", actions=tuple(actions), custom=True)


def _built_in(name: str) -> DirectoryRole | None:
    template = next((key for key, role in built_in_roles().items() if role.role.lower() == name.lower()), None)
    return None if template is None else as_published(template)


def _made_up(declared: PlannedDeclared) -> str:
    """The id of a resource that the plan makes: as broad as its own will be."""
    known = declared.text("id")
    if known.startswith("/"):
        return known
    subscription = f"/subscriptions/{declared.resource.account or _NO_SUBSCRIPTION}"
    match declared.type:
        case "azurerm_subscription":
            return subscription
        case "azurerm_management_group":
            return "/providers/Microsoft.Management/managementGroups/planned"
        case "azurerm_resource_group":
            return f"{subscription}/resourceGroups/{declared.text('name') or 'planned'}"
        case kind:
            group = declared.text("resource_group_name") or "planned"
            of_azure = _TYPES.get(kind, "Microsoft.Planned/things")
            return f"{subscription}/resourceGroups/{group}/providers/{of_azure}/planned"


_TYPES: Mapping[str, str] = {
    "azurerm_key_vault": "Microsoft.KeyVault/vaults",
    "azurerm_storage_account": "Microsoft.Storage/storageAccounts",
    "azurerm_kubernetes_cluster": "Microsoft.ContainerService/managedClusters",
    "azurerm_linux_virtual_machine": "Microsoft.Compute/virtualMachines",
    "azurerm_windows_virtual_machine": "Microsoft.Compute/virtualMachines",
    "azurerm_user_assigned_identity": "Microsoft.ManagedIdentity/userAssignedIdentities",
    "azurerm_container_registry": "Microsoft.ContainerRegistry/registries",
    "azurerm_linux_web_app": "Microsoft.Web/sites",
    "azurerm_windows_web_app": "Microsoft.Web/sites",
    "azurerm_linux_function_app": "Microsoft.Web/sites",
    "azurerm_windows_function_app": "Microsoft.Web/sites",
}
"""Azure's names of the resource types on which a role has consequences."""
