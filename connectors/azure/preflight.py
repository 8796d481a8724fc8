"""What a scan will be able to read, asked beforehand: a call or two for each section, and nothing scanned."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from connectors.azure import sections as s
from connectors.azure.api import AzureApi
from connectors.azure.errors import NoLicence
from connectors.azure.excess import check_own_rights
from connectors.azure.keys import NIL_GUID
from connectors.azure.least_privilege import needed
from connectors.azure.payloads import Page
from connectors.azure.requests import ARM_RESOURCES, Allowed
from connectors.azure.settings import AzureSettings
from connectors.azure.spec import SPEC
from connectors.azure.subscription import denials, federation
from connectors.base import Check, Gone, Scope
from scanner.errors import SourceError
from scanner.model import Coverage

LOOKED_AT = 5
"""So many subscriptions are tried."""
_PLACE = re.compile(r"\{\w+\}")
_SUBSCRIPTION = "{subscription}"
_VERSIONS: Mapping[str, str] = {
    s.ROLE_ASSIGNMENTS: "2022-04-01",
    s.ROLE_DEFINITIONS: "2022-05-01-preview",
    s.DENY_ASSIGNMENTS: denials.VERSION,
    s.MANAGED_IDENTITIES: "2024-11-30",
    s.IDENTITY_FEDERATION: federation.VERSION,
    s.WORKLOADS: "2021-04-01",
    s.VAULTS: "2023-07-01",
    s.SECRETS: "2023-07-01",
    s.KEYS: "2023-07-01",
}
_LISTINGS = frozenset({s.TENANT, s.SUBSCRIPTIONS, s.MANAGEMENT_GROUPS})
"""Sections that finding the units has read already."""


def check_source(api: AzureApi, settings: AzureSettings, units: Iterator[Scope | Coverage]) -> Iterator[Check]:
    """A line for each listing of units and for each unit; then, where one can sign in, one for each section."""
    subscriptions: list[str] = []
    signed_in = False
    for unit in units:
        if isinstance(unit, Scope):
            signed_in = True
            subscriptions += [unit.id] if unit.context.kind == "subscription" else []
            name = unit.context.name or unit.id
            yield Check(name=f"{unit.context.kind.replace('_', ' ')} {unit.id}", ok=True, detail=f"{name} will be read")
        else:
            detail = unit.detail or ("signed in" if unit.section == s.TENANT else f"{unit.identities} found")
            yield Check(name=unit.section, ok=not unit.is_gap, detail=detail, fix=unit.permission)
    if signed_in:
        yield from _sections(api, settings, subscriptions[:LOOKED_AT])
        yield from check_own_rights(api, settings, subscriptions[:LOOKED_AT])


def _sections(api: AzureApi, settings: AzureSettings, subscriptions: Sequence[str]) -> Iterator[Check]:
    rows = [one for one in needed(settings) if one.path != ARM_RESOURCES]
    for section in SPEC.sections:
        mine = [one for one in rows if one.section == section.name]
        if section.name in _LISTINGS:
            continue
        if not mine:
            yield Check(name=section.name, ok=True, detail="left out by the settings")
        elif mine[0].service == "vault":
            yield Check(name=section.name, ok=True, detail="each vault tells when it is asked")
        elif mine[0].service == "graph":
            yield _tried(section.name, [(one, NIL_GUID) for one in _cheapest(mine)], api)
        elif subscriptions:
            yield _tried(section.name, [(one, place) for place in subscriptions for one in _cheapest(mine)], api)


def _cheapest(rows: Sequence[Allowed]) -> Sequence[Allowed]:
    """Lists of everything; where there is none, one list of one object."""
    lists = [one for one in rows if not _PLACE.search(one.path.replace(_SUBSCRIPTION, ""))]
    return lists or rows[:1]


def _tried(name: str, tries: Sequence[tuple[Allowed, str]], api: AzureApi) -> Check:
    """The first refusal is told, and how many there were."""
    refusals: list[SourceError] = []
    for one, place in tries:
        try:
            _ask(api, one, place)
        except Gone:
            continue
        except NoLicence as error:
            return Check(name=name, ok=True, detail=f"{error}; it stays unknown")
        except SourceError as error:
            refusals.append(error)
    if not refusals:
        return Check(name=name, ok=True, detail="permitted")
    first, many = refusals[0], f" ({len(refusals)} of {len(tries)} tries)" if len(tries) > 1 else ""
    return Check(name=name, ok=False, detail=f"{first}{many}", fix=first.permission or first.hint)


def _ask(api: AzureApi, one: Allowed, place: str) -> None:
    """One page of it at most. Raises SourceError.

    Whoever may ask is told that nobody's object is not there, and others that they may not ask.
    """
    path = _PLACE.sub(NIL_GUID, one.path.replace(_SUBSCRIPTION, place))
    if one.method == "POST":
        api.graph_post(path, {"ids": [NIL_GUID]}, Page)
    elif one.service == "graph":
        next(api.graph_pages(path, beta=one.beta), None)
    else:
        next(api.arm_pages(path, api_version=_VERSIONS[one.section]), None)
