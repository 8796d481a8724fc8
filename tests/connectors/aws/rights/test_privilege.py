"""What policies amount to: truth tables for the evaluator, and for the wrong verdicts that names and halves invite."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.iam.aws_managed_policies import aws_managed_policies_data
from msgspec.structs import replace

from connectors.aws.rights.patterns import action_matches
from connectors.aws.rights.policy import parse_statements
from connectors.aws.rights.privilege import allows
from connectors.aws.rights.reach import sum_up
from connectors.aws.rights.vocabulary import HolderKind, Vocabulary
from tests.connectors.aws.rights.policies import ACCOUNT, IF, WORDS, allow, deny, doc, own, verdict

EXPECTED = {
    "PowerUserAccess": "high",
    "AdministratorAccess-Amplify": "high",
    "AWSLambda_FullAccess": "high",
    "AmazonEC2FullAccess": "high",
    "SystemAdministrator": "high",
    "ReadOnlyAccess": "high",
    "AmazonS3FullAccess": "high",
    "AWSEC2VssRestorePolicy": "normal",
    "AmazonBedrockFullAccess": "high",
    "AmazonSNSFullAccess": "high",
    "SecurityAudit": "normal",
    "ViewOnlyAccess": "normal",
    "IAMReadOnlyAccess": "normal",
    "IAMUserChangePassword": "normal",
    "CloudWatchLogsFullAccess": "normal",
    "AWSLambdaBasicExecutionRole": "normal",
    "AmazonSSMManagedInstanceCore": "high",
}
ASSUME = WORDS.bits(("sts:AssumeRole",))


@pytest.mark.parametrize(
    ("statements", "level"),
    [
        ([allow("*")], "admin"),
        ([allow("*:*")], "admin"),
        ([allow("iam:*")], "admin"),
        ([allow("IAM:*")], "admin"),
        ([allow(["s3:*", "i*:*"])], "admin"),
        ([allow("iam:*", "arn:aws:iam::*")], "admin"),
        ([allow("iam:*", f"arn:aws:iam::{ACCOUNT}:*")], "admin"),
        ([{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}], "admin"),
        ([{"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::logs"}], "admin"),
        ([allow("*"), deny("s3:DeleteBucket")], "admin"),
        ([allow("*"), deny("*", "arn:aws:s3:::logs/*")], "admin"),
        ([allow("*"), deny("iam:GetUser")], "admin"),
        ([allow("*"), deny("iam:*"), deny("sts:AssumeRole")], "high"),
        ([allow("iam:*"), deny("iam:*")], "normal"),
        ([allow("iam:*"), deny("iam:*", **IF)], "admin"),
        ([allow("iam:*"), deny("iam:CreateUser")], "admin"),
        ([allow("iam:*"), deny("iam:CreatePolicyVersion")], "escalation"),
        ([allow("*"), deny("iam:*", "arn:aws:iam::*:role/*")], "escalation"),
        ([allow("*"), {"Effect": "Deny", "Action": "iam:*", "NotResource": "arn:aws:iam::*:role/x"}], "high"),
        ([allow("*"), {"Effect": "Deny", "Action": "iam:*", "NotResource": "arn:aws:iam::*:*/dev-*"}], "high"),
        ([allow(["iam:PassRole", *WORDS.names(WORDS.dangerous_iam & ~WORDS.pass_role)])], "escalation"),
        ([allow("iam:DeleteUserPermissionsBoundary")], "normal"),
        ([allow("iam:DetachRolePolicy")], "normal"),
        ([allow("*", **IF)], "high"),
        ([allow("logs:*")], "normal"),
        ([allow("iam:*", "arn:aws:iam::999999999999:role/*")], "normal"),
        ([allow("iam:*", f"arn:aws:iam::{ACCOUNT}:mfa/${{aws:username}}")], "normal"),
        ([allow("*", "arn:aws:s3:::app/*")], "normal"),
        ([allow("iam:PutUserPolicy", f"arn:aws:iam::{ACCOUNT}:user/x")], "normal"),
        ([allow("iam:PutUserPolicy", f"arn:aws:iam::{ACCOUNT}:user/one")], "escalation"),
        ([allow("iam:PutUserPolicy", f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}")], "escalation"),
        ([allow("iam:PutUserPolicy", f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}x")], "normal"),
        ([allow("iam:PutUserPolicy"), deny("iam:PutUserPolicy", "*/one")], "high"),
        ([allow("iam:PutUserPolicy", f"arn:aws:iam::{ACCOUNT}:role/x")], "normal"),
        ([allow("iam:PutRolePolicy", "arn:aws:iam::*:role/aws-service-role/connect.amazonaws.com/*")], "normal"),
        ([allow("iam:*", "arn:aws:iam::*:role/aws-reserved/sso.amazonaws.com/*")], "normal"),
        ([allow("iam:PutRolePolicy", "arn:aws:iam::*:role/aws*")], "normal"),
        ([allow("iam:CreatePolicyVersion")], "high"),
        ([allow("iam:AddUserToGroup")], "high"),
        ([allow("iam:CreateAccessKey")], "high"),
        ([allow("iam:CreateAccessKey", "arn:aws:iam::*:user/*")], "high"),
        ([allow("iam:CreateAccessKey", "arn:aws:iam::*:user/${aws:username}")], "normal"),
        ([allow("iam:PassRole")], "normal"),
        ([allow(["iam:PassRole", "ec2:RunInstances"])], "high"),
        ([allow("iam:PassRole", "arn:aws:iam::*:role/app"), allow("ec2:RunInstances")], "high"),
        (
            [
                allow("iam:PassRole"),
                allow(["lambda:CreateFunction", "lambda:InvokeFunction"], "arn:aws:lambda:*:*:function:a"),
            ],
            "high",
        ),
        ([allow("iam:PassRole", **IF), allow("glue:CreateDevEndpoint")], "high"),
        ([allow("lambda:UpdateFunctionCode", "arn:aws:lambda:*:*:function:one")], "normal"),
        ([allow("lambda:UpdateFunctionCode", "arn:aws:lambda:*:*:function:*")], "high"),
        ([allow("secretsmanager:GetSecretValue")], "high"),
        ([allow("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:*:*:secret:app")], "normal"),
        ([allow("s3:Get*")], "high"),
        ([allow("s3:GetObject", "arn:aws:s3:::bucket/*")], "normal"),
        ([allow("s3:GetObject"), deny("s3:GetObject", "arn:aws:s3:::*")], "normal"),
        ([allow("s3:GetObject"), deny("s3:*")], "normal"),
        ([], "normal"),
    ],
    ids=str,
)  # fmt: skip
def test_a_policy_is_judged_by_what_it_does(statements: list[dict[str, Any]], level: str) -> None:
    """Wildcards anywhere, Not-forms, scopes, conditions and denies each count for what they are."""
    assert own(tuple(statements)).level == level


def test_policies_are_judged_together() -> None:
    """Two harmless halves make a whole, and a deny in one takes from another."""
    half, other = (allow("iam:PassRole"),), (allow("glue:CreateDevEndpoint"),)

    assert [own(half).level, own(other).level] == ["normal", "normal"]
    assert own(half, other).level == "high"
    assert own(half, other, (deny("iam:PassRole"),)).level == "normal"


@pytest.mark.parametrize(
    ("boundary", "level"),
    [
        ((allow("*"),), "admin"),
        ((allow("s3:ListBucket"),), "normal"),
        ((allow("*"), deny("iam:*"), deny("sts:*")), "high"),
        ((allow("*", **IF),), "high"),
        ((allow("iam:PutUserPermissionsBoundary"),), "escalation"),
        ((allow("iam:PutUserPermissionsBoundary", "arn:aws:iam::*:user/other"),), "normal"),
    ],
    ids=str,
)
def test_a_boundary_holds_an_administrator_back(boundary: tuple[dict[str, Any], ...], level: str) -> None:
    """What the boundary does not allow, no policy gives; being allowed to lift it is escalation."""
    assert own((allow("*"),), boundary=boundary).level == level


@pytest.mark.parametrize(("holder", "level"), [("user", "escalation"), ("role", "normal")])
def test_only_a_user_lifts_a_users_boundary(holder: HolderKind, level: str) -> None:
    """A role's own boundary is another matter, and so is another call."""
    lifting = (allow(["iam:DeleteUserPermissionsBoundary", "logs:*"]),)

    assert own((allow("*"),), boundary=lifting, holder=holder).level == level


