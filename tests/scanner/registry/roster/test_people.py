"""The roster: people, groups, who has left, and what is refused with its place."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from scanner.errors import RegistryError
from scanner.model import Origin, Person
from scanner.registry.lists import ListSource
from scanner.registry.roster.people import load_people


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


def test_a_status_that_no_list_knows_is_unknown(tmp_path: Path) -> None:
    """With a warning: nobody has left by a word that is not understood, and nobody is there by it."""
    people = load_people([ListSource(path=roster(tmp_path, "mail,State\na@x,zombie\n"), columns={})])

    assert people.people[0].status == "unknown"
    (warning,) = people.warnings
    assert str(warning) == (
        f"{tmp_path}/people.csv:2: State: unknown status zombie, so whether the person is active is unknown "
        "(use one of active, leaving, left, or say under values.status in the config what it means)"
    )


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("aktiv", "active"), ("Ausgeschieden", "left"), ("gesperrt", "unknown"), ("EN POSTE", "active"),
        ("parti", "left"), ("baja", "left"), ("cessato", "left"), ("desligado", "left"), ("uit dienst", "left"),
        ("在籍", "active"), ("退職", "left"), ("gekündigt", "leaving"), ("aviso-prévio", "leaving"),
    ],
)  # fmt: skip
def test_statuses_are_read_in_the_languages_of_rosters(tmp_path: Path, word: str, status: str) -> None:
    """Without regard to case, hyphens and underscores; a locked account says nothing about the person."""
    people = load_people([ListSource(path=roster(tmp_path, f"mail,State\na@x,{word}\n"), columns={})])

    assert (people.people[0].status, people.warnings) == (status, ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("name\nAda\n", [(1, None, "no heading means email; found: name")], id="no email heading"),
        pytest.param("mail,name\n,Ada\n", [(2, "mail", "no person is named")], id="no email"),
        pytest.param("mail\na@x\n\nA@X\n", [(4, "mail", "a@x is already at {path}:2")], id="email twice"),
        pytest.param("mail,left_on\na@x,soon\n", [(2, "left_on", "soon is not a date")], id="no date"),
        pytest.param("mail,email\na@x,b@x\n", [(1, "email", "mail and email both mean email")], id="two headings"),
        pytest.param("mail,left_on\n,x\na@x,y\nA@x,\n",
                     [(2, "mail", "no person is named"), (2, "left_on", "x is not a date"),
                      (3, "left_on", "y is not a date"), (4, "mail", "a@x is already at {path}:3")],
                     id="all at once"),
    ],
)  # fmt: skip
def test_a_broken_roster_is_reported_with_every_place(
    tmp_path: Path, text: str, expected: list[tuple[int, str | None, str]]
) -> None:
    """All problems are reported at once, with line and heading."""
    path = roster(tmp_path, text)

    with pytest.raises(RegistryError) as caught:
        load_people([ListSource(path=path)])

    assert [(problem.line, problem.field, problem.message) for problem in caught.value.problems] == [
        (line, field, message.format(path=path)) for line, field, message in expected
    ]


def test_who_is_in_two_lists_is_one_person(tmp_path: Path) -> None:
    """HR knows who left, the directory who is in which group; the earlier list goes first, and gone is gone."""
    hr = roster(tmp_path, "mail,id,status,name\nA@x,77,,Ada\nb@x,78,,Bob\n", "hr.csv")
    directory = roster(
        tmp_path, "mail,id,status,manager,aliases\nc@x,,,,\nb@x,u2,left,a@x,bob\na@x,,,b@x,al\n", "directory.csv"
    )

    people = load_people([ListSource(path=hr), ListSource(path=directory)]).people

    assert [
        (person.email, person.id, person.name, person.status, person.manager, person.aliases) for person in people
    ] == [
        ("A@x", "77", "Ada", "active", "b@x", ("al",)),
        ("b@x", "78", "Bob", "left", "a@x", ("bob", "u2")),
        ("c@x", None, None, "active", None, ()),
    ]
    assert people[0].origin == Origin(file=str(hr), row=2)


def test_a_group_of_two_lists_has_the_members_of_both(tmp_path: Path) -> None:
    """A group is one by its name as well."""
    lists = [roster(tmp_path, f"mail,members\nteam:core,{who}\n", f"{who}.csv") for who in ("a@x", "b@x")]

    (group,) = load_people([ListSource(path=path) for path in lists]).people

    assert group.members == ("a@x", "b@x")


BAMBOO = """Employee #,First Name,Last Name,Work Email,Status,Employment Status,Department,Division,Supervisor,\
Supervisor email,Termination Date,State
1001,Ada,Lovelace,ada@x,Active,Full-Time,Core,EMEA,"Hopper, Grace",grace@x,,WA
1002,Bob,Kahn,bob@x,Inactive,Terminated,Core,EMEA,"Hopper, Grace",grace@x,2026-09-30,WA
"""
WORKDAY = """Employee ID,Worker,Legal First Name,Legal Last Name,Email - Work,Worker Status,Manager Email,\\
Last Day of Work
1001,Ada Lovelace,Augusta Ada,King,ada@x,Active,grace@x,
1002,Bob Kahn,Robert,Kahn,bob@x,Terminated,grace@x,2026-09-30
"""
PERSONIO = """First name;Last name;Email;Status;Department;Team;Supervisor;Termination date;Employee ID
Ada;Lovelace;ada@x;active;Core;Engine;grace@x;;1001
Bob;Kahn;bob@x;inactive;Core;Engine;grace@x;30.09.2026;1002
"""
HIBOB = """Display name,Full name,First name,Last name,Email,Lifecycle status,Reports to,Reports to email,Employee ID,\
Termination date
Ada,Ada Lovelace,Ada,Lovelace,ada@x,Employed,Grace Hopper,grace@x,1001,
Bob,Bob Kahn,Bob,Kahn,bob@x,Terminated,Grace Hopper,grace@x,1002,2026-09-30
"""
GOOGLE = """First Name [Required],Last Name [Required],Email Address [Required],Password [Required],Status [READ ONLY],\
Employee ID,Manager Email,Department
Ada,Lovelace,ada@x,****,Active,1001,grace@x,Core
Bob,Kahn,bob@x,****,Suspended,1002,grace@x,Core
"""
ENTRA = """userPrincipalName,displayName,surname,mail,givenName,objectId,department,accountEnabled,state,country
ada@x,Ada Lovelace,Lovelace,,Ada,o1,Core,True,WA,US
bob@x,Bob Kahn,Kahn,bob@x,Bob,o2,Core,False,WA,US
"""
OKTA = """id,status,login,email,secondEmail,firstName,lastName,displayName,department,division,manager,employeeNumber
00u1,LOCKED_OUT,ada@x,ada@x,,Ada,Lovelace,Ada Lovelace,Core,EMEA,grace@x,1001
00u2,DEPROVISIONED,bob@x,bob@x,,Bob,Kahn,Bob Kahn,Core,EMEA,grace@x,1002
"""


@pytest.mark.parametrize(
    ("export", "ada"),
    [
        pytest.param(BAMBOO, (None, "Ada Lovelace", "grace@x", "Core"), id="BambooHR"),
        pytest.param(WORKDAY, ("1001", "Ada Lovelace", "grace@x", None), id="Workday"),
        pytest.param(PERSONIO, ("1001", "Ada Lovelace", "grace@x", "Engine"), id="Personio"),
        pytest.param(HIBOB, ("1001", "Ada Lovelace", "grace@x", None), id="HiBob"),
        pytest.param(GOOGLE, ("1001", "Ada Lovelace", "grace@x", "Core"), id="Google Workspace"),
        pytest.param(ENTRA, ("o1", "Ada Lovelace", None, "Core"), id="Entra"),
        pytest.param(OKTA, ("00u1", "Ada Lovelace", "grace@x", "Core"), id="Okta"),
    ],
)
def test_the_usual_exports_are_read_as_they_are(
    tmp_path: Path, export: str, ada: tuple[str | None, str, str | None, str | None]
) -> None:
    """Of several headings for one fact, the most specific counts; only people who left have left."""
    people = load_people([ListSource(path=roster(tmp_path, export.replace("\\\n", "")))])

    first, second = people.people
    assert (first.email, first.status, second.email, second.status) == ("ada@x", "active", "bob@x", "left")
    assert (first.id, first.name, first.manager, first.team) == ada
    assert {warning.message.rpartition('" ')[2] for warning in people.warnings} <= {
        "is unknown; it is kept and shown as it is",
        "may hold secrets and is not read",  # Google's ``Password [Required]``
    }


def test_people_in_json_under_any_key(tmp_path: Path) -> None:
    """What an API answers is read as it is; true and false say who is there."""
    text = (
        '{"meta": {"n": 2}, "employees": [{"workEmail": "a@x", "active": true}, {"workEmail": "b@x", "active": false}]}'
    )

    people = load_people([ListSource(path=roster(tmp_path, text, "people.json"))]).people

    assert [(person.email, person.status) for person in people] == [("a@x", "active"), ("b@x", "left")]


def test_headings_of_ones_own_are_explained(tmp_path: Path) -> None:
    """The config says which column a heading means."""
    people = load_people([ListSource(path=roster(tmp_path, "Adresse\na@x\n"), columns={"adresse": "email"})])

    assert [person.email for person in people.people] == ["a@x"]


def test_two_people_with_one_id_are_refused(tmp_path: Path) -> None:
    """A text with that id would be ambiguous."""
    file = tmp_path / "people.csv"
    file.write_text("email,id\nada@example.com,77\nbob@example.com,77\n", encoding="utf-8")

    with pytest.raises(RegistryError, match=r"people.csv:3: id: the id 77 is that of ada@example.com"):
        load_people([ListSource(path=file)])
