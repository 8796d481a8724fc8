"""Named workloads that someone may make do what it likes, and who that leads to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from connectors.aws.client.iam_calls import AwsListing
from connectors.aws.client.payloads import AwsAccount, PolicyDetail, RoleDetail
from connectors.aws.identities.users import role_identity
from connectors.aws.rights.account_rights import rights_in
from connectors.aws.spec import POLICIES, ROLES
from scanner.access.edges import resolve
from scanner.discovery.inventory import ScopeReading, join
from scanner.judging.last_known.remembered import Remembered
from scanner.judging.pipeline import Declared, judge
from scanner.model import Assessment, Identity, Link, Privilege, ScanInfo, Way, Workload
from tests.connectors.aws.rights.policies import ACCOUNT, IF, allow, deny

BUILDER, BOSS, CLERK = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("builder", "boss", "clerk"))
LAMBDA = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function"
RELEASE, REPORT = f"{LAMBDA}:release", f"{LAMBDA}:report"
UPDATE = "lambda:UpdateFunctionCode"
MACHINE = f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/i-0a"
RUNTIME = f"arn:aws:bedrock-agentcore:eu-west-1:{ACCOUNT}:runtime/claims"


def role(arn: str, *statements: dict[str, Any], boundary: bool = False) -> dict[str, Any]:
    """A role as the API lists it."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    limit = {"PermissionsBoundary": {"PermissionsBoundaryArn": "limit"}} if boundary else {}
    return {
        "Arn": arn,
        "RoleName": arn.rpartition("/")[2],
        "AssumeRolePolicyDocument": {"Statement": [trust]},
        "RolePolicyList": [{"PolicyName": "own", "PolicyDocument": {"Statement": list(statements)}}],
        **limit,
    }


def workload(key: str, *roles: str) -> Workload:
    """Something that runs as these."""
    return Workload(
        key=key, provider="aws", source="prod", scope=ACCOUNT, kind="lambda_function", name=key, runs_as=roles
    )


THINGS = (workload(RELEASE, BOSS), workload(REPORT, CLERK), workload(MACHINE, BOSS))
AGENT = Identity(
    key=RUNTIME,
    provider="aws",
    source="prod",
    scope=ACCOUNT,
    kind="agent_runtime",
    name="claims",
    links=(Link(relation="runs_as", target=BOSS, evidence="it says so"),),
)


TAKING = Identity(
    key=BUILDER,
    provider="aws",
    source="prod",
    scope=ACCOUNT,
    kind="role",
    name="builder",
    reach=(Way(kind="take_over", by="x", on=(f"{LAMBDA}:*",)),),
)


def scan(
    *statements: dict[str, Any], limit: tuple[dict[str, Any], ...] = (), things: tuple[Workload, ...] = THINGS
) -> Assessment:
    """What a scan says of a builder with these statements, beside an admin and a clerk that functions run as."""
    found = _roles(statements, limit)
    now = datetime(2026, 11, 25, tzinfo=UTC)
    reading = ScopeReading(source="prod", scope=ACCOUNT, identities=(*found, AGENT), workloads=things)
    info = ScanInfo(id="s", started_at=now, finished_at=now, version="1")
    result = judge(join([reading], {"prod": 0}), Declared(), Remembered(), info)
    return next(one for one in result.identities if one.identity.key == BUILDER)


def holder_of(*statements: dict[str, Any]) -> Identity:
    """The builder with these statements, as its account alone has it."""
    return next(one for one in _roles(statements) if one.key == BUILDER)


def _roles(statements: tuple[dict[str, Any], ...], limit: tuple[dict[str, Any], ...] = ()) -> tuple[Identity, ...]:
    listing = AwsListing()
    version = {"IsDefaultVersion": True, "Document": {"Statement": list(limit)}}
    listing.add(POLICIES, [{"Arn": "limit", "PolicyVersionList": [version]}] if limit else [], PolicyDetail)
    roles = role(BUILDER, *statements, boundary=bool(limit)), role(BOSS, allow("*")), role(CLERK)
    listing.add(ROLES, roles, RoleDetail)
    rights = rights_in(listing, ACCOUNT, ())
    place = AwsAccount(source="prod", account=ACCOUNT)
    return tuple(
        role_identity(one, rights.trusts[one.arn], rights.permissions[one.arn], rights.links[one.arn], place)
        for one in listing.roles
    )


