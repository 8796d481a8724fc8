"""Rules about AI agents: what an outsider could make them do, and roles that several of them share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scanner.model import AgentExposure, Assessment, Severity
from scanner.model.agents import ExposureKind
from scanner.model.attributes import (
    BLUEPRINT_PUBLISHER,
    DENIES_WITHOUT_EFFECT,
    OPEN_GATEWAYS,
    TOKENS_OF_ANY_AGENT,
)
from scanner.rules.base import Hit, IdentityRule, RuleContext, is_powerful

_NAMED = 10
"""Maximum number of agents in the evidence."""


def _some(name: str, texts: Sequence[str]) -> dict[str, Any]:
    more = {"and_more": len(texts) - _NAMED} if len(texts) > _NAMED else {}
    return {name: list(texts[:_NAMED]), **more}


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()


def _exposed(assessment: Assessment, kind: ExposureKind) -> AgentExposure | None:
    return next((one for one in assessment.agent.exposures if one.kind == kind), None)


def _evidence(exposure: AgentExposure) -> dict[str, Any]:
    """Return the facts, those of parts of one and the numbers of all combinations."""
    facts: dict[str, Any] = {
        "input": exposure.input,
        "opened_by": exposure.opened_by,
        "reach": exposure.reach,
        "way_out": exposure.way_out,
        "cut": exposure.cut,
        "gate": exposure.gate,
    }
    if exposure.of > 1:
        facts |= {"combinations": exposure.of, "ended_by_cut": exposure.ends}
    return {name: fact for name, fact in facts.items() if fact is not None}


# --- What outsiders write could make it hand out private data ---


def _exfiltration(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires on an agent that reads what others write, reaches private data, and can send it out."""
    found = _exposed(assessment, "exfiltration")
    if found is None:
        return None
    severity: Severity = "high"
    if found.opened_by == "insiders":
        severity = "medium"
    elif found.opened_by == "anybody" and found.reached in ("admin", "secrets") and not found.gate:
        severity = "critical"
    return Hit(evidence=_evidence(found), severity=severity)


AGENT_EXFILTRATION = IdentityRule(
    id="agent_exfiltration",
    severity="high",
    severity_note="critical if anybody writes what it reads, and it reaches secrets or an admin, without a person's "
    "approval; medium if only people of the organization write it",
    title="AI agent could be made to hand out private data",
    why="A model cannot tell instructions from the texts that it reads. Who writes such a text can make the agent read "
    "private data with one tool and send it out with another. No fault in a program is needed.",
    remediation="Remove one of the three parts: the tool or trigger that brings in the texts, the right or tool that "
    "reads private data, or the tool that sends. The evidence names the change that ends most combinations.",
    evidence=("input", "opened_by", "reach", "way_out", "cut", "gate", "combinations", "ended_by_cut"),
    silent_on=frozenset({"disabled"}),
    needs=frozenset({"permissions"}),
    check=_exfiltration,
)


# --- What outsiders write could make it act with high consequence ---


