"""The evaluator against a naive one: a statement at a time, one action on one ARN, straight from AWS's description."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.aws.rights.patterns import action_matches, may_meet, resource_matches, takes_in
from connectors.aws.rights.privilege import allows, combine
from tests.connectors.aws.rights.policies import ACCOUNT, IF, WORDS, doc, verdict
from tests.examples import examples

USER, ROLE = f"arn:aws:iam::{ACCOUNT}:user/", f"arn:aws:iam::{ACCOUNT}:role/"
# What each action acts on, and a thing that no pattern below names, which represents all others.
THINGS = {
    "iam:PutUserPolicy": (f"{USER}ada", f"{USER}bob", f"{USER}zz"),
    "iam:UpdateAssumeRolePolicy": (f"{ROLE}app", f"{ROLE}ops", f"{ROLE}zz"),
    "sts:AssumeRole": (f"{ROLE}app", f"{ROLE}ops", f"{ROLE}zz"),
    "lambda:UpdateFunctionCode": (
        f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:app",
        f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:zz",
    ),
    "s3:GetObject": ("arn:aws:s3:::app/key", "arn:aws:s3:::zz/key"),
}
ACTIONS = (*THINGS, "*", "iam:*", "iam:Put*", "IAM:*Policy", "sts:*", "?ambda:*", "s3:Get*", "logs:PutLogEvents")
RESOURCES = (
    "*", "**", "arn:aws:iam::*", f"{USER}*", f"{USER}ada", f"{ROLE}*", f"{ROLE}app", f"{ROLE}?ps",
    "arn:aws:iam::*:role/o*", f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}", "arn:aws:lambda:*:*:function:app",
    "arn:aws:lambda:*:*:function:*", "arn:aws:s3:::app/*", "arn:aws:s3:::*",
)  # fmt: skip


def _some(choices: Sequence[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(choices), min_size=1, max_size=3)


@st.composite
def statements(draw: st.DrawFn) -> dict[str, Any]:
    """Any statement over the actions and resources above."""
    return {
        "Effect": draw(st.sampled_from(["Allow", "Allow", "Deny"])),
        draw(st.sampled_from(["Action", "Action", "NotAction"])): draw(_some(ACTIONS)),
        draw(st.sampled_from(["Resource", "Resource", "NotResource"])): draw(_some(RESOURCES)),
        **draw(st.sampled_from([{}, {}, IF])),
    }


documents = st.lists(st.lists(statements(), min_size=1, max_size=3), min_size=1, max_size=3)
Answer = Literal["yes", "maybe", "no"]


def naive(policies: Iterable[list[dict[str, Any]]], action: str, thing: str) -> Answer:
    """Explicit deny first, then allow; a condition, or a variable that alone decides, makes it a maybe."""
    allowed: list[bool] = []
    refused: list[bool] = []
    for statement in (statement for policy in policies for statement in policy):
        patterns = statement.get("Action") or statement["NotAction"]
        if any(action_matches(pattern, action) for pattern in patterns) != ("Action" in statement):
            continue
        named = [
            pattern for pattern in statement.get("Resource") or statement["NotResource"] if _covers(pattern, thing)
        ]
        unsure = bool(named) and all("${" in pattern for pattern in named)
        if bool(named) != ("Resource" in statement) and not unsure:
            continue
        sure = "Condition" not in statement and not unsure
        (allowed if statement["Effect"] == "Allow" else refused).append(sure)
    if not allowed or any(refused):
        return "no"
    return "yes" if any(allowed) and not refused else "maybe"


def _covers(pattern: str, thing: str) -> bool:
    return resource_matches(pattern.replace("${aws:username}", "*"), thing)


@given(documents, st.none() | st.lists(statements(), min_size=1, max_size=3))
@examples(150)
def test_one_action_on_one_thing_is_decided_as_by_hand(
    policies: list[list[dict[str, Any]]], limit: list[dict[str, Any]] | None
) -> None:
    """Every action on everything it acts on: policies, and a limit that must allow it as well."""
    held = tuple(doc(*policy, number=number) for number, policy in enumerate(policies))
    limits = () if limit is None else ((doc(*limit, number=99),),)
    for action, things in THINGS.items():
        for thing in things:
            expected = [naive(policies, action, thing), "yes" if limit is None else naive([limit], action, thing)]
            worst = min(expected, key=("no", "maybe", "yes").index)

            assert allows(held, limits, WORDS.bits((action,)), thing, WORDS) == worst


@given(documents, st.none() | st.lists(statements(), min_size=1, max_size=3))
@examples(150)
def test_sums_hide_nothing_that_is_allowed(
    policies: list[list[dict[str, Any]]], limit: list[dict[str, Any]] | None
) -> None:
    """What is certainly or perhaps allowed on anything at all is in the sums, however it came about."""
    held = tuple(doc(*policy, number=number) for number, policy in enumerate(policies))
    limits = () if limit is None else ((doc(*limit, number=99),),)
    effective = combine(held, limits, WORDS)
    for action, things in THINGS.items():
        bit = WORDS.bits((action,))
        answers = {allows(held, limits, bit, thing, WORDS) for thing in things}

        assert "yes" not in answers or effective.certain.somewhere & bit
        assert answers == {"no"} or effective.possible.somewhere & bit


PLAIN = ("*", f"{USER}ada", f"{ROLE}app", "arn:aws:lambda:eu-west-1:123456789012:function:app", "arn:aws:s3:::app/key")


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "Effect": st.sampled_from(["Allow", "Deny"]),
                "Action": _some(ACTIONS),
                "Resource": st.lists(st.sampled_from(PLAIN), min_size=1, max_size=2),
            }
        ),
        min_size=1,
        max_size=4,
    )
)
@examples(150, smoke=150)
def test_sums_invent_nothing(policy: list[dict[str, Any]]) -> None:
    """Where patterns are plain the sums are exact: nothing is granted that no thing could be had with."""
    effective = combine((doc(*policy),), (), WORDS)
    for action, things in THINGS.items():
        bit = WORDS.bits((action,))
        anywhere = any(naive([policy], action, thing) == "yes" for thing in things)
        everywhere = naive([policy], action, things[-1]) == "yes"

        assert bool(effective.certain.somewhere & bit) == anywhere
        assert not effective.certain.everything & bit or everywhere


@given(documents, st.randoms(use_true_random=False))
def test_order_of_statements_and_policies_never_matters(policies: list[list[dict[str, Any]]], random: Any) -> None:
    """The verdict is about the set of statements."""
    shuffled = [random.sample(policy, len(policy)) for policy in random.sample(policies, len(policies))]
    one = verdict(*(doc(*policy, number=number) for number, policy in enumerate(policies)))
    other = verdict(*(doc(*policy, number=number) for number, policy in enumerate(shuffled)))

    assert one == other


def _regular(pattern: str, text: str) -> bool:
    """``*`` is any run, ``?`` any one character."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return _regular(pattern[1:], text) or (bool(text) and _regular(pattern, text[1:]))
    return bool(text) and pattern[0] in ("?", text[0]) and _regular(pattern[1:], text[1:])


