"""Which roles are an AI agent's, by the services that they trust and the calls that their policies name."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.aws.client.payloads import AwsAccount, InlinePolicy, RoleDetail
from connectors.aws.identities.users import role_identity
from connectors.aws.rights.permissions import PolicyLibrary
from connectors.aws.rights.trust import agent_signals, parse_trusts
from connectors.aws.rights.vocabulary import vocabulary
from scanner.judging.agents.verdict import judge_agent
from scanner.model import Identity

OWN = "123456789012"


def statement(service: str, condition: dict[str, Any] | None = None, effect: str = "Allow") -> dict[str, Any]:
    """One that is about a service becoming the role."""
    principal = {"Service": service}
    return {"Effect": effect, "Principal": principal, "Action": "sts:AssumeRole", "Condition": condition or {}}


def strengths(*statements: dict[str, Any]) -> list[str]:
    """How strongly each service says that it is an agent's."""
    document = {"Statement": statements}
    return [signal.strength for signal in agent_signals(document, parse_trusts(document, OWN))]


def source(*kinds: str, operator: str = "ArnLike") -> dict[str, Any]:
    """A condition on what the service acts for."""
    return {operator: {"aws:SourceArn": [f"arn:aws:bedrock:eu-west-1:{OWN}:{kind}/*" for kind in kinds]}}


@pytest.mark.parametrize(
    ("service", "strength"),
    [
        ("bedrock.amazonaws.com", "strong"),
        ("bedrock.eu-west-1.amazonaws.com", "strong"),
        ("bedrock.amazonaws.com.cn", "strong"),
        ("bedrock-agentcore.us-east-1.amazonaws.com", "strong"),
        ("aidevops.amazonaws.com", "strong"),
        ("aiops.amazonaws.com", "strong"),
        ("nova-act.amazonaws.com", "strong"),
        ("qbusiness.amazonaws.com", "strong"),
        ("securityagent.amazonaws.com", "strong"),
        ("quicksight.amazonaws.com", "weak"),
        ("sagemaker.amazonaws.com", None),
        ("lambda.amazonaws.com", None),
        ("bedrock.example.com", None),
    ],
)
def test_services_that_act_for_agents(service: str, strength: str | None) -> None:
    """In every region and partition."""
    assert strengths(statement(service)) == ([strength] if strength else [])


@pytest.mark.parametrize(
    ("conditions", "is_agents"),
    [
        pytest.param([source("agent")], True, id="agents"),
        pytest.param([source("knowledge-base")], False, id="a-knowledge-base"),
        pytest.param([source("model-invocation-job")], False, id="batch-inference"),
        pytest.param([source("knowledge-base", "evaluation-job")], False, id="several-without-an-agent"),
        pytest.param([source("knowledge-base", "agent")], True, id="one-of-them-an-agent"),
        pytest.param([source("knowledge-base"), source("flow")], True, id="another-statement-lets-it-in"),
        pytest.param([source("knowledge-base"), source("model-import-job")], False, id="two-statements-without-one"),
        pytest.param([source("knowledge-base", operator="ArnNotLike")], True, id="all-but-knowledge-bases"),
        pytest.param([source("knowledge-base", operator="ArnLikeIfExists")], True, id="only-if-there-is-a-source"),
        pytest.param([source("knowledge-base*")], True, id="what-may-be-something-else"),
        pytest.param([{"StringEquals": {"aws:SourceAccount": OWN}}], True, id="whatever-the-source"),
        pytest.param([{"ArnLike": {"aws:PrincipalArn": f"arn:aws:bedrock::{OWN}:knowledge-base/x"}}], True, id="key"),
    ],
)
def test_what_runs_without_an_agent_is_none(conditions: list[dict[str, Any]], *, is_agents: bool) -> None:
    """Knowledge bases and batch work take a role of Bedrock, and no agent acts with it."""
    assert bool(strengths(*(statement("bedrock.amazonaws.com", condition) for condition in conditions))) is is_agents


def test_a_knowledge_base_of_any_account_is_one_all_the_same() -> None:
    """How far a condition narrows and what it is about are two questions."""
    condition = {"ArnLike": {"aws:SourceArn": "arn:aws:bedrock:*:*:knowledge-base/*"}}

    assert strengths(statement("bedrock.amazonaws.com", condition)) == []


def test_a_service_that_is_denied_says_nothing() -> None:
    """Only who is let in after all counts."""
    assert strengths(statement("bedrock.amazonaws.com"), statement("bedrock.amazonaws.com", effect="Deny")) == []


def test_a_refusal_lets_no_agent_in() -> None:
    """What it denies of Bedrock makes a knowledge base's role no one else's."""
    refusal = statement("bedrock.amazonaws.com", {"Bool": {"aws:SecureTransport": "false"}}, effect="Deny")

    assert strengths(statement("bedrock.amazonaws.com", source("knowledge-base")), refusal) == []


def test_other_services_beside_it_say_nothing() -> None:
    """A signal for each service that acts for agents."""
    services = ("lambda.amazonaws.com", "quicksight.amazonaws.com", "bedrock.amazonaws.com")

    assert strengths(*map(statement, services)) == ["strong", "weak"]


def test_a_policy_that_could_not_be_read_says_nothing() -> None:
    """It has no trusts, and is not read again."""
    assert agent_signals("?", ()) == ()


