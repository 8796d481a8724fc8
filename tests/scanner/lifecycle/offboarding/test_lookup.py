"""Who a text means."""

from __future__ import annotations

import pytest

from scanner.lifecycle.offboarding.leaver import find_people, nearest, unlisted_people, unlisted_person
from scanner.model import Origin
from tests.factories import make_entry, make_person

PEOPLE = (
    make_person("ada@example.com", id="E7", name="Ada Lovelace", aliases=("countess",)),
    make_person("ada@example.org", id="E8", name="Ada Byron"),
    make_person("bob@example.com", id="ada", name="Bob"),
    make_person("bob@example.org", name="Bob"),
    make_person("team:core", name="Core"),
)


@pytest.mark.parametrize(
    ("text", "emails"),
    [
        pytest.param("ADA@example.com ", ["ada@example.com"], id="e-mail"),
        pytest.param("e8", ["ada@example.org"], id="id"),
        pytest.param("countess", ["ada@example.com"], id="alias"),
        pytest.param("ada lovelace", ["ada@example.com"], id="name"),
        pytest.param("ada", ["bob@example.com"], id="an-id-before-a-user-name"),
        pytest.param("bob", ["bob@example.com", "bob@example.org"], id="two-of-a-name"),
        pytest.param("team:core", ["team:core"], id="a-group"),
        pytest.param("core", [], id="groups-only-by-their-e-mail"),
        pytest.param("ad", [], id="part-of-a-name"),
        pytest.param("", [], id="nothing"),
    ],
)
def test_people_are_found_by_what_they_go_by(text: str, emails: list[str]) -> None:
    """The strongest kind of name decides, and all who go by it are reported."""
    assert [person.email for person in find_people(text, PEOPLE)] == emails


def test_outsiders_are_who_only_the_registry_names() -> None:
    """Each once, with the place where they stand first; anyone who is on the roster is none."""
    entries = [
        make_entry("x", owner=("Gus <gus@example.com>", "E7"), built_by="zoe"),
        make_entry("y", owner=("gus <GUS@example.com>",), origin=Origin(file="registry.csv", row=3)),
    ]
    found = unlisted_people(entries, PEOPLE)
    assert [(one.email, one.name, str(one.origin)) for one in found] == [
        ("gus@example.com", "Gus", "registry.csv:2"),
        ("zoe", None, "registry.csv:2"),
    ]


@pytest.mark.parametrize(
    ("text", "email", "name"),
    [
        ("gus@x.y", "gus@x.y", None),
        (" Gus Miller ", "Gus Miller", None),
        ("Gus <gus@x.y>", "gus@x.y", "Gus"),
        ("<g@x.y>", "g@x.y", None),
    ],
)
def test_a_outsider_is_what_is_written(text: str, email: str, name: str | None) -> None:
    """An address in brackets is the e-mail."""
    person = unlisted_person(text, Origin(file="x"))
    assert (person.email, person.name) == (email, name)


def test_the_nearest_names_are_offered() -> None:
    """For a typing error; nothing where nothing is like it."""
    assert nearest("ada@exmaple.com", PEOPLE)[0] == "ada@example.com"
    assert nearest("zzzzqqqq", PEOPLE) == ()
