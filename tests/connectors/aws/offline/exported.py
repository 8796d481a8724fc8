"""An account as the AWS command line would have written it, made by hand, and how it is read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from connectors.aws.connector import AwsConnector
from connectors.aws.settings import AwsSettings
from connectors.core.contract import DiscoveredRecord, Scope
from scanner.model import Coverage
from tests.connectors.aws.estate import Found

MADE = "2019-03-01T10:00:00+00:00"
HIDDEN = "hunter2-never-kept"


def read(folder: Path, **settings: Any) -> Found:
    """Every scope of an export."""
    connector = AwsConnector("audit", AwsSettings(from_files=folder, **settings))
    found = Found()
    for scope in connector.scopes():
        found.records.extend(connector.discover(scope) if isinstance(scope, Scope) else (scope,))
    return found


def everywhere(records: Sequence[DiscoveredRecord]) -> list[Coverage]:
    """What concerns no single account."""
    return [each for each in records if isinstance(each, Coverage) and each.scope == "*"]


def details(account: str, *users: str, roles: tuple[str, ...] = (), **members: Any) -> dict[str, Any]:
    """``get-account-authorization-details``: users without anything, roles that Lambda may become."""
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
    return {
        "UserDetailList": [
            {
                "Path": "/",
                "UserName": name,
                "UserId": f"AIDA{name.upper()}",
                "Arn": f"arn:aws:iam::{account}:user/{name}",
                "CreateDate": MADE,
                "GroupList": [],
                "AttachedManagedPolicies": [],
            }
            for name in users
        ],
        "GroupDetailList": [],
        "RoleDetailList": [
            {
                "Path": "/",
                "RoleName": name,
                "RoleId": f"AROA{name.upper()}",
                "Arn": f"arn:aws:iam::{account}:role/{name}",
                "CreateDate": MADE,
                "AssumeRolePolicyDocument": trust,
                "InstanceProfileList": [],
                "RolePolicyList": [],
                "AttachedManagedPolicies": [],
                "RoleLastUsed": {},
            }
            for name in roles
        ],
        "Policies": [],
        **members,
    }


def keys(user: str, *ids: str) -> dict[str, Any]:
    """``list-access-keys`` of a user."""
    return {
        "AccessKeyMetadata": [
            {"UserName": user, "AccessKeyId": each, "Status": "Active", "CreateDate": MADE} for each in ids
        ]
    }


def secrets(account: str, region: str, *names: str) -> dict[str, Any]:
    """``secretsmanager list-secrets``."""
    arn = f"arn:aws:secretsmanager:{region}:{account}:secret"
    return {"SecretList": [{"ARN": f"{arn}:{name}-AbCdEf", "Name": name, "CreatedDate": MADE} for name in names]}


def report(*rows: str) -> str:
    """A raw credential report; ``rows``: each user's, from its ARN."""
    headings = (
        "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,"
        "mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,"
        "access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,"
        "access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,"
        "cert_1_last_rotated,cert_2_active,cert_2_last_rotated"
    )
    return "\n".join((headings, *rows))


def row(account: str, user: str, *, key_used: str) -> str:
    """A user's row: no password, one key."""
    return (
        f"{user},arn:aws:iam::{account}:user/{user},{MADE},false,N/A,N/A,N/A,false,true,{MADE},{key_used},"
        "us-east-1,s3,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A"
    )
