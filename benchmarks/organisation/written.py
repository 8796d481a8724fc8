"""Owners as three kinds of house write them, and cells that two people go by: the truth stands beside each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Literal, TypeAlias, get_args

from msgspec import Struct
from msgspec.structs import replace

from benchmarks.organisation.roster import Roster
from benchmarks.organisation.workloads import TEAMS
from scanner.model import Entry, Identity, Origin, Person

Style: TypeAlias = Literal["spreadsheet", "directory", "notes"]
STYLES: tuple[Style, ...] = get_args(Style)

_NAMESAKE_MAIL = "namesake.{number}@contoso.example"


class Cell(Struct, frozen=True, kw_only=True):
    """``text``: what stands in the cell. ``owner``: the e-mail of the person it means; None where two go by it."""

    text: str
    style: Style
    owner: str | None


class Written(Struct, frozen=True, kw_only=True):
    """Cells, one an identity and entry, and the people; keys of identities lead to cells."""

    cells: Mapping[str, Cell]
    identities: tuple[Identity, ...]
    entries: tuple[Entry, ...]
    people: tuple[Person, ...]


_Form: TypeAlias = Callable[[Person, Random], str]


def _team(person: Person) -> str:
    return (person.team or "").removeprefix("team:").capitalize()


def _first(person: Person) -> str:
    return (person.name or "").partition(" ")[0]


def _last(person: Person) -> str:
    return (person.name or "").rpartition(" ")[2]


def _mistyped(text: str, rng: Random) -> str:
    """Two letters in the wrong order, not the first."""
    at = rng.randrange(1, len(text) - 1)
    return f"{text[:at]}{text[at + 1]}{text[at]}{text[at + 2 :]}"


_FORMS: Mapping[Style, tuple[tuple[int, _Form], ...]] = {
    "spreadsheet": (
        (4, lambda one, _: one.email),
        (3, lambda one, _: f"{one.name} ({_team(one)})"),
        (3, lambda one, _: f"{one.name} ({one.email})"),
        (2, lambda one, _: f"{_last(one)} {_first(one)}"),
        (2, lambda one, _: f"{_last(one)}, {_first(one)}"),
        (2, lambda one, _: f"{_first(one)}  {_last(one)} "),
        (1, lambda one, _: f"\u200e{one.name}"),
        (1, lambda one, _: f"{one.name} - {_team(one)}"),
        (1, lambda one, _: f"{one.name} / {one.name}"),
        (1, lambda one, _: f"{_first(one)[0]}. {_last(one)}"),
    ),
    "directory": (
        (4, lambda one, _: f"CONTOSO\\{one.aliases[0]}"),
        (3, lambda one, _: f"i:0#.f|membership|{one.email}"),
        (2, lambda one, _: f"i:0#.w|contoso\\{one.aliases[0]}"),
        (3, lambda one, _: f"CN={_last(one)}\\, {_first(one)},OU={_team(one)},OU=Staff,DC=contoso,DC=example"),
        (2, lambda one, _: f"uid={one.aliases[0]},ou=people,dc=contoso,dc=example"),
        (2, lambda one, rng: f"{rng.randint(2, 400)};#{one.name}"),
        (2, lambda one, _: f"{one.name} ({one.id})"),
        (1, lambda one, _: f"{one.email.partition('@')[0]}@contoso.onmicrosoft.example"),
    ),
    "notes": (
        (4, lambda one, _: f"mailto:{one.email}"),
        (3, lambda one, _: f"@{one.aliases[0]}"),
        (3, lambda one, _: f"@{one.email.partition('@')[0]}"),
        (2, lambda one, _: f"Owner: {one.name}"),
        (2, lambda one, _: f"{one.email}, {one.email.title()}"),
        (2, lambda one, _: f"{one.name}?"),
        (1, lambda one, _: f"ask {one.name}"),
        (1, lambda one, _: f"{_first(one)} {_last(one)[0]}."),
        (1, lambda one, _: _first(one)),
        (1, lambda one, rng: _mistyped(str(one.name), rng)),
    ),
}
_OF_A_TEAM: tuple[Callable[[str], str], ...] = (
    lambda team: f"{team.capitalize()} team",
    lambda team: f"the {team} team",
    lambda team: f"group:default/{team}",
    lambda team: f"{team.upper()}",
)
_OF_TWO: tuple[_Form, ...] = (
    lambda one, _: str(one.name),
    lambda one, _: f"{_last(one)}, {_first(one)}",
    lambda one, _: f"{_last(one)} {_first(one)}",
    lambda one, _: f"{one.name} (Berlin)",
    lambda one, _: f"CN={one.name},OU=Staff",
    lambda one, _: f"Owner: {one.name}",
)


def written(seed: int, size: int) -> Written:
    """So many cells of each style; every tenth is a team's, and every tenth a name that two people have."""
    rng = Random(seed)
    roster = Roster(rng)
    staff = [one for one in roster.people if not one.is_group and one.status == "active"]
    shared = rng.sample(staff, 6)
    for number, one in enumerate(shared):
        mail = _NAMESAKE_MAIL.format(number=number)
        roster.people.append(replace(one, email=mail, id=f"N{number}000", aliases=(), team=None))
    alone = [one for one in staff if one not in shared]
    cells = {f"cells:{number}": cell for number, cell in enumerate(_cells(rng, alone, shared, size))}
    return Written(
        cells=cells,
        identities=tuple(_identity(key) for key in cells),
        entries=tuple(_entry(number, key, cell) for number, (key, cell) in enumerate(cells.items())),
        people=tuple(roster.people),
    )


def _cells(rng: Random, alone: list[Person], shared: list[Person], size: int) -> Iterator[Cell]:
    for style in STYLES:
        weights = [weight for weight, _ in _FORMS[style]]
        for number in range(size):
            if number % 10 == 0:
                team = rng.choice(TEAMS)
                yield Cell(text=rng.choice(_OF_A_TEAM)(team), style=style, owner=f"team:{team}")
            elif number % 10 == 1:
                yield Cell(text=rng.choice(_OF_TWO)(rng.choice(shared), rng), style=style, owner=None)
            else:
                person = rng.choice(alone)
                form = rng.choices(_FORMS[style], weights)[0][1]
                yield Cell(text=form(person, rng), style=style, owner=person.email)


def _identity(key: str) -> Identity:
    return Identity(key=key, provider="saas", source="saas", scope="all", kind="bot", name=key)


def _entry(number: int, key: str, cell: Cell) -> Entry:
    origin = Origin(file="registry.csv", row=number + 2)
    return Entry(id=f"registry.csv:{number + 2}", origin=origin, identities=(key,), owner=(cell.text,))
