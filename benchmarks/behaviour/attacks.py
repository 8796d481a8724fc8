"""What attackers do with a machine's identity, as far as an audit log shows it.

Techniques and their API calls are those that published catalogues describe: MITRE ATT&CK for cloud, Stratus Red Team,
and the recorded attacks of Invictus and OTRF. Nothing of a recording is copied: a technique is a list of actions.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from msgspec import Struct


class Attack(Struct, frozen=True, kw_only=True):
    """One technique. ``actions``: features with how often they are used; a negative count is of refused calls.

    ``moves``: comes from a network that the identity never used. ``client``: with another client.
    ``spread``: at any hour, instead of the identity's own.
    """

    name: str
    actions: Mapping[str, int]
    moves: bool = False
    client: str | None = None
    spread: bool = False
    mark: str | None = None


ATTACKS: tuple[Attack, ...] = (
    Attack(name="secrets read in bulk", actions={"read=secretsmanager:ListSecrets": 2,
           "secret=secretsmanager:GetSecretValue": 40}),
    Attack(name="parameters decrypted", actions={"read=ssm:DescribeParameters": 2, "secret=ssm:GetParameters": 12}),
    Attack(name="access key created", actions={"write=iam:CreateAccessKey": 1}),
    Attack(name="trust policy of a role rewritten", actions={"write=iam:UpdateAssumeRolePolicy": 1}),
    Attack(name="own permissions raised", actions={"write=iam:AttachUserPolicy": 1, "write=iam:PutRolePolicy": 1}),
    Attack(name="login profile added", actions={"write=iam:CreateLoginProfile": 1}),
    Attack(name="other role assumed", actions={"become=sts:AssumeRole": 3, "read=iam:ListRoles": 2}),
    Attack(name="trail stopped", actions={"write=cloudtrail:StopLogging": 1}),
    Attack(name="trail's event selectors emptied", actions={"write=cloudtrail:PutEventSelectors": 1}),
    Attack(name="snapshot shared", actions={"write=ec2:ModifySnapshotAttribute": 1, "read=ec2:DescribeSnapshots": 3}),
    Attack(name="database snapshot shared", actions={"write=rds:ModifyDBSnapshotAttribute": 1}),
    Attack(name="bucket policy opened", actions={"write=s3:PutBucketPolicy": 1}),
    Attack(name="function's code replaced", actions={"write=lambda:UpdateFunctionCode20150331v2": 1}),
    Attack(name="machines started elsewhere", actions={"write=ec2:RunInstances": 8, "region=ap-southeast-2": 8}),
    Attack(name="machine's start script changed", actions={"write=ec2:ModifyInstanceAttribute": 1,
           "write=ec2:StopInstances": 1}),
    Attack(name="command run on machines", actions={"write=ssm:SendCommand": 6}),
    Attack(name="models called on the victim's bill", actions={"write=bedrock:InvokeModel": 300,
           "tool=anthropic.claude-3-opus": 300}, moves=True),
    Attack(name="mail quota looked up and mail sent", actions={"read=ses:GetSendQuota": 3, "write=ses:SendEmail": 50}),
    Attack(name="permissions tried out", actions={f"read=iam:{name}": -1 for name in (
           "ListUsers", "ListRoles", "ListGroups", "GetAccountSummary", "ListPolicies", "ListAccessKeys",
           "GetAccountAuthorizationDetails", "ListMFADevices", "ListInstanceProfiles", "ListSAMLProviders",
           "ListServerCertificates", "GetCredentialReport")}),
    Attack(name="stolen key used elsewhere", actions={}, moves=True),
    Attack(name="stolen key used with another tool", actions={}, moves=True, client="aws-cli"),
    Attack(name="host's credentials used elsewhere", actions={}, moves=True, mark="off_host"),
    Attack(name="data copied in bulk", actions={"bulk": 12}),
    Attack(name="at night, with what it may do anyway", actions={}, spread=True),
)  # fmt: skip
NEEDS_OWN_HOURS = "at night, with what it may do anyway"
"""Only for an identity that has hours of its own."""


def graft(attack: Attack, day: dict[str, int], hours: list[int], random: Random) -> dict[str, Any]:
    """That day of an identity with the attack in it: its features and its hours."""
    changed = dict(day)
    for feature, count in attack.actions.items():
        if feature == "bulk":
            busiest = max(day, key=lambda one: day[one] if one.startswith("read=") else 0)
            changed[busiest] = day[busiest] * count + 200
        else:
            changed[feature] = changed.get(feature, 0) + count
    calls = max(sum(map(abs, attack.actions.values())), 5)
    if attack.moves:
        changed[f"network=203.0.{random.randrange(1, 250)}.0/24"] = calls
    if attack.client is not None:
        changed[f"client={attack.client}"] = calls
    if attack.mark is not None:
        changed[f"mark={attack.mark}"] = calls
    if attack.spread:
        hours = sorted({*hours, *((hour + 11) % 24 for hour in hours)})
    return {"did": changed, "hours": hours}
