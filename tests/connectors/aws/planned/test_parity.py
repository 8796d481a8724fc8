"""A planned account is judged as a real one: the same definition, once in the emulator and once as a plan."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from connectors.aws.rights.permissions import GUARDRAILS_UNREAD
from scanner.model import Identity
from tests.connectors.aws.estate import Estate
from tests.connectors.aws.planned.reading import allow, document, understood
from tests.connectors.aws.rights.published_policies import written_rest
from tests.connectors.planned.plans import caller_identity, change
from tests.servers.moto_server import ACCOUNT

ARN = f"arn:aws:iam::{ACCOUNT}"
ROOT = document({"Effect": "Allow", "Principal": {"AWS": f"{ARN}:root"}, "Action": "sts:AssumeRole"})
EC2 = document({"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"})
MANAGED = {
    "all": document(allow("*")),
    "read": document(allow("s3:GetObject", "arn:aws:s3:::b/*"), allow("secretsmanager:GetSecretValue")),
    "boundary": document(allow("s3:*"), {"Effect": "Deny", "Action": "iam:*", "Resource": "*"}),
}
ROLES: dict[str, dict[str, Any]] = {
    "admin": {"trust": EC2, "attached": ["all"]},
    "runner": {"trust": EC2, "inline": document(allow("ec2:RunInstances"), allow("iam:PassRole", f"{ARN}:role/admin"))},
    "bounded": {"trust": ROOT, "attached": ["all"], "boundary": "boundary"},
    "reader": {"trust": ROOT, "attached": ["read"]},
    "chain": {"trust": ROOT, "inline": document(allow("sts:AssumeRole", f"{ARN}:role/bounded"))},
    "self": {"trust": EC2, "inline": document(allow("iam:PutRolePolicy", f"{ARN}:role/self"))},
    "bare": {"trust": EC2},
}
GROUP = {"name": "builders", "inline": document(allow("lambda:*"))}
USER = {"name": "ci", "inline": document(allow("iam:CreateAccessKey", f"{ARN}:user/*"))}


def in_the_emulator(aws: Estate) -> dict[str, Identity]:
    """The definition made by IAM's calls, and read by the connector."""
    iam = aws.iam
    for name, text in MANAGED.items():
        iam.create_policy(PolicyName=name, PolicyDocument=text)
    for name, role in ROLES.items():
        bounded = {"PermissionsBoundary": f"{ARN}:policy/boundary"} if "boundary" in role else {}
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=role["trust"], **bounded)
        for policy in role.get("attached", ()):
            iam.attach_role_policy(RoleName=name, PolicyArn=f"{ARN}:policy/{policy}")
        if "inline" in role:
            iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=role["inline"])
    iam.create_group(GroupName=GROUP["name"])
    iam.put_group_policy(GroupName=GROUP["name"], PolicyName="own", PolicyDocument=GROUP["inline"])
    iam.create_user(UserName=USER["name"])
    iam.put_user_policy(UserName=USER["name"], PolicyName="own", PolicyDocument=USER["inline"])
    iam.add_user_to_group(GroupName=GROUP["name"], UserName=USER["name"])
    return aws.read().identities


def as_a_plan() -> dict[str, Identity]:
    """The same as resources of a plan."""
    unknown = {"arn": True, "id": True}
    rows: list[Any] = [
        change(f"aws_iam_policy.{name}", {"name": name, "path": "/", "policy": text}, unknown=unknown)
        for name, text in MANAGED.items()
    ]
    for name, role in ROLES.items():
        limits = {"permissions_boundary": f"{ARN}:policy/boundary"} if "boundary" in role else {}
        after = {"name": name, "path": "/", "assume_role_policy": role["trust"], "max_session_duration": 3600, **limits}
        rows.append(change(f"aws_iam_role.{name}", after, unknown=unknown))
        rows += [
            change(f"aws_iam_role_policy_attachment.{name}", {"role": name, "policy_arn": f"{ARN}:policy/{policy}"})
            for policy in role.get("attached", ())
        ]
        if "inline" in role:
            inline = {"role": name, "name": "own", "policy": role["inline"]}
            rows.append(change(f"aws_iam_role_policy.{name}", inline))
    rows += [
        change("aws_iam_group.g", {"name": GROUP["name"], "path": "/"}),
        change("aws_iam_group_policy.g", {"group": GROUP["name"], "name": "own", "policy": GROUP["inline"]}),
        change("aws_iam_user.u", {"name": USER["name"], "path": "/"}),
        change("aws_iam_user_policy.u", {"user": USER["name"], "name": "own", "policy": USER["inline"]}),
        change("aws_iam_group_membership.g", {"group": GROUP["name"], "users": [USER["name"]]}),
    ]
    planned = understood(*rows, prior=[caller_identity(ACCOUNT)])
    return {each.identity.name: each.identity for each in planned.identities}


def judged(identity: Identity) -> dict[str, Any]:
    """What rights come to, without the remark that a plan does not know the organization's guardrails."""
    said = [text for text in identity.privilege.evidence if text != GUARDRAILS_UNREAD]
    services = identity.attributes.get("granted_services")
    parts = (identity.grants, identity.links, identity.trusts, identity.reach, identity.token_subjects)
    return {
        "key": identity.key,
        "level": identity.privilege.level,
        "evidence": said,
        "services": services,
        "rest": json.loads(msgspec.json.encode(parts)),
    }


@pytest.mark.real_server
def test_a_plan_is_judged_as_the_account_that_it_makes(aws: Estate) -> None:
    """Grants, trusts, links, reach and privilege with its evidence."""
    real, planned = in_the_emulator(aws), as_a_plan()
    names = [*ROLES, USER["name"]]

    assert {name: judged(planned[name]) for name in names} == {name: judged(real[name]) for name in names}
    assert {planned[name].privilege.level for name in names} >= {"admin", "escalation", "high", "normal"}


def test_methods_lead_to_what_is_planned_by_its_key() -> None:
    """Where the account is not known, no ARN is; a pattern names all of its kind."""
    anyone, one = (document(allow("iam:PutRolePolicy", on)) for on in ("*", "arn:aws:iam::*:role/bare"))
    planned = understood(
        change("aws_iam_role.boss", {"name": "boss", "assume_role_policy": EC2}),
        change("aws_iam_role.bare", {"name": "bare", "assume_role_policy": EC2}),
        *(
            row
            for name, policy in (("ann", anyone), ("bob", one))
            for row in (
                change(f"aws_iam_user.{name}", {"name": name, "path": "/"}),
                change(f"aws_iam_user_policy.{name}", {"user": name, "name": "own", "policy": policy}),
            )
        ),
    )
    found = {each.identity.name: each.identity for each in planned.identities}
    keys = sorted(found[name].key for name in ("bare", "boss"))

    assert [key for way in found["ann"].reach for key in sorted(way.on)] == keys
    assert [way.on for way in found["bob"].reach] == [(found["bare"].key,)]


def test_the_table_of_other_published_policies_is_made_from_what_aws_published() -> None:
    """Written anew by ``python -m tests.connectors.aws.rights.published_policies rest``, nothing in it differs."""
    from importlib.resources import files

    shipped = files("connectors.aws.planned").joinpath("aws_policies.json").read_text(encoding="utf-8")

    assert shipped == written_rest()
