"""The IAM policy that the connector needs, made from what its sections declare."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from connectors.aws.spec import MEMBER_ROLE, OF_ORGANIZATIONS, SPEC
from connectors.base import Section

POLICY_LIMIT = 6144
"""Characters that a managed policy may have."""
USUAL_ROLE = "MusterAudit"
"""What the role in an organization's accounts is called where no source says otherwise."""

# Calls that hand out a secret. Refused by name, so that a broader policy on the same principal cannot allow them.
NEVER = (
    "secretsmanager:GetSecretValue",
    "secretsmanager:BatchGetSecretValue",
    "ssm:GetParameter*",
    "kms:Decrypt",
    "s3:GetObject*",
    "lambda:GetFunction",
    "bedrock-agentcore:GetResourceApiKey",
    "bedrock-agentcore:GetResourceOauth2Token",
    "bedrock-agentcore:GetWorkloadAccessToken*",
)


def least_policies(role: str | None = USUAL_ROLE, sections: Iterable[Section] = SPEC.sections) -> list[str]:
    """As many policy documents (JSON) as it takes for each to keep the limit; together they allow all that is called.

    ``role``: the one that is assumed in an organization's accounts; None: there is no organization to read.
    """
    left_out = (MEMBER_ROLE,) if role else OF_ORGANIZATIONS
    reads = sorted(
        {permission for section in sections if section.name not in left_out for permission in section.permissions}
    )
    statements = [_statement("NeverSecretValues", "Deny", NEVER)]
    if role:
        # Not on everything: it would be the way to every role that trusts the account.
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
    """One service a line: as short as one that is all in one line, and fit to be read."""
    lines = ",\n".join(
        _compact(list(group))[1:-1] for _, group in groupby(actions, lambda action: action.split(":")[0])
    )
    return f'{{"Sid":"{name}","Effect":"{effect}","Resource":"{resource}","Action":[\n{lines}\n]}}'


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def printed(policies: Sequence[str]) -> str:
    """The one document; several as a JSON list, each to be attached."""
    return policies[0] if len(policies) == 1 else f"[{','.join(policies)}]\n"
