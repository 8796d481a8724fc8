"""What holds a principal back besides its own policies: service control policies, and what could not be read."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.aws.client.payloads import Boundary, InlinePolicy, PolicyDetail, PolicyVersion
from connectors.aws.rights.permissions import GUARDRAILS_UNREAD, Permissions, PolicyLibrary
from tests.connectors.aws.rights.policies import ACCOUNT, IF, WORDS, allow, deny, own

USER = f"arn:aws:iam::{ACCOUNT}:user/ada"
LINKED = f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"
LIMIT = f"arn:aws:iam::{ACCOUNT}:policy/limit"
EVERYTHING = {"Statement": [allow("*")]}


def permissions(
    *statements: dict[str, Any],
    guardrails: tuple[tuple[Any, ...], ...] | None = (),
    arn: str = USER,
    boundary: str | None = None,
) -> Permissions:
    """What a principal with an inline policy of these statements may do, under these service control policies."""
    limited = {"Statement": [allow("iam:DeleteUserPermissionsBoundary")]}
    library = PolicyLibrary(
        [PolicyDetail(arn=LIMIT, policy_version_list=(PolicyVersion(is_default_version=True, document=limited),))],
        (),
        words=WORDS,
        account=ACCOUNT,
        guardrails=guardrails,
    )
    inline = InlinePolicy(policy_name="own", policy_document={"Statement": list(statements)})
    limit = None if boundary is None else Boundary(permissions_boundary_arn=boundary)
    return library.permissions(arn, (inline,), (), limit)


def policies(*statements: dict[str, Any]) -> dict[str, Any]:
    """A service control policy."""
    return {"Statement": list(statements)}


@pytest.mark.parametrize(
    ("guardrails", "level"),
    [
        ((), "admin"),
        (((EVERYTHING,), (EVERYTHING,), (EVERYTHING,)), "admin"),
        (((EVERYTHING,), (EVERYTHING, policies(deny("iam:*")), policies(deny(["sts:*", "lambda:*"])))), "high"),
        (((EVERYTHING,), (policies(allow("s3:*")),)), "high"),
        (((EVERYTHING,), (policies(allow("s3:*")), EVERYTHING)), "admin"),
        (((policies(allow("s3:*")),), (policies(allow("iam:*")),)), "normal"),
        (((EVERYTHING,), ()), "normal"),
        (((EVERYTHING, policies(deny("*", **IF))),), "admin"),
        (((EVERYTHING, policies(deny("iam:*", f"arn:aws:iam::*:role/{'x' * 9}"))),), "admin"),
        (((EVERYTHING, policies({"Effect": "Deny", "NotAction": "s3:ListBucket", "Resource": "*"})),), "normal"),
    ],
)
def test_each_level_of_the_organisation_must_allow_and_none_deny(
    guardrails: tuple[tuple[Any, ...], ...], level: str
) -> None:
    """Root, units and account; within one level policies add up, between levels they cut; conditions are uncertain."""
    assert permissions(allow("*"), guardrails=guardrails).privilege.level == level


def test_what_the_organisation_denies_no_escalation_lifts() -> None:
    """Taking away a boundary changes nothing where a service control policy holds as well."""
    lifting = (allow("iam:DeleteUserPermissionsBoundary"),)
    free = own((allow("*"),), boundary=lifting)
    held = own((allow("*"),), boundary=lifting, guardrails=((policies(*lifting, allow("logs:*")),),))

    assert (free.level, held.level) == ("escalation", "normal")


def test_who_may_give_itself_all_that_the_organisation_leaves_can_escalate() -> None:
    """No admin lacks a call that nobody may make; where nobody may change rights, there is none."""
    without_keys = ((EVERYTHING, policies(deny("iam:CreateAccessKey"))),)
    without_iam = ((EVERYTHING, policies(deny("iam:*"))),)

    assert own((allow("iam:PutUserPolicy"),), guardrails=without_keys).level == "escalation"
    assert own((allow("*"),), guardrails=without_iam).level == "high"


def test_service_linked_roles_are_exempt_from_the_organisation() -> None:
    """No service control policy binds them, read or not."""
    assert permissions(allow("*"), guardrails=((policies(deny("*")),),), arn=LINKED).privilege.level == "admin"
    assert permissions(allow("*"), guardrails=None, arn=LINKED).privilege.level == "admin"


def test_a_boundary_that_could_not_be_read_makes_it_unknown() -> None:
    """With the reason first, and what the rest amounts to: neither clean nor an administrator."""
    found = permissions(allow("*"), boundary="nowhere")

    assert found.privilege.level == "unknown"
    assert found.privilege.evidence[:2] == (
        "the permissions boundary nowhere could not be read",
        "what could be read amounts to admin",
    )
    assert not found.is_whole
    assert found.actions_unread == ("the permissions boundary nowhere could not be read",)


@pytest.mark.parametrize("guardrails", [None, ((EVERYTHING,), (None,)), ((policies(allow("s3:*")), None),)])
def test_where_the_organisations_policies_are_unread_the_level_is_the_most_it_can_be(
    guardrails: tuple[tuple[Any, ...], ...] | None,
) -> None:
    """They can only take away: an administrator is reported with a remark, a normal identity without."""
    found = permissions(allow("*"), guardrails=guardrails)

    assert (found.privilege.level, found.privilege.evidence[-1]) == ("admin", GUARDRAILS_UNREAD)
    assert found.is_whole
    assert (
        found.actions_unread
        == permissions(allow("s3:Get*"), guardrails=guardrails).actions_unread
        == (GUARDRAILS_UNREAD,)
    )
    assert permissions(allow("logs:*"), guardrails=guardrails).privilege.evidence == ()


def test_unread_documents_are_named_as_malformed() -> None:
    """A policy of no known form is reported, and what it is about stays unknown."""
    library = PolicyLibrary([], [], words=WORDS, account=ACCOUNT, guardrails=(({"Statement": "x"},),))
    inline = InlinePolicy(policy_name="broken", policy_document={"Statement": [{"Effect": "Allow"}]})

    found = library.permissions(USER, (inline,), (), None)

    assert [name for name, _ in library.malformed] == ["service control policy", f"{USER} broken"]
    assert found.missing == ("policy broken (inline) could not be read",)
    assert not found.is_guarded
    assert [(grant.name, grant.admin) for grant in found.grants] == [("broken", False)]
