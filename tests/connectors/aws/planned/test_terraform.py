"""AWS identities of Terraform plans: rights from wherever they are given, what is unknown, effects, and credentials."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from connectors.aws.planned.planner import AwsPlanner
from connectors.planned import UNKNOWN
from scanner.model import Grant, Identity, Privilege
from tests.connectors.aws.planned.reading import (
    LAMBDA,
    PROVIDED,
    Store,
    allow,
    by_place,
    document,
    role,
    understood,
)
from tests.connectors.planned.plans import (
    ACCOUNT,
    block,
    caller_identity,
    change,
    is_planned_or_refused,
    refers,
    terraform,
)
from tests.examples import examples
from tests.hostile_json import mutated

ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"
READ_S3 = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
SHOP = change("aws_iam_role.shop", role("shop"), unknown=PROVIDED)
IN_ACCOUNT: dict[str, Any] = {"prior": [caller_identity()]}
SHOP_KEY = f"arn:aws:iam::{ACCOUNT}:role/shop"
ANY = document(allow("*"))
OF_SHOP = refers("aws_iam_role.shop.id", "aws_iam_role.shop")
OWN_POLICY = change("aws_iam_policy.own", {"name": "own", "path": "/", "policy": ANY}, unknown={"arn": True})
FEDERATED = {
    "Effect": "Allow",
    "Principal": {"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"},
    "Action": "sts:AssumeRoleWithWebIdentity",
    "Condition": {"StringLike": {"token.actions.githubusercontent.com:sub": "repo:o/r:*"}},
}


@pytest.mark.parametrize(
    ("changes", "blocks"),
    [
        ([change("aws_iam_role_policy_attachment.a", {"role": "shop", "policy_arn": ADMIN})], []),
        ([change("aws_iam_role_policy_attachment.a", {"policy_arn": ADMIN}, unknown={"role": True})],
         [block("aws_iam_role_policy_attachment.a", role=OF_SHOP)]),
        ([change("aws_iam_role_policy_attachments_exclusive.a", {"role_name": "shop", "policy_arns": [ADMIN]})], []),
        ([change("aws_iam_policy_attachment.a", {"roles": ["shop"], "policy_arn": ADMIN})], []),
        ([change("aws_iam_role_policy.p", {"role": "shop", "name": "p", "policy": ANY})], []),
        ([OWN_POLICY, change("aws_iam_role_policy_attachment.a", {"role": "shop"}, unknown={"policy_arn": True})],
         [block("aws_iam_role_policy_attachment.a", policy_arn=refers("aws_iam_policy.own.arn"))]),
        ([change("aws_iam_role_policy.p", {"role": "shop", "name": "p"}, unknown={"policy": True}),
          change("data.aws_iam_policy_document.d", {"statement": [{"actions": ["*"], "resources": ["*"]}]},
                 actions=["read"], unknown={"json": True})],
         [block("aws_iam_role_policy.p", policy=refers("data.aws_iam_policy_document.d.json"))]),
    ],
)  # fmt: skip
def test_rights_are_found_wherever_they_are_given(changes: list[Any], blocks: list[Any]) -> None:
    """By name, by reference, through a policy of the plan, and by a data source: each makes an administrator."""
    found = by_place(understood(SHOP, *changes, blocks=[block("aws_iam_role.shop", name={}), *blocks], **IN_ACCOUNT))
    shop = found["aws_iam_role.shop"]

    assert shop.identity.key == SHOP_KEY
    assert (shop.effect, shop.identity.privilege.level, shop.computed) == ("created", "admin", frozenset())
    assert len(shop.places) > 1
    assert [grant.admin for grant in shop.identity.grants] == [True]


@pytest.mark.parametrize(
    "arguments", [{"managed_policy_arns": [ADMIN]}, {"inline_policy": [{"name": "p", "policy": ANY}]}]
)
def test_rights_in_the_role_itself(arguments: Any) -> None:
    """The arguments that the provider deprecates are still given."""
    row = change("aws_iam_role.shop", role("shop", **arguments), unknown={"arn": True})

    assert by_place(understood(row, **IN_ACCOUNT))["aws_iam_role.shop"].identity.privilege.level == "admin"


@pytest.mark.parametrize(
    ("after", "blocks", "level"),
    [
        ({"policy": UNKNOWN}, {"policy": refers("aws_s3_bucket.b.arn")}, "unknown"),
        ({"policy": UNKNOWN, "attached": ADMIN}, {}, "admin"),
        ({"attached": UNKNOWN}, {"policy_arn": refers("local.arn")}, "unknown"),
    ],
)
def test_a_computed_policy_leaves_privilege_unknown(after: Any, blocks: Any, level: str) -> None:
    """Only what is known for certain counts: an administrator stays one."""
    changes = [SHOP]
    if "policy" in after:
        changes.append(change("aws_iam_role_policy.p", {"role": "shop", "name": "p"}, unknown={"policy": True}))
    if after.get("attached") is UNKNOWN:
        row = change("aws_iam_role_policy_attachment.a", {"role": "shop"}, unknown={"policy_arn": True})
        changes.append(row)
    elif "attached" in after:
        changes.append(change("aws_iam_role_policy_attachment.a", {"role": "shop", "policy_arn": ADMIN}))
    found = understood(*changes, blocks=[block(row["address"], **blocks) for row in changes[1:]], **IN_ACCOUNT)
    shop = by_place(found)["aws_iam_role.shop"]

    assert (shop.identity.privilege.level, shop.computed) == (level, frozenset({"permissions"}))
    assert any("only known after deploying" in each for each in shop.identity.privilege.evidence)
    assert all("(computed)" not in grant.name for grant in shop.identity.grants)


def test_what_the_provider_fills_in_is_no_policy() -> None:
    """A new role's lists of policies are unknown even if the file gives it none."""
    found = understood(SHOP, blocks=[block("aws_iam_role.shop", name={})], **IN_ACCOUNT)
    given = understood(
        SHOP, blocks=[block("aws_iam_role.shop", managed_policy_arns=refers("local.arns"))], **IN_ACCOUNT
    )

    assert by_place(found)["aws_iam_role.shop"].computed == frozenset()
    assert by_place(given)["aws_iam_role.shop"].computed == {"permissions"}


