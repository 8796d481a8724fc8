"""Coverage: how completely a source was read, and what is a gap. A scan concludes nothing from what it could not read.

Connectors report it (``connectors/core/contract.py``), and reading adds the gaps of failures
(``scanner/discovery/scopes.py``).
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from scanner.model.terms import Fact, Rung

EVERY_SCOPE = "*"
"""The scope of a gap that covers the whole source, because the list of its scopes could not be read."""
WHOLE_SCOPE = "*"
"""The section of a gap that covers a whole scope (``*:part``: a whole part of it)."""
REACH = "reach"
"""The section of a gap that hides attack paths. It has a record only while it is a gap."""
ANY_KIND = "*"
"""Among a section's kinds: it lists identities of every kind."""

CoverageStatus: TypeAlias = Literal["complete", "partial", "denied", "failed", "skipped", "not_offered", "off"]
OtherRecord: TypeAlias = Literal["workload", "assignment"]
"""Records besides identities, secrets and exposures, which have a kind of their own among ``kinds``."""
REGISTRY = "registry"
"""The source and provider of gaps of the registry itself."""
PEOPLE = "people"
"""The source and provider of gaps of the roster itself."""
UNREAD: frozenset[CoverageStatus] = frozenset({"denied", "failed", "skipped"})
"""Statuses of an unread section."""
GAPS: frozenset[CoverageStatus] = UNREAD | {"partial"}


class Coverage(Struct, frozen=True, kw_only=True, gc=False):
    """How completely one section of one scope was read. A *gap* is partial, denied, failed or skipped.

    ``scope``: ``*`` if the list of scopes could not be read. ``section``: the spec's name, with a qualifier after
    a colon if the section is read several times. ``kinds``: the identity kinds (or ``secret``, or ANY_KIND) that it
    lists. ``rungs``: the rungs that need its data. ``feeds``: facts that it adds to identities of all scopes, unknown
    there if the section is a gap; with ``feeds_within``, only to those of its own scope and those known to hold
    a right there. ``calls``: requests sent, including retries.
    """

    source: str
    provider: str
    scope: str
    section: str
    status: CoverageStatus
    identities: int = 0
    calls: int = 0
    detail: str | None = None
    permission: str | None = None
    kinds: tuple[str, ...] = ()
    rungs: tuple[Rung, ...] = ()
    feeds: tuple[Fact, ...] = ()
    feeds_within: bool = False
    records: tuple[OtherRecord, ...] = ()
    """The other records that may be missing if the section is a gap."""
    about: tuple[str, ...] = ()
    """The identity kinds to which a section that lists none adds facts; empty: any."""
    unread_in: tuple[str, ...] = ()
    """The parts of the scope, such as repositories, that hold all that a gap hides; empty: it may be anywhere."""

    @property
    def is_gap(self) -> bool:
        """Whether conclusions that depend on this section are uncertain."""
        return self.status in GAPS


class FileEnd(Struct, frozen=True, kw_only=True, gc=False):
    """How a file that is read by row or line ended. A missing line end is no gap by itself, but the next scan compares.

    ``source``: its source, or REGISTRY or PEOPLE. ``size``: in characters. ``row``: the line on which its last row
    begins. ``lacks_cell``: the last cell of that row is missing or empty. ``key``: of the identity in that row; None in
    declared lists, and in the store if there is a line end.
    """

    source: str
    file: str
    size: int
    has_line_end: bool
    lacks_cell: bool = False
    row: int | None = None
    key: str | None = None
