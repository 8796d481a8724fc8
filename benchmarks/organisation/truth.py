"""What is really so in a made-up organisation: the labels that verdicts are held against.

They are written down as each case is made; nothing here is worked out by the code under test.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias, get_args

from msgspec import Struct

from scanner.model import (
    Entry,
    EntryState,
    Identity,
    OrphanReason,
    Ownership,
    OwnershipState,
    Person,
    RegistryState,
    Rung,
)

Change: TypeAlias = Literal["renamed", "mistyped"]
CHANGES: tuple[Change, ...] = get_args(Change)

OwnerSignal: TypeAlias = Literal[
    "tag", "entry", "creator", "group", "convention", "neighbours", "manager", "platform", "team in the name"
]
OWNER_SIGNALS: tuple[OwnerSignal, ...] = get_args(OwnerSignal)


class Truth(Struct, frozen=True, kw_only=True):
    """What is so about one identity.

    ``entries``: those that declare it; several declare it alike, which makes it ambiguous. ``rung``: how it is
    written there. ``trick``: what its name does to pass for someone declared. ``partner``: the entry that meant it
    before it was renamed, or that names it with a typing error (``change``). ``owner``: the e-mail of who answers
    for it or should be asked; ``signals``: what was planted to say.
    """

    entries: tuple[str, ...] = ()
    rung: Rung | None = None
    exempt: bool = False
    trick: str | None = None
    partner: str | None = None
    change: Change | None = None
    ownership: OwnershipState
    reason: OrphanReason | None = None
    owner: str | None = None
    signals: tuple[OwnerSignal, ...] = ()

    @property
    def registry(self) -> RegistryState:
        """The state that the registry axis should show."""
        if self.exempt:
            return "exempt"
        if not self.entries:
            return "unregistered"
        return "registered" if len(self.entries) == 1 else "ambiguous"


class Organisation(Struct, frozen=True, kw_only=True):
    """Everything Muster would be given, and the truth: by an identity's key, and each entry's state by its id."""

    identities: tuple[Identity, ...]
    entries: tuple[Entry, ...]
    people: tuple[Person, ...]
    ownership: Ownership
    truth: Mapping[str, Truth]
    states: Mapping[str, EntryState]
