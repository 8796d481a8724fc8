"""Entitlements of Privileged Access Manager: who may request which roles, and whether a grant needs approval.

A requester has no role before a grant is requested and, if required, approved, so each entitlement is a conditional
binding. Source: the Privileged Access Manager API's Entitlement.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from connectors.core.contract import SectionReading
from connectors.core.reading import read_all
from connectors.gcp.client import requests as r
from connectors.gcp.reader import GcpReader
from connectors.gcp.rights.bindings import Binding
from connectors.gcp.rights.conditions import Expression
from connectors.gcp.rights.members import parse_member
from connectors.gcp.rights.tree import Tree
from scanner.errors import NotOffered, SourceError
from scanner.text import counted

NAME = "privilegedaccessmanager.entitlements"
_STANDING = frozenset({"", "AVAILABLE", "UPDATING"})
"""States in which a grant can be requested."""


class _RoleBinding(Struct, frozen=True, kw_only=True, rename="camel"):
    role: str
    condition_expression: str = ""


class _Access(Struct, frozen=True, kw_only=True, rename="camel"):
    resource: str = ""
    role_bindings: tuple[_RoleBinding, ...] = ()


class _Privileged(Struct, frozen=True, kw_only=True, rename="camel"):
    gcp_iam_access: _Access = _Access()


class _Eligible(Struct, frozen=True, kw_only=True):
    principals: tuple[str, ...] = ()


class _Approvals(Struct, frozen=True, kw_only=True, rename="camel"):
    steps: tuple[object, ...] = ()


class _Workflow(Struct, frozen=True, kw_only=True, rename="camel"):
    manual_approvals: _Approvals | None = None


class Entitlement(Struct, frozen=True, kw_only=True, rename="camel"):
    """An entitlement. ``approval_workflow``: None if a grant needs no approval."""

    name: str
    state: str = ""
    eligible_users: tuple[_Eligible, ...] = ()
    privileged_access: _Privileged = _Privileged()
    approval_workflow: _Workflow | None = None

    def bindings(self, tree: Tree) -> Iterator[Binding]:
        """A binding for each role and each principal that may request it."""
        access = self.privileged_access.gcp_iam_access
        if self.state not in _STANDING or not access.resource:
            return
        asked = "on request" if self.approval_workflow is None else "after approval"
        for one in access.role_bindings:
            condition = Expression(expression=one.condition_expression) if one.condition_expression else None
            for member in (text for each in self.eligible_users for text in each.principals):
                yield Binding(
                    resource=tree.resource(access.resource),
                    role=one.role,
                    member=parse_member(member),
                    condition=condition,
                    entitlement=self.name,
                    granted=asked,
                )


def read_entitlements(reader: GcpReader, section: SectionReading, tree: Tree, places: Sequence[str]) -> list[Binding]:
    """The bindings of non-human members in the entitlements of these containers; none where the API is disabled."""
    found: list[Binding] = []

    def ask(place: str) -> list[Entitlement]:
        project = reader.project(place) if place.startswith("projects/") else None
        own = () if project is None else (project.id, project.number)
        api = reader.api.counting(reader.meter, own_project=own)
        return list(reader.decoded(section, api.pages(r.ENTITLEMENTS, parent=place), Entitlement))

    off: list[NotOffered] = []
    errors: list[SourceError] = []
    for _, answer in read_all(ask, places, reader.settings.workers):
        if isinstance(answer, NotOffered):
            off.append(answer)
        elif isinstance(answer, SourceError):
            errors.append(answer)
        else:
            found += (one for row in answer for one in row.bindings(tree) if one.counts)
    for error in errors:
        section.lost(error, partial=len(errors) + len(off) < len(places))
    if off and len(off) == len(places):
        section.lost(off[0])
    elif off:
        section.note(f"not enabled in {len(off)} of {counted(len(places), 'place', 'places')}")
    return found
