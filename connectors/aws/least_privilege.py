"""The IAM policy of the connector, generated from its sections, alone and in role templates."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from connectors.aws.spec import MEMBER_ROLE, OF_ORGANIZATIONS, SPEC
from connectors.core.contract import Section

POLICY_LIMIT = 6144
"""Maximum characters of a managed policy."""
USUAL_ROLE = "MusterAudit"
"""The default name of the role in the accounts of an organization."""

# Calls that return a secret. Denied by name, so that a broader policy on the same principal cannot allow them.
NEVER = (
    "secretsmanager:GetSecretValue",
    "secretsmanager:BatchGetSecretValue",
    "ssm:GetParameter*",
    "lambda:GetFunction",
    "bedrock-agentcore:GetResourceApiKey",
    "bedrock-agentcore:GetResourceOauth2Token",
    "bedrock-agentcore:GetWorkloadAccessToken*",
)
NEVER_BUT_LOGS = ("s3:GetObject*", "kms:Decrypt")
"""Denied as well, except for the files of a trail, which another policy can allow."""
_LOGS = "arn:*:s3:::*/AWSLogs/*"
_NOT_FOR_S3 = {"StringNotLike": {"kms:ViaService": "s3.*.amazonaws.com*"}}


def least_policies(role: str | None = USUAL_ROLE, sections: Iterable[Section] = SPEC.sections) -> list[str]:
    """Policy documents (JSON), each within the limit, that together allow all calls.

    ``role``: the role to assume in the accounts of an organization; None without an organization.
    """
    left_out = (MEMBER_ROLE,) if role else OF_ORGANIZATIONS
    reads = sorted(
        {permission for section in sections if section.name not in left_out for permission in section.permissions}
    )
    objects, decrypt = NEVER_BUT_LOGS
    statements = [
        _statement("NeverSecretValues", "Deny", NEVER),
        _compact({"Sid": "NeverObjects", "Effect": "Deny", "NotResource": _LOGS, "Action": [objects]}),
        _compact({"Sid": "NeverDecrypt", "Effect": "Deny", "Resource": "*", "Action": [decrypt],
                  "Condition": _NOT_FOR_S3}),
    ]  # fmt: skip
    if role:
        # Not on everything: it would allow every role that trusts the account.
        statements.append(_statement("MusterEnters", "Allow", ["sts:AssumeRole"], f"arn:*:iam::*:role/{role}"))
    return _packed(reads, statements)


def _packed(reads: Sequence[str], statements: Sequence[str]) -> list[str]:
    """The statements and as many actions as fit, and the rest in further documents."""
    fitting = len(reads)
    while len(document := _document([_statement("MusterReads", "Allow", reads[:fitting]), *statements])) > POLICY_LIMIT:
        fitting -= 1
    rest = reads[fitting:]
    return [document, *(_packed(rest, ()) if rest else ())]


def _document(statements: Iterable[str]) -> str:
    return '{"Version":"2012-10-17","Statement":[\n' + ",\n".join(statements) + "\n]}\n"


def _statement(name: str, effect: str, actions: Sequence[str], resource: str = "*") -> str:
    """One service per line: as short as a single line, and readable."""
    lines = ",\n".join(
        _compact(list(group))[1:-1] for _, group in groupby(actions, lambda action: action.split(":")[0])
    )
    return f'{{"Sid":"{name}","Effect":"{effect}","Resource":"{resource}","Action":[\n{lines}\n]}}'


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def printed(policies: Sequence[str]) -> str:
    """The one document; several as a JSON list, each to be attached."""
    return policies[0] if len(policies) == 1 else f"[{','.join(policies)}]\n"


_SCANNER = "ARN of the role or user that Muster runs as."
_EXTERNAL_ID = "The source's external_id, where it has one."
_DESCRIPTION = "Lets Muster read identities and their permissions, and never a secret's value."
_CLOUDFORMATION_HEAD = """\
# The role that Muster assumes in each account of an organization. Into all of them, from the management account:
#   aws cloudformation create-stack-set --stack-set-name muster-audit --template-body file://template.yaml \\
#     --permission-model SERVICE_MANAGED --auto-deployment Enabled=true,RetainStacksOnAccountRemoval=false \\
#     --capabilities CAPABILITY_NAMED_IAM --parameters ParameterKey=Scanner,ParameterValue=ARN
#   aws cloudformation create-stack-instances --stack-set-name muster-audit --regions us-east-1 \\
#     --deployment-targets OrganizationalUnitIds=ROOT_ID
# A stack set leaves out the management account: there, make a stack of it (aws cloudformation create-stack).
# The scanning principal needs what `muster connectors aws --policy` prints besides.
"""


def cloudformation() -> str:
    """The role of one account as a CloudFormation template (YAML), for a stack or a stack set."""
    import yaml

    documents = {f"Reads{number}": json.loads(one) for number, one in enumerate(least_policies(role=None), 1)}
    asked = {"StringEquals": {"sts:ExternalId": {"Ref": "ExternalId"}}}
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": {"Ref": "Scanner"}},
        "Action": "sts:AssumeRole",
        "Condition": {"Fn::If": ["HasExternalId", asked, {"Ref": "AWS::NoValue"}]},
    }
    role = {
        "RoleName": {"Ref": "RoleName"},
        "Description": _DESCRIPTION,
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
    }
    policy = {"Description": _DESCRIPTION, "Roles": [{"Ref": "Role"}]}
    policies = {
        name: {"Type": "AWS::IAM::ManagedPolicy", "Properties": {**policy, "PolicyDocument": one}}
        for name, one in documents.items()
    }
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": _DESCRIPTION,
        "Parameters": {
            "Scanner": {
                "Type": "String",
                "Description": _SCANNER,
                "AllowedPattern": r"arn:aws[a-z-]*:iam::\d{12}:(role|user)/.+",
            },
            "RoleName": {"Type": "String", "Description": "The source's organization_role.", "Default": USUAL_ROLE},
            "ExternalId": {"Type": "String", "Description": _EXTERNAL_ID, "Default": "", "NoEcho": True},
        },
        "Conditions": {"HasExternalId": {"Fn::Not": [{"Fn::Equals": [{"Ref": "ExternalId"}, ""]}]}},
        "Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": role}, **policies},
        "Outputs": {"RoleArn": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}}},
    }
    return _CLOUDFORMATION_HEAD + yaml.safe_dump(template, sort_keys=False, width=120)


_TERRAFORM = """\
# The role that Muster assumes in one account; apply it to each. The identity that scans also needs
# the policy that `muster connectors aws --policy` prints.
terraform {
  required_providers {
    aws = { source = "hashicorp/aws", version = ">= 5.0" }
  }
}

