"""A Terraform plan as resources: effects, unknown and sensitive values, references through modules, accounts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from msgspec import structs

from connectors.planned import UNKNOWN, FileResources, Resource
from connectors.planned.documents import PlannedDocument
from connectors.planned.files import load
from connectors.planned.references import Configuration
from connectors.planned.terraform import _prior_data, is_plan, read_plan
from scanner.errors import UsageError
from scanner.model.planned import Effect
from tests.connectors.planned.plans import ACCOUNT, block, caller_identity, change, refers, terraform
from tests.examples import examples
from tests.hostile_json import mutated

ROLE = {"name": "shop", "assume_role_policy": "{}"}


def resources(plan: Mapping[str, Any]) -> dict[str, Resource]:
    found, problems = read_plan("plan.json", [PlannedDocument(data=plan, line=1, source="")])
    assert not problems
    return {each.place.resource: each for each in found}


@pytest.mark.parametrize(
    ("actions", "effect"),
    [
        (["no-op"], "unchanged"),
        (["create"], "created"),
        (["update"], "changed"),
        (["delete", "create"], "changed"),
        (["create", "delete"], "changed"),
        (["create", "forget"], "created"),
        (["forget"], "unchanged"),
        (["delete"], "deleted"),
    ],
)
def test_effects(actions: list[str], effect: Effect) -> None:
    """Every combination of actions that the format documents; what goes has the values that it had."""
    gone = effect == "deleted" or actions == ["forget"]
    before = None if "create" in actions and "delete" not in actions else ROLE
    row = change("aws_iam_role.shop", None if gone else ROLE, actions=actions, before=before)
    found = resources(terraform(row))["aws_iam_role.shop"]

    assert (found.effect, found.values, found.before) == (effect, ROLE, before)


def test_imports_moves_drift_and_deposed_objects() -> None:
    """An import is one, a move is none; drift was found outside the plan, and a deposed object is a leftover."""
    moved = change("aws_iam_role.b", ROLE, actions=["no-op"], before=ROLE, previous_address="aws_iam_role.a")
    taken = change("aws_iam_role.c", ROLE, actions=["no-op"], before=ROLE, change={"importing": {"id": "shop"}})
    left = change("aws_iam_role.b", None, actions=["delete"], before=ROLE, deposed="1a2b")
    found = resources(terraform(moved, taken, left, resource_drift=[change("aws_iam_role.d", ROLE)]))

    assert {name: each.effect for name, each in found.items()} == {
        "aws_iam_role.b": "unchanged",
        "aws_iam_role.c": "imported",
    }


def test_unknown_and_sensitive_values_are_dropped() -> None:
    """Wherever they stand: a block, an item, a member that ``after`` lacks."""
    after = {"name": "a", "environment": [{"variables": {"KEY": "s3cret"}}], "list": ["x", None], "plain": {"a": 1}}
    unknown = {"arn": True, "list": [False, True], "environment": [{}], "tags": {}, "plain": {}}
    sensitive = {"environment": [{"variables": True}], "list": [], "plain": {}}
    found = resources(terraform(change("aws_lambda_function.f", after, unknown=unknown, sensitive=sensitive)))

    assert found["aws_lambda_function.f"].values == {
        "name": "a",
        "environment": [{"variables": UNKNOWN}],
        "list": ["x", UNKNOWN],
        "plain": {"a": 1},
        "arn": UNKNOWN,
    }


def test_references_lead_through_modules_and_instances() -> None:
    """To the instance named, to the one with the same key, else to all; through variables and outputs of modules."""
    attached = {"role": True, "policy_arn": True}
    child = {
        "resources": [block("aws_iam_role_policy_attachment.a", role=refers("var.role"), policy_arn=refers("var.arn"))],
        "outputs": {"name": {"expression": refers("aws_iam_role.made.id", "aws_iam_role.made")}},
    }
    calls = {
        "child": {
            "expressions": {
                "role": refers("module.maker.name", "module.maker"),
                "arn": refers("each.value.arn", "each.value"),
            },
            "module": child,
        },
        "maker": {"module": {**child, "resources": []}},
    }
    plan = terraform(
        change('aws_iam_role.r["a"]', ROLE, unknown={"arn": True}),
        change('aws_iam_role.r["b"]', ROLE, unknown={"arn": True}),
        change("module.maker.aws_iam_role.made", ROLE, unknown={"id": True}),
        change('aws_iam_role_policy.p["b"]', {}, unknown={"role": True}),
        change("aws_iam_role_policy.one", {}, unknown={"role": True}),
        change("aws_iam_role_policy.all", {}, unknown={"role": True}),
        change("aws_iam_role_policy.each[0]", {}, unknown={"role": True}),
        change("data.aws_iam_policy_document.d", {"statement": [{}]}, unknown={"statement": [{"resources": True}]}),
        change("module.child.aws_iam_role_policy_attachment.a", {}, unknown=attached),
        blocks=[
            block("aws_iam_role_policy.p", role=refers("aws_iam_role.r", "each.key")),
            block(
                "aws_iam_role_policy.one",
                role=refers('aws_iam_role.r["a"].id', 'aws_iam_role.r["a"]', "aws_iam_role.r"),
            ),
            block("aws_iam_role_policy.all", role=refers("local.x", "aws_iam_role.r")),
            block("aws_iam_role_policy.each", role=refers("each.value"), for_each=refers('aws_iam_role.r["b"]')),
            block("data.aws_iam_policy_document.d", statement=[{"resources": refers("aws_iam_role.r")}]),
        ],
        calls=calls,
    )

    assert {name: dict(each.refers) for name, each in resources(plan).items() if each.refers} == {
        'aws_iam_role_policy.p["b"]': {"role": ('aws_iam_role.r["b"]',)},
        "aws_iam_role_policy.one": {"role": ('aws_iam_role.r["a"]',)},
        "aws_iam_role_policy.all": {"role": ('aws_iam_role.r["a"]', 'aws_iam_role.r["b"]')},
        "aws_iam_role_policy.each[0]": {"role": ('aws_iam_role.r["b"]',)},
        "data.aws_iam_policy_document.d": {"statement.0.resources": ('aws_iam_role.r["a"]', 'aws_iam_role.r["b"]')},
        "module.child.aws_iam_role_policy_attachment.a": {"role": ("module.maker.aws_iam_role.made",)},
    }


def test_references_that_multiply_come_to_an_end() -> None:
    """Each module's variable takes all of the one around it, thirty deep: a naive reader would never be done."""
    names = [f"v{number}" for number in range(20)]
    variables = {name: refers(*(f"var.{each}" for each in names)) for name in names}
    module: dict[str, Any] = {"resources": [block("aws_iam_role_policy.p", role=refers(*(f"var.{n}" for n in names)))]}
    for _ in range(30):
        module = {"module_calls": {"m": {"expressions": variables, "module": module}}}
    calls = module["module_calls"]
    plan = terraform(change(f"{'module.m.' * 30}aws_iam_role_policy.p", {}, unknown={"role": True}), calls=calls)

    assert not resources(plan)[f"{'module.m.' * 30}aws_iam_role_policy.p"].refers


