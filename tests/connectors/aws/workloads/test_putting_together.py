"""What hangs under what, what is reported by further calls, and what belongs together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from unittest.mock import ANY

import pytest

from connectors.aws.client.session import AwsSession
from connectors.aws.settings import AwsSettings
from connectors.aws.workloads.calls import Calls
from connectors.aws.workloads.catalog import BY_SECTION, kept
from connectors.aws.workloads.declarations import Where
from connectors.core.contract import Meter
from scanner.judging.agents.tools import tools_of
from scanner.model import Workload
from tests.connectors.aws.workloads.account import HIDDEN, REGION, ROLE, SECRET, Account
from tests.connectors.aws.workloads.generated import full_answer
from tests.servers.moto_server import ACCOUNT

CORE = "bedrock-agentcore-control"
CREATED = datetime(2026, 5, 1, tzinfo=UTC)
OTHER = f"arn:aws:iam::{ACCOUNT}:role/other"
DEFINITION = f"arn:aws:ecs:eu-west-1:{ACCOUNT}:task-definition/web:7"


def test_a_detail_that_is_denied_is_a_gap_that_keeps_the_agent(account: Account) -> None:
    """It is there, and what it may do is not known this time."""
    summary = {"agentId": "AGENT12345", "agentName": "a", "agentStatus": "PREPARED", "updatedAt": CREATED}
    account.server.say("bedrock-agent", "ListAgents", {"agentSummaries": [summary]})
    account.server.refuse("bedrock-agent", "GetAgent")
    account.server.say("bedrock-agent", "ListTagsForResource", {"tags": {"owner": "ada"}})

    found = account.read("bedrock.agents")
    [agent] = found.agents.values()

    assert found.gaps == {"bedrock.agents": "partial"}
    assert found.coverage["bedrock.agents"].permission == "bedrock:GetAgent"
    assert agent.unread == ("permissions",)
    assert agent.links == ()
    assert agent.tags == {"owner": "ada"}


def test_tags_that_are_denied_are_unread(account: Account) -> None:
    """What the last scan knew of them still stands."""
    identity = {"name": "own", "workloadIdentityArn": "arn:aws:bedrock-agentcore:eu-west-1:1:own"}
    account.server.say(CORE, "ListWorkloadIdentities", {"workloadIdentities": [identity]})
    account.server.say(CORE, "GetWorkloadIdentity", {**identity, "createdTime": CREATED, "lastUpdatedTime": CREATED})
    account.server.refuse(CORE, "ListTagsForResource")

    found = account.read("agentcore.workload_identities")
    [agent] = found.agents.values()

    assert agent.unread == ("tags",)
    assert agent.created_at == CREATED
    assert found.coverage["agentcore.workload_identities"].permission == "bedrock-agentcore:ListTagsForResource"


def test_a_thing_that_is_gone_by_then_is_no_gap(account: Account) -> None:
    """It was deleted between the listing and the call about it."""
    account.server.say("eks", "ListClusters", {"clusters": ["gone"]})
    account.server.refuse("eks", "DescribeCluster", "ResourceNotFoundException")

    found = account.read("eks.clusters")

    assert found.gaps == {}
    assert found.workloads == {}


def test_what_hangs_under_a_partial_listing_is_partial_too(account: Account) -> None:
    """There may be more clusters, and tasks in them."""
    account.server.say("ecs", "ListClusters", lambda asked: _once_then_refused(account, asked))
    account.server.say("ecs", "ListTasks", {"taskArns": []})

    found = account.read("ecs.tasks")

    assert found.gaps == {"ecs.clusters": "partial", "ecs.tasks": "partial"}
    assert "ecs.clusters could not be read completely" in (found.coverage["ecs.tasks"].detail or "")


def _once_then_refused(account: Account, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    account.server.refuse("ecs", "ListClusters")
    return {"clusterArns": ["arn:aws:ecs:eu-west-1:1:cluster/one"], "nextToken": f"after {asked}"}


def test_a_task_that_runs_as_another_role_is_reported(account: Account) -> None:
    """Tasks come and go; those of one definition with one such role are one thing."""
    account.server.say("ecs", "ListClusters", {"clusterArns": ["c"]})
    account.server.say("ecs", "ListServices", {"serviceArns": []})
    account.server.say("ecs", "ListTasks", {"taskArns": ["1", "2", "3"]})
    ordinary = {"taskArn": "1", "taskDefinitionArn": DEFINITION, "group": "family:web"}
    special = {**ordinary, "overrides": {"taskRoleArn": OTHER}}
    account.server.say("ecs", "DescribeTasks", {"tasks": [ordinary, special, special]})
    account.server.say("ecs", "ListTaskDefinitionFamilies", {"families": []})
    definition = {"taskDefinitionArn": DEFINITION, "family": "web", "executionRoleArn": ROLE}
    account.server.say("ecs", "DescribeTaskDefinition", {"taskDefinition": definition})

    found = account.read("ecs")

    assert {kind: one.runs_as for (kind, _), one in found.workloads.items()} == {
        "ecs_task": (OTHER,),
        "ecs_task_definition": (ROLE,),
    }
    assert sum(isinstance(one, Workload) for one in found.records) == 2
    assert found.gaps == {}
    assert account.server.calls["ecs:DescribeTaskDefinition"] == 1


def test_in_which_clusters_a_task_definition_runs_is_reported(account: Account) -> None:
    """Anyone who may run a command in any task there acts as its role; a definition that runs nowhere is in none."""
    one, two = (f"arn:aws:ecs:eu-west-1:1:cluster/{name}" for name in ("one", "two"))
    account.server.say("ecs", "ListClusters", {"clusterArns": [one, two]})
    account.server.say("ecs", "ListServices", {"serviceArns": []})
    account.server.say("ecs", "ListTasks", lambda asked: {"taskArns": [asked["cluster"]]})
    account.server.say(
        "ecs",
        "DescribeTasks",
        lambda asked: {"tasks": [{"taskDefinitionArn": DEFINITION, "clusterArn": asked["cluster"], "group": "x"}]},
    )
    account.server.say("ecs", "ListTaskDefinitionFamilies", {"families": ["idle"]})
    account.server.say(
        "ecs",
        "DescribeTaskDefinition",
        lambda asked: {
            "taskDefinition": {"taskDefinitionArn": asked["taskDefinition"], "family": "f", "taskRoleArn": ROLE}
        },
    )

    found = account.read("ecs")

    things = {each.key: each for each in found.records if isinstance(each, Workload)}
    assert things[DEFINITION].attributes["cluster"] == [one, two]
    assert "cluster" not in things["idle"].attributes


def test_a_detail_that_the_server_does_not_offer_is_no_gap(account: Account) -> None:
    """The pool is there, and it is said that its roles could not be asked for."""
    account.client("cognito-identity").create_identity_pool(
        IdentityPoolName="pool", AllowUnauthenticatedIdentities=False
    )

    found = account.read("cognito")

    assert found.gaps == {}
    assert found.workloads["cognito_identity_pool", "pool"].runs_as == ()
    assert "this emulator does not have it" in (found.coverage["cognito.identity_pools"].detail or "")


@pytest.mark.parametrize(
    ("section", "kept_member", "dropped"),
    [
        ("bedrock.agents", "agentResourceRoleArn", "instruction"),
        ("stepfunctions.state_machines", "roleArn", "definition"),
        ("agentcore.harnesses", "executionRoleArn", "systemPrompt"),
        ("scheduler.schedules", "Target", "Description"),
    ],
)
def test_what_no_one_needs_is_dropped_where_it_arrives(
    account: Account, section: str, kept_member: str, dropped: str
) -> None:
    """Prompts and definitions never get further than the call."""
    one = BY_SECTION[section]
    for operation in (one.listing.operation, *(detail.operation for detail in one.details)):
        account.server.say(one.service, operation, full_answer(one, operation))
    where = Where(source="prod", account=ACCOUNT, partition="aws", region=REGION)
    client = AwsSession(AwsSettings(endpoint_url=account.server.url)).client(one.service, REGION, Meter())
    calls = Calls(client=client, one=one, where=where, members=kept(one))

    _, [row] = calls.each(one.details[0], list(calls.listed({})))

    assert kept_member in row
    assert dropped not in row


def test_an_identity_that_aws_made_for_a_runtime_is_distinguished(account: Account) -> None:
    """It is answered for with the runtime; one that someone made is not."""
    made, own = (f"arn:aws:bedrock-agentcore:eu-west-1:{ACCOUNT}:workload-identity/{name}" for name in ("made", "own"))
    runtime = {
        "agentRuntimeArn": f"arn:aws:bedrock-agentcore:eu-west-1:{ACCOUNT}:runtime/r-1234567890",
        "agentRuntimeId": "r-1234567890",
        "agentRuntimeName": "r",
        "agentRuntimeVersion": "1",
        "lastUpdatedAt": CREATED,
        "status": "READY",
    }
    account.server.say(CORE, "ListAgentRuntimes", {"agentRuntimes": [{**runtime, "description": "d"}]})
    account.server.say(
        CORE,
        "GetAgentRuntime",
        {
            **runtime,
            "createdAt": CREATED,
            "roleArn": ROLE,
            "networkConfiguration": {"networkMode": "PUBLIC"},
            "lifecycleConfiguration": {},
            "environmentVariables": {"OPENAI_API_KEY": HIDDEN, "FROM": SECRET},
            "workloadIdentityDetails": {"workloadIdentityArn": made},
        },
    )
    listed = [{"name": arn.rpartition("/")[2], "workloadIdentityArn": arn} for arn in (made, own)]
    account.server.say(CORE, "ListWorkloadIdentities", {"workloadIdentities": listed})
    account.server.say(
        CORE,
        "GetWorkloadIdentity",
        lambda asked: {
            **next(one for one in listed if one["name"] == asked["name"]),
            "createdTime": CREATED,
            "lastUpdatedTime": CREATED,
        },
    )
    account.server.say(CORE, "ListTagsForResource", {"tags": {}})

    found = account.read("agentcore.runtimes", "agentcore.workload_identities")
    by_name = {name: one for (_, name), one in found.agents.items()}

    assert [(link.relation, link.target) for link in by_name["r"].links] == [
        ("acts_as", made),
        ("runs_as", ROLE),
        ("stores", SECRET),
    ]
    assert by_name["made"].managed_by == f"AWS made it for {runtime['agentRuntimeArn']}"
    assert by_name["own"].managed_by is None
    assert HIDDEN not in repr(found.records)


def test_things_are_asked_about_in_batches(account: Account) -> None:
    """As many at once as AWS takes, and none is left out."""
    account.server.say("ecs", "ListClusters", {"clusterArns": ["c", "d"]})
    account.server.say("ecs", "ListTasks", {"taskArns": []})
    account.server.say("ecs", "ListTaskDefinitionFamilies", {"families": []})
    account.server.say(
        "ecs", "ListServices", lambda asked: {"serviceArns": [f"{asked['cluster']}{number}" for number in range(12)]}
    )
    account.server.say(
        "ecs",
        "DescribeServices",
        lambda asked: {"services": [{"serviceArn": arn, "serviceName": arn} for arn in asked["services"]]},
    )

    found = account.read("ecs.services")

    assert found.gaps == {}
    assert len(found.workloads) == 24
    assert account.server.calls["ecs:DescribeServices"] == 4


# --- The tools of agents ---


def speak_of_an_agent(account: Account, *groups: dict[str, Any], bases: dict[str, str] | None = None) -> None:
    """A Bedrock agent with these action groups, and knowledge bases by id with their state."""
    say = account.server.say
    agent = {"agentId": "AGENT12345", "agentName": "a", "agentStatus": "PREPARED", "updatedAt": CREATED}
    whole = {**agent, "agentArn": "a", "agentVersion": "DRAFT", "agentResourceRoleArn": ROLE, "createdAt": CREATED,
             "idleSessionTTLInSeconds": 60}  # fmt: skip
    say("bedrock-agent", "ListAgents", {"agentSummaries": [{**agent, "latestAgentVersion": "1"}]})
    say("bedrock-agent", "GetAgent", {"agent": whole})
    say("bedrock-agent", "ListTagsForResource", {"tags": {}})
    by_id = {f"GROUP1234{at}": {**one, "actionGroupId": f"GROUP1234{at}"} for at, one in enumerate(groups)}
    known = ("actionGroupId", "actionGroupName", "actionGroupState", "updatedAt")
    facts = {"agentId": "AGENT12345", "agentVersion": "DRAFT", "createdAt": CREATED, "updatedAt": CREATED,
             "actionGroupState": "ENABLED"}  # fmt: skip
    rows = {name: {**facts, **one} for name, one in by_id.items()}
    short = [{name: one[name] for name in known} for one in rows.values()]
    say("bedrock-agent", "ListAgentActionGroups", {"actionGroupSummaries": short})
    say("bedrock-agent", "GetAgentActionGroup", lambda asked: {"agentActionGroup": rows[asked["actionGroupId"]]})
    listed = [
        {"knowledgeBaseId": name, "knowledgeBaseState": state, "updatedAt": CREATED}
        for name, state in (bases or {}).items()
    ]
    say("bedrock-agent", "ListAgentKnowledgeBases", {"agentKnowledgeBaseSummaries": listed})
    say("bedrock-agent", "ListAgentCollaborators", {"agentCollaboratorSummaries": []})


OF_AGENTS = ("bedrock.agents", "bedrock.action_groups", "bedrock.agent_knowledge_bases", "bedrock.collaborators")


def test_an_agent_has_its_functions_and_knowledge_bases_as_tools(account: Account) -> None:
    """AWS's own by their signatures; a group whose functions are in a file is one tool; what is disabled is none."""
    speak_of_an_agent(
        account,
        {
            "actionGroupName": "orders",
            "functionSchema": {"functions": [{"name": "find", "description": "Finds"}, {"name": "cancel"}]},
        },
        {"actionGroupName": "crm", "apiSchema": {"s3": {"s3BucketName": "schemas", "s3ObjectKey": "crm"}}},
        {"actionGroupName": "screen", "parentActionSignature": "ANTHROPIC.Computer"},
        {"actionGroupName": "old", "actionGroupState": "DISABLED", "parentActionSignature": "ANTHROPIC.Bash"},
        bases={"KB12345678": "ENABLED", "KB87654321": "DISABLED"},
    )
    found = account.read(*OF_AGENTS)
    [agent] = found.agents.values()

    assert found.gaps == {}
    assert agent.attributes["tools"] == [
        "ANTHROPIC.Computer", "crm/*", "knowledge base KB12345678", "orders/cancel", "orders/find",
    ]  # fmt: skip
    assert list(agent.attributes["tool_hashes"]) == ["crm/*", "orders/find"]
    does = {one.tool.name: (one.tool.reads_private, one.tool.acts_outwards) for one in tools_of(agent) or ()}
    assert does["ANTHROPIC.Computer"] == (False, True)
    assert does["knowledge base KB12345678"] == (True, False)
    assert does["crm/*"] == (None, None)


