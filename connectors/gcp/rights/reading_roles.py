"""Reads the roles that policies name: Google's own one by one or all at once, whichever takes fewer calls."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import partial

from connectors.base import Gone, SectionReading
from connectors.gcp import requests as r
from connectors.gcp.reader import Reader
from connectors.gcp.rights.library import Library
from connectors.gcp.rights.roles import Role, RolePayload, Roles, parent_of, role_of
from scanner.errors import SourceError

PAGES_OF_PREDEFINED = 3
"""Google has more than two thousand roles, a thousand on a page."""
PAGES_OF_CUSTOM = 1
"""An organisation or project has at most 300 custom roles (IAM, "Quotas and limits")."""


def read_roles(reader: Reader, section: SectionReading, library: Library, names: Iterable[str]) -> Roles:
    """The roles of these names. Those that cannot be read are a gap, and unknown."""
    wanted: defaultdict[str, list[str]] = defaultdict(list)
    for name in sorted(set(names)):
        if name not in library.roles:
            wanted[parent_of(name)].append(name)
    failed: dict[str, SourceError] = {}
    for parent, each in sorted(wanted.items()):
        try:
            if len(each) > (PAGES_OF_CUSTOM if parent else PAGES_OF_PREDEFINED):
                library.roles.update(library.once(("roles", parent), partial(_all, reader, section, parent)))
        except SourceError as error:
            failed[str(error)] = error
            continue
        for name in each:
            try:
                if name not in library.roles:  # a listing lacks those that are deleted for good
                    library.roles[name] = library.once(("role", name), partial(_one, reader, name))
            except SourceError as error:
                failed[str(error)] = error
    for failure in failed.values():
        section.lost(failure, partial=bool(library.roles))
    return Roles(library.roles.copy().values())


def _all(reader: Reader, section: SectionReading, parent: str) -> dict[str, Role]:
    """All roles of an organisation or project, or Google's own."""
    if parent:
        rows = reader.rows(section, r.CUSTOM_ROLES, RolePayload, {"showDeleted": "true"}, parent=parent)
    else:
        rows = reader.rows(section, r.PREDEFINED_ROLES, RolePayload)
    return {row.name: role_of(row) for row in rows}


def _one(reader: Reader, name: str) -> Role:
    parent, role = parent_of(name), name.rpartition("/")[2]
    try:
        if parent:
            return role_of(reader.api.get(r.CUSTOM_ROLE, RolePayload, parent=parent, role=role))
        return role_of(reader.api.get(r.PREDEFINED_ROLE, RolePayload, role=role))
    except Gone:
        if not parent:  # Google's own do not go away: whoever answers does not have them
            raise SourceError(f"{name} is not there to be read") from None
        return Role(name=name, permissions=frozenset())  # what nobody defines any more gives nothing
