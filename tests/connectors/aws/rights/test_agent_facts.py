"""What policies say of AI agents: the tokens of any agent, and denies of AWS's MCP server that have no effect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.aws.client.payloads import AttachedPolicy, Boundary, InlinePolicy, PolicyDetail, PolicyVersion
from connectors.aws.rights.permissions import PolicyLibrary
from tests.connectors.aws.rights.policies import ACCOUNT, IF, WORDS, allow, deny

CORE = "bedrock-agentcore"
ARN = f"arn:aws:{CORE}:eu-west-1:{ACCOUNT}"
DIRECTORY = f"{ARN}:workload-identity-directory/default"
VAULT = f"{ARN}:token-vault/default"
ONE = [DIRECTORY, f"{DIRECTORY}/workload-identity/triage-*", VAULT, f"{VAULT}/*"]
AGENT, RESOURCE = f"{CORE}:GetWorkloadAccessToken", f"{CORE}:GetResourceOauth2Token"
BOTH = [f"{AGENT}*", RESOURCE]
MCP = {"Condition": {"Bool": {"aws:ViaAWSMCPService": "true"}}}
SERVER = {"Condition": {"ForAnyValue:StringEquals": {"AWS:CalledViaAWSMCP": ["aws-mcp.amazonaws.com"]}}}
LIMIT = f"arn:aws:iam::{ACCOUNT}:policy/limit"


def facts(
    *statements: dict[str, Any], limit: dict[str, Any] | None = None, guardrail: dict[str, Any] | None = None,
    unread: bool = False,
) -> Mapping[str, Any]:  # fmt: skip
    """The attributes of a role with an inline policy P, a boundary, a guardrail, and a policy that is unread."""
    version = PolicyVersion(version_id="v1", is_default_version=True, document={"Statement": limit or allow("*")})
    policies = [PolicyDetail(arn=LIMIT, policy_version_list=(version,))]
    levels = (({"Statement": [allow("*"), *([guardrail] if guardrail else [])]},),)
    library = PolicyLibrary(policies, (), words=WORDS, account=ACCOUNT, guardrails=levels)
    inline = InlinePolicy(policy_name="P", policy_document={"Statement": list(statements)})
    lost = AttachedPolicy(policy_name="lost", policy_arn=f"arn:aws:iam::{ACCOUNT}:policy/lost")
    boundary = Boundary(permissions_boundary_arn=LIMIT)
    role = f"arn:aws:iam::{ACCOUNT}:role/r"
    return library.permissions(role, (inline,), [lost] if unread else [], boundary).of_agents


@pytest.mark.parametrize(
    "statements",
    [
        [allow(BOTH)],
        [allow(f"{CORE}:*")],
        [allow([AGENT, RESOURCE])],
        [allow(BOTH, f"arn:aws:{CORE}:*:*:*")],
        [allow(BOTH, f"{ARN}:*")],
        [allow(AGENT, f"{DIRECTORY}/*"), allow(RESOURCE, [f"{DIRECTORY}/workload-identity/*", f"{VAULT}/*"])],
        [allow(BOTH), deny(AGENT, f"{DIRECTORY}/workload-identity/triage")],
        [allow(BOTH), deny("*", Condition={"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}})],
        [allow([part.upper() for part in BOTH])],
        [allow(BOTH, f"arn:aws-us-gov:{CORE}:us-gov-west-1:{ACCOUNT}:*")],
    ],
)
def test_tokens_of_any_agent(statements: list[dict[str, Any]]) -> None:
    """In all regions or in one; a deny for one agent changes nothing for the others."""
    found = facts(*statements)["tokens_of_any_agent"]

    assert AGENT in found["actions"]
    assert found["actions"][-1] == RESOURCE
    assert found["by"][0].startswith("policy P (inline) statement ")


@pytest.mark.parametrize(
    ("statements", "limits"),
    [
        ([allow(BOTH, ONE)], {}),
        ([allow(AGENT), allow(RESOURCE, [*ONE, f"{ARN}:other/*"])], {}),
        ([allow(AGENT, ONE), allow(RESOURCE)], {}),
        ([allow(f"{AGENT}*")], {}),
        ([allow(RESOURCE)], {}),
        ([allow(BOTH, f"arn:aws:{CORE}:*:999999999999:*")], {}),
        ([allow(BOTH, **IF)], {}),
        ([allow("*")], {}),
        ([{**allow("*"), "NotAction": "iam:*"}], {}),
        ([allow(BOTH), deny(RESOURCE)], {}),
        ([allow(BOTH), deny(f"{CORE}:*", f"{VAULT}/*"), deny(f"{CORE}:Get*")], {}),
        ([allow(BOTH)], {"limit": allow("s3:*")}),
        ([allow(BOTH)], {"limit": allow(BOTH, ONE)}),
        ([allow(BOTH)], {"guardrail": deny(RESOURCE)}),
        ([allow(BOTH)], {"unread": True}),
        ([deny(BOTH)], {}),
    ],
)
def test_not_the_tokens_of_any_agent(statements: list[dict[str, Any]], limits: dict[str, Any]) -> None:
    """Of some agents, under a condition, refused, or of one who may do everything anyway."""
    for one in statements:
        if "NotAction" in one:
            one.pop("Action")

    assert facts(*statements, **limits) == {}


@pytest.mark.parametrize("action", ["aws-mcp:*", "aws-mcp:InvokeMcp", "AWS-MCP:CallReadWriteTool", "aws-mcp:Call*"])
def test_a_deny_of_the_mcp_server_has_no_effect(action: str) -> None:
    """AWS checks none of its actions any more, whatever else the statement denies."""
    (text,) = facts(allow("s3:*"), deny([action, "s3:Delete*"], Sid="NoAgents"))["denies_without_effect"]

    assert text == f"policy P (inline) statement NoAgents denies {action}"


@pytest.mark.parametrize(
    ("statements", "limits"),
    [
        ([deny("*", **MCP), deny("aws-mcp:*")], {}),
        ([deny("s3:Delete*", **SERVER), deny("aws-mcp:*")], {}),
        ([deny("aws-mcp:*")], {"guardrail": deny("*", **MCP)}),
        ([deny("*")], {}),
        ([deny("aws-*")], {}),
        ([allow("aws-mcp:*")], {}),
        ([deny("ecs-mcp:*")], {}),
        ([deny("aws-mcp:*")], {"unread": True}),
    ],
)
def test_a_deny_that_binds_or_is_about_something_else(statements: list[dict[str, Any]], limits: dict[str, Any]) -> None:
    """By what AWS checks instead, in its own policies or in those of the organization."""
    assert "denies_without_effect" not in facts(*statements, **limits)


PATTERNS = st.sampled_from(["*", *ONE, f"{ARN}:*", f"{DIRECTORY}/*", "${aws:username}", "arn:aws:*", "?", ""])
ACTIONS = st.sampled_from(["*", "aws-mcp:*", AGENT, RESOURCE, f"{CORE}:*", "bedrock-agentcore:", "*:*", "?"])
STATEMENTS = st.lists(
    st.builds(lambda effect, action, on: {**allow([action], [on]), "Effect": effect},
              st.sampled_from(["Allow", "Deny"]), ACTIONS, PATTERNS),
    max_size=4,
)  # fmt: skip


@given(STATEMENTS)
def test_a_deny_more_never_gives_more(statements: list[dict[str, Any]]) -> None:
    """And a policy that allows nothing gives no tokens."""
    found, fewer = facts(*statements), facts(*statements, deny(RESOURCE))

    assert "tokens_of_any_agent" not in fewer
    if all(one["Effect"] == "Deny" for one in statements):
        assert "tokens_of_any_agent" not in found
