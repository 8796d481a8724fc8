"""Who can become which identity inside one account: by assuming, by passing, and by changing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from connectors.aws.client.iam_calls import AwsListing
from connectors.aws.client.payloads import PolicyDetail, RoleDetail, UserDetail
from connectors.aws.rights.account_rights import AwsRights, rights_in
from connectors.aws.rights.assume import MAX_LINKED_ROLES
from connectors.aws.spec import POLICIES, ROLES, USERS
from scanner.errors import SourceError
from scanner.model import Way
from tests.connectors.aws.rights.control import levels, said, targets
from tests.connectors.aws.rights.policies import ACCOUNT, IF, allow, deny

OTHER = "999999999999"
ADA, BOSS, CLERK = (f"arn:aws:iam::{ACCOUNT}:{name}" for name in ("user/ada", "role/boss", "role/clerk"))
LAMBDA = {"Service": "lambda.amazonaws.com"}
OWN = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
THEIRS = f"arn:aws:iam::{OTHER}:role/x"
MAKE = allow(["lambda:CreateFunction", "lambda:InvokeFunction"])


def inline(statements: tuple[dict[str, Any], ...]) -> list[dict[str, Any]]:
    """The inline policy "own"."""
    return [{"PolicyName": "own", "PolicyDocument": {"Statement": list(statements)}}]


def role(arn: str, principal: Any, *statements: dict[str, Any], **trust: Any) -> tuple[str, dict[str, Any]]:
    """A role that trusts a principal, with an inline policy of these statements."""
    limits = {name: trust.pop(name) for name in BOUNDED if name in trust}
    letting = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **trust}
    name = arn.rpartition("/")[2]
    return ROLES, {
        "Arn": arn, "RoleName": name, "RolePolicyList": inline(statements),
        "AssumeRolePolicyDocument": {"Statement": [letting]}, **limits,
    }  # fmt: skip


def ada(*statements: dict[str, Any], **more: Any) -> tuple[str, dict[str, Any]]:
    """The user Ada with an inline policy of these statements."""
    return USERS, {"Arn": ADA, "UserName": "ada", "UserPolicyList": inline(statements), **more}


def boundary(*statements: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A managed policy called "limit"."""
    version = {"IsDefaultVersion": True, "Document": {"Statement": list(statements)}}
    return POLICIES, {"Arn": "limit", "PolicyVersionList": [version]}


BOUNDED = {"PermissionsBoundary": {"PermissionsBoundaryArn": "limit"}}
_SHAPES: Mapping[str, Any] = {ROLES: RoleDetail, USERS: UserDetail, POLICIES: PolicyDetail}


def rights(*rows: tuple[str, dict[str, Any]]) -> AwsRights:
    """The rights in an account of these users, roles and managed policies."""
    listing = AwsListing()
    for section, row in rows:
        listing.add(section, [row], _SHAPES[section])
    return rights_in(listing, ACCOUNT, ())


def becomes(found: AwsRights, arn: str = ADA) -> list[str]:
    """Who someone can become, by name."""
    return [link.target.rpartition("/")[2] for link in found.links[arn] if link.relation == "can_assume"]


ADMIN = allow("*")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([ada(), role(BOSS, {"AWS": ADA}, ADMIN)], ["boss"]),
        ([ada(deny("sts:AssumeRole")), role(BOSS, {"AWS": ADA})], []),
        ([ada(deny("sts:AssumeRole", CLERK)), role(BOSS, {"AWS": ADA})], ["boss"]),
        ([ada(deny("sts:AssumeRole", **IF)), role(BOSS, {"AWS": ADA})], ["boss"]),
        ([ada(**BOUNDED), boundary(allow("s3:*")), role(BOSS, {"AWS": ADA})], ["boss"]),
        ([ada(**BOUNDED), boundary(ADMIN, deny("sts:*")), role(BOSS, {"AWS": ADA})], []),
        ([ada(), role(BOSS, OWN)], []),
        ([ada(allow("sts:AssumeRole", BOSS)), role(BOSS, OWN), role(CLERK, OWN)], ["boss"]),
        ([ada(allow("sts:AssumeRole")), role(BOSS, OWN), role(CLERK, LAMBDA)], ["boss"]),
        ([ada(allow("sts:AssumeRole", "*/b*")), role(BOSS, OWN), role(CLERK, OWN)], ["boss"]),
        ([ada(allow("sts:AssumeRole"), deny("sts:*", BOSS)), role(BOSS, OWN), role(CLERK, OWN)], ["clerk"]),
        ([ada(allow("sts:AssumeRole"), **BOUNDED), boundary(allow("sts:*", CLERK)), role(BOSS, OWN)], []),
        ([ada(ADMIN), role(BOSS, OWN, ADMIN)], []),
        ([ada(), role(BOSS, {"AWS": f"arn:aws:iam::{OTHER}:user/ada"})], []),
        ([ada(allow("sts:*")), role(BOSS, {"AWS": OTHER})], []),
    ],
)  # fmt: skip
def test_assuming_takes_what_aws_takes(rows: list[tuple[str, dict[str, Any]]], expected: list[str]) -> None:
    """Named in the trust policy, or the account is trusted and one's own policies allow it; a deny ends both."""
    assert becomes(rights(*rows)) == expected


