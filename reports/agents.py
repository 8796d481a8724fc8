"""AI agents: identities they run as, permissions, activity, tools, keys, and accountable people.

Facts of providers are attributes, which any source may set; values of another shape are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from reports.blast_radius import radii_of
from reports.judged import Judged, judged_identities, most_urgent_first
from reports.phrases import joined
from reports.views import is_agent
from scanner.access.blast_radius.words import sentence
from scanner.model import CONSEQUENCES, AgentExposure, AgentTool, AgentVerdict, BlastRadius, Entry, Identity, ScanResult
from scanner.model.activity import Activity
from scanner.model.agents import Audience
from scanner.model.attributes import (
    FEDERATES_TO,
    HUMAN_IN_THE_LOOP,
    MCP_SERVERS,
    MODEL,
    SCHEDULE,
    SPONSORS,
    TOOLS,
    UNRESOLVED,
)
from scanner.text import few

_ACTS_AS = ("runs_as", "acts_as")
ACTIONS_SHOWN = 5
"""Maximum actions for each service that an agent used."""


class AgentRow(Struct, frozen=True, gc=False):
    """An agent, the human oversight in its entry, and its blast radius if the whole scan is known."""

    judged: Judged
    person_declared: bool | None = None
    radius: BlastRadius | None = None

    @property
    def identity(self) -> Identity:
        """The agent itself."""
        return self.judged.identity


def agent_rows(result: ScanResult) -> Iterator[AgentRow]:
    """All agents, the most urgent first."""
    agents = most_urgent_first(row for row in judged_identities(result) if is_agent(row.verdicts))
    if not agents:
        return  # the blast radius of a million identities takes a while
    declared = persons_declared(judged.entry for judged in result.entries)
    radius_of = radii_of(result)
    for row in agents:
        yield AgentRow(row, declared.get(row.verdicts.registry.entry), radius_of(row.identity.key))


def persons_declared(entries: Iterable[Entry]) -> dict[str | None, bool]:
    """Declared human oversight by entry id."""
    return {entry.id: entry.human_in_the_loop for entry in entries if entry.human_in_the_loop is not None}


def runs_as(identity: Identity) -> tuple[str, ...]:
    """The keys of the identities that it acts as, and the identities that it names elsewhere."""
    linked = (link.target for link in identity.links if link.relation in _ACTS_AS)
    return tuple(dict.fromkeys((*linked, *_texts(identity, FEDERATES_TO))))


def unresolved(identity: Identity) -> tuple[str, ...]:
    """References that are not resolved, such as ``execution_role is ${ROLE}``."""
    return _texts(identity, UNRESOLVED)


def acts_as(identity: Identity, name: Callable[[str], str] = str) -> str | None:
    """The identities that it acts as, as text; ``name``: returns the name for a key. None: acts as itself."""
    unknown = (f"unknown ({why})" for why in unresolved(identity))
    return joined(dict.fromkeys((*map(name, runs_as(identity)), *unknown)))


def short(key: str) -> str:
    """The last part of a key, which is a name in most of them."""
    return re.split(r"[/:]", key.rstrip("/:"))[-1] or key


def model(identity: Identity) -> str | None:
    """The model that it calls."""
    return _text(identity, MODEL)


def schedule(identity: Identity) -> str | None:
    """Its schedule."""
    return _text(identity, SCHEDULE)


def tools(identity: Identity) -> tuple[str, ...]:
    """The tools that it may use."""
    return _texts(identity, TOOLS)


def servers(identity: Identity) -> tuple[str, ...]:
    """Its MCP servers, by name and host."""
    named = ((one.get("name"), one.get("host")) for one in _records(identity, MCP_SERVERS))
    return tuple(
        f"{name} ({host})" if isinstance(host, str) and host else name
        for name, host in named
        if isinstance(name, str) and name
    )


def sponsors(identity: Identity) -> tuple[str, ...]:
    """The people accountable for it, under their names at the provider."""
    named = ((one.get("email"), one.get("name"), one.get("id")) for one in _records(identity, SPONSORS))
    texts = (next((text for text in names if isinstance(text, str) and text), None) for names in named)
    return tuple(filter(None, texts))


def may_do(identity: Identity) -> str | None:
    """The high-consequence actions that its own permissions allow; None if unknown."""
    if identity.consequences is None:
        return None
    return joined(dict.fromkeys(CONSEQUENCES[one.kind] for one in identity.consequences))


def did(activity: Activity | None) -> str | None:
    """The services and actions that it used, from audit logs; None without a log."""
    if activity is None:
        return None
    return joined(
        f"{used.service}: {few(used.actions, ACTIONS_SHOWN)}" if used.actions else used.service
        for used in activity.services
    )


def has_person_in_loop(identity: Identity, declared: bool | None) -> bool | None:
    """Whether a person is in the loop, as declared in the registry or else set at the provider; None: unknown."""
    if declared is not None:
        return declared
    is_set = identity.attributes.get(HUMAN_IN_THE_LOOP)
    return is_set if isinstance(is_set, bool) else None


def exposure(verdict: AgentVerdict) -> str:
    """Whether others could make it hand out data or act, and by what it is decided; ``unknown`` with the reasons."""
    if verdict.exposure == "unknown":
        return "unknown: " + "; ".join(verdict.unknown_because)
    return verdict.exposure or ""


def tool_text(tool: AgentTool) -> str:
    """A tool with what it does; ``unknown`` where no table has it."""
    does = {
        "reads what others write": tool.reads_outside,
        "reads private data": tool.reads_private,
        "acts outwards": tool.acts_outwards,
    }
    what = ", ".join(text for text, is_so in does.items() if is_so) or "none of these"
    name = " of ".join(filter(None, (tool.name if tool.name != "*" else "all tools", tool.server)))
    return f"{name} ({'unknown' if None in does.values() else what})"


def exposed(name: str, found: AgentExposure) -> str:
    """An exposure as a sentence about the agent of that name."""
    does = f"make {name} {found.reach}"
    if found.way_out is not None:
        does = f"make {name} read what is not public ({found.reach}) and hand it out ({found.way_out})"
    gate = f", if {found.gate}" if found.gate else ""
    return f"{_WHO[found.opened_by]} can, by {found.input}, {does}{gate}. To {found.cut} {ended(found)}."


def ended(found: AgentExposure) -> str:
    """What the cut of an exposure ends."""
    return "ends this" if found.ends == found.of else f"ends {found.ends:,} of {found.of:,} such ways"


_WHO: Mapping[Audience, str] = {
    "anybody": "Anybody",
    "outsiders": "An outsider with an account",
    "insiders": "Somebody of the organization",
}


def worst(row: AgentRow) -> str | None:
    """The blast radius as a sentence, with the known human oversight."""
    if row.radius is None:
        return None
    person = has_person_in_loop(row.identity, row.person_declared)
    return sentence(replace(row.radius, human_in_the_loop=person))


def _text(identity: Identity, name: str) -> str | None:
    value = identity.attributes.get(name)
    return value if isinstance(value, str) and value else None


def _texts(identity: Identity, name: str) -> tuple[str, ...]:
    return tuple(one for one in _list(identity, name) if isinstance(one, str) and one)


def _records(identity: Identity, name: str) -> Iterator[Mapping[str, Any]]:
    return (one for one in _list(identity, name) if isinstance(one, Mapping))


def _list(identity: Identity, name: str) -> list[Any] | tuple[Any, ...]:
    value = identity.attributes.get(name)
    return value if isinstance(value, list | tuple) else ()
