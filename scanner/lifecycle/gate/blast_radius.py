"""The blast radius of planned identities, with each other and with the identities of the latest scan."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from scanner.access.blast_radius.declared import drafted
from scanner.access.blast_radius.walk import Estate, ScopeOf, WholeScan, blast_radius_of, place_text
from scanner.access.blast_radius.words import sentence
from scanner.model import Assessment, BlastRadius, Entry, ScanResult

_UNPLACED = "the account that it is deployed to"
_NOT_SCANNED = "the accounts around it were not scanned"


class Worst(Struct, frozen=True):
    """A blast radius, the same as a sentence, and as the cells of an entry that declares it."""

    radius: BlastRadius
    text: str
    cells: Mapping[str, str | tuple[str, ...]]


class Around:
    """The planned identities, and the identities of the store, if there is one.

    ``unplaced``: keys of identities whose account is unknown; their scope only marks that.
    """

    def __init__(self, planned: ScanResult, stored: Estate | None, unplaced: frozenset[str]) -> None:
        self._planned, self._stored = WholeScan(planned), stored
        self._unplaced = frozenset(
            place_text((one.identity.provider, one.identity.scope))
            for one in planned.identities
            if one.identity.key in unplaced
        )
        self._keys = frozenset(one.identity.key for one in planned.identities)

    def worst(self, key: str) -> Worst | None:
        """Return the blast radius. Without a store, its numbers are lower bounds."""
        radius = blast_radius_of(self, key)
        if radius is None:
            return None
        places = (_UNPLACED if place in self._unplaced else place for place in radius.administers)
        radius = replace(radius, administers=tuple(dict.fromkeys(places)))
        if self._stored is None:
            counts = {
                name: replace(getattr(radius, name), at_least=True) for name in ("identities", "secrets", "scopes")
            }
            radius = replace(radius, **counts, unknown=(*radius.unknown, _NOT_SCANNED))
        return Worst(radius, sentence(radius), drafted(radius))

    def assessments(self, keys: Collection[str]) -> Iterable[Assessment]:
        """See :class:`scanner.access.blast_radius.walk.Estate`."""
        yield from self._planned.assessments(keys)
        if self._stored is not None:
            yield from self._stored.assessments([key for key in keys if key not in self._keys])

    def living_in(self, place: ScopeOf) -> Iterable[Assessment]:
        """See :class:`scanner.access.blast_radius.walk.Estate`."""
        yield from self._planned.living_in(place)
        if self._stored is not None:
            yield from (one for one in self._stored.living_in(place) if one.identity.key not in self._keys)

    def secrets_in(self, place: ScopeOf) -> Iterable[str]:
        """See :class:`scanner.access.blast_radius.walk.Estate`."""
        stored = () if self._stored is None else self._stored.secrets_in(place)
        return [*self._planned.secrets_in(place), *stored]

    def secrets_like(self, provider: str, pattern: str) -> Iterable[str]:
        """See :class:`scanner.access.blast_radius.walk.Estate`."""
        stored = () if self._stored is None else self._stored.secrets_like(provider, pattern)
        return [*self._planned.secrets_like(provider, pattern), *stored]

    def secrets_used_by(self, workloads: Collection[str]) -> Iterable[str]:
        """See :class:`scanner.access.blast_radius.walk.Estate`."""
        stored = () if self._stored is None else self._stored.secrets_used_by(workloads)
        return [*self._planned.secrets_used_by(workloads), *stored]

    def entry(self, key: str) -> Entry | None:
        """See :class:`scanner.access.blast_radius.walk.Estate`."""
        return self._planned.entry(key)
