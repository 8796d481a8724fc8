"""Signs of an AI agent: policies that let it call models, and what the code that runs as it is given (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from connectors.aws.rights.patterns import arn_parts
from connectors.aws.rights.policy import Statement
from connectors.aws.rights.reach import AppliedPolicy, AwsReachDocument
from scanner.model import Signal

_NAMED = ("bedrock:invokemodel", "bedrock:invokeagent", "bedrock:invokeinlineagent", "bedrock-agentcore:invoke")
_INVOKE = ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream")
# Models that make vectors of texts, and never answer: amazon.titan-embed-text-v2, cohere.embed-english-v3.
_EMBEDDING = "embed"


# Vendors of models, and of monitoring for agents, as words in the names of variables and secrets.
_PROVIDERS = frozenset(
    {
        "ai21", "anthropic", "claude", "cohere", "deepseek", "fireworks", "gemini", "groq", "hf", "huggingface",
        "huggingfacehub", "langchain", "langfuse", "langsmith", "mistral", "openai", "openrouter", "perplexity",
        "replicate", "together", "togetherai", "voyageai", "watsonx", "xai",
    }
)  # fmt: skip
_KEYS = frozenset({"apikey", "credential", "credentials", "key", "keys", "secret", "token"})
# Libraries that agents are made of, as words of a layer's name.
_LIBRARIES = frozenset(
    {
        "anthropic", "autogen", "crewai", "langchain", "langgraph", "litellm", "llamaindex", "openai", "pydanticai",
        "semantickernel", "smolagents", "strandsagents",
    }
)  # fmt: skip
_WORD = re.compile(r"[a-z0-9]+")
_READS = ("secretsmanager:GetSecretValue", "ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath")


def work_signals(
    what: str, *, variables: Iterable[str], layers: Iterable[str], secrets: Iterable[str]
) -> Iterator[Signal]:
    """Weak signals that an agent runs: ``what`` has variables (their names), layers and secrets (their ARNs)."""
    keys = sorted(name for name in variables if names_model_key(name))
    stored = sorted(name for arn in secrets if names_model_key(name := _stored_name(arn)))
    libraries = sorted(name for arn in layers if _words(name := _layer_name(arn)) & _LIBRARIES)
    runs = f"{what} runs as it with"
    if keys:
        yield Signal(says="agent", sort="secret", strength="weak", evidence=f"{runs} a variable {keys[0]}")
    if stored:
        yield Signal(says="agent", sort="secret", strength="weak", evidence=f"{runs} the secret {stored[0]}")
    if libraries:
        yield Signal(says="agent", sort="library", strength="weak", evidence=f"{runs} a layer {libraries[0]}")


def names_model_key(name: str) -> bool:
    """Whether a variable's or secret's name is that of a key for models: ``OPENAI_API_KEY``, ``openai/api-key``."""
    words = _words(name)
    return not words.isdisjoint(_PROVIDERS) and not words.isdisjoint(_KEYS)


def _words(name: str) -> frozenset[str]:
    """Its words; two neighbours also count as one word."""
    words = _WORD.findall(name.lower())
    return frozenset((*words, *(left + right for left, right in pairwise(words))))


def _stored_name(arn: str) -> str:
    """The name of a secret or parameter in its ARN, or in a pattern of one."""
    return arn_parts(arn)[5].partition("secret:" if ":secretsmanager:" in arn else "parameter")[2]


def _layer_name(arn: str) -> str:
    return arn_parts(arn)[5].removeprefix("layer:").partition(":")[0]


def model_signals(held: Iterable[AppliedPolicy]) -> tuple[Signal, ...]:
    """Weak signals where policies name calls of models or agents, or secrets that are called like keys for models.

    A wildcard over everything names nothing.
    """
    held = tuple(held)
    naming = sorted(
        {
            f"policy {each.name} names {pattern}"
            for each in held
            if each.document is not None
            for statement in each.document.statements
            if statement.allow and not statement.not_actions and not _embeds_only(statement)
            for pattern in statement.actions
            if pattern.lower().startswith(_NAMED)
        }
    )
    reading = sorted(
        {
            f"policy {each.name} names the secret {name}"
            for each in held
            if each.document is not None
            for statement in each.document.statements
            if statement.allow and not statement.not_resources and any(map(statement.covers_action, _READS))
            for resource in statement.resources
            if names_model_key(name := _stored_name(resource))
        }
    )
    return (
        *(Signal(says="agent", sort="permission", strength="weak", evidence=evidence) for evidence in naming[:1]),
        *(Signal(says="agent", sort="secret", strength="weak", evidence=evidence) for evidence in reading[:1]),
    )


def allows_model_calls(documents: Iterable[AwsReachDocument]) -> bool:
    """Whether policies allow invoking any model that can answer: what an agent cannot do without."""
    return any(
        statement.allow and not _embeds_only(statement) and any(statement.covers_action(action) for action in _INVOKE)
        for document in documents
        for statement in document.statements
    )


def _embeds_only(statement: Statement) -> bool:
    return not statement.not_resources and all(_EMBEDDING in resource.lower() for resource in statement.resources)
