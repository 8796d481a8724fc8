"""What a scan will be able to read, asked beforehand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from connectors.base import Check, Scope
from scanner.model import Coverage


def preflight(found: Iterable[Scope | Coverage]) -> Iterator[Check]:
    """Whether places can be seen, and where Cloud Asset answers."""
    for record in found:
        if isinstance(record, Coverage):
            name = f"{record.section} of {record.scope}"
            yield Check(name=name, ok=not record.is_gap, detail=record.detail or record.status, fix=record.permission)