patterns = st.text(alphabet="ab*?", max_size=5)
TEXTS = ["".join(letters) for size in range(6) for letters in product("abz", repeat=size)]


@given(patterns, patterns)
@examples(500, smoke=500)
def test_one_pattern_takes_in_another_only_if_it_covers_all_of_it(broad: str, narrow: str) -> None:
    """Nothing that the narrow one covers escapes the broad one; and whatever both cover, they may meet on."""
    covered = [text for text in TEXTS if _regular(narrow, text)]
    both = [text for text in covered if _regular(broad, text)]

    assert not takes_in(broad, narrow) or both == covered
    assert takes_in(narrow, narrow)
    assert not both or may_meet(broad, narrow)


@pytest.mark.parametrize(
    ("broad", "narrow", "answer"),
    [
        ("*", "${aws:username}", True),
        ("arn:*:${aws:username}", "arn:*:x", False),
        ("a?c", "abc", True),
        ("a?c", "a*c", False),
        ("${*}", "*", False),
        ("[ab]", "a", False),
    ],
)
def test_variables_and_brackets_are_taken_for_what_they_are(broad: str, narrow: str, answer: bool) -> None:
    """A variable may be anything, so it is taken in but takes nothing in; ``[`` is a character."""
    assert takes_in(broad, narrow) is answer


def test_patterns_made_to_take_forever_are_given_up() -> None:
    """Of two that could go together in ever so many ways, neither is said to take in the other."""
    assert takes_in("*a" + "?" * 100, "a*" * 100) is False
    assert takes_in("*a" + "?" * 100, "*a" + "?" * 100) is True
