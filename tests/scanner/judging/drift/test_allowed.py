"""What policies allow, against the actions and services that an entry declares."""

from __future__ import annotations

from typing import Any

import pytest

from scanner.judging.drift import not_compared, undeclared_reach
from scanner.model import Grant, Identity
from tests.factories import make_entry, make_identity

DECLARED: dict[str, Any] = {"systems": ("s3",), "permissions": ("s3:GetObject",)}


def allowing(**policies: list[str]) -> Identity:
    grants = tuple(Grant(name=name, via="inline") for name in policies)
    return make_identity(grants=grants, attributes={"allowed_actions": policies})


@pytest.mark.parametrize(
    ("actions", "declared", "found"),
    [
        (["s3:GetObject"], DECLARED, {}),
        (["s3:GetObject", "logs:PutLogEvents"], DECLARED, {}),
        (
            ["s3:GetObject", "dynamodb:DeleteTable", "ses:SendEmail"],
            DECLARED,
            {"permissions": "dynamodb:DeleteTable, ses:SendEmail", "systems": "dynamodb, ses"},
        ),
        (["S3:getobject"], DECLARED, {}),
        (["s3:*"], DECLARED, {"permissions": "s3:*"}),
        (["s3:*"], {"systems": ("S3",)}, {}),
        (["s3:Get*", "s3:List*"], {"permissions": ("s3:Get*, s3:List* on our buckets",)}, {}),
        (["* but iam:*"], DECLARED, {"permissions": "* but iam:*", "systems": "* but iam:*"}),
        (["dynamodb: some actions"], DECLARED, {"permissions": "dynamodb: some actions", "systems": "dynamodb"}),
        (["s3: some actions"], DECLARED, {}),
        (["dynamodb:Query"], {"systems": ("s3",), "permissions": ("own",)}, {}),
        (["dynamodb:Query"], {"permissions": ("see the wiki",)}, {}),
        (["dynamodb:Query"], {"systems": ("warehouse",)}, {}),
        (["dynamodb:Query"], {"permissions": ("*",)}, {}),
    ],
)
def test_allowed_actions_against_declared_ones(
    actions: list[str], declared: dict[str, Any], found: dict[str, str]
) -> None:
    drifts = undeclared_reach(allowing(own=actions), make_entry("svc-billing", **declared))

    assert {one.aspect: one.found for one in drifts} == found


@pytest.mark.parametrize(
    ("identity", "declared", "why"),
    [
        (allowing(own=["s3:GetObject"]), DECLARED, []),
        (allowing(own=["s3: some actions"]), DECLARED, ["permissions: which actions is not known of s3: some actions"]),
        (
            make_identity(grants=(Grant(name="Reader", via="direct"),)),
            DECLARED,
            [
                "permissions and systems: the source says which grants it has, and not what they allow",
            ],
        ),
        (
            make_identity(unread=("permissions",)),
            DECLARED,
            ["permissions and systems: not all that is allowed could be read"],
        ),
        (
            allowing(own=[]),
            {"systems": ("warehouse",), "permissions": ("read only",)},
            [
                "permissions: read only names no action and none of its grants",
                "systems: warehouse is no known service",
            ],
        ),
        (
            make_identity(
                grants=(Grant(name="own", via="inline"),),
                attributes={
                    "allowed_actions": {"own": ["s3:GetObject"]},
                    "allowed_actions_unread": ["an SCP was not read"],
                },
            ),
            DECLARED,
            ["permissions and systems: an SCP was not read"],
        ),
        (allowing(own=["s3:*"]), {}, []),
    ],
)
def test_what_was_not_compared_is_said(identity: Identity, declared: dict[str, Any], why: list[str]) -> None:
    assert list(not_compared(identity, make_entry("svc-billing", **declared))) == why
