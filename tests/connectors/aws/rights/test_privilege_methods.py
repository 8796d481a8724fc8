"""Every escalation method of the tables: found where it is possible, and nowhere else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from itertools import chain
from typing import Any

import botocore.session
import msgspec
import pytest

from connectors.aws.rights.vocabulary import PASS_ROLE, Family, Method, Tables
from tests.connectors.aws.rights.policies import IF, WORDS, allow, deny, doc, verdict

PIPELINE = "datapipeline:CreatePipeline + datapipeline:PutPipelineDefinition + datapipeline:ActivatePipeline"
CASES = [
    pytest.param(family, method, id=f"{family.name}: {method.text} {method.service or ''}")
    for family, methods in WORDS.methods
    for method in methods
]


def _actions(method: Method) -> list[str]:
    """The actions that it needs, as policies name them."""
    return method.text.split(" + ")


def _found(statements: Iterable[dict[str, Any]], family: Family, method: Method, *, condition: bool = False) -> bool:
    """Whether policies of these statements are said to allow the method on everything."""
    judged = verdict(doc(*statements))
    return judged.level == "high" and any(
        reason.family == family and method.text in reason.names and reason.condition is condition
        for reason in judged.reasons
    )


@pytest.mark.parametrize(("family", "method"), CASES)
def test_each_method_is_found_with_all_its_actions_and_only_then(family: Family, method: Method) -> None:
    """Allowed: found. One of its actions refused or not allowed: not found."""
    actions = _actions(method)

    assert _found([allow(actions)], family, method)
    for action in actions:
        assert not _found([allow(actions), deny([action])], family, method)
        rest = [other for other in actions if other != action]
        assert not _found([allow(rest or ["logs:GetLogEvents"])], family, method)


@pytest.mark.parametrize(("family", "method"), CASES)
def test_a_method_under_a_condition_is_never_called_certain(family: Family, method: Method) -> None:
    """It is neither dropped nor taken for granted."""
    assert _found([allow(_actions(method), **IF)], family, method, condition=True)


@pytest.mark.parametrize(("family", "method"), [case for case in CASES if "iam:PassRole +" in str(case.id)])
def test_a_role_is_passed_only_to_the_service_that_the_condition_names(family: Family, method: Method) -> None:
    """``iam:PassedToService`` narrows what can be passed, and anyone who passes chooses it: no condition otherwise."""
    others = [action for action in _actions(method) if action != PASS_ROLE]
    right, wrong = (
        [allow(PASS_ROLE, Condition={"StringEquals": {"iam:PassedToService": service}}), allow(others)]
        for service in (method.service, "nobody.amazonaws.com")
    )

    assert _found(right, family, method)
    assert not _found(wrong, family, method)


def test_the_published_methods_are_in_the_tables() -> None:
    """What Rhino Security Labs published in 2019, and others since, by name: losing one is a failure, not an edit."""
    published = {
        "iam:CreatePolicyVersion", "iam:SetDefaultPolicyVersion", "iam:PassRole + ec2:RunInstances",
        "iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:UpdateLoginProfile", "iam:AttachUserPolicy",
        "iam:AttachGroupPolicy", "iam:AttachRolePolicy", "iam:PutUserPolicy", "iam:PutGroupPolicy",
        "iam:PutRolePolicy", "iam:AddUserToGroup", "iam:UpdateAssumeRolePolicy",
        "iam:PassRole + lambda:CreateFunction + lambda:InvokeFunction",
        "iam:PassRole + lambda:CreateFunction + lambda:CreateEventSourceMapping", "lambda:UpdateFunctionCode",
        f"iam:PassRole + {PIPELINE}", "iam:PassRole + glue:CreateDevEndpoint",
        "glue:UpdateDevEndpoint", "iam:PassRole + cloudformation:CreateStack", "codestar:CreateProjectFromTemplate",
        "codestar:CreateProject + codestar:AssociateTeamMember",
    }  # fmt: skip
    since = {
        f"iam:PassRole + {rest}"
        for rest in (
            "ecs:RegisterTaskDefinition + ecs:UpdateService",
            "ec2:RequestSpotFleet", "ec2:CreateFleet", "autoscaling:CreateAutoScalingGroup + ec2:CreateLaunchTemplate",
            "imagebuilder:CreateImagePipeline + imagebuilder:StartImagePipelineExecution",
        )
    }  # fmt: skip

    assert published | since <= {method.text for _, methods in WORDS.methods for method in methods}


# Actions that are no operation of the SDK's, from the Service Authorization Reference: what a call takes besides or
# under another name, what has no API, and CodeStar, whose API is gone while policies still name it.
NO_OPERATION = frozenset(
    {
        "iam:PassRole", "lambda:InvokeFunction", "s3:DeleteObjectVersion", "aws-marketplace:Subscribe",
        "bedrock-agentcore:ConnectBrowserAutomationStream", "codestar:CreateProject",
        "codestar:CreateProjectFromTemplate", "codestar:AssociateTeamMember",
    }
)  # fmt: skip


@cache
def _operations() -> dict[str, set[str]]:
    """What each prefix of IAM's actions has as operations, by the service models of botocore."""
    session = botocore.session.get_session()
    found: dict[str, set[str]] = defaultdict(set)
    for name in session.get_available_services():
        model = session.get_service_model(name)
        for prefix in {name, model.signing_name, model.endpoint_prefix}:
            found[prefix].update(model.operation_names)
    return found


def _unknown(tables: Tables) -> set[str]:
    """The actions in tables that AWS does not have."""
    operations = _operations()
    methods = [
        *(method for family in tables.family for method in family.methods),
        tuple(tables.changes.every),
        *(method for methods in tables.pass_role.values() for method in methods),
    ]
    iam = [*tables.iam_actions, *chain.from_iterable(tables.iam_targets.values())]
    named = {
        *(f"iam:{name}" for name in iam),
        *chain.from_iterable((*methods, *tables.high.values(), *(each.actions for each in tables.on_each))),
    }
    return {action for action in named if action.partition(":")[2] not in operations[action.partition(":")[0]]}


def test_every_action_and_service_of_the_tables_is_one_that_aws_has() -> None:
    """A name with a slip in it matches no policy, and anyone who has the right one passes for harmless."""
    slip = Family(name="slip", reach="all", methods=(("sts:MadeUpEscalation",), ("iam:passRole",)))
    more = msgspec.structs.replace(WORDS.tables, family=(*WORDS.tables.family, slip))

    assert _unknown(WORDS.tables) == NO_OPERATION
    assert _unknown(more) - NO_OPERATION == {"sts:MadeUpEscalation", "iam:passRole"}
    # What actions act on, by the service of a resource.
    prefixes = {*_operations(), *(action.partition(":")[0] for action in NO_OPERATION)}
    assert set(chain.from_iterable(WORDS.tables.acts_on.values())) | set(WORDS.tables.acts_on) <= prefixes


def test_a_service_is_updated_to_what_somebody_else_wrote_unless_a_role_can_be_passed() -> None:
    """Without a task definition of one's own there is nothing to gain from it."""
    assert verdict(doc(allow(["ecs:UpdateService", "ecs:RegisterTaskDefinition"]))).level == "normal"