def test_an_agent_without_tools_is_known_to_have_none(account: Account) -> None:
    """Only if everything that could be one was read."""
    speak_of_an_agent(account)
    [whole] = account.read(*OF_AGENTS).agents.values()
    [part] = account.read(*OF_AGENTS[:3]).agents.values()
    account.server.refuse("bedrock-agent", "ListAgentKnowledgeBases")
    [denied] = account.read(*OF_AGENTS).agents.values()
    account.server.refuse("bedrock-agent", "ListAgentKnowledgeBases", "UnknownOperationException")
    [not_there] = account.read(*OF_AGENTS).agents.values()

    assert whole.attributes["tools"] == []
    assert ["tools" in one.attributes for one in (part, denied, not_there)] == [False, False, False]


HARNESS = f"arn:aws:bedrock-agentcore:{REGION}:{ACCOUNT}:harness/h-1234567890"
ENVIRONMENT = {
    "agentCoreRuntimeEnvironment": {
        "agentRuntimeArn": f"arn:aws:bedrock-agentcore:{REGION}:{ACCOUNT}:runtime/r",
        "agentRuntimeName": "r", "agentRuntimeId": "r-1234567890",
        "lifecycleConfiguration": {}, "networkConfiguration": {"networkMode": "PUBLIC"},
    },
}  # fmt: skip
GATEWAY = f"arn:aws:bedrock-agentcore:{REGION}:{ACCOUNT}:gateway/tools-abc1234567"


