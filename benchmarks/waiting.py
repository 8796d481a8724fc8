"""A source of many scopes that mostly waits for its provider, as most do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import ClassVar

from msgspec import Struct

from connectors.core.contract import DiscoveredRecord, Meter, Scope, Section, Spec
from scanner.model import Identity


class Waiting(Struct, frozen=True, forbid_unknown_fields=True):
    """``calls`` a scope, each of so many ``seconds``; each finds four identities."""

    scopes: int = 1000
    calls: int = 5
    seconds: float = 0.02


SPEC = Spec(
    name="waiting",
    title="Waits",
    settings=Waiting,
    kinds=("user",),
    sections=(Section(name="users", title="Users", permissions=("List",), without="users", kinds=("user",)),),
)


class WaitingConnector:
    """See the settings."""

    spec: ClassVar[Spec] = SPEC

    def __init__(self, source: str, settings: Waiting) -> None:
        self._source = source
        self._settings = settings

    def scopes(self) -> Iterator[Scope]:
        """So many."""
        for number in range(self._settings.scopes):
            yield Scope(source=self._source, spec=SPEC, id=str(number))

    def discover(self, scope: Scope) -> Iterator[DiscoveredRecord]:
        """Wait, and find."""
        meter = Meter()
        with scope.section("users", meter=meter) as section:
            for call in range(self._settings.calls):
                meter.add()
                time.sleep(self._settings.seconds)
                section.found(4)
                for user in range(4):
                    key = f"{scope.id}/{call}/{user}"
                    yield Identity(
                        key=key, provider="waiting", source=scope.source, scope=scope.id, kind="user", name=key
                    )
        yield section.coverage
