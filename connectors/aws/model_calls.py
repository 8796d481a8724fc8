"""Which policies let somebody call models and agents, for telling whether it is an agent itself (pure)."""

from __future__ import annotations

from collections.abc import Iterable

from connectors.aws.policy import Statement
from connectors.aws.reach import Document
from connectors.aws.sources import Held
from scanner.model import Signal

_NAMED = ("bedrock:invokemodel", "bedrock:invokeagent", "bedrock:invokeinlineagent", "bedrock-agentcore:invoke")
_INVOKE = ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream")
# Models that make vectors of texts, and never answer: amazon.titan-embed-text-v2, cohere.embed-english-v3.
_EMBEDDING = "embed"


def model_signals(held: Iterable[Held]) -> tuple[Signal, ...]:
    """A weak signal where a policy names calls of models or agents; a wildcard over everything names nothing."""
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
    return tuple(Signal(says="agent", sort="permission", strength="weak", evidence=evidence) for evidence in naming[:1])


def lets_models_answer(documents: Iterable[Document]) -> bool:
    """Whether policies allow invoking any model that can answer: what an agent cannot do without."""
    return any(
        statement.allow and not _embeds_only(statement) and any(statement.speaks_of(action) for action in _INVOKE)
        for document in documents
        for statement in document.statements
    )


def _embeds_only(statement: Statement) -> bool:
    return not statement.not_resources and all(_EMBEDDING in resource.lower() for resource in statement.resources)
