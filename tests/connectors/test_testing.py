"""The contract kit: what it does with several operations at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest
from msgspec import Struct

from connectors.core.contract import DiscoveredRecord, Scope, Section, Spec
from connectors.core.http import Client
from connectors.core.paging import link_header
from connectors.testing import Estate, check_malformed
from scanner.errors import SourceError
from scanner.model import Identity

SECTIONS = ("apps", "bots", "jobs")


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """``tolerant``: the listing whose malformed answers count as empty."""

    url: str
    tolerant: str


class Row(Struct):
    """A row of a listing."""

    name: str


class Trio:
    """Three independent listings."""

    spec: ClassVar[Spec] = Spec(
        name="trio",
        title="Trio",
        settings=Settings,
        kinds=("bot",),
        sections=tuple(
            Section(name=name, title=name, permissions=("read",), kinds=("bot",), without="none is found")
            for name in SECTIONS
        ),
    )

    def __init__(self, source: str, settings: Settings) -> None:
        self._source = source
        self._settings = settings

    def scopes(self) -> Iterator[Scope]:
        """A single one, without a request."""
        yield Scope(source=self._source, spec=self.spec, id="acme")

    def discover(self, scope: Scope) -> Iterator[DiscoveredRecord]:
        """A section for each listing."""
        with Client(self._settings.url, attempts=1) as client:
            for name in SECTIONS:
                with scope.section(name, meter=client.meter) as section:
                    try:
                        rows = list(client.rows(f"/{name}", Row, section, at="", paging=link_header))
                    except SourceError as error:
                        # What is no JSON at all: "null" is still a gap.
                        if name != self._settings.tolerant or "JSON" not in str(error):
                            raise
                        rows = []
                    for row in rows:
                        key = f"trio:{name}/{row.name}"
                        yield Identity(
                            key=key, provider="trio", source=scope.source, scope=scope.id, kind="bot", name=row.name
                        )
                yield section.coverage


def _estate(tolerant: str, servers: list[str]) -> Estate:
    def make(url: str) -> Trio:
        servers.append(url)
        return Trio("prod", Settings(url, tolerant))

    return Estate(make=make, answers={f"/{name}": [{"name": "a"}] for name in SECTIONS}, secret="not-used")


def test_operations_with_gaps_of_their_own_share_a_reading() -> None:
    """One healthy reading, one per operation, and one per body: not one per operation and body."""
    servers: list[str] = []

    check_malformed(_estate("", servers))

    assert len(servers) == 1 + len(SECTIONS) + 10


@pytest.mark.parametrize("name", SECTIONS)
def test_a_gap_that_is_missing_among_others_is_named(name: str) -> None:
    """Although the other operations of the same reading are gaps."""
    with pytest.raises(AssertionError, match=rf"/{name} answered (?!'null').*, and no section is a gap"):
        check_malformed(_estate(name, []))
