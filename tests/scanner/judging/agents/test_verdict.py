"""AI agents: strong signals, two weak ones, words in names, and the agents there were before AI."""

from __future__ import annotations

from typing import Any

import pytest

from scanner.judging.agents.verdict import judge_agent, words
from scanner.model import Signal
from tests.factories import make_identity

INVOKES = Signal(says="agent", sort="permission", evidence="may invoke models", strength="weak")
IS_ONE = Signal(says="agent", sort="provider", evidence="a Bedrock agent")
MACHINE = Signal(says="machine", sort="provider", evidence="a role")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("svc-Payments_ETLBot2", {"svc", "payments", "etl", "bot", "2"}),
        ("ChatGPT-prod", {"chat", "gpt", "chatgpt", "prod"}),
        ("LangChainRunner", {"langchain", "runner"}),
        ("co-pilot", {"copilot"}),
        ("GPT4o", {"gpt", "4", "o"}),
        ("mcp.server/tools", {"mcp", "server", "tools"}),
        ("помощник-AI", {"помощник", "ai"}),
    ],
)
def test_names_are_taken_apart_as_engineers_write_them(text: str, found: set[str]) -> None:
    """Separators, capitals, digits and neighbours all end or make words."""
    assert found <= words(text)


@pytest.mark.parametrize(
    ("name", "not_in"),
    [("fragment", "rag"), ("mailer", "ai"), ("agency", "agent"), ("robotics", "bot"), ("html", "ml")],
)
def test_a_word_inside_a_word_is_none(name: str, not_in: str) -> None:
    """Only whole words count."""
    assert not_in not in words(name)
    assert judge_agent(make_identity(name)).signals == ()


@pytest.mark.parametrize(
    ("name", "facts", "is_agent"),
    [
        pytest.param("x", {"signals": (IS_ONE,)}, True, id="provider-says-so"),
        pytest.param("support-copilot", {}, True, id="copilot"),
        pytest.param("SupportAgentRole", {}, True, id="agent-in-camel-case"),
        pytest.param("x", {"display_name": "Claude for finance"}, True, id="in-the-display-name"),
        pytest.param("default", {"display_name": "agents/default"}, False, id="in-a-namespace-of-agents"),
        pytest.param("mcp-server", {}, True, id="mcp"),
        pytest.param("etl-bot", {}, False, id="one-weak-word"),
        pytest.param("ai-rag-bot", {}, False, id="weak-words-of-one-sort"),
        pytest.param("x", {"description": "an agent for support"}, False, id="an-outright-word-elsewhere-is-weak"),
        pytest.param("etl-bot", {"tags": {"stack": "langchain"}}, True, id="name-and-tag"),
        pytest.param("etl-bot", {"tags": {"team": "ml"}}, False, id="a-bot-of-a-team-called-ml"),
        pytest.param("inference-api", {"tags": {"team": "ai"}}, False, id="two-words-of-teams"),
        pytest.param("ml-batch", {"attributes": {"path": "/ml/"}, "tags": {"team": "ml"}}, False, id="echo-of-a-team"),
        pytest.param(
            "openai-sync",
            {"attributes": {"path": "/openai/"}, "tags": {"app": "openai"}, "description": "syncs OpenAI"},
            False,
            id="one-word-echoed-everywhere",
        ),
        pytest.param("etl-bot", {"tags": {"kind": "bots"}}, False, id="echoed-in-the-plural"),
        pytest.param("openai-bot", {"tags": {"Name": "openai-bot"}}, False, id="two-words-echoed"),
        pytest.param("etl-bot", {"tags": {"Name": "etl-bot", "stack": "openai"}}, True, id="an-echo-with-another-word"),
        pytest.param("x", {"tags": {"team": "ml"}, "signals": (INVOKES,)}, False, id="a-team-that-calls-models"),
        pytest.param("support-ai", {"signals": (INVOKES,)}, True, id="called-ai-and-calls-models"),
        pytest.param("etl-bot", {"attributes": {"path": "/genai/"}}, True, id="name-and-path"),
        pytest.param("etl-bot", {"signals": (INVOKES,)}, True, id="name-and-permission"),
        pytest.param(
            "x", {"tags": {"stack": "langchain"}, "description": "runs the LLM"}, True, id="tag-and-description"
        ),
        pytest.param("x", {"signals": (INVOKES,)}, False, id="one-weak-permission"),
        pytest.param("x", {"attributes": {"path": ["agent"]}}, False, id="a-path-that-is-no-text"),
        pytest.param("svc-billing", {"signals": (MACHINE,)}, False, id="nothing"),
        pytest.param("CloudWatchAgentServerRole", {}, False, id="cloudwatch-agent"),
        pytest.param("datadog-agent", {}, False, id="datadog-agent"),
        pytest.param("AmazonSSMAgent", {}, False, id="ssm-agent"),
        pytest.param("jenkins-agent-07", {}, False, id="jenkins-agent"),
        pytest.param("buildkite-agents", {}, False, id="buildkite-agents"),
        pytest.param("build-agent", {}, False, id="build-agent"),
        pytest.param("nightly_backup_agent", {}, False, id="backup-agent"),
        pytest.param("MonitoringAgent", {}, False, id="monitoring-agent"),
        pytest.param("user-support-agent", {}, True, id="a-chore-elsewhere-in-the-name"),
        pytest.param("jenkins-ai-agent", {}, True, id="another-ai-word-beside-it"),
        pytest.param("monitoring-copilot", {}, True, id="only-agents-are-demoted"),
        pytest.param(
            "build-agent", {"description": "LLM based", "signals": (INVOKES,)}, True, id="other-evidence-stays"
        ),
    ],
)
def test_is_agent(name: str, facts: dict[str, Any], *, is_agent: bool) -> None:
    """A strong signal or two weak ones of different sort; a single weak one never."""
    assert judge_agent(make_identity(name, **facts)).is_agent is is_agent