def test_the_known_part_of_a_data_source_counts() -> None:
    """What is known of it is evaluated, and the rest makes the whole unknown."""
    statements = [
        {"actions": ["secretsmanager:GetSecretValue"], "resources": ["*"]},
        {"actions": ["s3:PutObject"]},
        {"effect": "Deny", "actions": ["iam:*"], "resources": ["*"]},
        {"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::b/&{aws:username}"],
         "condition": [{"test": "StringEquals", "variable": "aws:x", "values": ["y"]}]},
    ]  # fmt: skip
    source = change(
        "data.aws_iam_policy_document.d",
        {"statement": statements},
        actions=["read"],
        unknown={"json": True, "statement": [{}, {"resources": True}, {}, {}]},
    )
    inline = change("aws_iam_role_policy.p", {"role": "shop", "name": "p"}, unknown={"policy": True})
    blocks = [block("aws_iam_role_policy.p", policy=refers("data.aws_iam_policy_document.d.json"))]
    shop = by_place(understood(SHOP, source, inline, blocks=blocks, **IN_ACCOUNT))["aws_iam_role.shop"]

    assert (shop.identity.privilege.level, shop.computed) == ("unknown", frozenset({"permissions"}))
    assert "what could be read amounts to high" in shop.identity.privilege.evidence


def test_names_trusts_and_accounts_that_only_deploying_determines() -> None:
    """A computed name has its resource as key and name; the trust policy names anyone who is known."""
    row = change("aws_iam_role.r", {"path": "/"}, unknown={**PROVIDED, "name": True, "assume_role_policy": True})
    found = by_place(understood(row, SHOP))

    computed, named = found["aws_iam_role.r"], found["aws_iam_role.shop"]
    assert (computed.identity.key, computed.identity.name) == ("planned:aws_iam_role.r", "aws_iam_role.r")
    assert computed.computed == {"name", "trusts"}
    assert (named.identity.name, named.account_known, named.identity.scope) == ("shop", False, "unknown")
    assert [trust.principal for trust in named.identity.trusts] == ["lambda.amazonaws.com"]


