"""What policies say of AI agents: who can take the tokens of any, and denies of AWS's MCP server without effect (pure).

Sources: Bedrock AgentCore's developer guide, "Scope down access to credential providers by workload identity"; the user
guide of AWS's agent toolkit, "Troubleshooting AWS MCP Server identity and access".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from connectors.aws.rights.patterns import arn_parts, has_wildcard
from connectors.aws.rights.policy import Statement
from connectors.aws.rights.reach import AppliedPolicy, AwsReachDocument
from scanner.model.attributes import DENIES_WITHOUT_EFFECT, TOKENS_OF_ANY_AGENT

_SERVICE: Final = "bedrock-agentcore:"
_OF_AGENTS: Final = (
    "bedrock-agentcore:GetWorkloadAccessToken",
    "bedrock-agentcore:GetWorkloadAccessTokenForJWT",
    "bedrock-agentcore:GetWorkloadAccessTokenForUserId",
)
_OF_RESOURCES: Final = "bedrock-agentcore:GetResourceOauth2Token"
_ANY_AGENT: Final = "workload-identity-directory/default/workload-identity/muster-example"
_ANY_PROVIDER: Final = "token-vault/default/oauth2credentialprovider/muster-example"
_MCP_ACTIONS: Final = "aws-mcp:"


def agent_facts(
    held: Sequence[AppliedPolicy], limits: Sequence[Sequence[AwsReachDocument]], account: str, *, is_whole: bool
) -> Mapping[str, Any]:
    """Return the attributes of a user or role that its policies amount to.

    ``limits``: its boundary and guardrails. ``is_whole``: whether all that could deny it something was read.
    """
    if not is_whole:
        return {}
    idle = sorted(set(_idle_denies(held, limits)))
    taken = _any_agents_tokens(held, limits, account)
    return {**({DENIES_WITHOUT_EFFECT: idle} if idle else {}), **({TOKENS_OF_ANY_AGENT: taken} if taken else {})}


def _idle_denies(held: Iterable[AppliedPolicy], limits: Iterable[Iterable[AwsReachDocument]]) -> Iterator[str]:
    """Yield the denies of actions of AWS's MCP server, unless a deny of what comes through it stands beside them."""
    read = [(policy, policy.document) for policy in held if policy.document is not None]
    documents = [*(document for _, document in read), *(each for limit in limits for each in limit)]
    if any(one.through_mcp for document in documents for one in document.statements if not one.allow):
        return
    for policy, document in read:
        for one in document.statements:
            named = [] if one.allow or one.not_actions else _of_service(one, _MCP_ACTIONS)
            if named:
                yield f"policy {policy.name} ({policy.via}) statement {one.label} denies {', '.join(sorted(named))}"


def _any_agents_tokens(
    held: Iterable[AppliedPolicy], limits: Sequence[Sequence[AwsReachDocument]], account: str
) -> Mapping[str, Any] | None:
    """Return the actions and policies with which it takes the tokens of any agent at any provider; None: it cannot.

    Only policies count that name actions of AgentCore: who may do nearly everything has other findings.
    """
    read = [(policy, policy.document) for policy in held if policy.document is not None]
    allowing = [
        (policy, one)
        for policy, document in read
        for one in document.statements
        if one.allow and not one.conditional and not one.not_actions and _of_service(one, _SERVICE)
    ]
    if not allowing:
        return None
    denying = [one for _, document in read for one in document.statements if not one.allow and not one.conditional]
    denying += [
        one for limit in limits for each in limit for one in each.statements if not one.allow and not one.conditional
    ]

    def sources(action: str, *resources: str) -> list[str]:
        """The statements that allow an action on all of these; empty if they do not, or if something refuses it."""
        found: list[str] = []
        for arn in resources:
            by = [
                f"policy {policy.name} ({policy.via}) statement {one.label}"
                for policy, one in allowing
                if one.covers_action(action) and one.covers(arn) == "yes"
            ]
            refused = any(one.covers_action(action) and one.covers(arn) != "no" for one in denying)
            if not by or refused or not all(_lets_through(limit, action, arn) for limit in limits):
                return []
            found += by
        return found

    for place in sorted({_place(pattern, account) for _, one in allowing for pattern in one.resources}):
        agent, provider = place + _ANY_AGENT, place + _ANY_PROVIDER
        of_agents = {action: found for action in _OF_AGENTS if (found := sources(action, agent))}
        of_resources = sources(_OF_RESOURCES, agent, provider)
        if of_agents and of_resources:
            every = [*of_resources, *(source for found in of_agents.values() for source in found)]
            return {"actions": [*of_agents, _OF_RESOURCES], "by": list(dict.fromkeys(every))}
    return None


def _of_service(one: Statement, service: str) -> list[str]:
    return [pattern for pattern in one.actions if pattern.lower().startswith(service)]


def _lets_through(limit: Sequence[AwsReachDocument], action: str, arn: str) -> bool:
    return any(
        one.allow and one.covers_action(action) and one.covers(arn) != "no"
        for document in limit
        for one in document.statements
    )


def _place(pattern: str, account: str) -> str:
    """The beginning of ARNs in the partition and region that a pattern names, or in any."""
    _, partition, _, region, _, _ = arn_parts(pattern)
    partition = partition if partition and not has_wildcard(partition) else "aws"
    region = region if region and not has_wildcard(region) else "us-east-1"
    return f"arn:{partition}:bedrock-agentcore:{region}:{account}:"
