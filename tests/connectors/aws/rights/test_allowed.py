"""The actions that policies leave, against an evaluation of every action on every resource."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.aws.rights.allowed import allowed_actions
from connectors.aws.rights.reach import AppliedPolicy
from scanner.matching.actions import are_within, parsed
from tests.connectors.aws.rights.policies import IF, allow, deny, doc
from tests.connectors.aws.rights.published_policies import written_services
from tests.examples import examples

ACTIONS = [
    f"{service}:{verb}{noun}"
    for service in ("s3", "ses", "iam")
    for verb in ("Get", "Put", "Delete")
    for noun in ("Object", "Role", "")
]
RESOURCES = ["arn:aws:s3:::a", "arn:aws:s3:::b", "arn:aws:iam::123456789012:role/r"]
NAMES = st.sampled_from(["s3:*", "s3:Get*", "*:GetObject", "ses:*Object", "s?:Put*", "iam:*", "*", "s3:DeleteObject"])
ON = st.lists(st.sampled_from(["*", *RESOURCES, "arn:aws:s3:::*"]), min_size=1, max_size=2)


def statements(effects: Sequence[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(
        lambda effect, member, names, where, on, condition: {
            "Effect": effect, member: names, where: on, **(IF if condition else {}),
        },
        st.sampled_from(effects),
        st.sampled_from(["Action", "Action", "NotAction"]),
        st.lists(NAMES, min_size=1, max_size=3),
        st.sampled_from(["Resource", "Resource", "NotResource"]),
        ON,
        st.booleans(),
    )  # fmt: skip


DOCUMENTS = st.lists(statements(["Allow", "Allow", "Deny"]), min_size=1, max_size=3)


def is_named(statement: dict[str, Any], member: str, value: str) -> bool:
    listed = statement.get(member, statement.get(f"Not{member}", []))
    named = any(fnmatchcase(value.lower(), pattern.lower()) for pattern in listed)
    return named is (member in statement)


def may(policies: list[list[dict[str, Any]]], action: str, resource: str) -> bool:
    """Whether policies together, each limit apart, allow an action if conditions of allowances are met."""
    for policy in policies:
        on = [one for one in policy if is_named(one, "Action", action) and is_named(one, "Resource", resource)]
        if any(one["Effect"] == "Deny" and "Condition" not in one for one in on):
            return False
        if not any(one["Effect"] == "Allow" for one in on):
            return False
    return True


def left(own: list[dict[str, Any]], *limits: list[dict[str, Any]]) -> dict[str, list[str]]:
    held = [AppliedPolicy(name="own", via="inline", document=doc(*own))]
    found = allowed_actions(held, [(doc(*each, number=number),) for number, each in enumerate(limits, start=1)])
    assert found is not None
    return found


@examples(150, smoke=150)
@given(DOCUMENTS, st.lists(DOCUMENTS, max_size=2))
def test_nothing_that_is_allowed_is_left_out(own: list[dict[str, Any]], limits: list[list[dict[str, Any]]]) -> None:
    """Where every statement is on everything, nothing is too much either."""
    found = [parsed(text) for text in left(own, *limits).get("own", ())]
    allowed = {one for one in ACTIONS if any(may([own, *limits], one, resource) for resource in RESOURCES)}
    shown = {one for one in ACTIONS if any(is_among(one, each.pattern, each.but) for each in found)}
    everywhere = all(one.get("Resource") == ["*"] for each in (own, *limits) for one in each)

    assert allowed <= shown
    assert not everywhere or shown == allowed
    assert all(are_within(each, [each.pattern]) for each in found)


def is_among(action: str, pattern: str, but: tuple[str, ...]) -> bool:
    matches = [fnmatchcase(action.lower(), each.lower()) for each in (pattern, *but)]
    return matches[0] and not any(matches[1:])


@pytest.mark.parametrize(
    ("own", "limits", "actions"),
    [
        ([allow("s3:Get*"), allow("s3:GetObject")], [], ["s3:Get*"]),
        ([allow("s3:*"), deny("s3:Delete*")], [], ["s3:* but s3:Delete*"]),
        ([allow("s3:*"), deny("s3:*", "arn:aws:s3:::a")], [], ["s3:*"]),
        ([allow("s3:*", **IF), deny("s3:Put*", **IF)], [], ["s3:*"]),
        ([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], [], ["* but iam:*"]),
        ([allow("s3:*"), {"Effect": "Deny", "NotAction": "s3:Get*", "Resource": "*"}], [], ["s3:Get*"]),
        ([allow("*")], [[allow(["s3:*", "sqs:*"])]], ["s3:*", "sqs:*"]),
        ([allow(["dynamodb:DeleteTable", "s3:GetObject"])], [[allow("s3:*")]], ["s3:GetObject"]),
        ([allow("s3:Get*")], [[allow("s3:*Object")]], ["s3:Get*Object"]),
        ([allow("s3:Get*")], [[allow("*")], [allow("*"), deny("s3:*")]], []),
    ],
)
def test_what_denies_and_limits_leave(
    own: list[dict[str, Any]], limits: list[list[dict[str, Any]]], actions: list[str]
) -> None:
    assert left(own, *limits).get("own") == actions


def test_a_long_policy_is_told_by_its_services() -> None:
    own = [allow([*(f"ec2:Describe{number}" for number in range(100)), "s3:*", "s3:GetObject"])]

    assert left(own) == {"own": ["ec2: some actions", "s3:*"]}


def test_patterns_that_would_take_too_long_are_unknown() -> None:
    held = [AppliedPolicy(name="own", via="inline", document=doc(allow([f"s3:*{number}*" for number in range(120)])))]

    assert allowed_actions(held, [(doc(allow([f"s3:*a{number}*" for number in range(120)]), number=1),)]) is None


def test_the_table_of_services_is_made_from_what_aws_published() -> None:
    """Written anew by ``python -m tests.connectors.aws.rights.published_policies services``, nothing in it differs."""
    from importlib.resources import files

    shipped = files("connectors.aws.rights").joinpath("aws_services.json").read_text(encoding="utf-8")

    assert shipped == written_services()