def test_users_their_groups_and_their_credentials() -> None:
    """Rights of groups are the user's; a key is a credential with its own place."""
    found = understood(
        change("aws_iam_user.ci", {"name": "ci", "path": "/"}, unknown={"arn": True}),
        change("aws_iam_group.admins", {"name": "admins", "path": "/"}),
        change("aws_iam_group_policy_attachment.a", {"group": "admins", "policy_arn": ADMIN}),
        change("aws_iam_user_group_membership.m", {"user": "ci", "groups": ["admins"]}),
        change("aws_iam_access_key.k", {"user": "ci", "status": "Active"}, unknown={"id": True, "secret": True}),
        change("aws_iam_user_login_profile.p", {"user": "ci"}, unknown={"password": True}),
        change("aws_iam_service_specific_credential.s", {"user_name": "other"}, unknown={"user": True}),
        **IN_ACCOUNT,
    )
    user = by_place(found)["aws_iam_user.ci"]

    assert user.identity.privilege.level == "admin"
    assert [(grant.name, grant.via) for grant in user.identity.grants] == [("AdministratorAccess", "group:admins")]
    assert {(each.kind, each.id) for each in user.identity.credentials} == {
        ("access_key", "aws_iam_access_key.k"),
        ("password", "ci"),
    }
    assert {key.rpartition("#")[2]: place.resource for key, place in user.credentials_at.items()} == {
        "access_key:aws_iam_access_key.k": "aws_iam_access_key.k",
        "password:ci": "aws_iam_user_login_profile.p",
    }
    assert user.computed == {"credentials"}
    assert [each.place.resource for each in found.unread] == ["aws_iam_service_specific_credential.s"]


def test_a_new_role_that_others_may_assume_changes_none_of_them() -> None:
    """What they can become grows, and that is found by their paths; a policy that changes or goes changes its role."""
    assume = {"role": "shop", "name": "p", "policy": document(allow("sts:AssumeRole"))}
    there = change("aws_iam_role.shop", role("shop"), before=role("shop"), actions=["no-op"])
    new = change("aws_iam_role.new", role("new"), unknown={"arn": True})

    def effect(**of_policy: Any) -> str:
        found = understood(there, new, change("aws_iam_role_policy.p", **of_policy), **IN_ACCOUNT)
        return by_place(found)["aws_iam_role.shop"].effect

    assert effect(after=assume, before=assume, actions=["no-op"]) == "unchanged"
    assert effect(after=assume, before={**assume, "policy": ANY}, actions=["update"]) == "changed"
    assert effect(before=assume, actions=["delete"]) == "changed"


EXISTING = Identity(
    key=f"arn:aws:iam::{ACCOUNT}:role/team/old",
    provider="aws",
    source="prod",
    scope=ACCOUNT,
    kind="role",
    name="old",
    grants=(Grant(name="mine", via="direct"),),
    privilege=Privilege(level="high", evidence=("can read secrets",)),
)


def test_a_policy_for_a_role_outside_the_plan_adds_to_what_the_store_knows() -> None:
    """The highest of what it had and what it gains; without the store only the gain is known."""
    attached = change("aws_iam_role_policy_attachment.a", {"role": "old", "policy_arn": READ_S3})
    (known,) = understood(attached, known=Store(EXISTING), **IN_ACCOUNT).identities
    (unknown,) = understood(attached, **IN_ACCOUNT).identities
    (powerful,) = understood(
        change("aws_iam_role_policy_attachment.a", {"role": "old", "policy_arn": ADMIN}), **IN_ACCOUNT
    ).identities

    assert (known.effect, known.before, known.computed) == ("changed", EXISTING, frozenset())
    assert [grant.name for grant in known.identity.grants] == ["mine", "AmazonS3ReadOnlyAccess"]
    assert known.identity.privilege.level == "high"
    assert (unknown.identity.privilege.level, unknown.computed, unknown.before) == (
        "unknown",
        frozenset({"permissions"}),
        None,
    )
    assert powerful.identity.privilege.level == "admin"


