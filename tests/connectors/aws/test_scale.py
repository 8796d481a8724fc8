"""Thousands of identities with few distinct policies between them."""

from __future__ import annotations

from connectors.aws.assume import Holder, assume_ways
from connectors.aws.doors import Door
from connectors.aws.payloads import AttachedPolicy, InlinePolicy, PolicyDetail, PolicyVersion
from connectors.aws.permissions import PolicyLibrary
from connectors.aws.trust import trust_statements
from connectors.aws.vocabulary import vocabulary

ACCOUNT = "123456789012"
IDENTITIES = 2000


def _document(*actions: str, resource: str = "*") -> object:
    return {"Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": resource}]}


def test_two_thousand_roles_find_whom_they_may_become() -> None:
    """Two hundred managed policies and an own one each: the few links that their patterns allow, and no others."""
    policies = [
        PolicyDetail(
            arn=f"arn:aws:iam::{ACCOUNT}:policy/p{number}",
            policy_version_list=(
                PolicyVersion(is_default_version=True, document=_document("s3:Get*", f"ec2:Describe{number}*")),
            ),
        )
        for number in range(200)
    ]
    trust = {"Statement": {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}}

    library = PolicyLibrary(policies, (), words=vocabulary(), account=ACCOUNT)
    holders, doors = [], {}
    for number in range(IDENTITIES):
        arn = f"arn:aws:iam::{ACCOUNT}:role/r{number}"
        own = _document("sts:AssumeRole", f"sqs:*{number}", resource=f"arn:aws:iam::{ACCOUNT}:role/r{number}7")
        held = library.permissions(
            arn,
            (InlinePolicy(policy_name="own", policy_document=own),),
            (AttachedPolicy(policy_name="p", policy_arn=policies[number % 200].arn),),
            None,
        )
        holders.append(Holder(arn=arn, documents=held.documents))
        doors[arn] = Door(role=arn, statements=tuple(trust_statements(trust)))
    links = assume_ways(holders, doors, vocabulary()).links

    assert len(links) == 199
    assert [link.target for link in links[f"arn:aws:iam::{ACCOUNT}:role/r12"]] == [f"arn:aws:iam::{ACCOUNT}:role/r127"]
