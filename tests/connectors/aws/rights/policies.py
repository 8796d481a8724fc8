"""Policy documents for tests of what they amount to."""

from __future__ import annotations

from typing import Any

from connectors.aws.client.iam_calls import AwsListing
from connectors.aws.client.payloads import PolicyDetail, RoleDetail, UserDetail
from connectors.aws.rights.account_rights import rights_in
from connectors.aws.rights.policy import parse_statements
from connectors.aws.rights.privilege import Verdict, judge
from connectors.aws.rights.reach import AwsReachDocument, sum_up
from connectors.aws.rights.vocabulary import HolderKind, vocabulary
from connectors.aws.spec import POLICIES, ROLES, USERS
from scanner.model import Privilege

ACCOUNT = "123456789012"
WORDS = vocabulary()
IF = {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}
"""Makes a statement conditional."""


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    """An Allow statement."""
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    """A Deny statement."""
    return {**allow(action, resource, **more), "Effect": "Deny"}


def doc(*statements: dict[str, Any], number: int = 0) -> AwsReachDocument:
    """A document of these statements."""
    return sum_up(parse_statements({"Statement": list(statements)}), number=number, words=WORDS, account=ACCOUNT)


def verdict(
    *documents: AwsReachDocument,
    boundary: AwsReachDocument | None = None,
    guardrails: tuple[tuple[AwsReachDocument, ...], ...] = (),
) -> Verdict:
    """The verdict over these documents together."""
    return judge(documents, WORDS, (*guardrails, *(() if boundary is None else ((boundary,),))))[0]


def own(
    *policies: tuple[dict[str, Any], ...],
    boundary: tuple[dict[str, Any], ...] | None = None,
    holder: HolderKind = "user",
    guardrails: tuple[tuple[Any, ...], ...] = (),
) -> Privilege:
    """What inline policies of these statements let the only user or role of an account do by themselves."""
    listing, limit = AwsListing(), f"arn:aws:iam::{ACCOUNT}:policy/limit"
    row: dict[str, Any] = {"Arn": f"arn:aws:iam::{ACCOUNT}:{holder}/one", f"{holder.title()}Name": "one"}
    row[f"{holder.title()}PolicyList"] = [
        {"PolicyName": f"p{place}", "PolicyDocument": {"Statement": list(each)}} for place, each in enumerate(policies)
    ]
    if boundary is not None:
        version = {"IsDefaultVersion": True, "Document": {"Statement": list(boundary)}}
        listing.add(POLICIES, [{"Arn": limit, "PolicyVersionList": [version]}], PolicyDetail)
        row["PermissionsBoundary"] = {"PermissionsBoundaryArn": limit}
    if holder == "role":
        row["AssumeRolePolicyDocument"] = {"Statement": []}
    listing.add(USERS if holder == "user" else ROLES, [row], UserDetail if holder == "user" else RoleDetail)
    return rights_in(listing, ACCOUNT, guardrails).permissions[row["Arn"]].privilege
