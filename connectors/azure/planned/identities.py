"""The managed identities and applications that a plan declares, at one moment, with their credentials and trusts."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from connectors.azure.client.payloads import moment
from connectors.azure.identities.applications import NO_RIGHT_YET
from connectors.azure.identities.federation import Terms, credential_of, federates, trust_of
from connectors.azure.keys import application_key, arm_name, managed_identity_key, subscription_of
from connectors.azure.spec import APPLICATION, MANAGED_IDENTITY, SERVICE_PRINCIPAL, SPEC
from connectors.planned import UNKNOWN, planned_key
from connectors.planned.shapes import PlannedDeclared, listed, mapping, text
from scanner.model import Credential, CredentialKind, Identity, Signal, credential_key
from scanner.model.attributes import END_COMPUTED, LIVES_HOURS
from scanner.model.planned import Computed, Effect, PlannedPlace

SOURCE = "planned"
UNKNOWN_PLACE = "unknown"
_USER_ASSIGNED = "azurerm_user_assigned_identity"
_APPLICATIONS = frozenset({"azuread_application", "azuread_application_registration"})
_PRINCIPAL = "azuread_service_principal"
HOLDING_TYPES = _APPLICATIONS | {_USER_ASSIGNED, _PRINCIPAL}
"""Types that make an identity by themselves."""
_SYSTEM = "SystemAssigned"
_MACHINE = Signal(says="machine", sort="provider", evidence="a managed identity")
CREDENTIALS: Mapping[str, tuple[CredentialKind, str]] = {
    "azuread_application_password": ("client_secret", "application_id"),
    "azuread_application_certificate": ("certificate", "application_id"),
    "azuread_service_principal_password": ("client_secret", "service_principal_id"),
    "azuread_service_principal_certificate": ("certificate", "service_principal_id"),
    "azuread_application_federated_identity_credential": ("federation", "application_id"),
    "azuread_application_flexible_federated_identity_credential": ("federation", "application_id"),
    "azurerm_federated_identity_credential": ("federation", "parent_id"),
}
"""By type: the kind of credential, and the argument that names whose it is."""


class AzureHolder(Struct, kw_only=True):
    """An identity of the plan. ``faces``: its resources, as an application and its service principal.

    ``gives``: by the address of each of ``given``, the names of the rights that it grants.
    """

    faces: list[PlannedDeclared]
    tenant: str
    given: list[PlannedDeclared]
    credentials: list[PlannedDeclared]
    gives: dict[str, list[str]] = {}

    @property
    def at(self) -> str:
        """The address of its first resource."""
        return self.faces[0].at

    @property
    def is_application(self) -> bool:
        """Whether it is an application or a service principal, and no managed identity."""
        return self.faces[0].type in (*_APPLICATIONS, _PRINCIPAL)

    @property
    def effect(self) -> Effect | None:
        """The effect of the change on it; None if the plan only names it."""
        effects = [face.resource.effect for face in self.faces if not face.is_data]
        return next((each for each in effects if each != "unchanged"), effects[0]) if effects else None

    @property
    def place(self) -> str | None:
        """The tenant or the subscription that it would be in, if it is known."""
        return (self.tenant or None) if self.is_application else self._subscription

    @property
    def computed(self) -> frozenset[Computed]:
        """Its facts that are unknown before deployment."""
        parts: dict[Computed, bool] = {
            "name": not self._name,
            "credentials": any(not _id(each) for each in self.credentials),
            "trusts": any(
                CREDENTIALS[each.type][0] == "federation"
                and UNKNOWN in (each.values.get("issuer"), each.values.get("subject"))
                for each in self.credentials
            ),
        }
        return frozenset(part for part, is_computed in parts.items() if is_computed)

    @property
    def places(self) -> tuple[PlannedPlace, ...]:
        """Its own, then those of what gives it something."""
        return tuple(dict.fromkeys(each.resource.place for each in (*self.faces, *self.given, *self.credentials)))

    @property
    def gains(self) -> bool:
        """Whether the change grants or revokes something."""
        return any(each.resource.effect != "unchanged" for each in (*self.given, *self.credentials))

    @property
    def key(self) -> str:
        """Its key in scans, or the key of its resource."""
        if self.is_application:
            client = self._first("client_id", "application_id")
            return (
                application_key(self.tenant, client)
                if client and self.tenant
                else planned_key(self._own.resource.place)
            )
        arm_id = self._arm_id
        return managed_identity_key(arm_id) if arm_id else planned_key(self._own.resource.place)

    def identity(self) -> Identity:
        """The identity without the rights from assignments."""
        key = self.key
        trusts = tuple(trust_of(name, terms, self.tenant) for name, terms in self._federation())
        client, arm_id = self._first("client_id", "application_id"), self._arm_id
        return Identity(
            key=key,
            provider=SPEC.name,
            source=SOURCE,
            scope=self.place or UNKNOWN_PLACE,
            kind=self._kind,
            name=self._name or self.at,
            description=self._first("description", "notes") or None,
            unique_id=self.object_id or None,
            aliases=tuple(each for each in (client, arm_id) if each),
            enabled=not any(face.values.get("account_enabled") is False for face in self.faces),
            tags=self._tags(),
            signals=() if self.is_application else (_MACHINE,),
            privilege=NO_RIGHT_YET,
            consequences=(),
            credentials=tuple(self._credential(key, each) for each in self.credentials),
            links=federates(trusts),
            trusts=trusts,
        )

    def credentials_at(self) -> dict[str, PlannedPlace]:
        """By key of a credential, the place that makes it."""
        return {self._credential(self.key, each).key: each.resource.place for each in self.credentials}

    @property
    def object_id(self) -> str:
        """The id of its principal, if it is known."""
        if self.faces[0].type == _USER_ASSIGNED:
            return self._first("principal_id")
        if not self.is_application:
            return text(mapping(next(iter(listed(self.faces[0].values.get("identity"))), None)).get("principal_id"))
        return next((face.text("object_id") for face in self.faces if face.type == _PRINCIPAL), "")

    @property
    def _own(self) -> PlannedDeclared:
        return next((face for face in self.faces if not face.is_data), self.faces[0])

    @property
    def _kind(self) -> str:
        if not self.is_application:
            return MANAGED_IDENTITY
        return SERVICE_PRINCIPAL if any(face.type == _PRINCIPAL for face in self.faces) else APPLICATION

    @property
    def _name(self) -> str:
        return self._first("display_name", "name") or (arm_name(self._arm_id) if self._arm_id else "")

    @property
    def _arm_id(self) -> str:
        if self.is_application:
            return ""
        given = self._first("id")
        if given.lower().startswith("/subscriptions/"):
            return given
        group, name = self._first("resource_group_name"), self._first("name")
        if self.faces[0].type != _USER_ASSIGNED or not (self._subscription and group and name):
            return ""
        resource = f"Microsoft.ManagedIdentity/userAssignedIdentities/{name}"
        return f"/subscriptions/{self._subscription}/resourceGroups/{group}/providers/{resource}"

    @property
    def _subscription(self) -> str | None:
        return subscription_of(self._first("id")) or (self.faces[0].resource.account or "").lower() or None

    def _first(self, *names: str) -> str:
        return next((value for name in names for face in self.faces if (value := face.text(name))), "")

    def _tags(self) -> dict[str, str]:
        tags = mapping(self.faces[0].values.get("tags"))
        return {name: value for name, value in sorted(tags.items()) if isinstance(value, str)}

    def _federation(self) -> Iterator[tuple[str, Terms]]:
        for each in self.credentials:
            if CREDENTIALS[each.type][0] == "federation":
                yield _name_of(each), _terms(each)

    def _credential(self, key: str, declared: PlannedDeclared) -> Credential:
        kind, _ = CREDENTIALS[declared.type]
        if kind == "federation":
            return credential_of(key, _name_of(declared), _terms(declared))
        name = _id(declared) or declared.at
        ends = moment(declared.text("end_date"))
        return Credential(
            key=credential_key(key, kind, name),
            kind=kind,
            id=name,
            enabled=True,
            expires_at=ends,
            attributes={} if ends else _end(declared),
        )


_HOURS = re.compile(r"(?:(?P<h>\d{1,9})h)?(?:(?P<m>\d{1,9})m)?(?:(?P<s>\d{1,9})s)?")


def _end(declared: PlannedDeclared) -> dict[str, Any]:
    """The end of a credential without a day: hours after its creation, or computed.

    Without any, the provider takes its own, which the plan does not say.
    """
    found = _HOURS.fullmatch(declared.text("end_date_relative"))
    if found is None or not found[0]:
        return {END_COMPUTED: True}
    hours, minutes, seconds = (int(found[part] or 0) for part in "hms")
    return {LIVES_HOURS: hours + minutes / 60 + seconds / 3600}


def _id(declared: PlannedDeclared) -> str:
    if CREDENTIALS[declared.type][0] == "federation":
        return _name_of(declared)
    return declared.text("key_id")


def _name_of(declared: PlannedDeclared) -> str:
    return declared.text("display_name") or declared.text("name") or declared.at


def _terms(declared: PlannedDeclared) -> Terms:
    audiences = declared.values.get("audiences") or declared.values.get("audience")
    return Terms(
        issuer=declared.text("issuer") or None,
        subject=declared.text("subject") or None,
        audiences=tuple(each for each in listed(audiences) if isinstance(each, str)),
    )


class Holders:
    """The identities of a plan, by address, and by the ids that are known."""

    def __init__(self, declared: Sequence[PlannedDeclared], tenant: str) -> None:
        self._tenant = tenant
        self._by_at: dict[str, AzureHolder] = {}
        self._by_id: dict[str, AzureHolder] = {}
        for each in declared:
            if each.type in _APPLICATIONS or each.type == _USER_ASSIGNED or _has_own_identity(each):
                self._add(each, None)
        for each in declared:
            if each.type == _PRINCIPAL:
                self._add(each, next(iter(self.referred(each, "client_id", "application_id")), None))

    def __iter__(self) -> Iterator[AzureHolder]:
        return iter({id(each): each for each in self._by_at.values()}.values())

    def referred(self, declared: PlannedDeclared, *names: str) -> list[AzureHolder]:
        """The identities whose id an argument is, or whose resources its unknown value comes from."""
        found: dict[int, AzureHolder] = {}
        for name in names:
            value = declared.values.get(name)
            if isinstance(value, str):
                holders = [self._by_id.get(_compared(value))]
            else:
                holders = [self._by_at.get(at) for at in declared.resource.refers.get(name, ()) if value is UNKNOWN]
            found.update({id(each): each for each in holders if each is not None})
        return list(found.values())

    def _add(self, declared: PlannedDeclared, application: AzureHolder | None) -> None:
        """Note an identity. A principal joins its application; several data sources may describe the same one."""
        ids = [declared.text(name) for name in ("client_id", "application_id", "object_id", "principal_id", "id")]
        same = (self._by_id[each] for each in map(_compared, filter(None, ids)) if each in self._by_id)
        holder = application or next(same, None)
        if holder is None:
            holder = AzureHolder(faces=[declared], tenant=self._tenant, given=[], credentials=[])
        elif declared.is_data or not holder.faces[0].is_data:
            holder.faces.append(declared)
        else:
            holder.faces.insert(0, declared)
        self._by_at[declared.at] = holder
        self._by_id.update({_compared(each): holder for each in (*ids, holder.object_id) if each})


def _compared(identifier: str) -> str:
    """An id as it is compared: the provider writes ``/applications/ID`` for the object of an application."""
    text = identifier.lower()
    return text.rpartition("/")[2] if text.startswith(("/applications/", "/serviceprincipals/")) else text


def _has_own_identity(declared: PlannedDeclared) -> bool:
    """Whether a resource has an identity of its own, besides those that are assigned to it."""
    kinds = (text(mapping(each).get("type")) for each in listed(declared.values.get("identity")))
    return declared.type.startswith("azurerm_") and not declared.is_data and any(_SYSTEM in kind for kind in kinds)
