"""Reads the role definitions of Azure: the built-in ones once for a process, custom ones for each place."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable

from msgspec import Struct

from connectors.azure import sections as s
from connectors.azure.client.errors import NotTaken, each_of
from connectors.azure.reader import AzureReader
from connectors.azure.rights.azure_privilege import AzureJudge
from connectors.azure.rights.azure_role import Block, Role, published_roles
from connectors.core.contract import Gone, SectionReading
from scanner.model import Coverage
from scanner.text import counted, either

_ROOT = ""
_CUSTOM, _BUILT_IN = "type eq 'CustomRole'", "type eq 'BuiltInRole'"
_CUSTOM_TYPE = "customrole"

Judges = dict[str, AzureJudge]
"""By the GUID of their role in lower case: a definition's full id begins with whatever scope it is read at."""


class Permission(Struct, frozen=True, kw_only=True):
    """One block of a definition, as the SDK's model has it."""

    actions: tuple[str, ...] | None = None
    not_actions: tuple[str, ...] | None = None
    data_actions: tuple[str, ...] | None = None
    not_data_actions: tuple[str, ...] | None = None
    condition: str | None = None


class RoleDefinition(Struct, frozen=True, kw_only=True):
    """A role definition, as the SDK's model has it."""

    id: str
    role_name: str | None = None
    role_type: str | None = None
    permissions: tuple[Permission, ...] | None = None
    assignable_scopes: tuple[str, ...] | None = None

    @property
    def role(self) -> Role:
        """The role as it is judged."""
        return Role(
            id=guid_of(self.id),
            name=self.role_name or guid_of(self.id),
            custom=None if self.role_type is None else self.role_type.lower() == _CUSTOM_TYPE,
            blocks=tuple(
                Block(
                    actions=one.actions or (),
                    not_actions=one.not_actions or (),
                    data_actions=one.data_actions or (),
                    not_data_actions=one.not_data_actions or (),
                    condition=one.condition,
                )
                for one in self.permissions or ()
            ),
            assignable=self.assignable_scopes or (),
        )


class _BuiltIn:
    """The built-in roles by the resource manager that lists them; they are the same in all its tenants."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_address: dict[str, Judges] = {}

    def of(self, reader: AzureReader, section: SectionReading, wanted: frozenset[str]) -> Judges:
        """All built-in roles; listed again if a wanted role is missing."""
        address = reader.settings.endpoints.arm
        with self._lock:
            known = self._by_address.get(address, {})
            if not wanted <= known.keys():
                known = known | _listed(reader, section, _ROOT, _BUILT_IN)
                self._by_address[address] = known
        return known


_BUILT_INS = _BuiltIn()


def read_roles(reader: AzureReader, place: str, ids: Iterable[str]) -> Generator[Coverage, None, Judges]:
    """Read the roles that can be assigned at a place and are in ``ids``, the ids in assignments.

    Common built-in roles that were not returned are taken from Microsoft's documentation.
    """
    wanted = frozenset(map(guid_of, ids))
    judges: Judges = {}
    with reader.section(s.ROLE_DEFINITIONS) as section:
        if wanted:
            judges |= _listed(reader, section, place, _CUSTOM)
            others = wanted - judges.keys()
            try:
                built_in = _BUILT_INS.of(reader, section, others) if others else {}
            except (Gone, NotTaken):  # a place lists all that can be assigned there
                built_in = _listed(reader, section, place, _BUILT_IN)
            judges |= {guid: built_in[guid] for guid in others if guid in built_in}
            section.found(len(wanted & judges.keys()))
            if unknown := wanted - judges.keys() - published_roles().keys():
                allow = either(len(unknown), "it allows", "they allow")
                section.note(
                    f"{counted(len(unknown), 'role is', 'roles are')} not listed here, and what {allow} is unknown"
                )
    yield reader.done(section)
    unread = wanted - judges.keys()
    return judges | {guid: AzureJudge(role) for guid in unread if (role := published_roles().get(guid))}


def _listed(reader: AzureReader, section: SectionReading, place: str, which: str) -> Judges:
    models = reader.api.definition_client().role_definitions.list(place, filter=which)
    reported = each_of(models, "GET roleDefinitions")
    return {one.role.id: AzureJudge(one.role) for one in reader.converted(section, reported, RoleDefinition)}


def guid_of(definition: str) -> str:
    """The GUID at the end of a definition's id, in lower case."""
    return definition.rstrip("/").rpartition("/")[2].lower()