def test_a_session_of_a_role_speaks_for_the_role() -> None:
    """A trust policy may name the session that a role of the account makes, and no other account's."""
    own, other = (
        rights(role(CLERK, LAMBDA), role(BOSS, {"AWS": f"arn:aws:sts::{account}:assumed-role/clerk/job"}))
        for account in (ACCOUNT, OTHER)
    )

    assert (becomes(own, CLERK), becomes(other, CLERK)) == (["boss"], [])


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([ada(allow("iam:PassRole", BOSS), MAKE), role(BOSS, LAMBDA, ADMIN)], ["boss"]),
        ([ada(allow("iam:PassRole", BOSS), MAKE), role(BOSS, {"Service": "ec2.amazonaws.com"}, ADMIN)], []),
        ([ada(allow("iam:PassRole", BOSS), MAKE), role(BOSS, {"Service": "lambda.amazonaws.com.cn"}, ADMIN)], ["boss"]),
        ([ada(allow("iam:PassRole", CLERK), MAKE), role(CLERK, LAMBDA, MAKE)], ["clerk"]),
        ([ada(allow("iam:PassRole", CLERK), MAKE), role(CLERK, LAMBDA, allow("kms:Decrypt"))], ["clerk"]),
        ([ada(allow("iam:PassRole", BOSS)), role(BOSS, LAMBDA, ADMIN)], []),
        ([ada(allow("iam:PassRole", BOSS, **IF), MAKE), role(BOSS, LAMBDA, ADMIN)], []),
        ([ada(allow("iam:PassRole", BOSS), MAKE, deny("*", **IF)), role(BOSS, LAMBDA, ADMIN)], ["boss"]),
        ([ada(allow("iam:PassRole", CLERK), allow("iam:Pass*", BOSS, **IF), MAKE), role(BOSS, LAMBDA, ADMIN)], []),
        ([ada(allow("iam:PassRole", BOSS), MAKE, deny("iam:*", BOSS)), role(BOSS, LAMBDA, ADMIN)], []),
        ([ada(allow("iam:UpdateAssumeRolePolicy", BOSS)), role(BOSS, LAMBDA, ADMIN)], ["boss"]),
        ([ada(), role(CLERK, LAMBDA, allow("iam:CreateAccessKey", ADA), allow("kms:Decrypt"))], []),
    ],
)  # fmt: skip
def test_a_method_that_reaches_one_role_leads_to_it(
    rows: list[tuple[str, dict[str, Any]]], expected: list[str]
) -> None:
    """If that role may do more, and trusts the service it is passed to; by itself such a method is no escalation."""
    found = rights(*rows)

    assert becomes(found) == expected
    assert found.permissions[ADA].privilege.level in ("normal", "high")