@pytest.mark.parametrize(
    ("statements", "level"),
    [
        pytest.param([allow(UPDATE, RELEASE)], "escalation", id="a-function-of-an-admin"),
        pytest.param([allow(UPDATE, f"{LAMBDA}:rel*")], "escalation", id="by-a-pattern"),
        pytest.param([allow("lambda:*", RELEASE)], "escalation", id="among-others"),
        pytest.param([allow(UPDATE, REPORT)], "normal", id="a-function-of-a-clerk"),
        pytest.param([allow(UPDATE, f"{LAMBDA}:gone")], "normal", id="a-function-that-is-not-there"),
        pytest.param([allow("lambda:InvokeFunction", RELEASE)], "normal", id="another-action"),
        pytest.param([allow(UPDATE, RELEASE, **IF)], "high", id="under-a-condition"),
        pytest.param([allow(UPDATE, REPORT), allow(UPDATE, RELEASE, **IF)], "high", id="another-without-one"),
        pytest.param([allow(UPDATE, REPORT, **IF)], "normal", id="under-a-condition-a-function-of-a-clerk"),
        pytest.param(
            [allow(UPDATE, f"{LAMBDA}:re*", **IF), deny(UPDATE, RELEASE)], "normal", id="under-a-condition-and-denied"
        ),
        pytest.param([allow(UPDATE, f"{LAMBDA}:re*"), deny(UPDATE, RELEASE)], "normal", id="denied"),
        pytest.param([allow(UPDATE, f"{LAMBDA}:re*"), deny("*", f"{LAMBDA}:*s*")], "normal", id="denied-by-pattern"),
        pytest.param([allow(UPDATE, f"{LAMBDA}:re*"), deny(UPDATE, REPORT)], "escalation", id="another-one-denied"),
        pytest.param(
            [
                allow(UPDATE, f"{LAMBDA}:re*"),
                {"Effect": "Deny", "Action": UPDATE, "NotResource": f"{LAMBDA}:rep*"},
            ],
            "normal",
            id="all-but-another-denied",
        ),
        pytest.param([allow(UPDATE, f"{LAMBDA}:${{aws:username}}")], "normal", id="whoever-that-is"),
        pytest.param([allow("ssm:StartSession", MACHINE)], "escalation", id="a-shell-on-a-machine"),
        pytest.param(
            [allow("ssm:SendCommand", [MACHINE, "arn:aws:ssm:*::document/AWS-RunShellScript"])],
            "escalation",
            id="a-command-on-a-machine",
        ),
        pytest.param([allow("ssm:SendCommand", MACHINE)], "normal", id="no-document-to-run"),
        pytest.param([allow("bedrock-agentcore:UpdateAgentRuntime", RUNTIME)], "escalation", id="an-agent"),
    ],
)
def test_a_named_workload_leads_to_what_it_runs_as(statements: list[dict[str, Any]], level: str) -> None:
    """If that may do more and nothing refuses it: for sure, or where a condition stands before it, perhaps."""
    assert scan(*statements).privilege.level == level


@pytest.mark.parametrize(
    ("limit", "level"),
    [
        (allow("*"), "escalation"),
        (allow("lambda:*", RELEASE), "escalation"),
        (allow("lambda:*", REPORT), "normal"),
        (allow("s3:*"), "normal"),
    ],
)
def test_a_boundary_limits_what_can_be_taken_over(limit: dict[str, Any], level: str) -> None:
    """What both allow, and no more."""
    assert scan(allow(UPDATE, f"{LAMBDA}:re*"), limit=(limit,)).privilege.level == level


def test_the_path_names_the_workload_and_the_statement() -> None:
    """Each step with its reason."""
    found = scan(allow("s3:GetObject", "arn:aws:s3:::b/*"), allow(UPDATE, RELEASE))

    by = f"by {UPDATE} on it; by policy own (inline) statement 2"
    assert found.privilege.evidence == (f"{BUILDER} can become the admin {BOSS}: {RELEASE} runs as it: {by}",)
    assert [link.target for link in found.identity.links] == [BOSS]


def test_a_condition_stands_in_the_path_and_makes_no_link() -> None:
    """It is reported, as an uncertainty."""
    found = scan(allow(UPDATE, RELEASE, **IF))

    by = f"{RELEASE} runs as it: by {UPDATE} on it; by policy own (inline) statement 1"
    (reason,) = found.privilege.evidence
    assert reason.startswith(f"{BUILDER} can become ")
    assert reason.endswith(f"{BOSS}, under a condition: {by}")
    assert found.identity.links == ()


def test_no_one_becomes_itself_and_administrators_need_no_link() -> None:
    """A role that changes the function that it is leads nowhere new."""
    itself = resolve([TAKING], {}, [workload(RELEASE, TAKING.key)], ()).identities
    admin = resolve([replace(TAKING, privilege=Privilege(level="admin"))], {}, THINGS, ()).identities

    assert [one.links for one in (*itself, *admin)] == [(), ()]


def test_a_link_that_is_there_stays() -> None:
    """What the connector itself found says more; others are added, sorted."""
    seen = Link(relation="can_assume", target=BOSS, evidence="named in the trust policy")
    things = [workload(RELEASE, CLERK, BOSS)]

    (found,) = resolve([replace(TAKING, links=(seen,))], {}, things, ()).identities

    assert found.links == (seen, Link(relation="can_assume", target=CLERK, evidence=f"{RELEASE} runs as it: x"))


ECS = f"arn:aws:ecs:eu-west-1:{ACCOUNT}"
EXEC = "ecs:ExecuteCommand"
SERVICE = replace(workload(f"{ECS}:service/shop/web", BOSS), runs_in=(f"{ECS}:cluster/shop",))
DEFINITION = replace(workload(f"{ECS}:task-definition/job:1", BOSS), runs_in=(f"{ECS}:cluster/shop",))


