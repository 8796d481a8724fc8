"""How people write an identity into a registry."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from random import Random
from typing import Any

from benchmarks.organisation.workloads import PLATFORM_OF, Workload
from scanner.model import Entry, Identity, Origin, Rung

EXACT_RUNGS: tuple[Rung, ...] = ("key", "unique_id", "credential", "alias", "name")


def texts(identity: Identity) -> Mapping[Rung, str]:
    """What one may write for it, by the rung that it is found by."""
    forms: dict[Rung, str] = {"key": identity.key, "name": identity.name}
    if identity.unique_id is not None:
        forms["unique_id"] = identity.unique_id
    if identity.credentials:
        forms["credential"] = identity.credentials[0].id
    if identity.aliases:
        forms["alias"] = identity.aliases[-1]
    return forms


class Sheet:
    """The registry as it grows, row by row."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self.entries: list[Entry] = []

    def add(self, workload: Workload, *identities: str, **facts: Any) -> Entry:
        """A row for the workload that represents these texts."""
        row = len(self.entries) + 2
        has_own_id = facts.pop("has_own_id", self._rng.random() < 0.8)
        entry = Entry(
            id=f"NHI-{row:05}" if has_own_id else f"registry.csv:{row}",
            origin=Origin(file="registry.csv", row=row),
            has_own_id=has_own_id,
            name=facts.pop("name", " ".join(workload.words[:3]).capitalize()),
            purpose=f"{workload.job} of {workload.service}",
            identities=identities,
            environment=workload.environment if self._rng.random() < 0.5 else None,
            **facts,
        )
        self.entries.append(entry)
        return entry

    def hand_written(self, identity: Identity, rung: Rung) -> str:
        """The text for that rung, with the capitals, spaces and accents of a hand, where none of that matters."""
        text = texts(identity)[rung]
        if rung == "name" or "@" in text or not PLATFORM_OF[identity.provider, identity.kind].exact:
            text = self._rng.choice((text, text, text.upper(), text.title(), unicodedata.normalize("NFD", text)))
        return self._rng.choice((text, text, f" {text}", f"{text} "))

    def place(self, identity: Identity, *, scope_needed: bool = False) -> dict[str, Any]:
        """Provider and scope: both, the provider alone, or neither; as a spreadsheet shows them."""
        filled = "both" if scope_needed else self._rng.choice(("both", "provider", "neither", "neither"))
        if filled == "neither":
            return {}
        provider = self._rng.choice(PLATFORM_OF[identity.provider, identity.kind].written)
        if filled == "provider":
            return {"provider": provider}
        return {"provider": provider, "scope": identity.scope.lstrip("0")}
