"""Who is meant by a text that some system wrote."""

from __future__ import annotations

import pytest

from scanner.judging.ownership.directory import MOST_TEXT
from scanner.registry.roster import Roster
from tests.factories import make_person
from tests.scanner.judging.ownership.people import TODAY, directory

ADA = "ada@example.com"


@pytest.mark.parametrize(
    ("text", "person"),
    [
        pytest.param("ADA@example.com", ADA, id="e-mail"),
        pytest.param("E7", ADA, id="roster-id"),
        pytest.param("Ada Lovelace <ada@example.com>", ADA, id="address-with-a-name"),
        pytest.param("ada", ADA, id="user-name"),
        pytest.param("team:core", "team:core", id="group-by-name"),
        pytest.param("arn:aws:sts::1:assumed-role/Admin/ada@example.com", ADA, id="session-called-by-e-mail"),
        pytest.param(
            "arn:aws:sts::1:assumed-role/terraform/ada@example.com", ADA, id="e-mail-even-of-a-machine's-role"
        ),
        pytest.param("AROAEXAMPLE:ada@example.com", ADA, id="role-id-and-session"),
        pytest.param("arn:aws:iam::1:user/people/ada", ADA, id="user-arn"),
        pytest.param("arn:aws:sts::1:assumed-role/AWSReservedSSO_Ops_1f/ada", ADA, id="session-called-by-user-name"),
        pytest.param("EXAMPLE\\ada", ADA, id="windows-domain"),
        pytest.param("user:ada@example.com", ADA, id="member-of-a-policy"),
        pytest.param("created by ada@example.com, on a Friday", ADA, id="e-mail-in-a-sentence"),
        pytest.param("gus@x.y for ada@example.com", ADA, id="whichever-is-on-the-roster"),
        pytest.param("bob@example.com", "bob@example.com", id="gone-but-known"),
        pytest.param("arn:aws:sts::1:assumed-role/terraform/ada", None, id="user-name-in-a-machine's-session"),
        pytest.param("arn:aws:iam::1:role/terraform", None, id="machine"),
        pytest.param("arn:aws:iam::123456789012:user/ada", None, id="discovered-machine"),
        pytest.param("user/kim", None, id="discovered-by-its-name"),
        pytest.param("user/max", "max@example.com", id="not-discovered"),
        pytest.param("arn:aws:iam::1:root", None, id="root"),
        pytest.param("system:serviceaccount:ops:ada", None, id="service-account"),
        pytest.param("assumed-role/x/core", None, id="a-group-makes-nothing"),
        pytest.param("thanks to ada", None, id="user-name-in-a-sentence"),
        pytest.param("ada@elsewhere.com", None, id="another-domain"),
        pytest.param("adalbert", None, id="a-part-of-a-name"),
        pytest.param("\u0430da@example.com", None, id="look-alike"),
        pytest.param(f"{'/' * MOST_TEXT}ada@example.com", None, id="absurdly-long"),
        pytest.param("/", None, id="nothing-in-it"),
        pytest.param("", None, id="empty"),
    ],
)
def test_who_is_mentioned(text: str, person: str | None) -> None:
    """A person named exactly, else by an e-mail in the text, else by a user name at its end; never a machine."""
    found = directory().mentioned(text)
    assert (found and found.email) == person


def test_a_user_name_of_two_people_is_ambiguous() -> None:
    """Nothing is guessed."""
    two = Roster([make_person("ada@example.com"), make_person("ada@example.org")], TODAY)
    assert directory(two).mentioned("ada") is None


def test_a_group_of_machines_has_no_active_member() -> None:
    """A service mailbox among the members is no candidate."""
    roster = Roster(
        [make_person("mail-robot@example.com"), make_person("team:x", members=("mail-robot@example.com",))], TODAY
    )
    group = roster.everybody[-1]
    assert directory(roster).is_active(group)
    assert not directory(roster, machines=("mail-robot@*",)).is_active(group)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        pytest.param("ada@*", "E7", id="the-person's-e-mail"),
        pytest.param("E7", "E7", id="the-text"),
        pytest.param("ada@*", "user/ada", id="within"),
        pytest.param("arn:aws:iam::*:user/ada", "arn:aws:iam::1:user/ada", id="around"),
    ],
)
def test_a_configured_machine_is_no_person(pattern: str, text: str) -> None:
    """The organisation's own word outranks a roster that lists its service mailboxes."""
    assert directory().mentioned(text) is not None
    assert directory(machines=(pattern,)).mentioned(text) is None