def test_changing_a_users_credentials_leads_to_the_user() -> None:
    """A role that can make keys for one user can be that user, if the user may do more; no one leads to himself."""
    keys = allow("iam:CreateAccessKey", [ADA, f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}"])
    found = rights(ada(ADMIN), role(CLERK, LAMBDA, keys))

    assert becomes(found, CLERK) == ["ada"]
    assert becomes(rights(ada(keys, allow("kms:Decrypt")))) == []


def test_a_links_evidence_names_methods_and_the_statements_that_give_them() -> None:
    """A reader can go and look: two methods by name, the rest counted, policies and statements."""
    create = allow(["lambda:CreateFunction", "lambda:InvokeFunction", "lambda:AddPermission"], Sid="Build")
    found = rights(ada(allow("iam:PassRole", BOSS, Sid="Hand"), create), role(BOSS, LAMBDA, ADMIN))

    (link,) = found.links[ADA]
    assert link.evidence == (
        "by iam:PassRole + lambda:CreateFunction + lambda:InvokeFunction, iam:PassRole + lambda:CreateFunction + "
        "lambda:AddPermission on it; by policy own (inline) statement Build, policy own (inline) statement Hand"
    )


def test_a_deny_under_a_condition_is_reported_and_ends_nothing() -> None:
    """A second factor may be asked for everywhere: the way stays, with the uncertainty."""
    found = rights(ada(allow("iam:PassRole", BOSS), MAKE, deny("*", **IF)), role(BOSS, LAMBDA, ADMIN))

    assert "on it, unless the condition of a deny is met; by policy" in found.links[ADA][0].evidence


@pytest.mark.parametrize(
    ("others", "level", "potential"),
    [
        ([role(BOSS, LAMBDA, allow("kms:Decrypt")), role(CLERK, LAMBDA, ADMIN)], "escalation", False),
        ([role(BOSS, {"Service": "ec2.amazonaws.com"}, ADMIN)], "high", True),
        ([role(BOSS, {"Service": "lambda.amazonaws.com.cn"}, ADMIN)], "escalation", False),
        ([role(CLERK, LAMBDA, MAKE)], "high", True),
        ([], "high", True),
    ],
)
def test_a_method_that_reaches_everything_counts_with_a_target(
    others: list[tuple[str, dict[str, Any]]], level: str, potential: bool
) -> None:
    """A role that may be passed, and that leads to an admin; else it is what could be, and is called so."""
    found = rights(ada(allow("iam:PassRole"), MAKE), *others)

    assert said(found, ADA) == (level, potential)
    assert found.permissions[ADA].privilege.level == "high"
    assert becomes(found) == []
    assert {way.kind for way in found.permissions[ADA].ways} <= {"become"}


def test_assuming_any_role_is_no_method_by_itself() -> None:
    """Without an admin that lets the holder in."""
    asking = ada(allow("sts:AssumeRole"))

    assert said(rights(asking, role(BOSS, LAMBDA, ADMIN)), ADA) == ("normal", False)
    assert said(rights(asking, role(BOSS, OWN, ADMIN)), ADA) == ("escalation", False)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([ada(allow("sts:AssumeRole"))], ("*",)),
        ([ada(allow("sts:AssumeRole", f"arn:aws:iam::{OTHER}:role/x"))], (f"arn:aws:iam::{OTHER}:role/x",)),
        ([ada(allow("sts:AssumeRole", "arn:aws:iam::*:role/x"))], ("arn:aws:iam::*:role/x",)),
        ([ada(allow("sts:AssumeRole", BOSS))], ()),
        ([ada(allow("sts:AssumeRole"), deny("sts:*"))], ()),
        ([ada(allow("sts:AssumeRole", f"arn:aws:iam::{OTHER}:role/x"), deny("*", f"arn:aws:iam::{OTHER}:*"))], ()),
        ([ada(allow("sts:*"), **BOUNDED), boundary(allow("s3:*"))], ()),
        ([ada(allow("iam:*"))], ()),
    ],
)  # fmt: skip
def test_what_may_be_assumed_in_other_accounts_is_reported(
    rows: list[tuple[str, dict[str, Any]]], expected: tuple[str, ...]
) -> None:
    """One side's word; the other account's role has the other."""
    assert rights(*rows).permissions[ADA].elsewhere == ((Way(kind="assume", on=expected),) if expected else ())


@pytest.mark.parametrize(
    ("statements", "certain", "uncertain"),
    [
        ([allow("sts:AssumeRole", THEIRS, **IF)], (), (THEIRS,)),
        ([allow("sts:AssumeRole", THEIRS, **IF), allow("sts:AssumeRole", THEIRS)], (THEIRS,), ()),
        ([allow("sts:AssumeRole", THEIRS, **IF), deny("sts:AssumeRole", THEIRS)], (), ()),
    ],
)
def test_what_may_be_assumed_under_a_condition_is_distinguished(
    statements: list[dict[str, Any]], certain: tuple[str, ...], uncertain: tuple[str, ...]
) -> None:
    """Unless it may be without one."""
    elsewhere = rights(ada(*statements)).permissions[ADA].elsewhere

    assert {way.conditional: way.on for way in elsewhere} == (
        {} | ({False: certain} if certain else {}) | ({True: uncertain} if uncertain else {})
    )