@pytest.mark.parametrize(
    ("action", "is_hint"),
    [
        ("bedrock:InvokeModel", True),
        ("bedrock:invokemodelwithresponsestream", True),
        ("bedrock:InvokeAgent", True),
        ("bedrock:InvokeInlineAgent", True),
        ("bedrock-agentcore:Invoke*", True),
        ("bedrock-agentcore:InvokeAgentRuntime", True),
        ("bedrock-agentcore:GetAgentRuntime", False),
        ("bedrock:InvokeFlow", False),
        ("bedrock:*", False),
        ("*", False),
    ],
)
def test_a_policy_that_names_calls_of_models_or_agents_is_a_hint(action: str, *, is_hint: bool) -> None:
    """A wildcard over everything names nothing."""
    document = {"Statement": {"Effect": "Allow", "Action": action, "Resource": "*"}}
    library = PolicyLibrary((), (), words=vocabulary(), account=OWN)

    inline = InlinePolicy(policy_name="p", policy_document=document)
    found = library.permissions(f"arn:aws:iam::{OWN}:role/r", (inline,), (), None)

    assert [signal.strength for signal in found.signals] == (["weak"] if is_hint else [])


NOVA = "arn:aws:bedrock:*::foundation-model/amazon.nova*"
INVOKE = {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": NOVA}
EMBED = {**INVOKE, "Resource": ["arn:aws:bedrock:eu-west-1::foundation-model/amazon.titan-embed-text-v2:0"]}
LOG = {"Effect": "Allow", "Action": "logs:PutLogEvents", "Resource": "*"}
ANYTHING = {"Effect": "Allow", "Action": "bedrock:*", "Resource": "*"}


@pytest.mark.parametrize(
    ("statements", "is_agents"),
    [
        pytest.param([INVOKE], True, id="an-agent"),
        pytest.param([ANYTHING], True, id="everything-of-bedrock"),
        pytest.param([EMBED, INVOKE], True, id="both"),
        pytest.param([EMBED], False, id="a-knowledge-base"),
        pytest.param([LOG], False, id="logging-of-invocations"),
        pytest.param([{**LOG, "Action": "s3:GetObject"}], False, id="training"),
        pytest.param([{**INVOKE, "Effect": "Deny"}, LOG], False, id="models-refused"),
        pytest.param([], True, id="nothing-known"),
    ],
)
def test_a_role_of_bedrock_that_no_model_answers_is_no_agents(
    statements: list[dict[str, Any]], *, is_agents: bool
) -> None:
    """Where its trust policy does not say what Bedrock uses it for, its own policies do."""
    document = {"Statement": [statement("bedrock.amazonaws.com")]}
    detail = RoleDetail(
        arn=f"arn:aws:iam::{OWN}:role/r", role_name="r", path="/", role_id="AROAR", assume_role_policy_document=document
    )
    inline = [InlinePolicy(policy_name="p", policy_document={"Statement": statements})] if statements else []
    library = PolicyLibrary((), (), words=vocabulary(), account=OWN)
    permissions = library.permissions(detail.arn, inline, (), None)
    place = AwsAccount(source="s", account=OWN, partition="aws")

    found = role_identity(detail, parse_trusts(document, OWN), permissions, (), place)

    assert judge_agent(found).is_agent is is_agents


@pytest.mark.parametrize(
    ("name", "description"),
    [
        ("AmazonBedrockExecutionRoleForKnowledgeBase_ab1cd", "Amazon Bedrock Knowledge Base access"),
        ("AmazonBedrock-ModelCustomization-Role", "Bedrock fine-tuning"),
        ("BedrockModelInvocationLogging", "lets Bedrock do its logging"),
    ],
)
def test_bedrock_by_name_says_nothing_of_what_it_does_besides_agents(name: str, description: str) -> None:
    """Its own name beside another kind of work is no sign."""
    identity = Identity(
        key=name, provider="aws", source="s", scope=OWN, kind="role", name=name, description=description
    )

    assert not judge_agent(identity).is_agent


@pytest.mark.parametrize(
    ("action", "resource", "is_hint"),
    [
        ("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:*:*:secret:openai/api-key-*", True),
        ("secretsmanager:*", "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/anthropic_api_key", True),
        ("ssm:GetParameter", "arn:aws:ssm:*:*:parameter/openai/api-key", True),
        ("secretsmanager:GetSecretValue", "arn:aws:secretsmanager:*:*:secret:prod/db-*", False),
        ("secretsmanager:ListSecrets", "arn:aws:secretsmanager:*:*:secret:openai/api-key-*", False),
        ("secretsmanager:GetSecretValue", "*", False),
    ],
)
def test_a_policy_that_names_a_key_for_models_is_a_hint(action: str, resource: str, *, is_hint: bool) -> None:
    """Of the sort of stored keys, as a variable of the function would be: both together are one piece of evidence."""
    document = {"Statement": [{"Effect": "Allow", "Action": action, "Resource": resource}]}
    own = [InlinePolicy(policy_name="own", policy_document=document)]
    found = PolicyLibrary((), (), words=vocabulary(), account=OWN).permissions(
        f"arn:aws:iam::{OWN}:role/x", own, (), None
    )

    assert [(signal.sort, signal.strength) for signal in found.signals] == [("secret", "weak")] * is_hint