@pytest.mark.parametrize("thing", [SERVICE, DEFINITION])
@pytest.mark.parametrize(
    ("statements", "level"),
    [
        ([allow(EXEC, f"{ECS}:task/shop/*")], "escalation"),
        ([allow(EXEC, [f"{ECS}:task/shop/*", f"{ECS}:cluster/shop"])], "escalation"),
        ([allow(EXEC, "arn:aws:ecs:*:*:task/sh*/*")], "escalation"),
        ([allow(EXEC, f"{ECS}:task/sh*")], "escalation"),
        ([allow("ssm:StartSession", f"{ECS}:task/shop/*")], "escalation"),
        ([allow(EXEC, f"{ECS}:task/shop/*", **IF)], "high"),
        ([allow(EXEC, f"{ECS}:task/other/*")], "normal"),
        ([allow(EXEC, f"{ECS}:task/shop")], "normal"),
        ([allow(EXEC, f"{ECS}:cluster/shop")], "normal"),
        ([allow("ecs:DescribeTasks", f"{ECS}:task/shop/*")], "normal"),
        ([allow(EXEC, f"{ECS}:task/sh*/*"), deny(EXEC, f"{ECS}:task/shop/*")], "normal"),
        ([allow(EXEC, f"{ECS}:task/shop/*"), deny(EXEC, f"{ECS}:task/shop/0a1b")], "escalation"),
    ],
)
def test_the_tasks_of_a_cluster_are_what_runs_in_it(
    statements: list[dict[str, Any]], level: str, thing: Workload
) -> None:
    """A command in any of them acts as its role: those of services, and those that someone started."""
    found = scan(*statements, things=(thing,))

    assert found.privilege.level == level
    assert level != "escalation" or thing.key in str(found.identity.links)


OTHER = "999999999999"
THEIRS, FUNCTION = f"arn:aws:iam::{OTHER}:role/boss", f"arn:aws:lambda:eu-west-1:{OTHER}:function:release"
PROJECT = f"arn:aws:codebuild:eu-west-1:{OTHER}:project/release"


@pytest.mark.parametrize(
    ("statement", "level"),
    [
        (allow(UPDATE, FUNCTION), "high"),
        (allow("lambda:*", f"arn:aws:lambda:*:{OTHER}:*"), "high"),
        (allow(UPDATE, FUNCTION.replace(OTHER, "111111111111")), "normal"),
        (allow(UPDATE, FUNCTION.replace("release", "report")), "normal"),
        (allow("codebuild:StartBuild", PROJECT), "normal"),
    ],
)
def test_a_workload_of_another_account_is_reached_if_that_account_lets_it(
    statement: dict[str, Any], level: str
) -> None:
    """Both were read, but for the policy on the function: so it is no path, and what it would lead to is reported."""
    theirs = Identity(
        key=THEIRS, provider="aws", source="prod", scope=OTHER, kind="role", name="boss",
        privilege=Privilege(level="admin"),
    )  # fmt: skip
    caller = holder_of(statement)
    things = [replace(workload(key, THEIRS), scope=OTHER) for key in (FUNCTION, PROJECT)]
    now = datetime(2026, 11, 25, tzinfo=UTC)
    readings = [
        ScopeReading(source="prod", scope=ACCOUNT, identities=(caller,)),
        ScopeReading(source="prod", scope=OTHER, identities=(theirs,), workloads=tuple(things)),
    ]
    result = judge(
        join(readings, {"prod": 0}),
        Declared(),
        Remembered(),
        ScanInfo(id="s", started_at=now, finished_at=now, version="1"),
    )
    found = next(one for one in result.identities if one.identity.key == BUILDER)

    assert found.privilege.level == level
    assert found.identity.links == ()
    reported = " ".join(found.privilege.evidence)
    assert (THEIRS in reported and "if a resource policy of the other account" in reported) == (level == "high")


@pytest.mark.parametrize("resource", ["*", f"{LAMBDA}:*", "arn:aws:lambda:*"])
def test_what_reaches_all_of_a_type_leads_to_what_runs(resource: str) -> None:
    """By a pattern of its own type: nothing else of that name is taken over."""
    found = scan(allow(UPDATE, resource), things=(workload(RELEASE, BOSS), workload(MACHINE, CLERK)))

    assert found.privilege.level == "escalation"
    assert [link.target for link in found.identity.links] == [BOSS]
    assert scan(allow(UPDATE, resource), things=(workload(MACHINE, BOSS),)).privilege.level == "high"


def test_a_command_in_any_task_is_as_good_as_in_those_of_a_cluster() -> None:
    """ECS names tasks by their cluster; ``*`` takes all clusters in."""
    assert scan(allow(EXEC), things=(SERVICE,)).privilege.level == "escalation"
    assert scan(allow(EXEC), things=(workload(RELEASE, BOSS),)).privilege.level == "high"