def _takeover(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires on an agent that reads what others write, and can act with high consequence."""
    found = _exposed(assessment, "takeover")
    if found is None:
        return None
    is_worst = found.opened_by == "anybody" and found.reached == "admin" and not found.gate
    return Hit(evidence=_evidence(found), severity="critical" if is_worst else "high")


AGENT_TAKEOVER = IdentityRule(
    id="agent_takeover",
    severity="high",
    severity_note="critical if anybody writes what it reads, and it reaches an admin, without a person's approval",
    title="AI agent could be made to act with high consequence",
    why="A model cannot tell instructions from the texts that it reads. Who writes such a text can make the agent "
    "delete, pay, open access or change rights with the permissions of the identity that it runs as.",
    remediation="Take away the permission, or the tool or trigger that brings in the texts, or let a person approve "
    "each such action. The evidence names the change that ends most combinations.",
    evidence=("input", "opened_by", "reach", "cut", "gate", "combinations", "ended_by_cut"),
    silent_on=frozenset({"disabled"}),
    needs=frozenset({"permissions"}),
    check=_takeover,
)


# --- Several agents run as one role ---


def _role_shared(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires on an identity that several agents run as."""
    runs = assessment.agent.runs
    return Hit(evidence=_some("agents", runs)) if runs[1:] else None


AGENT_ROLE_SHARED = IdentityRule(
    id="agent_role_shared",
    severity="medium",
    title="Several AI agents run as one identity",
    why="Each of the agents has the permissions that any of them needs, so whoever misleads one can act with the "
    "rights of all. Logs do not tell which of them acted.",
    remediation="Create an identity for each agent, with the permissions that this agent needs.",
    evidence=("agents", "and_more"),
    silent_on=frozenset({"disabled", "provider_managed"}),
    check=_role_shared,
)


# --- Anybody can call a gateway of agents ---


def _open_gateway(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires on an identity that gateways without an authorizer run as."""
    listed = assessment.identity.attributes.get(OPEN_GATEWAYS)
    gateways = [one for one in _list(listed) if isinstance(one, Mapping)]
    if not gateways:
        return None
    texts = [
        f"{one.get('gateway')} ({decides} decides)" if (decides := one.get("decides")) else str(one.get("gateway"))
        for one in gateways
    ]
    is_decided = all(one.get("decides") for one in gateways)
    return Hit(evidence=_some("gateways", texts), severity="medium" if is_decided else None)


GATEWAY_WITHOUT_AUTHORIZER = IdentityRule(
    id="gateway_without_authorizer",
    severity="high",
    severity_note="medium if a policy engine or a function of its own decides on each call",
    title="Anybody can call a gateway of AI agents",
    why="The gateway asks nobody who calls it to sign in. Whoever knows its address can use its tools with the "
    "permissions of the identity that it runs as, and with the credentials that it holds for other services.",
    remediation="Set an authorizer of the type CUSTOM_JWT or AWS_IAM on the gateway, and name the clients that may "
    "call it.",
    evidence=("gateways", "and_more"),
    silent_on=frozenset({"disabled", "provider_managed"}),
    check=_open_gateway,
)


# --- It can take the tokens of every agent ---


def _any_agent_token(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires on an identity whose policies let it take the tokens of any agent for any service."""
    found = assessment.identity.attributes.get(TOKENS_OF_ANY_AGENT)
    if not isinstance(found, Mapping) or assessment.privilege.level == "admin":
        return None
    actions, by = ([text for text in _list(found.get(name)) if isinstance(text, str)] for name in ("actions", "by"))
    if not actions:
        return None
    return Hit(evidence={"actions": actions, **_some("policies", by)})


ANY_AGENT_TOKEN = IdentityRule(
    id="any_agent_token",
    severity="medium",
    title="Identity can take the tokens of every AI agent",
    why="The provider does not tie an agent to its credentials for other services: whoever may get the token of any "
    "agent, and with it any credential, acts in other systems as each agent and for each person who consented.",
    remediation="Name in the policy the agents and the credential providers that the identity needs, instead of `*`.",
    evidence=("actions", "policies", "and_more"),
    silent_on=frozenset({"disabled", "provider_managed"}),
    needs=frozenset({"permissions"}),
    check=_any_agent_token,
)


# --- A deny has no effect any more ---


def _idle_deny(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires on an identity with denies of actions that their service no longer checks."""
    listed = assessment.identity.attributes.get(DENIES_WITHOUT_EFFECT)
    denies = [text for text in _list(listed) if isinstance(text, str)]
    return Hit(evidence=_some("denies", denies)) if denies else None


DENY_WITHOUT_EFFECT = IdentityRule(
    id="deny_without_effect",
    severity="medium",
    title="Deny has no effect any more",
    why="The policy is meant to keep AI agents from acting through AWS's MCP server, but AWS no longer checks these "
    "actions. Agents with this identity's credentials can do all that it may do.",
    remediation="Deny what agents must not do under the condition `aws:ViaAWSMCPService`, or `aws:CalledViaAWSMCP` for "
    "one server, and remove the old statement.",
    evidence=("denies", "and_more"),
    silent_on=frozenset({"disabled", "provider_managed"}),
    needs=frozenset({"permissions"}),
    check=_idle_deny,
)


# --- An agent has more than it was approved with ---


def _reach_grew(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires on an agent that has tools, servers, rights or another model beyond the lock."""
    grew = assessment.agent.grew
    return Hit(evidence=_some("grew", grew)) if grew else None


AGENT_REACH_GREW = IdentityRule(
    id="agent_reach_grew",
    severity="medium",
    title="AI agent has more than it was approved with",
    why="A tool, a server, a right or another model came after the agent was approved. No credential, owner or role "
    "had to change for that, so nothing else reports it.",
    remediation="Ask its owner what it is for. If it is right, write the lock anew with `muster agents lock` and have "
    "that change reviewed; else remove it from the agent.",
    evidence=("grew", "and_more"),
    silent_on=frozenset({"disabled"}),
    check=_reach_grew,
)


# --- An agent is made from a blueprint of another organisation ---


def _foreign_blueprint(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires on an agent whose blueprint another organisation owns."""
    publisher = assessment.identity.attributes.get(BLUEPRINT_PUBLISHER)
    if not isinstance(publisher, Mapping):
        return None
    facts = {name: publisher.get(name) for name in ("name", "tenant", "verified")}
    evidence = {"privilege": assessment.privilege.level, "publisher": facts.pop("name"), **facts}
    return Hit(
        evidence={name: fact for name, fact in evidence.items() if fact is not None},
        severity="high" if is_powerful(assessment) else None,
    )


FOREIGN_BLUEPRINT = IdentityRule(
    id="foreign_blueprint",
    severity="medium",
    severity_note="high for an admin, or an agent that can make itself one",
    title="AI agent is made from a blueprint of another organization",
    why="An agent has no credential of its own: who holds those of the blueprint signs in as the agent. The publisher "
    "does so from outside, and whoever breaks into the publisher acts with the agent's permissions here.",
    remediation="Find out who added the blueprint and whether its agents are needed. If so, take the permissions that "
    "they do not need from the blueprint's service principal; else disable it.",
    evidence=("privilege", "publisher", "tenant", "verified"),
    silent_on=frozenset({"disabled", "provider_managed", "exempt"}),
    check=_foreign_blueprint,
)
