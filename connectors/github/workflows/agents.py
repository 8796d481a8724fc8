"""AI agents that workflows run: who can start them with what texts, and what their tokens let them do. Pure.

Source: GitHub's documentation, "Events that trigger workflows" and "Automatic token authentication"; of the actions,
see ``agents.toml``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, Final

from msgspec import Struct

from connectors.agents.documents import AgentClient, described, read_document
from connectors.core.contract import Malformed
from connectors.planned.shapes import listed, mapping
from scanner.catalog import read_table
from scanner.model import Signal
from scanner.model.attributes import INPUTS, MCP_SERVERS, MODEL, TOOLS

_TEXTS: Final[Mapping[str, str]] = {
    "issues": "an issue",
    "issue_comment": "a comment on an issue or pull request",
    "pull_request_target": "a pull request",
    "pull_request_review": "a review of a pull request",
    "pull_request_review_comment": "a comment in a review",
    "discussion": "a discussion",
    "discussion_comment": "a comment in a discussion",
}
"""Events that others cause, with the text that they bring. A fork's ``pull_request`` gets no secrets and no right to
write.
"""
_BY_TRIAGE: Final = frozenset({"labeled", "assigned", "milestoned", "unlabeled", "unassigned", "pinned", "transferred"})
"""Types of an event that only people with the triage role cause."""
_TRIAGED: Final = "a person with the triage role labels or assigns it"
_CHECKS: Final = re.compile(
    r"author_association|github\.(?:actor|triggering_actor)|sender\.login|\.user\.login|collaborator"
)
_CHECKED: Final = "a condition of the workflow lets through who wrote it"
_EVERY: Final = (
    "actions", "checks", "contents", "deployments", "discussions", "issues", "packages", "pages", "pull-requests",
)  # fmt: skip


class AgentAction(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An action that runs an agent, from ``agents.toml``."""

    uses: str
    gate: str | None = None
    unless: tuple[str, ...] = ()
    shell: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()
    model: tuple[str, ...] = ()


class _AgentTable(Struct, frozen=True):
    actions: tuple[AgentAction, ...]


@cache
def _actions() -> Mapping[str, AgentAction]:
    return {one.uses: one for one in read_table("connectors.github.workflows", "agents.toml", _AgentTable).actions}


class AgentJob(Struct, frozen=True, kw_only=True):
    """A step that runs an agent. ``given``: its inputs as written. ``conditions``: of the job and the step.

    ``permissions``: of the job's token as written; None: the default of the organization.
    """

    action: AgentAction
    at: str
    given: Mapping[str, Any]
    conditions: str
    permissions: Any


def agent_jobs(jobs: Mapping[str, Any], permissions: Any) -> Iterator[AgentJob]:
    """Yield the steps of a workflow that run an agent. ``jobs``, ``permissions``: of the file."""
    for name, job in jobs.items():
        values = mapping(job)
        for step in listed(values.get("steps")):
            used = mapping(step).get("uses")
            action = _actions().get(used.partition("@")[0].strip().lower()) if isinstance(used, str) else None
            if action is not None:
                yield AgentJob(
                    action=action,
                    at=f"jobs.{name}",
                    given={str(key).lower(): value for key, value in mapping(mapping(step).get("with")).items()},
                    conditions=f"{values.get('if', '')} {mapping(step).get('if', '')}",
                    permissions=values.get("permissions", permissions),
                )


def signals_of(jobs: Iterable[AgentJob]) -> Iterator[Signal]:
    """Yield the signal that a workflow is an agent, for each action that runs one."""
    for uses in sorted({job.action.uses for job in jobs}):
        yield Signal(says="agent", sort="provider", evidence=f"it runs the AI agent of {uses}")


def agent_facts(
    jobs: Sequence[AgentJob], events: Mapping[str, Mapping[str, Any]], repository: str, *, is_public: bool
) -> dict[str, Any]:
    """Return the attributes of a workflow that runs agents: inputs, tools, MCP servers, model."""
    servers = [server for job in jobs for server in _servers(job)]
    models = sorted({str(job.given[name]) for job in jobs for name in job.action.model if job.given.get(name)})
    return {
        INPUTS: [dict(row) for row in _inputs(jobs, events, repository, is_public=is_public)],
        TOOLS: sorted({tool for job in jobs for tool in _tools(job, is_public=is_public)}),
        **({MCP_SERVERS: servers} if servers else {}),
        **({MODEL: ", ".join(models)} if models else {}),
    }


def _inputs(
    jobs: Sequence[AgentJob], events: Mapping[str, Mapping[str, Any]], repository: str, *, is_public: bool
) -> Iterator[Mapping[str, Any]]:
    """Yield what starts it, with the weakest gate of its agents."""
    gates = [_gate(job) for job in jobs]
    gate = None if None in gates else gates[0]
    for event, text in _TEXTS.items():
        if event in events:
            types = {one for one in listed(events[event].get("types")) if isinstance(one, str)}
            by_triage = _TRIAGED if types and types <= _BY_TRIAGE else None
            where = f"{text} in the {'public' if is_public else 'private'} repository {repository}"
            yield {"what": where, "from": "anybody" if is_public else "insiders", "gate": gate or by_triage}


def _gate(job: AgentJob) -> str | None:
    action = job.action
    if action.gate is not None and not any(job.given.get(name) for name in action.unless):
        return action.gate
    return _CHECKED if _CHECKS.search(job.conditions) else None


def _tools(job: AgentJob, *, is_public: bool) -> Iterator[str]:
    """Yield what its token may do, and a shell if it may run any command."""
    if any(
        pattern == "always" or any(fnmatchcase(str(value), pattern) for value in job.given.values())
        for pattern in job.action.shell
    ):
        yield "shell"
    granted = job.permissions
    if granted is None:
        yield "token: default permissions"
        return
    whole = granted.removesuffix("-all") if isinstance(granted, str) else None
    rights = dict.fromkeys(_EVERY, whole) if whole in ("read", "write") else mapping(granted)
    for name, level in rights.items():
        if name == "contents" and level in ("read", "write") and not is_public:
            yield "private contents"
        if level in ("read", "write") and name != "id-token":
            yield f"token: {name} {level}"


def _servers(job: AgentJob) -> Iterator[Mapping[str, Any]]:
    for name in job.action.servers:
        text = job.given.get(name)
        if isinstance(text, str) and text.lstrip().startswith("{"):
            try:
                found = read_document(text.encode())
            except Malformed:
                yield {"name": f"{name} of {job.at}"}  # unknown, as any server without a package or host
                continue
            if isinstance(found, AgentClient):
                yield from described(found.servers)
        elif text:
            yield {"name": f"{name} of {job.at}"}