@pytest.mark.parametrize(
    ("action", "level"), [("iam:DeleteUserPolicy", "escalation"), ("iam:DetachUserPolicy", "normal")]
)
def test_a_deny_of_ones_own_can_be_taken_away(action: str, level: str) -> None:
    """By the call for that sort of policy, if what is left is an administrator's."""
    denied = (deny([name for name in WORDS.names(WORDS.dangerous_iam & ~WORDS.bits((action,))) if " to " not in name]),)

    assert own((allow("iam:*"),), denied).level == level


def test_evidence_names_the_method_and_that_it_is_only_possible() -> None:
    """A reader can check the verdict: actions by name, and how sure it is."""
    (evidence,) = own((allow(["iam:PassRole", "ecs:RunTask"]),)).evidence

    assert evidence == (
        "potential: can pass a role to something new: iam:PassRole + ecs:RunTask; by policy p0 (inline) statement 1"
    )


def test_evidence_of_an_escalation_says_first_what_it_does_to_itself() -> None:
    """The method, and what grants it."""
    evidence = own((allow(["iam:PutUserPolicy", "iam:DeleteUserPolicy"], f"arn:aws:iam::{ACCOUNT}:user/one"),)).evidence

    assert evidence == ("iam:PutUserPolicy on itself; by policy p0 (inline) statement 1",)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("not json", "not a policy document"),
        (None, "not a policy document"),
        ({"Statement": [{"Effect": "Allow", "Action": "*"}]}, "Resource"),
        ({"Statement": [{"Effect": "Allow", "Resource": "*"}]}, "Action"),
        ({"Statement": [{"Effect": "allow", "Action": "*", "Resource": "*"}]}, "not a policy document"),
        ({"Statement": [{"Effect": "Allow", "Action": [1], "Resource": "*"}]}, "not a policy document"),
        ({"Statement": "x"}, "not a policy document"),
    ],
)
def test_a_document_that_is_none_is_refused(document: Any, reason: str) -> None:
    """It is never taken for a policy without permissions."""
    with pytest.raises(ValueError, match=reason):
        parse_statements(document)