def test_a_reference_is_not_hidden_behind_hundreds_of_others() -> None:
    """Of more than are followed none is named: what the argument comes from is unknown."""
    others = [f"aws_iam_policy.p{number}" for number in range(301)]
    changes = [change(f"{name}", {}) for name in (*others, "aws_iam_policy.admin")]
    attached = change("aws_iam_role_policy.p", {}, unknown={"role": True})
    few, many = (
        resources(terraform(*changes, attached, blocks=[block("aws_iam_role_policy.p", role=refers(*named))]))
        for named in ((others[0], "aws_iam_policy.admin"), (*others, "aws_iam_policy.admin"))
    )

    assert few["aws_iam_role_policy.p"].refers == {"role": (others[0], "aws_iam_policy.admin")}
    assert many["aws_iam_role_policy.p"].refers == {}


FROM_TERRAFORM = Path(__file__).with_name("terraform_1_0.json")
"""As Terraform 1.0.3 wrote it, the only provider being its own."""
STATE = "data.terraform_remote_state"


@pytest.mark.parametrize(
    ("address", "path", "expected"),
    [
        ('t["b"]', ("backend",), ['r["b"]']),
        ('t["b"]', ("config",), ["s[0]"]),
        ("u", ("backend",), ['r["a"]']),
        ("u", ("config", "path"), []),
        ("s[1]", ("config", "path"), ['module.m["x"].in']),
        ('module.m["y"].in', ("config",), ['r["a"]', 'r["b"]']),
        ('module.n["b"].in', ("config",), ['r["b"]']),
    ],
)
def test_references_as_terraform_writes_them(address: str, path: tuple[str, ...], expected: list[str]) -> None:
    """The same of a plan that Terraform itself wrote: instances, modules, outputs, ``each``, and locals in vain."""

    def full(name: str) -> str:
        module, dot, own = name.rpartition("].")
        return f"{module}{dot}{STATE}.{own}" if dot else f"{STATE}.{name}"

    document = json.loads(FROM_TERRAFORM.read_text())
    changes = {each.address: each for each in _prior_data(document)}
    configuration = Configuration(document["configuration"], changes.values())
    found = configuration.refers(structs.replace(changes[full(address)], unknown=(path,)))

    assert list(found.get(".".join(path), ())) == [full(name) for name in expected]


