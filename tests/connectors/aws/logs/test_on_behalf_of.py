"""For whom a session acted, and what passed AWS's MCP server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.aws.logs.callers import Who, on_behalf_of
from tests.connectors.aws.logs.trail import ROLE, USER, event, log_of, packed, profiles, put, read_all, role
from tests.examples import examples
from tests.hostile_json import JSON

STORE = "arn:aws:identitystore::111122223333:identitystore/d-9067642ac7"
PERSON = "544894e8-80c1-707f-60e3-3ba6510dfac1"


def _whom(profile: Any) -> dict[str, tuple[int, int, int]]:
    return {text: counts for text, counts in profile.counts.items() if text.startswith("on_behalf_of=")}


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ({"userId": PERSON, "identityStoreArn": STORE}, f"person:d-9067642ac7#{PERSON}"),
        ({"userId": PERSON}, f"person:{PERSON}"),
        (
            {"subject": "ada@acme.example", "subjectType": "USER", "issuer": "https://login.acme.example"},
            "person:https://login.acme.example#ada@acme.example",
        ),
        ({"subject": "triage-bot", "subjectType": "Agent"}, "agent:triage-bot"),
        ({"subject": "x", "subjectType": "DEVICE"}, "other:x"),
    ],
    ids=["directory", "no directory", "issuer", "agent", "a type that is not known"],
)
def test_whom_a_session_acted_for(said: dict[str, Any], value: str, tmp_path: Path) -> None:
    """Another session of the role, which acts for nobody that the log names, has no part in it."""
    found = profiles(tmp_path, event(who=role(onBehalfOf=said)), event(who=role(onBehalfOf=said)), event())

    assert _whom(found[ROLE]) == {f"on_behalf_of={value}": (2, 0, 0)}
    assert found[ROLE].events == 3


def test_two_people_of_one_session_are_two(tmp_path: Path) -> None:
    calls = [event(who=role(onBehalfOf={"userId": each})) for each in ("a", "a", "b")]

    assert _whom(profiles(tmp_path, *calls)[ROLE]) == {
        "on_behalf_of=person:a": (2, 0, 0),
        "on_behalf_of=person:b": (1, 0, 0),
    }


@pytest.mark.parametrize("said", [None, {}, [], "x", {"userId": 5}, {"userId": ""}, {"identityStoreArn": STORE}])
def test_what_names_nobody_costs_nothing(said: Any, tmp_path: Path) -> None:
    found = profiles(tmp_path, event(who=role(onBehalfOf=said)))[ROLE]

    assert (_whom(found), found.events) == ({}, 1)


def test_a_person_who_calls_acts_for_nobody_else(tmp_path: Path) -> None:
    who = {"type": "IdentityCenterUser", "principalId": PERSON, "onBehalfOf": {"userId": PERSON}}

    (profile,) = profiles(tmp_path, event(who=who)).values()
    assert _whom(profile) == {}


@given(said=JSON)
@examples(50)
def test_any_shape_is_read(said: Any) -> None:
    assert isinstance(on_behalf_of(Who(on_behalf_of=said)), str)


@given(subject=st.text(max_size=500), sort=st.text(max_size=20))
@examples(50)
def test_a_value_is_short_and_on_one_line(subject: str, sort: str) -> None:
    value = on_behalf_of(Who(on_behalf_of={"subject": subject, "subjectType": sort, "issuer": subject}))

    assert len(value) <= 300
    assert len(value.splitlines()) == (1 if value else 0)


def test_more_people_than_are_counted_make_the_day_a_gap(tmp_path: Path) -> None:
    put(tmp_path, packed(*(event(who=role(onBehalfOf={"userId": f"u{number}"})) for number in range(300))))
    (reading,), _ = read_all(log_of(tmp_path))

    assert {one.status for one in reading.coverage} == {"partial"}
    assert "on_behalf_of=(more)" in reading.callers[0].counts


@pytest.mark.parametrize("who", [dict(USER), role()], ids=["user", "role"])
def test_calls_through_the_mcp_server_are_the_identitys_own(who: dict[str, Any], tmp_path: Path) -> None:
    by_mcp = event(
        "s3:DeleteBucket", {**who, "invokedBy": "aws-mcp.amazonaws.com"}, readOnly=False,
        sourceIPAddress="aws-mcp.amazonaws.com", userAgent="aws-mcp.amazonaws.com",
    )  # fmt: skip
    put(tmp_path, packed(by_mcp))
    (reading,), _ = read_all(log_of(tmp_path))

    assert (reading.by_provider, reading.events) == (0, 1)
    assert {"write=s3:DeleteBucket", "tool=aws-mcp"} <= reading.callers[0].counts.keys()
    assert not any(text.startswith("mark=") for text in reading.callers[0].counts)
