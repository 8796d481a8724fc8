"""The roster: who is meant, who is here, who is in a group, and which identities are people."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from scanner.model import Person
from scanner.registry.roster import Roster, managers
from tests.factories import make_identity, make_person

TODAY = date(2026, 11, 25)
ADA = make_person("ada@example.com", id="E7", aliases=("lovelace", "ada.l@example.com"), name="Ada Lovelace")
BOB = make_person("bob@example.com", id="E8", status="left", team="Platform")
CYD = make_person("cyd@example.com", team="platform")
PLATFORM = make_person("team:platform", name="Platform Engineering")
PAYMENTS = make_person("payments@example.com", name="Payments", members=("E7", "bob@example.com", "ghost@example.com"))
EVERYBODY = [ADA, BOB, CYD, PLATFORM, PAYMENTS]


@pytest.mark.parametrize(
    ("text", "email"),
    [
        pytest.param("ada@example.com", "ada@example.com", id="e-mail"),
        pytest.param(" ADA@Example.com ", "ada@example.com", id="but-for-case-and-space"),
        pytest.param("Ada Lovelace <ada@example.com>", "ada@example.com", id="address-with-a-name"),
        pytest.param("e7", "ada@example.com", id="id"),
        pytest.param("Lovelace", "ada@example.com", id="alias"),
        pytest.param("ada.l@example.com", "ada@example.com", id="another-e-mail"),
        pytest.param("team:platform", "team:platform", id="group"),
        pytest.param("Platform", "team:platform", id="group-without-prefix"),
        pytest.param("platform engineering", "team:platform", id="group-by-name"),
        pytest.param("team:Payments", "payments@example.com", id="prefix-before-a-group-with-members"),
        pytest.param("ada lovelace", "ada@example.com", id="full-name"),
        pytest.param("Lovelace, Ada", "ada@example.com", id="full-name-as-lists-sort-it"),
        pytest.param("Ada", None, id="first-name"),
        pytest.param("Ada  Lovelace Byron", None, id="another-full-name"),
        pytest.param("ada", None, id="local-part"),
        pytest.param("ad\u0430@example.com", None, id="look-alike"),
        pytest.param("", None, id="empty"),
    ],
)
def test_resolve(text: str, email: str | None) -> None:
    """A text names a person by e-mail, id, alias, group name or full name, as a whole, ignoring case."""
    person = Roster(EVERYBODY, TODAY).resolve(text)
    assert (person.email if person else None) == email


@pytest.mark.parametrize("people", [[ADA, BOB], [BOB, ADA]], ids=["one-order", "the-other"])
def test_an_ambiguous_text_resolves_to_none(people: list[Person]) -> None:
    """An alias of two people resolves to neither, in any order; a stronger name keeps its meaning."""
    others = [make_person("x@example.com", aliases=("shared", "E7")), make_person("y@example.com", aliases=("shared",))]
    roster = Roster([*people, *others], TODAY)

    assert roster.resolve("shared") is None
    assert roster.resolve("E7") == ADA


def test_a_full_name_is_the_weakest_of_names() -> None:
    """Of two people it means neither, it takes nothing from a group or an alias, and one word is no full name."""
    people = [make_person(f"{number}@example.com", name="Mary Ann Jones") for number in range(2)]
    people += [make_person("c@example.com", name="Data Team"), make_person("d@example.com", name="Cher")]
    people += [make_person("team:data", name="Data Team", members=("c@example.com",))]
    roster = Roster(people, TODAY)

    assert [roster.resolve(text) for text in ("Mary Ann Jones", "Jones, Mary Ann", "Cher")] == [None, None, None]
    assert roster.resolve("Data Team") == people[-1]
    assert roster.holder(make_identity(name="Data Team")) is None


@pytest.mark.parametrize(
    ("facts", "active"),
    [
        ({"status": "active"}, True),
        ({"status": "leaving"}, True),
        ({"status": "leaving", "left_on": TODAY}, True),
        ({"status": "leaving", "left_on": TODAY - timedelta(days=1)}, False),
        ({"status": "active", "left_on": TODAY - timedelta(days=1)}, False),
        ({"status": "left"}, False),
        ({"status": "left", "left_on": TODAY + timedelta(days=9)}, False),
    ],
    ids=["active", "leaving", "last-day", "day-after", "active-but-gone", "left", "left-whatever-the-date"],
)
def test_active_people(facts: dict[str, Any], *, active: bool) -> None:
    """Active or leaving, with a last day that has not passed."""
    person = make_person(**facts)
    assert Roster([person], TODAY).is_active(person) is active


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"status": "left"}, "has left"),
        ({"status": "left", "left_on": TODAY - timedelta(days=1)}, f"left on {TODAY - timedelta(days=1)}"),
        ({"left_on": TODAY - timedelta(days=1)}, f"left on {TODAY - timedelta(days=1)}"),
        (
            {"status": "left", "left_on": TODAY + timedelta(days=9)},
            f"leaves on {TODAY + timedelta(days=9)}, and the roster does not count them as active any more",
        ),
    ],
    ids=["no-day", "gone", "gone-by-day", "still-to-come"],
)
def test_nobody_has_left_before_the_last_day(facts: dict[str, Any], why: str) -> None:
    """Who is marked as left before the last day is no owner, and is not said to have left."""
    person = make_person(**facts)
    roster = Roster([person], TODAY)

    assert roster.why_gone(person) == why
    assert roster.has_left(person) is why.startswith(("left", "has left"))


def group(name: str, *members: str, **facts: Any) -> Person:
    return make_person(f"team:{name}", members=members, **facts)


@pytest.mark.parametrize(
    ("groups", "members"),
    [
        pytest.param([PAYMENTS], ["ada@example.com"], id="departed-and-unknown-ones-do-not-count"),
        pytest.param([PLATFORM], ["cyd@example.com"], id="by-team-of-its-people"),
        pytest.param([group("platform")], ["cyd@example.com"], id="an-empty-list-of-members-is-none"),
        pytest.param([group("a", "team:b"), group("b", "ada@example.com")], ["ada@example.com"], id="nested"),
        pytest.param([group("a", "b"), group("b", "a", "E7")], ["ada@example.com"], id="in-a-circle"),
        pytest.param([group("a", "a")], [], id="of-itself"),
        pytest.param([group("a", "bob@example.com")], [], id="all-gone"),
        pytest.param([group("a", "E7", status="left")], [], id="dissolved"),
        pytest.param([group("a", "E7", "ada@example.com")], ["ada@example.com"], id="named-twice"),
    ],
)
def test_active_members(groups: list[Person], members: list[str]) -> None:
    """A group's active people, through nested groups, each once; it is active while there is one."""
    roster = Roster([ADA, BOB, CYD, *groups], TODAY)

    assert [person.email for person in roster.active_members(groups[0])] == members
    assert roster.is_active(groups[0]) is bool(members)