@pytest.mark.parametrize(
    ("principal", "condition", "expected"),
    [
        ("*", {}, ["boss"]),
        ({"AWS": "*"}, {}, ["boss"]),
        ({"AWS": [f"arn:aws:iam::{OTHER}:root", "*"]}, {}, ["boss"]),
        ({"AWS": "*"}, {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}, []),
        ({"AWS": "*"}, {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:user/*"}}, ["boss"]),
        ({"AWS": "*"}, {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:role/*"}}, []),
        ({"Service": "*"}, {}, []),
        ({"Federated": "*"}, {}, []),
        (OWN, {}, []),
    ],
)
def test_a_role_that_trusts_anyone_lets_in_its_account_without_further_permission(
    principal: Any, condition: dict[str, Any], expected: list[str]
) -> None:
    """As a resource policy does; an account that is named gives only those a way whose own policies allow it."""
    assert becomes(rights(ada(allow("logs:*")), role(BOSS, principal, ADMIN, Condition=condition))) == expected


@pytest.mark.parametrize(
    ("rows", "user", "of_role"),
    [
        ([ada(deny("sts:AssumeRole"))], [], ["boss"]),
        ([ada(allow("sts:*"), deny("sts:*", BOSS, **IF))], ["boss"], ["boss"]),
        ([ada(**BOUNDED), boundary(allow("s3:*"))], ["boss"], []),
        ([ada(**BOUNDED), boundary(ADMIN, deny("sts:*"))], [], []),
        ([ada(**BOUNDED), boundary(ADMIN)], ["boss"], ["boss"]),
    ],
)
def test_only_a_refusal_keeps_out_of_a_role_that_trusts_anyone(
    rows: list[tuple[str, dict[str, Any]]], user: list[str], of_role: list[str]
) -> None:
    """One's own deny, or the boundary's; of a role the boundary has to allow it besides."""
    clerk = role(CLERK, LAMBDA)
    clerk[1].update(BOUNDED if len(rows) > 1 else {})
    found = rights(*rows, clerk, role(BOSS, "*", ADMIN))

    assert (becomes(found), becomes(found, CLERK)) == (user, of_role)


def test_a_trust_of_all_but_some_lets_in_the_others() -> None:
    """``NotPrincipal`` with Allow."""
    letting = {"Effect": "Allow", "NotPrincipal": {"AWS": ADA}, "Action": "sts:AssumeRole"}
    boss = role(BOSS, OWN, ADMIN)
    boss[1]["AssumeRolePolicyDocument"] = {"Statement": [letting]}
    found = rights(ada(), role(CLERK, LAMBDA), boss)

    assert (becomes(found), becomes(found, CLERK)) == ([], ["boss"])


def test_of_very_many_roles_that_trust_anyone_those_that_lead_on_are_reported() -> None:
    """A hundred of them, those that lead on first; of how many identities it is not all is known."""
    many = [role(f"{CLERK}{n}", "*") for n in range(MAX_LINKED_ROLES + 20)]
    found = rights(ada(), *many, role(f"{CLERK}zz", "*", ADMIN))

    assert len(becomes(found)) == MAX_LINKED_ROLES
    assert "clerkzz" in becomes(found)
    assert found.unlinked == MAX_LINKED_ROLES + 21
    assert rights(ada(), *many[:MAX_LINKED_ROLES]).unlinked == 0


ATTACH = "iam:AttachRolePolicy"
LIMITED = boundary(allow("s3:*"))


@pytest.mark.parametrize(
    ("rows", "level"),
    [
        ([ada(allow(ATTACH))], "high"),
        ([ada(allow(ATTACH, BOSS))], "normal"),
        ([ada(allow(ATTACH, BOSS)), role(BOSS, OWN)], "high"),
        ([ada(allow(ATTACH, BOSS)), role(BOSS, {"AWS": ADA})], "escalation"),
        ([ada(allow(ATTACH, BOSS)), role(BOSS, "*")], "escalation"),
        ([ada(allow(ATTACH, CLERK)), role(BOSS, {"AWS": ADA}), role(CLERK, LAMBDA)], "high"),
        ([ada(allow([ATTACH, "iam:UpdateAssumeRolePolicy"], CLERK)), role(CLERK, OWN)], "escalation"),
        ([ada(allow(["iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy"], CLERK)), role(CLERK, OWN)], "escalation"),
        ([ada(allow([ATTACH, "iam:PassRole"], CLERK), MAKE), role(CLERK, LAMBDA)], "escalation"),
        ([ada(allow([ATTACH, "iam:PassRole"], CLERK)), role(CLERK, LAMBDA)], "high"),
        ([ada(allow([ATTACH, "iam:UpdateAssumeRolePolicy"], CLERK)), role(CLERK, OWN, **BOUNDED), LIMITED], "normal"),
        (
            [
                ada(allow([ATTACH, "iam:*RolePermissionsBoundary", "iam:UpdateAssumeRolePolicy"], CLERK)),
                role(CLERK, OWN, **BOUNDED),
                LIMITED,
            ],
            "escalation",
        ),
        ([ada(allow(ATTACH)), role(BOSS, LAMBDA)], "high"),
        ([ada(allow(ATTACH, BOSS), allow("sts:AssumeRole", BOSS)), role(BOSS, OWN)], "escalation"),
        ([ada(allow(ATTACH, CLERK)), role(BOSS, {"AWS": ADA}), role(CLERK, {"AWS": BOSS})], "escalation"),
        ([ada(allow(ATTACH, BOSS, **IF)), role(BOSS, {"AWS": ADA})], "high"),
        ([ada(allow(ATTACH, BOSS), allow("sts:AssumeRole", BOSS, **IF)), role(BOSS, OWN)], "high"),
        ([ada(allow(ATTACH, BOSS), deny(ATTACH, BOSS)), role(BOSS, {"AWS": ADA})], "normal"),
    ],
)
def test_a_user_who_may_change_roles_rises_only_by_a_role_that_it_can_become(
    rows: list[tuple[str, dict[str, Any]]], level: str
) -> None:
    """A policy attached to a role makes no one but that role able to do more."""
    assert levels(rights(*rows))[ADA] == level


def test_a_role_that_may_change_users_rises_only_by_a_user_that_it_can_become() -> None:
    """And by attaching a policy to itself."""
    attach, keys = allow("iam:AttachUserPolicy", ADA), allow(["iam:CreateAccessKey", "iam:AttachUserPolicy"], ADA)
    found = [
        levels(rights(ada(allow("kms:Decrypt")), role(CLERK, LAMBDA, *statements)))[CLERK]
        for statements in ([attach], [keys], [allow(ATTACH, CLERK)])
    ]

    assert found == ["high", "escalation", "escalation"]


def test_a_user_rises_by_a_role_that_may_change_it() -> None:
    """The role alone, which can become nobody, does not."""
    changing = role(CLERK, {"AWS": ADA}, allow("iam:PutUserPolicy"))
    found = levels(rights(ada(), changing))

    assert (found[ADA], found[CLERK]) == ("escalation", "high")


@pytest.mark.parametrize("name", ["role/aws-service-role/x.amazonaws.com/a", "role/aws-reserved/sso.amazonaws.com/b"])
def test_only_aws_changes_its_own_roles(name: str) -> None:
    """Neither their policies nor whom they trust."""
    ours, theirs = role(CLERK, OWN), role(f"arn:aws:iam::{ACCOUNT}:{name}", OWN, ADMIN)
    found = rights(ada(allow(["iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy"])), ours, theirs)

    reached = {one for way in found.permissions[ADA].ways for one in targets(found, way)}
    assert reached == {CLERK}


def test_wide_methods_stay_patterns() -> None:
    """However many roles there are; those that are held back are named."""
    many = [role(f"{CLERK}{number}", OWN) for number in range(200)]
    held_back = role(f"{CLERK}-held", OWN, **BOUNDED)
    found = rights(ada(allow(["iam:PutRolePolicy", "iam:UpdateAssumeRolePolicy"])), *many, held_back, LIMITED)

    ways = {way.kind: way for way in found.permissions[ADA].ways}
    everyone = (f"arn:aws:iam::{ACCOUNT}:role/*",)
    assert (ways["become"].on, ways["become"].but) == (everyone, ())
    assert (ways["make_admin"].on, ways["make_admin"].but) == (everyone, (f"{CLERK}-held",))


def test_the_evidence_of_a_method_names_it_and_what_grants_it() -> None:
    """For anyone who reads it has to close it."""
    found = rights(ada(allow(ATTACH, CLERK, Sid="Hand")), role(CLERK, OWN))

    (way,) = found.permissions[ADA].ways
    assert way == Way(kind="make_admin", on=(CLERK,), by=f"{ATTACH} on it; by policy own (inline) statement Hand")


def test_what_could_not_be_read_of_possible_targets_is_said() -> None:
    """There may be one among them."""
    listing = AwsListing()
    listing.add(USERS, [ada(allow("iam:PassRole"), MAKE)[1]], UserDetail)
    listing.errors[ROLES] = (SourceError("refused"), False)

    (evidence,) = rights_in(listing, ACCOUNT, ()).permissions[ADA].privilege.evidence
    assert evidence.startswith("potential: can pass a role")
    assert "not all roles could be read" in evidence
