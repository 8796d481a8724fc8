"""``muster check`` on plans and templates of every provider: the rules that fire, where they point, and exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Muster
from tests.connectors.planned.plans import ACCOUNT, block, caller_identity, change, refers, terraform

TRUST = json.dumps(
    {"Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
)
ANYONE = json.dumps({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]})
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
READ = json.dumps({"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}]})
REGISTRY = f"""\
id,name,identities,owner,status,blast_radius
E-1,shop,arn:aws:iam::{ACCOUNT}:role/shop,ada@example.com,active,reads one bucket
E-2,bare,arn:aws:iam::{ACCOUNT}:role/bare,ada@example.com,active,
E-3,left,arn:aws:iam::{ACCOUNT}:role/left,left@example.com,active,little
E-4,ci,arn:aws:iam::{ACCOUNT}:user/ci,ada@example.com,active,little
"""
PEOPLE = "email,name,status,left_on\nada@example.com,Ada,active,\nleft@example.com,Gone,left,2025-01-01\n"


def role(name: str, trust: str = TRUST) -> dict[str, Any]:
    """A role that is created."""
    after = {"name": name, "path": "/", "assume_role_policy": trust, "tags_all": {}}
    return change(f"aws_iam_role.{name}", after, unknown={"arn": True, "id": True, "inline_policy": True})


def attached(name: str, policy: str = ADMIN) -> dict[str, Any]:
    """A managed policy for it."""
    return change(f"aws_iam_role_policy_attachment.{name}", {"role": name, "policy_arn": policy})


def plan(*changes: dict[str, Any], **parts: Any) -> str:
    """A plan for the account of the registry."""
    return json.dumps(terraform(*changes, **{"prior": [caller_identity()], **parts}))


SHOP_READS = change("aws_iam_role_policy.p", {"role": "shop", "name": "p", "policy": READ})
COMPUTED = change("aws_iam_role_policy.p", {"role": "shop", "name": "p"}, unknown={"policy": True})
THERE = {"name": "shop", "path": "/", "assume_role_policy": TRUST, "arn": f"arn:aws:iam::{ACCOUNT}:role/shop"}
UNCHANGED = change("aws_iam_role.shop", THERE, before=THERE, actions=["no-op"])
KEYS = (
    change("aws_iam_user.ci", {"name": "ci", "path": "/"}, unknown={"arn": True}),
    change("aws_iam_access_key.k", {"user": "ci", "status": "Active"}, unknown={"id": True, "secret": True}),
)
NAMED_LATER = change(
    "aws_iam_role.later", {"path": "/", "assume_role_policy": TRUST}, unknown={"arn": True, "name": True}
)
CFN = """\
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties:
      RoleName: {name}
      AssumeRolePolicyDocument: {trust}
      ManagedPolicyArns: [{policy}]
"""
SAM = f"""\
Transform: AWS::Serverless-2016-10-31
Resources:
  Function: {{Type: AWS::Serverless::Function, Properties: {{Policies: [{ADMIN}]}}}}
"""
GCP = (
    change(
        "google_service_account.bot", {"account_id": "bot", "project": "acme"}, unknown={"email": True, "member": True}
    ),
    change("google_project_iam_member.m", {"project": "acme", "role": "roles/owner"}, unknown={"member": True}),
    change("google_service_account_key.k", {}, unknown={"service_account_id": True, "name": True}),
)
OF_BOT = refers("google_service_account.bot.member", "google_service_account.bot")
GCP_BLOCKS = [
    block("google_project_iam_member.m", member=OF_BOT),
    block("google_service_account_key.k", service_account_id=OF_BOT),
]
AZURE = (
    change("azurerm_user_assigned_identity.bot", {"name": "bot", "resource_group_name": "rg"}, unknown={"id": True}),
    change("azurerm_role_assignment.a", {"role_definition_name": "Owner", "scope": "/subscriptions/x"},
           unknown={"principal_id": True}),
)  # fmt: skip
AZURE_BLOCKS = [block("azurerm_role_assignment.a", principal_id=refers("azurerm_user_assigned_identity.bot"))]

CASES: dict[str, tuple[str, set[tuple[str, str]], int]] = {
    "a declared role without rights": (plan(role("shop")), set(), 0),
    "a declared role that reads": (plan(role("shop"), SHOP_READS), set(), 0),
    "an unregistered role": (plan(role("new")), {("planned_unregistered", "aws_iam_role.new")}, 1),
    "an owner who left": (plan(role("left")), {("planned_without_owner", "aws_iam_role.left")}, 1),
    "an admin that is declared": (
        plan(role("shop"), attached("shop")),
        {("planned_privilege", "aws_iam_role_policy_attachment.shop")},
        1,
    ),
    "an admin of undeclared blast radius": (
        plan(role("bare"), attached("bare")),
        {
            ("planned_privilege", "aws_iam_role_policy_attachment.bare"),
            ("planned_without_blast_radius", "aws_iam_role_policy_attachment.bare"),
        },
        1,
    ),
    "a role that only becomes an admin": (
        plan(UNCHANGED, attached("shop")),
        {("planned_privilege", "aws_iam_role_policy_attachment.shop")},
        1,
    ),
    "a role that stays as it is": (plan(UNCHANGED), set(), 0),
    "an access key": (plan(*KEYS), {("planned_long_lived_credential", "aws_iam_access_key.k")}, 0),
    "a computed policy": (plan(role("shop"), COMPUTED), set(), 0),
    "a computed name": (plan(NAMED_LATER), set(), 0),
    "an open trust policy": (plan(role("shop", ANYONE)), {("open_trust", "aws_iam_role.shop")}, 1),
    "no change": (plan(), set(), 0),
    "a template's declared role": (CFN.format(name="shop", trust=TRUST, policy=""), set(), 0),
    "a template's admin": (
        CFN.format(name="new", trust=TRUST, policy=ADMIN),
        {("planned_unregistered", "Role"), ("planned_privilege", "Role")},
        1,
    ),
    "an admin function of SAM": (SAM, {("planned_privilege", "Function")}, 1),
    "a service account with a key and a project": (
        plan(*GCP, blocks=GCP_BLOCKS),
        {
            ("planned_unregistered", "google_service_account.bot"),
            ("planned_privilege", "google_project_iam_member.m"),
            ("planned_long_lived_credential", "google_service_account_key.k"),
        },
        1,
    ),
    "a managed identity with a subscription": (
        plan(*AZURE, blocks=AZURE_BLOCKS),
        {
            ("planned_unregistered", "azurerm_user_assigned_identity.bot"),
            ("planned_privilege", "azurerm_role_assignment.a"),
        },
        1,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_rules_places_and_exit_codes(muster: Muster, tmp_path: Path, case: str) -> None:
    """What a reviewer of the change is shown, and whether the pipeline stops."""
    content, expected, code = CASES[case]
    (tmp_path / "given").write_text(content)
    (tmp_path / "registry.csv").write_text(REGISTRY)
    (tmp_path / "people.csv").write_text(PEOPLE)
    lists = ("--registry", "registry.csv", "--people", "people.csv")
    done = muster("check", "given", *lists, "--fail-on", "high", "-o", "json:out.json")

    findings = json.loads((tmp_path / "out.json").read_text())["findings"]
    assert {(each["rule"], each["evidence"]["resource"]) for each in findings} == expected
    assert done.code == code, done.err