def test_a_single_weak_signal_is_shown_as_suggested() -> None:
    """What was noticed is listed, with how little it says."""
    (signal,) = judge_agent(make_identity("etl-bot")).signals
    assert (signal.sort, signal.evidence, signal.strength) == ("name", "name says bot", "suggested")


@pytest.mark.parametrize(
    ("facts", "evidence"),
    [
        pytest.param({"display_name": "Chat GPT"}, "name says chatgpt, gpt", id="display-name"),
        pytest.param({"tags": {"chat": "GPT"}}, "tag says chatgpt, gpt", id="tag"),
        pytest.param({"tags": {"team": "платежи", "Gen": "AI"}}, "tag says ai, genai", id="tag-beside-other-scripts"),
        pytest.param({"attributes": {"path": "/lang-chain/"}}, "path says langchain", id="path"),
        pytest.param({"description": "runs Lang Chain"}, "description says langchain", id="description"),
    ],
)
def test_what_a_single_place_says_is_noticed(facts: dict[str, Any], evidence: str) -> None:
    """Words are looked for in every text there is, across the signs that part a tag's key from its value."""
    (signal,) = judge_agent(make_identity("x", **facts)).signals
    assert signal.evidence == evidence


@pytest.mark.parametrize(
    "product",
    [
        "ado", "appd", "aqua", "argo", "argocd", "atlantis", "aws-datasync", "chef", "concourse", "drone", "ecs",
        "fluent", "github-actions", "GitHubActions", "harness-delegate", "kinesis", "lacework", "opentelemetry", "otel",
        "prisma", "prometheus", "selfhosted", "self-hosted", "signalfx", "snyk", "sophos", "spacelift",
        "storage-gateway", "sumologic", "terraform", "tfc", "vault", "vsts", "woodpecker",
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["{}-agent", "{}Agent", "{}-agents-prod"])
def test_agents_of_infrastructure_are_no_ai(product: str, form: str) -> None:
    """What a build, monitoring, security or transfer product calls its agent."""
    assert judge_agent(make_identity(form.format(product))).signals == ()


@pytest.mark.parametrize("name", ["agent-pool-linux", "AgentPools", "linux_agent_pool"])
def test_a_pool_of_agents_builds_software(name: str) -> None:
    """Agents that come in pools run pipelines."""
    assert judge_agent(make_identity(name)).signals == ()


@pytest.mark.parametrize(
    "name",
    [
        "support-triage-agent", "invoice-agent", "claims-agent-prod", "claims-agent-ecs", "terraform-review-agent",
        "kinesis-ai-agent", "agent-vault-reader", "chef-recipes-agent", "SalesAgentRole",
    ],
)  # fmt: skip
def test_what_an_ai_agent_runs_on_does_not_hide_it(name: str) -> None:
    """Only a product right before the word is its owner."""
    assert judge_agent(make_identity(name)).is_agent


@pytest.mark.parametrize(
    "name",
    [
        "real-estate-agent-portal", "travel-agent-api", "TravelAgents", "user-agent-parser", "insurance-agent-portal",
        "free_agent_tracker", "mortgage-agent", "contact-center-agent", "agent-commission-service", "AgentLicensing",
        "agent-desktop-client", "mail-relay-agent",
    ],
)  # fmt: skip
def test_agents_that_are_people_are_no_ai(name: str) -> None:
    """A trade right before the word, or what only people have right behind it."""
    assert judge_agent(make_identity(name)).signals == ()


@pytest.mark.parametrize("name", ["ai-travel-agent", "travel-planner-agent", "booking-llm-agent", "agent-booking"])
def test_a_trade_hides_no_ai_agent(name: str) -> None:
    """Neither beside another word of AI, nor anywhere but right before the word."""
    assert judge_agent(make_identity(name)).is_agent