variable "scanner" {
  type        = string
  description = "SCANNER"
}

variable "role_name" {
  type        = string
  description = "The source's organization_role."
  default     = "ROLE"
}

variable "external_id" {
  type        = string
  description = "EXTERNAL_ID"
  default     = null
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "AWS"
      identifiers = [var.scanner]
    }
    dynamic "condition" {
      for_each = var.external_id == null ? [] : [var.external_id]
      content {
        test     = "StringEquals"
        variable = "sts:ExternalId"
        values   = [condition.value]
      }
    }
  }
}

resource "aws_iam_role" "muster" {
  name               = var.role_name
  description        = "DESCRIPTION"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_role_policy_attachment" "muster" {
  count      = length(aws_iam_policy.muster)
  role       = aws_iam_role.muster.name
  policy_arn = aws_iam_policy.muster[count.index].arn
}

resource "aws_iam_policy" "muster" {
  count       = length(local.policies)
  name        = "${var.role_name}-${count.index + 1}"
  description = "DESCRIPTION"
  policy      = local.policies[count.index]
}

output "role_arn" {
  value = aws_iam_role.muster.arn
}

locals {
  policies = [
POLICIES
  ]
}
"""


def terraform() -> str:
    """The role of one account as a Terraform module."""
    policies = ",\n".join(f"jsonencode({document.strip()})" for document in least_policies(role=None))
    texts = {
        "SCANNER": _SCANNER,
        "EXTERNAL_ID": _EXTERNAL_ID,
        "DESCRIPTION": _DESCRIPTION,
        "ROLE": USUAL_ROLE,
        "POLICIES": policies,
    }
    words = rf'(?<=")(?:{"|".join(texts)})(?=")|^POLICIES$'
    return re.sub(words, lambda found: texts[found[0]], _TERRAFORM, flags=re.MULTILINE)