def test_one_identity_that_is_described_several_times() -> None:
    """By data sources, beside its own resource: it is one, with whatever each gives it."""
    data = {"name": "shop", "path": "/", "arn": SHOP_KEY, "assume_role_policy": document(LAMBDA)}
    described = {"mode": "data", "type": "aws_iam_role", "values": data}
    prior = [{**described, "address": f"data.aws_iam_role.{name}", "name": name} for name in ("a", "b")]
    found = understood(
        SHOP,
        change("aws_iam_role_policy_attachment.a", {"policy_arn": ADMIN}, unknown={"role": True}),
        blocks=[block("aws_iam_role_policy_attachment.a", role=refers("data.aws_iam_role.b.id"))],
        prior=[caller_identity(), *prior],
    )

    assert [(one.places[0].resource, one.effect, one.identity.privilege.level) for one in found.identities] == [
        ("aws_iam_role.shop", "created", "admin")
    ]


def test_effects_on_identities() -> None:
    """Gaining a right changes a role that the plan leaves alone; a new name is a new role; the old one goes."""
    there = {**role("shop"), "arn": SHOP_KEY, "managed_policy_arns": [], "inline_policy": []}
    attachment = {"role": "shop", "policy_arn": ADMIN}
    found = understood(
        change("aws_iam_role.shop", there, before=there, actions=["no-op"]),
        change("aws_iam_role_policy_attachment.a", attachment),
        change("aws_iam_role.renamed", role("new"), before={**role("old"), "arn": "x"}, actions=["delete", "create"]),
        change("aws_iam_role.same", role("same"), before=role("same"), actions=["no-op"]),
        change(
            "aws_iam_role.taken",
            role("taken"),
            before=role("taken"),
            actions=["no-op"],
            change={"importing": {"id": "taken"}},
        ),
        change("aws_iam_role.gone", None, before=role("gone"), actions=["delete"]),
        **IN_ACCOUNT,
    )
    effects = {(each.places[0].resource, each.identity.name): each for each in found.identities}

    assert {name: each.effect for (_, name), each in effects.items()} == {
        "shop": "changed", "new": "created", "old": "deleted", "same": "unchanged", "taken": "imported",
        "gone": "deleted",
    }  # fmt: skip
    shop = effects["aws_iam_role.shop", "shop"]
    assert shop.before is not None
    assert (shop.before.privilege.level, shop.identity.privilege.level) == ("normal", "admin")


def test_rights_that_the_store_knows_and_the_plan_does_not_declare_stay() -> None:
    """Someone attached them by hand; what the plan takes away is gone."""
    scanned = Identity(
        key=SHOP_KEY, provider="aws", source="prod", scope=ACCOUNT, kind="role", name="shop",
        grants=(Grant(name="ByHand", via="direct", admin=True), Grant(name="p", via="inline")),
        privilege=Privilege(level="admin"),
    )  # fmt: skip
    inline = {"role": "shop", "name": "p", "policy": document(allow("s3:GetObject"))}
    rows = (
        change("aws_iam_role.shop", role("shop"), before=role("shop"), actions=["no-op"]),
        change("aws_iam_role_policy.p", None, before=inline, actions=["delete"]),
    )
    (shop,) = understood(*rows, known=Store(scanned), **IN_ACCOUNT).identities

    assert [grant.name for grant in shop.identity.grants] == ["ByHand"]
    assert (shop.effect, shop.identity.privilege.level) == ("changed", "admin")