@pytest.mark.parametrize(
    ("name", "aliases", "evidence"),
    [
        ("ada@example.com", (), "ada@example.com is ada@example.com on the roster"),
        ("E7", (), "E7 is ada@example.com on the roster"),
        ("x", ("lovelace",), "lovelace is ada@example.com on the roster"),
        ("Bob", (), "user name Bob is that of bob@example.com on the roster"),
        ("payments", (), None),
        ("platform", (), None),
        ("ada ", (), None),
        ("svc-ada", (), None),
    ],
    ids=["e-mail", "id", "alias", "departed-local-part", "group", "team", "trailing-space", "part-of-a-name"],
)
def test_the_holder_of_an_own_account(name: str, aliases: tuple[str, ...], evidence: str | None) -> None:
    """An identity is a person's by a whole name, id or e-mail, also of people who left; a group is none."""
    holder = Roster(EVERYBODY, TODAY).holder(make_identity(name, aliases=aliases))

    assert (holder and holder[1]) == evidence
    assert holder is None or holder[0].email in holder[1]


@pytest.mark.parametrize("domains", [("a.com", "b.com"), ("b.com", "a.com")], ids=["one-order", "the-other"])
def test_a_shared_local_part_is_ambiguous(domains: tuple[str, ...]) -> None:
    """A user name of two people is not guessed, in any order."""
    roster = Roster([make_person(f"ada@{domain}") for domain in domains], TODAY)

    assert roster.holder(make_identity("ada")) is None
    holder = roster.holder(make_identity("ada@b.com"))
    assert holder is not None
    assert holder[1] == "ada@b.com is ada@b.com on the roster"


@pytest.mark.parametrize(
    ("text", "people"),
    [
        pytest.param("Lovelace", {"ada@example.com"}, id="a-person"),
        pytest.param("payments", {"payments@example.com", "ada@example.com"}, id="a-group-with-its-active-members"),
        pytest.param(" Mallory ", {"mallory"}, id="unknown"),
    ],
)
def test_all_emails_that_a_text_means(text: str, people: set[str]) -> None:
    """A person, a group with its members, or the text itself."""
    assert Roster(EVERYBODY, TODAY).meant_by(text) == people


@pytest.mark.parametrize(
    ("facts", "stays"),
    [
        pytest.param({}, True, id="active"),
        pytest.param({"status": "leaving"}, False, id="leaving"),
        pytest.param({"left_on": TODAY + timedelta(days=30)}, False, id="with-a-last-day"),
        pytest.param({"status": "left"}, False, id="left"),
        pytest.param({"members": ("leaver@example.com",)}, False, id="a-group-of-leavers"),
        pytest.param({"members": ("leaver@example.com", "E7")}, True, id="a-group-of-which-one-stays"),
        pytest.param({"members": ("bob@example.com",)}, False, id="a-group-without-active-members"),
    ],
)
def test_who_stays(facts: dict[str, Any], stays: bool) -> None:
    """A person about to leave does not stay; a group stays as long as a member does."""
    person, leaver = make_person("x@example.com", **facts), make_person("leaver@example.com", status="leaving")

    assert Roster([*EVERYBODY, person, leaver], TODAY).stays(person) is stays


def test_a_crowd_of_one_name_is_several_people() -> None:
    """They are neither searched nor ranked: a roster may have one name a million times."""
    crowd = [make_person(f"p{number}@example.com", name="Ada Lovelace") for number in range(1_000)]
    roster = Roster([*crowd, make_person("bob@example.com", name="Bob Lovelace")], TODAY)

    named = roster.meaning("Ada Lovelace")
    assert (named.person, named.ambiguous, named.guesses) == (None, True, ())
    for text in ("Ada Lovelace 7", "A. Lovelace", "adalovelace", "Ada Lovelace <gone@example.com>"):
        assert roster.meaning(text).person is None
        assert not roster.meaning(text).guesses
    assert roster.resolve("Bob Lovelace") is not None


def test_a_line_of_managers_has_an_end() -> None:
    """Of everybody below everybody else, the next ones are asked."""
    line = [make_person(f"p{number}@example.com", manager=f"p{number + 1}@example.com") for number in range(1_000)]
    roster = Roster(line, TODAY)
    assert [above.email for above, _ in managers(line[0], roster.resolve)][:2] == ["p1@example.com", "p2@example.com"]
    assert len(list(managers(line[0], roster.resolve))) < 100
