"""Applies answers to a registry: entries updated, entries added; pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import count

from msgspec import Struct
from msgspec.structs import replace

from scanner.errors import Problem, RegistryError
from scanner.matching.cells.reading import read_cells
from scanner.matching.ladder import match
from scanner.matching.lookalikes import look_alikes
from scanner.model import Assessment, Entry, Identity, Origin, RegistryVerdict, ScanResult
from scanner.registry.columns import OWNERS, REGISTRY
from scanner.registry.editing.addressing import Addressed, Addresses, news
from scanner.registry.editing.filled_in import FilledInAnswer
from scanner.registry.editing.splitting import taken_over, without
from scanner.registry.editing.values import Value, can_be_written
from scanner.registry.owner_cells import SEPARATE, are_several
from scanner.registry.roster import Roster
from scanner.registry.tables.cells import CellError, read_text, shown
from scanner.text import printable

_NUMBERED = re.compile(r"(.*?)(\d{1,18})")


class Change(Struct, frozen=True, kw_only=True):
    """New values for an entry's columns, or a new entry (None). ``places``: where they were filled in.

    ``notes``: what else it means, such as the identities that the entry stands for.
    """

    entry: Entry | None
    cells: Mapping[str, Value]
    places: tuple[str, ...]
    notes: tuple[str, ...] = ()


class AdoptionPlan(Struct, frozen=True, kw_only=True):
    """The changes, in the order of the answers. ``settled``: the number of answers that change nothing."""

    changes: tuple[Change, ...]
    warnings: tuple[Problem, ...]
    settled: int


class _Gathered:
    """All answers about one entry, or about one identity without an entry."""

    def __init__(self, entry: Entry | None) -> None:
        self.entry = entry
        self.addressed: list[Addressed] = []

    @property
    def answers(self) -> list[FilledInAnswer]:
        return [one.answer for one in self.addressed]

    def cells(self, problems: list[Problem]) -> dict[str, Value]:
        """Merge the answers; contradicting ones are a problem."""
        cells: dict[str, Value] = {}
        first = self.addressed[0]
        for answer in self.answers:
            for column, value in answer.cells.items():
                if cells.setdefault(column, value) != value:
                    other = next(one.origin for one in self.answers if one.cells.get(column) == cells[column])
                    message = f"{other} has other values for the same entry"
                    fix = "make them agree, or empty the id of one to give it an entry of its own"
                    problems.append(answer.problem(message, field=column, fix=fix))
        keys = dict.fromkeys(one.key for one in self.addressed if one.key is not None)
        if keys:
            cells["identities"] = (*(self.entry.identities if self.entry else ()), *keys)
        if first.split_from is not None:
            return taken_over(first.split_from, first.answer.identity, first.answer.apart_from or ()) | cells
        return cells

    @property
    def notes(self) -> tuple[str, ...]:
        """What a diff says besides the cells: whom else the entry stands for, or from which it is split off."""
        first = self.addressed[0]
        if first.split_from is not None:
            staying = [identity.key for identity in first.answer.apart_from or ()]
            keeps = f", which keeps {len(staying)}:" if staying else ""
            return (f"split off from {first.split_from.id}{keeps}", *staying)
        covered = tuple(dict.fromkeys(key for answer in self.answers for key in answer.covers))
        return (f"for all {len(covered)} of it:", *covered) if covered else ()


class TargetRegistry(Struct, frozen=True, kw_only=True):
    """The registry that is written to, one of several. ``in_sheet``: its entries are rows of a sheet."""

    registry: str
    in_sheet: bool


def plan(
    answers: Sequence[FilledInAnswer],
    entries: Sequence[Entry],
    roster: Roster | None,
    *,
    into: TargetRegistry,
    today: date,
    tag_keys: Sequence[str] = (),
    scan: ScanResult | None = None,
    accept_unknown: bool = False,
) -> AdoptionPlan:
    """Return the changes in one registry. ``entries``: of all registries.

    ``tag_keys``: the only tags that can have an entry's id. ``scan``: the latest; None if there is none.
    ``accept_unknown``: only warn of owners who are not on the roster.

    Raises RegistryError with every unusable answer; warns of owners who have left.
    """
    problems: list[Problem] = []
    unknown_owners: list[Problem] = []
    warnings: list[Problem] = []
    addresses = Addresses(answers, entries, roster, tag_keys=tag_keys, today=today, scan=scan)
    gathered: dict[str, _Gathered] = {}
    for answer in answers:
        unknown, departed = _doubtful_owners(answer, roster)
        (warnings if accept_unknown else unknown_owners).extend(unknown)
        warnings += departed
        problems += _reviews_to_come(answer, today)
        try:
            one = addresses.address(answer)
            _refuse_elsewhere(one, into.registry)
        except RegistryError as error:
            problems += error.problems
            continue
        if one.key is not None and (twin := addresses.look_alike(answer)) is not None:
            fix = "find out who made it before anyone approves the entry"
            warnings.append(answer.problem(f"a look-alike: {twin.evidence}", field="key", fix=fix))
        if one.key is not None and not can_be_written((one.key,), in_sheet=into.in_sheet):
            name = printable(answer.identity.key)
            message = f"'{name}' cannot be written as an identity of this registry; it was left out"
            warnings.append(answer.problem(message, field="key", fix="declare it by another of its ids"))
            continue
        subject = f"entry {one.entry.id}" if one.entry else f"identity {answer.identity.key}"
        gathered.setdefault(subject, _Gathered(one.entry)).addressed.append(one)
    changes: list[Change] = []
    ids = _free_ids(entries)
    for about in gathered.values():
        cells = about.cells(problems)
        problems += _unwritable(about.answers[0], cells, in_sheet=into.in_sheet)
        if about.entry is not None:
            cells = news(about.entry, cells)
        else:
            cells |= _described(about.answers[0].identity) | ({"id": next(ids)} if ids else {})
        if cells:
            places = tuple(str(answer.origin) for answer in about.answers)
            changes.append(Change(entry=about.entry, cells=_ordered(cells), places=places, notes=about.notes))
    changes = _split(changes, gathered.values(), tag_keys=tag_keys, today=today)
    if not problems:
        changed = {one.entry.id: replace(one.entry, **one.cells) for one in changes if one.entry is not None}
        problems += addresses.disagreements([one for about in gathered.values() for one in about.addressed], changed)
    if problems or unknown_owners:
        fix = "correct the owners who are not on the roster, or take them with --accept-unknown"
        raise RegistryError(*problems, *unknown_owners, hint=fix if unknown_owners else None)
    settled = len(answers) - sum(len(change.places) for change in changes)
    return AdoptionPlan(changes=tuple(changes), warnings=tuple(warnings), settled=settled)


def _ordered(cells: Mapping[str, Value]) -> dict[str, Value]:
    return {column: cells[column] for column in REGISTRY.names if column in cells}


def _split(
    changes: Sequence[Change], gathered: Iterable[_Gathered], *, tag_keys: Sequence[str], today: date
) -> list[Change]:
    """The changes, with those of the entries from which identities were split off."""
    by_entry: dict[str, list[Addressed]] = {}
    for about in gathered:
        for one in about.addressed:
            if one.split_from is not None:
                by_entry.setdefault(one.split_from.id, []).append(one)
    found = {one.entry.id if one.entry else f"new {at}": one for at, one in enumerate(changes)}
    for entry_id, several in by_entry.items():
        staying = min((one.answer.apart_from or () for one in several), key=len)
        old = several[0].split_from
        assert old is not None
        names = without(old, [one.answer.identity for one in several], staying, tag_keys=tag_keys, today=today)
        if names != old.identities:
            before = found.get(entry_id, Change(entry=old, cells={}, places=()))
            found[entry_id] = replace(before, cells=_ordered({**before.cells, "identities": names}))
    return list(found.values())


def _refuse_elsewhere(one: Addressed, registry: str) -> None:
    entry = one.entry or one.split_from
    if entry is not None and entry.registry != registry and (one.key or news(entry, one.answer.cells)):
        message = f"{shown(entry.id)} is declared in {entry.registry}, and this would change {registry}"
        raise RegistryError(one.answer.problem(message, field="id", fix=f"adopt it with --registry {entry.registry}"))


def _described(identity: Identity) -> dict[str, Value]:
    """Return the columns with an identity's place and name, besides its key."""
    texts = {column: getattr(identity, column) for column in ("provider", "scope", "name")}
    return {column: text for column, text in texts.items() if text and _is_read_as_written(text)}