def test_workloads_agents_secrets_and_what_is_not_evaluated() -> None:
    """Workloads that run as a role that does not exist yet finds it, also by its instance profile."""
    found = understood(
        SHOP,
        change("aws_lambda_function.f", {"function_name": "f", "environment": [{"variables": {"OPENAI_API_KEY": "x"}}]},
               unknown={"role": True}),
        change("aws_iam_instance_profile.p", {"name": "vm", "path": "/", "role": "shop"}),
        change("aws_instance.vm", {"iam_instance_profile": "vm", "tags": {"Name": "box"}}),
        change("aws_bedrockagent_agent.a", {"agent_name": "helper"}, unknown={"agent_resource_role_arn": True}),
        change("aws_secretsmanager_secret.s", {"name": "db"}),
        change("aws_ssm_parameter.p", {"name": "/key", "type": "SecureString", "value": "hunter2"}),
        change("aws_ssm_parameter.q", {"name": "/plain", "type": "String"}),
        change("aws_rolesanywhere_profile.p", {"name": "x"}),
        change("aws_iam_account_alias.a", {"account_alias": "x"}),
        blocks=[
            block("aws_lambda_function.f", role=refers("aws_iam_role.shop.arn", "aws_iam_role.shop")),
            block("aws_bedrockagent_agent.a", agent_resource_role_arn=refers("aws_iam_role.shop.arn")),
        ],
        **IN_ACCOUNT,
    )  # fmt: skip

    assert {each.name: each.runs_as for each in found.workloads} == {"f": (SHOP_KEY,), "box": (SHOP_KEY,)}
    agent = by_place(found)["aws_bedrockagent_agent.a"].identity
    assert [(link.relation, link.target) for link in agent.links] == [("runs_as", SHOP_KEY)]
    assert {signal.says for signal in agent.signals} == {"machine", "agent"}
    assert [each.name for each in found.secrets] == ["db", "/key"]
    assert [each.place.resource for each in found.unread] == ["aws_rolesanywhere_profile.p"]
    assert "hunter2" not in repr(found)


def test_providers_and_service_linked_roles() -> None:
    """An OIDC provider is an identity; AWS's own role is AWS's."""
    found = by_place(
        understood(
            change("aws_iam_openid_connect_provider.g", {"url": "https://token.actions.githubusercontent.com"}),
            change("aws_iam_service_linked_role.s", {"aws_service_name": "ecs.amazonaws.com"}, unknown={"name": True}),
            change("aws_iam_role.g", role("deploy", assume_role_policy=document(FEDERATED))),
            **IN_ACCOUNT,
        )
    )

    assert found["aws_iam_openid_connect_provider.g"].identity.key.endswith(
        ":oidc-provider/token.actions.githubusercontent.com"
    )
    assert found["aws_iam_service_linked_role.s"].identity.managed_by == "AWS service-linked role of ecs.amazonaws.com"
    assert [trust.subject for trust in found["aws_iam_role.g"].identity.trusts] == ["repo:o/r:*"]


ANYONE = [{"type": "AWS", "identifiers": ["*"]}]
STATEMENT = {
    "actions": ["*"],
    "principals": ANYONE,
    "condition": [{"test": "Bool", "variable": "v", "values": ["x"]}],
}
IN_ROLE = {"inline_policy": [{"name": "p", "policy": ANY}], "arn": SHOP_KEY}
WHOLE = terraform(
    change("aws_iam_role.shop", role("shop", **IN_ROLE), before=role("shop"), actions=["update"]),
    change("aws_iam_role_policy_attachment.a", {"policy_arn": ADMIN}, unknown={"role": True}),
    change("data.aws_iam_policy_document.d", {"statement": [STATEMENT]}, unknown={"json": True}),
    change("aws_iam_role.two", role("two"), unknown={"assume_role_policy": True, "permissions_boundary": True}),
    change("aws_iam_user.u", {"name": "u", "path": "/", "tags": {"a": "b"}}),
    change("aws_iam_access_key.k", {"user": "u", "id": "AKIAX", "status": "Active"}),
    change("aws_iam_policy_attachment.p", {"users": ["u"], "roles": ["shop"], "groups": ["g"], "policy_arn": READ_S3}),
    change("aws_instance.vm", {"iam_instance_profile": "vm", "tags": {"Name": "box"}}),
    change(
        "aws_lambda_function.f", {"function_name": "f", "role": SHOP_KEY, "environment": [{"variables": {"A": "x"}}]}
    ),
    blocks=[
        block("aws_iam_role_policy_attachment.a", role=OF_SHOP),
        block("aws_iam_role.two", assume_role_policy=refers("data.aws_iam_policy_document.d.json")),
    ],
    prior=[caller_identity()],
)


@given(mutated(WHOLE))
@examples(100, smoke=100)
def test_hostile_plans_never_fail(plan: Any) -> None:
    """Whatever a policy, a name or a list turns into."""
    assert is_planned_or_refused(plan, AwsPlanner(), Store(EXISTING))