def aws(**expressions: Any) -> dict[str, Any]:
    return {
        "aws": {"name": "aws", "expressions": {name: {"constant_value": value} for name, value in expressions.items()}}
    }


ASSUMING = {"aws": {"name": "aws", "expressions": {"assume_role": [{"role_arn": {"references": ["var.role"]}}]}}}
KNOWN_ROLE = {"role": {"value": f"arn:aws-cn:iam::{ACCOUNT}:role/deploy"}}


@pytest.mark.parametrize(
    ("parts", "account", "partition", "region"),
    [
        ({"providers": ASSUMING, "variables": KNOWN_ROLE}, ACCOUNT, "aws-cn", None),
        ({"providers": aws(allowed_account_ids=[ACCOUNT], region="eu-west-1")}, ACCOUNT, None, "eu-west-1"),
        ({"providers": aws(region="us-gov-west-1")}, None, "aws-us-gov", "us-gov-west-1"),
        ({"prior": [caller_identity()]}, ACCOUNT, "aws", None),
        ({}, None, None, None),
    ],
)
def test_accounts(parts: Mapping[str, Any], account: str | None, partition: str | None, region: str | None) -> None:
    """From the provider's configuration, or what the prior state has seen of it; else none is made up."""
    row = change("aws_iam_role.shop", ROLE)
    found = resources(terraform(row, blocks=[block("aws_iam_role.shop")], **parts))["aws_iam_role.shop"]

    assert (found.account, found.partition, found.region) == (account, partition, region)


def test_an_arn_that_a_resource_is_given_says_nothing_of_its_account() -> None:
    """The target of a rule may be in another account."""
    target = change("aws_cloudwatch_event_target.t", {"arn": "arn:aws:events:eu-west-1:999999999999:event-bus/x"})
    plan = terraform(target, blocks=[block("aws_cloudwatch_event_target.t", arn={"constant_value": "arn"})])

    assert resources(plan)["aws_cloudwatch_event_target.t"].account is None


def test_what_a_plan_lacks_is_said(tmp_path: Path) -> None:
    """A plan that failed, one of which a part is deferred, and rows of another shape."""

    def problems(**more: Any) -> list[tuple[str, str]]:
        path = tmp_path / "plan.json"
        path.write_text(json.dumps(terraform(**more)))
        found: FileResources = load(path)
        return [(each.place.resource, each.reason) for each in found.problems]

    assert "failed" in problems(errored=True)[0][1]
    assert "a later one" in problems(complete=False)[0][1]
    assert problems(resource_changes=[1, {"address": "aws_iam_role.x", "type": 5}])[1][0] == "aws_iam_role.x"
    values = {"root_module": {"child_modules": [{"resources": [{"address": "aws_iam_role.x"}]}]}}
    assert problems(planned_values=values)[0][0] == "planned_values"
    assert problems(planned_values={"root_module": {}}) == []
    assert problems(resource_changes={"a": 1}) == [("resource_changes", "is not a list as Terraform writes it")]
    with pytest.raises(UsageError, match="format 2"):
        problems(format_version="2.0")


WHOLE = terraform(
    change('module.m["a"].aws_iam_role.r[0]', ROLE, unknown={"arn": True, "inline_policy": [{"policy": True}]}),
    change("aws_iam_role_policy.p", {"name": "x"}, before={"name": "y"}, actions=["update"], unknown={"role": True}),
    blocks=[block("aws_iam_role_policy.p", role=refers("module.m.name", "module.m"))],
    providers=ASSUMING,
    prior=[caller_identity()],
    calls={"m": {"expressions": {}, "module": {"outputs": {"name": {"expression": refers("var.x")}}}}},
    variables=KNOWN_ROLE,
)


@given(mutated(WHOLE))
@examples(60, smoke=60)
def test_hostile_plans_never_fail(plan: Any) -> None:
    """Whatever part of a plan has another shape, the rest is read."""
    if is_plan(plan) and str(plan["format_version"]).partition(".")[0] in ("0", "1"):
        read_plan("plan.json", [PlannedDocument(data=plan, line=1, source="")])


def test_actions_are_gaps() -> None:
    """They run what they like while the plan is applied."""
    plan = terraform(action_invocations=[{"address": "action.aws_lambda_invoke.x", "type": "aws_lambda_invoke"}])
    _, problems = read_plan("plan.json", [PlannedDocument(data=plan, line=1, source="")])

    assert [(one.place.resource, "aws_lambda_invoke" in one.reason) for one in problems] == [
        ("action.aws_lambda_invoke.x", True)
    ]
