"""Whether a role is an AI agent's, by the services that its trust policy names (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from connectors.aws.conditions import Condition
from connectors.aws.globs import arn_parts
from connectors.aws.trust import service_of, trust_tables
from connectors.aws.trust_policy import trust_statements
from scanner.model import Signal, Trust

_SOURCE = "aws:sourcearn"


def agent_signals(document: Any, trusts: Iterable[Trust], *, answers: bool = True) -> tuple[Signal, ...]:
    """That a role belongs, or may belong, to an AI agent: it trusts a service that runs them.

    ``document``: its trust policy; ``trusts``: who is let in by it after all, denials counted. A policy that cannot
    be read has none. ``answers``: whether it may invoke models that answer, as far as anybody knows: Bedrock runs no
    agent with a role that may not, but indexes documents, logs, or trains.
    """
    strengths = trust_tables().agent_services
    named = {
        trust.principal
        for trust in trusts
        if trust.kind == "service"
        and service_of(trust.principal) in strengths
        and (answers or service_of(trust.principal) not in trust_tables().agents_invoke_models)
    }
    if not named:
        return ()
    running = {
        principal.value
        for statement in trust_statements(document)
        if statement.allow and not _is_agentless(statement.conditions)
        for principal in statement.principals
    }
    return tuple(
        Signal(
            says="agent",
            sort="provider",
            evidence=f"its trust policy lets {service} use it",
            strength=strengths[service_of(service)],
        )
        for service in sorted(named & running)
    )


def _is_agentless(conditions: Iterable[Condition]) -> bool:
    """Whether the service may use the role for such things only as no agent runs in."""
    kinds = trust_tables().agentless
    return any(
        condition.key == _SOURCE and condition.is_binding and all(_kind(value) in kinds for value in condition.values)
        for condition in conditions
    )


def _kind(arn: str) -> str:
    return arn_parts(arn)[-1].partition("/")[0]
