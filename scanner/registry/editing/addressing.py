"""Assigns answers to entries, and checks that a scan will match them; pure.

1. An answer belongs to the entry whose id it names. An id that is only a file and a row counts only if the entry there
   names the identity, or is the scanned one: rows move when a list is sorted.
2. Without an id, it belongs to the entry that names the identity exactly.
3. Otherwise it is a new entry.

A named entry that does not match the identity alone gets its key.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from msgspec import Struct

from scanner.errors import Problem, RegistryError
from scanner.matching.cells.reading import read_cells
from scanner.matching.decision import as_written
from scanner.matching.ladder import Matching, match
from scanner.matching.lookalikes import look_alikes
from scanner.model import Entry, LookAlike, RegistryVerdict, Rung, ScanResult
from scanner.registry.editing.filled_in import FilledInAnswer
from scanner.registry.editing.values import Value, literal_identity
from scanner.registry.roster import Roster
from scanner.registry.tables.cells import shown

_EXACT: frozenset[Rung] = frozenset({"key", "unique_id", "credential", "alias", "name"})
_ONLY_FOR_NEW = frozenset({"kind"})


class Addressed(Struct, frozen=True, kw_only=True):
    """An answer with its entry; None for a new one. ``key``: the key that the entry must get to match the identity.

    ``split_from``: the entry that stands for the identity and others, and keeps only those.
    """

    answer: FilledInAnswer
    entry: Entry | None
    key: str | None = None
    split_from: Entry | None = None


class Addresses:
    """All answers and all entries. ``scan``: the latest; None if there is none, so that only matching decides."""

    def __init__(
        self,
        answers: Sequence[FilledInAnswer],
        entries: Sequence[Entry],
        roster: Roster | None,
        *,
        tag_keys: Sequence[str],
        today: date,
        scan: ScanResult | None,
    ) -> None:
        identities = {answer.identity.key: answer.identity for answer in answers}
        self._identities = list(identities.values())
        self._entries = {entry.id: entry for entry in entries}
        self._tag_keys = tag_keys
        self._today = today
        scanned = {assessment.identity.key: assessment.identity for assessment in scan.identities} if scan else {}
        self._known = list({**scanned, **identities}.values())
        self._declared_then = {one.entry.id: one.entry.identities for one in scan.entries} if scan else {}
        self._who = as_written if roster is None else roster.meant_by
        self._matching = self._match(entries)
        self._by_identity: dict[str, list[Entry]] = defaultdict(list)
        for entry_id, stood_for in self._matching.identities_of.items():
            for key in stood_for:
                self._by_identity[key].append(self._entries[entry_id])
        self._scanned = (
            {
                assessment.identity.key: assessment.registry
                for assessment in scan.identities
                if assessment.identity.key in identities
            }
            if scan
            else {}
        )
        self._look_alikes = look_alikes(self._identities, self._matching.verdicts, self._meant(entries), today)

    def _match(self, entries: Sequence[Entry]) -> Matching:
        meant = self._meant(entries)
        return match(self._identities, meant, tag_keys=self._tag_keys, today=self._today, who=self._who)

    def _meant(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        return read_cells(entries, self._known, self._declared_then.values()).entries

    def address(self, answer: FilledInAnswer) -> Addressed:
        """Return the answer with its entry. Raises RegistryError if it is ambiguous."""
        key = literal_identity(answer.identity.key)
        if answer.entry is None:
            entry = self._exactly_named(answer)
            return Addressed(answer=answer, entry=entry, key=key if entry is None else None)
        entry = self._named(answer, answer.entry)
        if answer.apart_from is not None:
            return Addressed(answer=answer, entry=None, key=key, split_from=entry)
        stands = self._stands_for(entry, answer) or key in entry.identities
        return Addressed(answer=answer, entry=entry, key=None if stands else key)

    def look_alike(self, answer: FilledInAnswer) -> LookAlike | None:
        """Return the declared name that the identity imitates, in the registry as it is now or in the scan."""
        key = answer.identity.key
        scanned = self._scanned.get(key)
        return self._look_alikes.get(key) or (scanned.look_alike if scanned else None)

    def _named(self, answer: FilledInAnswer, entry_id: str) -> Entry:
        named = self._entries.get(entry_id)
        declaring = self._by_identity[answer.identity.key]
        if named is not None and (
            named.has_own_id
            or named in declaring
            or self._declared_then.get(named.id) == self._meant([named])[0].identities
        ):
            return named
        if len(declaring) == 1 and not news(declaring[0], answer.cells):
            return declaring[0]  # the row has moved, and already has all of it
        if named is not None:
            message = f"{shown(entry_id)} no longer matches {shown(answer.identity.key)}"
            fix = "write a new list of orphans, or empty the cell to add an entry"
        else:
            message, fix = f"there is no entry {shown(entry_id)}", "empty the cell to add an entry"
        raise RegistryError(answer.problem(message, field="id", fix=fix))

    def _stands_for(self, entry: Entry, answer: FilledInAnswer) -> bool:
        """Return whether the entry matches now, and matched in the scan, which also knows imitations."""
        if not _registers(self._matching.verdicts[answer.identity.key], entry):
            return False
        scanned = self._scanned.get(answer.identity.key)
        if scanned is None or scanned.state in ("exempt", "unchecked") or not entry.has_own_id:
            return True  # it did not match then, or the entry may have had another row
        return _registers(scanned, entry)

    def _exactly_named(self, answer: FilledInAnswer) -> Entry | None:
        verdict = self._matching.verdicts[answer.identity.key]
        if verdict.proposed is not None and verdict.proposed_by in _EXACT:
            return self._entries[verdict.proposed]
        if verdict.rung not in _EXACT:
            return None
        if verdict.state == "ambiguous":
            several = self._origins(verdict)
            raise RegistryError(
                answer.problem(f"several entries name it: {several}", field="id", fix="say which, by its id")
            )
        return self._entries[verdict.entry] if verdict.entry else None

    def _origins(self, verdict: RegistryVerdict, *, without: str | None = None) -> str:
        ids = {verdict.entry, *(candidate.entry for candidate in verdict.candidates)} - {None, without}
        return ", ".join(sorted(str(self._entries[id_].origin) for id_ in ids if id_ is not None))

    def disagreements(self, addressed: Iterable[Addressed], changed: Mapping[str, Entry]) -> Iterator[Problem]:
        """Yield problems for answers whose entry would not match a scanned identity even after the change.

        ``changed``: entries by id, as changed.
        """
        after = self._match([changed.get(entry.id, entry) for entry in self._entries.values()])
        for one in addressed:
            answer, entry = one.answer, one.entry
            verdict = after.verdicts[answer.identity.key]
            if entry is None or answer.entry is None or not answer.identity.source or _registers(verdict, entry):
                continue
            message = f"{shown(entry.id)} would still not match {shown(answer.identity.key)}"
            if verdict.state == "unregistered":
                why = "its provider or scope is another"
                fix = "correct them there, or empty the cell to add an entry"
            else:
                why = f"it is declared at {self._origins(verdict, without=entry.id)}, too"
                fix = "remove it there, or write the id of that entry"
            yield answer.problem(f"{message}: {why}", field="id", fix=fix)


def _registers(verdict: RegistryVerdict, entry: Entry) -> bool:
    """Return whether the entry matches the identity, or will once it is approved."""
    if verdict.state == "unregistered":
        return verdict.proposed == entry.id
    return verdict.state == "registered" and entry.id in (verdict.entry, *verdict.agreeing)


def news(entry: Entry, cells: Mapping[str, Value]) -> dict[str, Value]:
    """Return the values that the entry does not have yet."""
    return {
        column: value
        for column, value in cells.items()
        if column not in _ONLY_FOR_NEW and getattr(entry, column) != value
    }