def _is_read_as_written(text: str) -> bool:
    """Return whether a name is read as written: without its trailing space, it would be another name."""
    try:
        return read_text(text) == text and can_be_written(text, in_sheet=True)
    except CellError:
        return False


def _unwritable(answer: FilledInAnswer, cells: Mapping[str, Value], *, in_sheet: bool) -> Iterator[Problem]:
    for column, value in cells.items():
        if not can_be_written(value, in_sheet=in_sheet):
            yield answer.problem("holds something that no registry could hold", field=column, fix="write it plainly")


def _reviews_to_come(answer: FilledInAnswer, today: date) -> Iterator[Problem]:
    day = answer.cells.get("last_reviewed")
    if isinstance(day, date) and day > today:
        yield answer.problem(f"{day} is in the future", field="last_reviewed", fix="write the day on which it was")


def _doubtful_owners(answer: FilledInAnswer, roster: Roster | None) -> tuple[list[Problem], list[Problem]]:
    """Return owners who are not on the roster, and those who have left; none without a roster."""
    unknown: list[Problem] = []
    departed: list[Problem] = []
    if roster is None:
        return unknown, departed
    for column in OWNERS:
        value = answer.cells.get(column, ())
        written = value if isinstance(value, tuple) else ()
        for text in (one for several in written for one in roster.apart(several)):
            person = roster.resolve(text)
            if person is None:
                why, fix = roster.meaning(text).why_unresolved, SEPARATE if are_several(text) else None
                unknown.append(answer.problem(f"{shown(text)} {why}", field=column, fix=fix))
            elif not roster.is_active(person):
                departed.append(answer.problem(f"{shown(text)} is on the roster, but not active", field=column))
    return unknown, departed


