"""Whether one can sign in, and which units of work there are to be read."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.azure.sections import TENANT
from connectors.base import Check, Scope
from scanner.model import Coverage


def check_source(units: Iterator[Scope | Coverage]) -> Iterator[Check]:
    """A line for each listing of units, and one for each unit that was found."""
    for unit in units:
        if isinstance(unit, Scope):
            name = unit.context.name or unit.id
            yield Check(name=f"{unit.context.kind.replace('_', ' ')} {unit.id}", ok=True, detail=f"{name} will be read")
        else:
            detail = unit.detail or ("signed in" if unit.section == TENANT else f"{unit.identities} found")
            yield Check(name=unit.section, ok=not unit.is_gap, detail=detail, fix=unit.permission)
