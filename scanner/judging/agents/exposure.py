"""What an outsider could make an agent do: every input of others × what it reaches × every way out.

A combination needs evidence for each of its parts. A tool that is not known makes none, and leaves the verdict unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from scanner.access.blast_radius.walk import WholeScan, blast_radius_of
from scanner.access.blast_radius.words import action_text, path_text
from scanner.judging.agents.tools import ALL, OWN_ONLY, ToolKind, tools_of
from scanner.model import CONSEQUENCES, AgentExposure, Assessment, BlastRadius, Identity, ReachedAction, ScanResult
from scanner.model.agents import AUDIENCES, Audience, ExposureKind, ExposurePart, Reached
from scanner.model.attributes import HUMAN_IN_THE_LOOP, INPUTS
from scanner.model.terms import ConsequenceKind
from scanner.text import few

MOST_WALKED = 2_000
"""The identities within reach of an agent that are looked at. Beyond, what it reaches is unknown."""
_REACHES: Mapping[ConsequenceKind, Reached] = {"administer": "admin", "read_secrets": "secrets", "read_data": "data"}
_WAYS_OUT: frozenset[ConsequenceKind] = frozenset({"send", "share"})
_ACTIONS: frozenset[ConsequenceKind] = frozenset(
    {"administer", "change_rights", "delete", "pay", "share", "hide_traces"}
)
"""What nobody outside should be able to make an agent do. Reading and sending are exfiltration."""
_RANKS: tuple[Reached, ...] = ("admin", "secrets", "data", "actions")
_APPROVED = "a person approves what it does"
_NO_INPUTS = "whose texts it is given"
_SHOWN = 5


class _Part(Struct, frozen=True, kw_only=True):
    """A part of a combination. ``element``: what one would remove to end it, by its place and name; ``remove``: how.

    ``costs``: what else is lost with it.
    """

    element: tuple[str, str]
    text: str
    remove: str
    costs: int = 1
    opened_by: Audience = "insiders"
    reached: Reached = "data"
    gate: str | None = None


class _Facts(Struct, frozen=True, kw_only=True):
    """The parts that an agent has, and what is not known of it and could add one."""

    inputs: Sequence[_Part] = ()
    reaches: Sequence[_Part] = ()
    ways_out: Sequence[_Part] = ()
    actions: Sequence[_Part] = ()
    unknown: Sequence[str] = ()


def with_exposures(assessments: Sequence[Assessment], estate: ScanResult) -> list[Assessment]:
    """Return the assessments, agents with their tools and exposures. ``estate``: everything that they may reach."""
    if not any(one.agent.is_agent for one in assessments):
        return list(assessments)
    whole = WholeScan(estate)
    return [_judged(one, whole) if one.agent.is_agent else one for one in assessments]


def _judged(one: Assessment, estate: WholeScan) -> Assessment:
    tools = tools_of(one.identity)
    radius = blast_radius_of(estate, one.identity.key, MOST_WALKED)
    facts = _facts(one.identity, tools, radius)
    exposures = tuple(_exposures(facts))
    verdict = replace(
        one.agent,
        tools=None if tools is None else tuple(each.tool for each in tools),
        exposure="exposed" if exposures else "unknown" if facts.unknown else "none",
        exposures=exposures,
        unknown_because=tuple(facts.unknown),
        reach=() if radius is None else tuple(CONSEQUENCES[kind] for kind in radius.kinds),
    )
    return replace(one, agent=verdict)


def _facts(identity: Identity, tools: Sequence[ToolKind] | None, radius: BlastRadius | None) -> _Facts:
    known = tools or ()
    approved = _APPROVED if identity.attributes.get(HUMAN_IN_THE_LOOP) is True else None
    given = identity.attributes.get(INPUTS)
    # Without a list of tools it is a program of its own, such as a job, and can use all rights that it has.
    runs_code = tools is None or any(tool.uses_rights for tool in tools)
    may_act = runs_code or any(tool.tool.acts_outwards for tool in known)
    rights = () if radius is None else radius.actions
    inputs = [*_inputs_of(given, approved), *(_read_by(tool, approved) for tool in known if tool.opened_by)]
    reaches = [
        *(_by_right(action, radius, _REACHES[action.kind]) for action in rights if action.kind in _REACHES),
        *(_held(link.target) for link in identity.links if link.relation == "stores"),
        *(_by_tool(tool, "private data, read with ") for tool in known if tool.tool.reads_private),
    ]
    ways_out = [
        *(_by_tool(tool) for tool in known if tool.tool.acts_outwards),
        *(_by_right(action, radius) for action in rights if action.kind in _WAYS_OUT and runs_code),
    ]
    actions = [
        _by_right(action, radius, "admin" if action.kind == "administer" else "actions")
        for action in rights
        if action.kind in _ACTIONS and may_act and not action.conditional
    ]
    tools_unclear = list(_unclear(tools))
    inputs_unclear = [] if given is not None or identity.kind in OWN_ONLY or inputs else [_NO_INPUTS]
    rights_unclear = [] if radius is None else list(radius.unknown)
    is_readable = bool(inputs or inputs_unclear or tools_unclear)
    reads = is_readable and (reaches or rights_unclear or tools_unclear) and (ways_out or tools_unclear)
    acts = is_readable and (actions or rights_unclear) and (may_act or tools_unclear)
    unknown = [*tools_unclear, *inputs_unclear, *rights_unclear] if reads or acts else []
    return _Facts(inputs=inputs, reaches=reaches, ways_out=ways_out, actions=actions, unknown=unknown)


def _unclear(tools: Sequence[ToolKind] | None) -> Iterator[str]:
    if tools is None:
        yield "which tools it has: its source does not list them"
    elif names := sorted({_name(tool) for tool in tools if tool.tool.reads_outside is None}):
        yield f"what these do: {few(names, _SHOWN)}"


def _inputs_of(given: Any, approved: str | None) -> Iterator[_Part]:
    """What starts it or is handed to it, as its source says."""
    for row in given if isinstance(given, list | tuple) else ():
        what, by, gate = (
            (row.get(name) for name in ("what", "from", "gate")) if isinstance(row, Mapping) else (None,) * 3
        )
        if isinstance(what, str) and by in AUDIENCES:
            yield _Part(
                element=("input", what),
                text=what,
                remove=f"keep {what} from starting it",
                opened_by=by,
                gate=gate if isinstance(gate, str) and gate else approved,
            )


def _read_by(tool: ToolKind, approved: str | None) -> _Part:
    part = _by_tool(tool)
    return replace(
        part, text=f"{tool.what}, which it reads with {_name(tool)}", opened_by=tool.opened_by, gate=approved
    )


def _by_tool(tool: ToolKind, what: str = "") -> _Part:
    does = (tool.tool.reads_outside, tool.tool.reads_private, tool.tool.acts_outwards)
    costs = sum(map(bool, does)) + (tool.tool.name == ALL)
    name = _name(tool)
    return _Part(element=("tool", name), text=f"{what}{name}", remove=f"take {name} from it", costs=costs)


def _name(tool: ToolKind) -> str:
    if tool.tool.server is None:
        return f"the tool {tool.tool.name}"
    return f"the MCP server {tool.tool.server}" if tool.tool.name == ALL else f"{tool.tool.name} of {tool.tool.server}"


def _by_right(action: ReachedAction, radius: BlastRadius | None, reached: Reached = "actions") -> _Part:
    path = radius.admin_path if radius is not None and action.kind == "administer" else ()
    text = f"{CONSEQUENCES[action.kind]}: {action_text(action)}"
    if len(path) > 1:
        text = f"{CONSEQUENCES[action.kind]}: {path_text(path)}"
        remove = f"break its path to {path[-1]} at the first step, {path[1]}"
    else:
        remove = f"remove {action.by or 'the permission to ' + CONSEQUENCES[action.kind]} from {action.holder}"
    return _Part(element=("right", f"{action.holder} {action.by}"), text=text, remove=remove, costs=2, reached=reached)


def _held(secret: str) -> _Part:
    return _Part(
        element=("secret", secret),
        text=f"the secret {secret}, which it is given",
        remove=f"keep the secret {secret} from it",
        reached="secrets",
    )


def _exposures(facts: _Facts) -> Iterator[AgentExposure]:
    inputs = sorted(facts.inputs, key=lambda part: (AUDIENCES.index(part.opened_by), part.gate is not None, part.text))
    reaches = sorted(facts.reaches, key=lambda part: (_RANKS.index(part.reached), part.text))
    ways_out = sorted(facts.ways_out, key=lambda part: part.text)
    if inputs and reaches and ways_out:
        yield _exposure("exfiltration", {"input": inputs, "reach": reaches, "way_out": ways_out})
    actions = sorted(facts.actions, key=lambda part: (_RANKS.index(part.reached), part.text))
    if inputs and actions:
        yield _exposure("takeover", {"input": inputs, "reach": actions})


def _exposure(kind: ExposureKind, legs: Mapping[ExposurePart, Sequence[_Part]]) -> AgentExposure:
    """Return the combination of the first of each, and how to end most of all."""
    first = {leg: parts[0] for leg, parts in legs.items()}
    cut, ends = _cut(*legs.values())
    return AgentExposure(
        kind=kind,
        input=first["input"].text,
        opened_by=first["input"].opened_by,
        reach=first["reach"].text,
        reached=first["reach"].reached,
        way_out=first["way_out"].text if "way_out" in first else None,
        cut=cut.remove,
        cut_in=tuple(leg for leg, part in first.items() if part.element == cut.element),
        ends=ends,
        of=prod(map(len, legs.values())),
        gate=first["input"].gate,
    )


def _cut(*legs: Sequence[_Part]) -> tuple[_Part, int]:
    """Return the part whose removal ends most combinations and costs least, and how many it ends."""
    every = prod(map(len, legs))
    best: tuple[tuple[int, int, str], _Part] | None = None
    for part in (part for leg in reversed(legs) for part in leg):
        left = prod(sum(other.element != part.element for other in leg) for leg in legs)
        rank = (left - every, part.costs, part.remove)
        if best is None or rank < best[0]:
            best = rank, part
    assert best is not None  # every leg has a part
    return best[1], -best[0][0]
