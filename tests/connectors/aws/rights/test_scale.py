"""Thousands of identities with few distinct policies between them."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.aws.client.payloads import AttachedPolicy, InlinePolicy, PolicyDetail, PolicyVersion
from connectors.aws.rights.assume import MAX_LINKED_ROLES, assume_ways
from connectors.aws.rights.holders import AwsHolder
from connectors.aws.rights.patterns import arn_parts, has_variable, may_meet
from connectors.aws.rights.permissions import PolicyLibrary
from connectors.aws.rights.privilege import combine
from connectors.aws.rights.trust import trust_statements
from connectors.aws.rights.trusted_principals import RoleTrust
from connectors.aws.rights.vocabulary import vocabulary
from scanner.model import Way
from tests.connectors.aws.rights.policies import IF, allow, doc

ACCOUNT = "123456789012"
IDENTITIES = 2000


def _document(*actions: str, resource: str = "*") -> object:
    return {"Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": resource}]}


def test_two_thousand_roles_find_who_they_may_become() -> None:
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
    holders, trusts = [], {}
    for number in range(IDENTITIES):
        arn = f"arn:aws:iam::{ACCOUNT}:role/r{number}"
        own = _document("sts:AssumeRole", f"sqs:*{number}", resource=f"arn:aws:iam::{ACCOUNT}:role/r{number}7")
        held = library.permissions(
            arn,
            (InlinePolicy(policy_name="own", policy_document=own),),
            (AttachedPolicy(policy_name="p", policy_arn=policies[number % 200].arn),),
            None,
        )
        holders.append(AwsHolder(arn=arn, documents=held.documents, possible=held.effective.possible))
        trusts[arn] = RoleTrust(role=arn, statements=tuple(trust_statements(trust)))
    links = assume_ways(holders, trusts, vocabulary()).links

    assert len(links) == 199
    assert [link.target for link in links[f"arn:aws:iam::{ACCOUNT}:role/r12"]] == [f"arn:aws:iam::{ACCOUNT}:role/r127"]


@pytest.mark.parametrize("condition", [{}, IF], ids=["for-sure", "under-a-condition"])
def test_an_identity_that_may_assume_very_many_roles_has_a_way_to_them(
    condition: dict[str, Any],
) -> None:
    """A link to each while they are few; else a pattern, and not a link for each identity and role."""
    words, root = vocabulary(), {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
    own = doc(allow("sts:AssumeRole", **condition), allow("sts:AssumeRole", f"arn:aws:iam::{ACCOUNT}:role/r7"))
    effective = combine((own,), (), words)
    user = AwsHolder(
        arn=f"arn:aws:iam::{ACCOUNT}:user/u",
        documents=(own,),
        certain=effective.certain,
        possible=effective.possible,
    )
    boss = AwsHolder(arn=f"arn:aws:iam::{ACCOUNT}:role/r0", level="admin")

    def found(roles: int) -> tuple[set[str], list[Way]]:
        arns = [f"arn:aws:iam::{ACCOUNT}:role/r{number}" for number in range(roles)]
        trusts = {arn: RoleTrust(role=arn, statements=tuple(trust_statements({"Statement": root}))) for arn in arns}
        ways = assume_ways((user, boss), trusts, words)
        return {link.target for link in ways.links.get(user.arn, ())}, list(ways.ways.get(user.arn, ()))

    links, ways = found(MAX_LINKED_ROLES)
    assert len(links) + sum(len(way.on) for way in ways) == MAX_LINKED_ROLES
    links, (way,) = found(MAX_LINKED_ROLES + 2)
    assert links == ({f"arn:aws:iam::{ACCOUNT}:role/r7"} if condition else set())
    assert (way.kind, way.on, way.conditional) == ("become", (f"arn:aws:iam::{ACCOUNT}:role/*",), bool(condition))
    assert way.but == ((f"arn:aws:iam::{ACCOUNT}:role/r7",) if condition else ())


@pytest.mark.parametrize("begun", ["${", "${a", "${*", "${a:"])
def test_many_variables_that_do_not_end(begun: str) -> None:
    """Whoever writes a policy may begin a million; they are looked through once, and one that ends still counts."""
    many = begun * 500_000

    assert not has_variable(many)
    assert has_variable(f"${{aws:username}}{many}")
    assert arn_parts(f"arn:aws:s3:::${{aws:a}}{many}")[5].startswith("${aws:a}$")
    assert not may_meet(f"a*{many}", f"b*{many}")