def speak_of_a_harness(account: Account, *tools: dict[str, Any], **facts: Any) -> None:
    """A harness with these tools, and a gateway with one server and one function behind it."""
    row = {"harnessId": "h-1234567890", "harnessName": "h", "arn": HARNESS, "status": "READY", "createdAt": CREATED}
    harness = {**row, "executionRoleArn": ROLE, "tools": list(tools), "updatedAt": CREATED, "allowedTools": ["*"],
               "model": {"bedrockModelConfig": {"modelId": "m"}}, "systemPrompt": [], "skills": [],
               "truncation": {"strategy": "none"}, "environment": ENVIRONMENT, **facts}  # fmt: skip
    account.server.say(CORE, "ListHarnesses", {"harnesses": [{**row, "updatedAt": CREATED}]})
    account.server.say(CORE, "GetHarness", {"harness": harness})
    account.server.say(CORE, "ListTagsForResource", {"tags": {}})
    gateway = {"gatewayId": "tools-abc1234567", "name": "tools", "status": "READY", "createdAt": CREATED,
               "updatedAt": CREATED, "authorizerType": "AWS_IAM", "protocolType": "MCP"}  # fmt: skip
    account.server.say(CORE, "ListGateways", {"items": [gateway]})
    account.server.say(CORE, "GetGateway", {**gateway, "gatewayArn": GATEWAY, "roleArn": ROLE})
    server = {"mcpServer": {"endpoint": f"https://mcp.notion.com/{HIDDEN}?key={HIDDEN}"}}
    schema = {"inlinePayload": [{"name": "find", "description": "x", "inputSchema": {"type": "object"}}]}
    function = {"lambda": {"lambdaArn": "arn:f", "toolSchema": schema}}
    targets = {"TARGET1234": ("notes", server), "TARGET5678": ("orders", function)}
    rows = {
        name: {"targetId": name, "name": called, "status": "READY", "createdAt": CREATED, "updatedAt": CREATED}
        for name, (called, _) in targets.items()
    }
    account.server.say(CORE, "ListGatewayTargets", {"items": list(rows.values())})
    account.server.say(
        CORE,
        "GetGatewayTarget",
        lambda asked: {
            **rows[asked["targetId"]],
            "gatewayArn": GATEWAY,
            "targetConfiguration": {"mcp": targets[asked["targetId"]][1]},
            "credentialProviderConfigurations": [{"credentialProviderType": "GATEWAY_IAM_ROLE"}],
        },
    )


