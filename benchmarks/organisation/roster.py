"""The people: teams with managers, leavers, groups in groups, and groups that no one is left in."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from random import Random
from typing import Any

from benchmarks.organisation.workloads import TEAMS, Workload
from scanner.model import Origin, Person

_FIRST = (
    "ada", "bela", "chidi", "dana", "emre", "fatima", "goran", "hana", "ines", "jonas", "kaya", "lior",
    "mira", "noor", "olga", "pavel", "quinn", "rosa", "sami", "tove", "uma", "viktor", "wanda", "yuki",
)  # fmt: skip
_LAST = (
    "abara", "brandt", "costa", "dvorak", "eriksen", "fontaine",
    "gruber", "haddad", "ivanov", "jansen", "kowal", "lund",
)  # fmt: skip
_STATUSES = ("manager", "active", "active", "active", "active", "leaving", "left", "left")
_LEFT = date(2026, 5, 31)
EMPTY_GROUP = "team:legacy"


class Roster:
    """Who is on the roster, sorted by what one may ask of them."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self.people: list[Person] = []
        self._staffed: dict[tuple[str, str], list[Person]] = defaultdict(list)
        self.groups: dict[str, Person] = {}
        names = [(first, last) for last in _LAST for first in _FIRST]
        rng.shuffle(names)
        for team in TEAMS:
            self._staff(team, [names.pop() for _ in _STATUSES])
        self._add(email=EMPTY_GROUP, members=tuple(person.email for person in self._staffed[TEAMS[0], "left"]))

    def _staff(self, team: str, names: list[tuple[str, str]]) -> None:
        emails = [f"{first}.{last}@contoso.example" for first, last in names]
        for number, (email, status) in enumerate(zip(emails, _STATUSES, strict=True)):
            person = self._add(
                email=email,
                id=f"P{len(self.people) + 1000}",
                name=" ".join(part.capitalize() for part in names[number]),
                status="active" if status == "manager" else status,
                left_on=_LEFT if status == "left" else None,
                manager=None if status == "manager" else emails[0],
                team=f"team:{team}",
                aliases=(f"{names[number][0][0]}{names[number][1]}{number}",),
            )
            self._staffed[team, status].append(person)
        members = tuple(one.email for one in self._staffed[team, "active"])
        self.groups[team] = self._add(email=f"team:{team}", name=f"{team.capitalize()} team", members=members)
        self._add(email=f"team:{team}-oncall", members=(f"team:{team}",))

    def _add(self, **facts: Any) -> Person:
        person = Person(origin=Origin(file="people.csv", row=len(self.people) + 2), **facts)
        self.people.append(person)
        return person

    def someone(self, workload: Workload) -> Person:
        """An active person of its team, not the manager: mostly the one who has the rest of its service, too."""
        staff = self._staffed[workload.team, "active"]
        usual = staff[len(workload.service) % len(staff)]
        return usual if self._rng.random() < 0.7 else self._rng.choice(staff)

    def someone_else(self, workload: Workload) -> Person:
        """An active person of another team."""
        team = self._rng.choice([other for other in TEAMS if other != workload.team])
        return self._rng.choice(self._staffed[team, "active"])

    def about_to_leave(self, workload: Workload) -> Person:
        """Someone of its team who is still here, and leaving."""
        return self._rng.choice(self._staffed[workload.team, "leaving"])

    def leaver(self, workload: Workload) -> Person:
        """Someone who left its team; their manager is still here."""
        return self._rng.choice(self._staffed[workload.team, "left"])

    def as_written(self, person: Person) -> str:
        """The person as people write them: e-mail, e-mail in capitals, with the name before it, roster id, alias."""
        forms = (
            person.email, person.email, person.email.title(), f"{person.name} <{person.email}>",
            person.id or person.email, *person.aliases,
        )  # fmt: skip
        return self._rng.choice(forms)