def _free_ids(entries: Sequence[Entry]) -> Iterator[str] | None:
    """Yield ids that continue the registry's own numbering; None if it has none."""
    numbered = [found.groups() for entry in entries if entry.has_own_id and (found := _NUMBERED.fullmatch(entry.id))]
    if not numbered:
        return None
    ((prefix, _),) = Counter(prefix for prefix, _ in numbered).most_common(1)
    last = max((number for one, number in numbered if one == prefix), key=int)
    return (f"{prefix}{number:0{len(last)}}" for number in count(int(last) + 1))


# --- Drafts of entries for undeclared identities of a scan: proposed, with the best owner candidate; pure ---

_WHY_NOT: tuple[tuple[str, Callable[[Assessment], bool]], ...] = (
    ("people", lambda one: one.nature.verdict == "human"),
    ("exempt", lambda one: one.registry.state == "exempt" or one.identity.managed_by is not None),
    ("provisional", lambda one: one.registry.provisional),
)
# Without a registry no identity is unregistered, and all are undeclared.
_UNDECLARED = frozenset({"unregistered", "unchecked"})


class Drafts(Struct, frozen=True, kw_only=True):
    """A draft for each undeclared identity, by owner candidate, then key.

    ``skipped``: the number without one, by reason.
    """

    answers: tuple[FilledInAnswer, ...]
    skipped: Mapping[str, int]


def draft(
    assessments: Sequence[Assessment],
    entries: Sequence[Entry],
    *,
    scan: str,
    today: date,
    reach: Callable[[str], Mapping[str, Value]] = lambda _: {},
) -> Drafts:
    """Return drafts for undeclared identities of a scan that ``entries`` still do not match.

    ``reach``: by key, the cells of blast radius and consequences.
    """
    skipped: Counter[str] = Counter()
    wanted = []
    for assessment in assessments:
        reason = next((reason for reason, holds in _WHY_NOT if holds(assessment)), None)
        if reason is not None:
            skipped[reason] += 1
        elif assessment.registry.state in _UNDECLARED:
            wanted.append(assessment)
    entries = read_cells(entries, [assessment.identity for assessment in assessments]).entries
    verdicts = match([one.identity for one in wanted], entries, tag_keys=(), today=today).verdicts
    open_ones = [one for one in wanted if _is_undeclared(verdicts[one.identity.key])]
    twins = look_alikes([one.identity for one in wanted], verdicts, entries, today)
    if declared := len(wanted) - len(open_ones):
        skipped["declared since"] = declared
    drafted = (_answer(one, scan, reach(one.identity.key), twin=one.identity.key in twins) for one in open_ones)
    answers = sorted(drafted, key=_by_owner)
    return Drafts(answers=tuple(answers), skipped=dict(sorted(skipped.items())))


def _is_undeclared(verdict: RegistryVerdict) -> bool:
    """Return whether no entry, and no proposed one, matches the identity: drafts are made once."""
    return verdict.state == "unregistered" and verdict.proposed is None


def _answer(one: Assessment, scan: str, reach: Mapping[str, Value], *, twin: bool) -> FilledInAnswer:
    """``twin``: the identity imitates a declared one, whose owner must not be suggested."""
    cells: dict[str, Value] = {"status": "proposed", **reach}
    if one.ownership.candidates and not (twin or one.registry.look_alike):
        cells["owner"] = (one.ownership.candidates[0].person,)
    if one.agent.is_agent:
        cells["kind"] = "agent"
    return FilledInAnswer(origin=Origin(file=f"scan {scan}"), identity=one.identity, cells=cells)


def _by_owner(answer: FilledInAnswer) -> tuple[bool, tuple[str, ...], str]:
    """The sort key of drafts: those with a likely owner first."""
    owner = answer.cells.get("owner")
    return owner is None, owner if isinstance(owner, tuple) else (), answer.identity.key