@pytest.mark.parametrize(
    ("statements", "boundary", "answer"),
    [
        ([allow("sts:AssumeRole")], None, "yes"),
        ([allow("sts:*", "arn:aws:iam::*:role/app-*")], None, "yes"),
        ([allow("sts:AssumeRole", "arn:aws:iam::*:role/App-*")], None, "no"),
        ([allow("sts:AssumeRole", **IF)], None, "maybe"),
        ([allow("sts:AssumeRole"), deny("sts:AssumeRole", "*app-x")], None, "no"),
        ([allow("sts:AssumeRole"), deny("sts:*", **IF)], None, "maybe"),
        ([allow("sts:AssumeRole")], [allow("s3:*")], "no"),
        ([allow("sts:AssumeRole")], [allow("*", **IF)], "maybe"),
        ([{"Effect": "Allow", "Action": "sts:*", "NotResource": "*app-x"}], None, "no"),
    ],
    ids=str,
)
def test_one_action_on_one_role(statements: list[Any], boundary: list[Any] | None, answer: str) -> None:
    """Explicit deny first, the boundary as a limit, a condition as a maybe; ARNs match case for case."""
    limits = () if boundary is None else ((doc(*boundary),),)

    assert allows((doc(*statements),), limits, ASSUME, f"arn:aws:iam::{ACCOUNT}:role/app-x", WORDS) == answer


@given(st.text(alphabet="aB*?[]:!", max_size=8), st.text(alphabet="abB[]:!x", max_size=8))
def test_wildcards_match_as_aws_describes(pattern: str, action: str) -> None:
    """``*`` is any run, ``?`` any one character, everything else itself, and case does not matter."""

    def matches(p: str, a: str) -> bool:
        if not p:
            return not a
        if p[0] == "*":
            return matches(p[1:], a) or (bool(a) and matches(p, a[1:]))
        return bool(a) and p[0] in ("?", a[0]) and matches(p[1:], a[1:])

    assert action_matches(pattern, action) == matches(pattern.lower(), action.lower())


@given(st.lists(st.sampled_from(["iam:*", "iam:Put*", "s3:*", "*", "sts:AssumeRole", "iam:PassRole", "ec2:*"])))
def test_order_and_repetition_of_policies_do_not_matter(actions: list[str]) -> None:
    """The verdict is about the set of policies."""
    policies = [(allow(action),) for action in actions]
    once, twice = own(*policies), own(*reversed(policies), *policies)

    assert once.level == twice.level


def test_a_hostile_pattern_costs_no_time() -> None:
    """A policy's author cannot make matching explode."""
    assert not action_matches("*a" * 40 + "b", "a" * 60)


def test_tables_that_disagree_fail_at_once() -> None:
    """A method with an action of IAM that the list of IAM's actions lacks is an error, not a silent pass."""
    lacking = replace(WORDS.tables, iam_actions=tuple(set(WORDS.tables.iam_actions) - {"PassRole"}))

    with pytest.raises(ValueError, match=re.escape("iam_actions lacks iam:PassRole")):
        Vocabulary(lacking)


def test_of_awss_own_policies_few_are_an_administrators() -> None:
    """All of them are understood; names say nothing: two give everything, some that are called so do not."""
    policies = {name: policy["Document"] for name, policy in json.loads(aws_managed_policies_data).items()}
    levels = {
        name: verdict(sum_up(parse_statements(document), number=number, words=WORDS, account=ACCOUNT)).level
        for number, (name, document) in enumerate(policies.items())
    }

    assert {name for name, level in levels.items() if level == "admin"} == {"AdministratorAccess", "IAMFullAccess"}
    assert {name: levels[name] for name in EXPECTED} == EXPECTED
