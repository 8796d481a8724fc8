"""Rules about AI agents: what an outsider could make them do, and roles that several of them share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scanner.model import AgentExposure, Assessment, Severity
from scanner.model.agents import ExposureKind
from scanner.model.attributes import BLUEPRINT_PUBLISHER
from scanner.rules.base import Hit, IdentityRule, RuleContext, is_powerful

_NAMED = 10
"""Maximum number of agents in the evidence."""


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
    if not runs[1:]:
        return None
    more = {"and_more": len(runs) - _NAMED} if len(runs) > _NAMED else {}
    return Hit(evidence={"agents": list(runs[:_NAMED]), **more})


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


# --- An agent has more than it was approved with ---


def _reach_grew(assessment: Assessment, _context: RuleContext) -> Hit | None:
    """Fires on an agent that has tools, servers, rights or another model beyond the lock."""
    grew = assessment.agent.grew
    if not grew:
        return None
    more = {"and_more": len(grew) - _NAMED} if len(grew) > _NAMED else {}
    return Hit(evidence={"grew": list(grew[:_NAMED]), **more})


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
