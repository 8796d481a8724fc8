"""The roster: people, groups, who has left, and what is refused with its place."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from scanner.errors import RegistryError
from scanner.model import Person
from scanner.registry.lists import ListSource
from scanner.registry.people import load_people


def roster(tmp_path: Path, text: str, name: str = "people.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def one(tmp_path: Path, text: str) -> Person:
    (person,) = load_people([ListSource(path=roster(tmp_path, text))]).people
    return person


@pytest.mark.parametrize(
    ("text", "field", "expected"),
    [
        pytest.param("E-Mail\nAda@Example.com", "email", "Ada@Example.com", id="email"),
        pytest.param("mail,Employee ID\na@x,007", "id", "007", id="id"),
        pytest.param("mail,Full name\na@x,Ada L", "name", "Ada L", id="name"),
        pytest.param("mail\na@x", "status", "active", id="no status"),
        pytest.param("mail,status\na@x,", "status", "active", id="empty status"),
        pytest.param("mail,status\na@x,Terminated", "status", "left", id="terminated"),
        pytest.param("mail,status\na@x,inactive", "status", "left", id="inactive"),
        pytest.param("mail,status\na@x,Notice period", "status", "leaving", id="notice period"),
        pytest.param("mail,status\na@x,on leave", "status", "active", id="on leave"),
        pytest.param("mail,Last Day\na@x,30 Sep 2026", "left_on", date(2026, 9, 30), id="last day"),
        pytest.param("mail,Line manager\na@x,b@x", "manager", "b@x", id="manager"),
        pytest.param("mail,Department\na@x,Core", "team", "Core", id="team"),
        pytest.param("mail,UPN,aliases\na@x,al,a2@x;a3@x", "aliases", ("al", "a2@x", "a3@x"), id="aliases"),
        pytest.param("mail,members\nteam:core,a@x;b@x", "members", ("a@x", "b@x"), id="members"),
        pytest.param("mail\nteam:core", "is_group", True, id="group by name"),
        pytest.param("mail,members\ncore@x,a@x", "is_group", True, id="group by members"),
        pytest.param("mail,members\na@x,", "is_group", False, id="no group"),
    ],
)
def test_people_as_hr_exports_them(tmp_path: Path, text: str, field: str, expected: Any) -> None:
    """Each column of a person or group, under the headings that HR systems use."""
    assert getattr(one(tmp_path, text), field) == expected


def test_an_unreadable_status_does_not_keep_an_owner_alive(tmp_path: Path) -> None:
    """A status nobody knows counts as left, with a warning, for a false orphan is seen and a hidden one is not."""
    people = load_people([ListSource(path=roster(tmp_path, "mail,State\na@x,zombie\n"), columns={})])

    assert people.people[0].status == "left"
    assert [str(warning) for warning in people.warnings] == [
        f"{tmp_path}/people.csv:2: State: unknown status zombie, taken as left (use one of active, leaving, left)"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("name\nAda\n", [(1, None, "no heading means email; found: name")], id="no email heading"),
        pytest.param("mail,name\n,Ada\n", [(2, "mail", "nobody is named")], id="no email"),
        pytest.param("mail\na@x\n\nA@X\n", [(4, "mail", "A@X is already at {path}:2")], id="email twice"),
        pytest.param("mail,left_on\na@x,soon\n", [(2, "left_on", "soon is not a date")], id="no date"),
        pytest.param("mail,email\na@x,b@x\n", [(1, "email", "mail and email both mean email")], id="two headings"),
        pytest.param("mail,left_on\n,x\na@x,y\nA@x,\n",
                     [(2, "mail", "nobody is named"), (3, "left_on", "y is not a date"),
                      (4, "mail", "A@x is already at {path}:3")],
                     id="all at once"),
    ],
)  # fmt: skip
def test_a_broken_roster_is_told_with_every_place(
    tmp_path: Path, text: str, expected: list[tuple[int, str | None, str]]
) -> None:
    """Everything that is wrong is told at once, with line and heading."""
    path = roster(tmp_path, text)

    with pytest.raises(RegistryError) as caught:
        load_people([ListSource(path=path)])

    assert [(problem.line, problem.field, problem.message) for problem in caught.value.problems] == [
        (line, field, message.format(path=path)) for line, field, message in expected
    ]


def test_the_same_person_in_two_files_is_told(tmp_path: Path) -> None:
    """E-mails are unique over all files."""
    first = roster(tmp_path, "mail\na@x\n", "a.csv")

    with pytest.raises(RegistryError, match=f"a@x is already at {first}:2"):
        load_people([ListSource(path=first), ListSource(path=roster(tmp_path, "mail\na@x\n", "b.csv"))])


def test_headings_of_ones_own_are_explained(tmp_path: Path) -> None:
    """The config says which column a heading means."""
    people = load_people([ListSource(path=roster(tmp_path, "Adresse\na@x\n"), columns={"adresse": "email"})])

    assert [person.email for person in people.people] == ["a@x"]


def test_two_people_with_one_id_are_refused(tmp_path: Path) -> None:
    """Whoever is named by that id would be nobody."""
    file = tmp_path / "people.csv"
    file.write_text("email,id\nada@example.com,77\nbob@example.com,77\n", encoding="utf-8")

    with pytest.raises(RegistryError, match=r"people.csv:3: id: the id 77 is that of ada@example.com"):
        load_people([ListSource(path=file)])