def test_a_harness_has_its_tools_and_those_behind_its_gateway(account: Account) -> None:
    """By type, by name, by host. Nothing else of an address is kept."""
    speak_of_a_harness(
        account,
        {"type": "agentcore_browser", "name": "surf", "config": {"agentCoreBrowser": {"browserArn": "arn:b"}}},
        {
            "type": "inline_function",
            "name": "ask",
            "config": {"inlineFunction": {"description": "x", "inputSchema": {}}},
        },
        {"type": "remote_mcp", "name": "r", "config": {"remoteMcp": {"url": f"https://mcp.linear.app/{HIDDEN}"}}},
        {"type": "agentcore_gateway", "name": "g", "config": {"agentCoreGateway": {"gatewayArn": GATEWAY}}},
    )
    found = account.read("agentcore.harnesses", "agentcore.gateway_targets")
    [agent] = found.agents.values()

    assert found.gaps == {}
    assert agent.attributes["tools"] == ["agentcore_browser", "ask"]
    assert agent.attributes["mcp_servers"] == [
        {"name": "mcp.linear.app", "host": "mcp.linear.app"},
        {"name": "notes", "host": "mcp.notion.com"},
        {"name": "orders", "tools": ["find"], "hashes": {"find": ANY}},
    ]
    assert HIDDEN not in repr(agent)
    kinds = {(one.tool.server, one.tool.name): one.tool.publisher for one in tools_of(agent) or ()}
    assert kinds["notes", "*"] == "Notion"
    assert kinds[None, "agentcore_browser"] == "AWS"


def test_what_a_harness_may_not_use_makes_no_tool(account: Account) -> None:
    """Which of its tools it may use is not known; a gateway that was not read is a server of which nothing is known."""
    tool = {"type": "agentcore_gateway", "name": "g", "config": {"agentCoreGateway": {"gatewayArn": GATEWAY}}}
    speak_of_a_harness(account, tool, allowedTools=["@g/find"])
    [limited] = account.read("agentcore.harnesses").agents.values()
    speak_of_a_harness(account, tool)
    [unread] = account.read("agentcore.harnesses").agents.values()

    assert "tools" not in limited.attributes
    assert unread.attributes["mcp_servers"] == [{"name": "tools-abc1234567"}]
