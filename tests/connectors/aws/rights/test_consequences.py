"""The high-consequence actions that policies allow, certain or conditional, wide or narrow."""

from __future__ import annotations

import pytest

from connectors.aws.client.payloads import AttachedPolicy, InlinePolicy
from connectors.aws.rights.consequences import MOST_PATTERNS, consequences_in
from connectors.aws.rights.permissions import Permissions, PolicyLibrary
from connectors.aws.rights.privilege import combine
from connectors.aws.rights.reach import AwsReachDocument
from scanner.model import Consequence
from tests.connectors.aws.rights.policies import ACCOUNT, IF, WORDS, allow, deny, doc

ROLE = f"arn:aws:iam::{ACCOUNT}:role/mailer"
ONE_SECRET = f"arn:aws:secretsmanager:eu-west-1:{ACCOUNT}:secret:db-AbCdEf"


def found(
    *documents: AwsReachDocument, limits: tuple[tuple[AwsReachDocument, ...], ...] = ()
) -> tuple[Consequence, ...]:
    """What these documents allow within limits."""
    return consequences_in(documents, limits, combine(documents, limits, WORDS), WORDS, ACCOUNT)


@pytest.mark.parametrize(
    ("statements", "kind", "narrow", "conditional"),
    [
        ([allow("ses:SendEmail")], "send", False, False),
        ([allow("ses:Send*", f"arn:aws:ses:*:{ACCOUNT}:identity/a.example")], "send", True, False),
        ([allow("s3:DeleteObject", "arn:aws:s3:::logs/*")], "delete", True, False),
        ([allow("s3:DeleteObject", **IF)], "delete", False, True),
        ([allow("bedrock:InvokeModel")], "invoke_models", False, False),
        ([allow("ec2:RunInstances")], "pay", False, False),
        ([allow("s3:GetObject")], "read_data", False, False),
        ([allow("cloudtrail:StopLogging")], "hide_traces", False, False),
        ([allow("s3:PutBucketPolicy")], "share", False, False),
        ([allow("iam:AttachRolePolicy", f"arn:aws:iam::{ACCOUNT}:role/x")], "change_rights", True, False),
    ],
)
def test_each_kind_follows_from_what_is_allowed(
    statements: list[dict[str, object]], kind: str, narrow: bool, conditional: bool
) -> None:
    """On anything at all, which the level ``high`` does not count."""
    (one,) = found(doc(*statements))

    assert (one.kind, one.narrow, one.conditional) == (kind, narrow, conditional)
    assert one.actions


def test_denials_and_limits_take_away() -> None:
    """What a boundary leaves out is not allowed, whatever a policy says."""
    sends = doc(allow("ses:SendEmail"), allow("sns:Publish"))

    assert found(doc(allow("ses:SendEmail"), deny("ses:*"))) == ()
    assert [one.actions for one in found(sends, limits=((doc(allow("sns:*"), number=1),),))] == [("sns:Publish",)]


@pytest.mark.parametrize(
    ("resource", "on"),
    [
        ("*", (f"arn:*:secretsmanager:*:{ACCOUNT}:secret:*",)),
        (ONE_SECRET, (ONE_SECRET,)),
        ("arn:aws:secretsmanager:*:*:secret:db-*", (f"arn:aws:secretsmanager:*:{ACCOUNT}:secret:db-*",)),
        ("arn:aws:secretsmanager:eu-west-1:999999999999:secret:theirs", ()),
        (f"arn:aws:secretsmanager:*:{ACCOUNT}:secret:${{aws:PrincipalTag/team}}-*", ()),
        ([f"arn:aws:secretsmanager:*:{ACCOUNT}:secret:s{number}" for number in range(MOST_PATTERNS + 1)], ()),
    ],
)
def test_secrets_are_named_by_the_patterns_of_their_keys(resource: object, on: tuple[str, ...]) -> None:
    """In the account alone; where only a request decides, or there are too many, it stays open which they are."""
    (one,) = found(doc(allow("secretsmanager:GetSecretValue", resource)))

    assert (one.kind, one.on) == ("read_secrets", on)
    assert one.narrow or on


def test_the_policies_that_allow_it_are_named() -> None:
    """Equal policies are judged once, and may have other names with others."""
    document = {"Statement": [allow("ses:SendEmail")]}
    library = PolicyLibrary([], [], words=WORDS, account=ACCOUNT)
    inline = [InlinePolicy(policy_name="Mail", policy_document=document)]

    (one,) = library.permissions(ROLE, inline, [], None).consequences or ()

    assert (one.kind, one.by) == ("send", "policy Mail (inline)")


def test_an_admin_can_do_everything_and_what_was_not_read_is_not_known() -> None:
    """No single action says more of an admin; one that can make itself an admin keeps them beside that."""
    library = PolicyLibrary([], [], words=WORDS, account=ACCOUNT)

    def kinds(*statements: dict[str, object], itself: tuple[str, ...] = ()) -> list[str]:
        inline = [InlinePolicy(policy_name="P", policy_document={"Statement": list(statements)})]
        found = library.permissions(ROLE, inline, [], None).judged(WORDS, itself)
        return [one.kind for one in found.consequences or ()]

    assert kinds(allow("*")) == ["administer"]
    assert kinds(allow("sns:Publish"), itself=("iam:CreatePolicyVersion",)) == ["administer", "send"]
    assert kinds(allow("iam:CreatePolicyVersion"), allow("sns:Publish")) == ["send"]
    assert Permissions().consequences is None
    lacking = library.permissions(
        ROLE, [], [AttachedPolicy(policy_name="X", policy_arn="arn:aws:iam::1:policy/X")], None
    )
    assert (lacking.privilege.level, lacking.consequences) == ("unknown", ())
