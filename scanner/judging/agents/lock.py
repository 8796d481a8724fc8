"""The lock of agents: what each one was approved with, and what it has beyond that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from scanner.judging.agents.tools import ALL
from scanner.model import Assessment, Identity, LockedAgent
from scanner.model.attributes import INHERITS, MCP_SERVERS, MODEL, TOOL_HASHES
from scanner.model.terms import Relation

_WHOLE = f"/{ALL}"
NOT_LOCKED = "it is not in the lock"
_RIGHTS: Mapping[Relation, str] = {
    "runs_as": "runs as",
    "acts_as": "runs as",
    "federates": "runs as",
    "stores": "is given the secret",
}
"""What a link lets an agent do, in words."""


def growth_of(lock: Iterable[LockedAgent], agents: Iterable[LockedAgent]) -> dict[str, tuple[str, ...]]:
    """Return what each of the agents has beyond the lock, in words, by key; empty if nothing.

    One whose key is not in the lock was moved if a locked agent of the same definition is gone: one for each that is.
    """
    before = {one.identity: one for one in lock}
    now = {one.identity: one for one in agents}
    gone = Counter(_definition(one) for key, one in before.items() if key not in now)
    found: dict[str, tuple[str, ...]] = {}
    for key, one in sorted(now.items()):
        if key in before:
            found[key] = tuple(_growth(before[key], one))
        elif gone[definition := _definition(one)]:
            gone[definition] -= 1
            found[key] = ()
        else:
            found[key] = (NOT_LOCKED,)
    return found


def locked(one: Assessment) -> LockedAgent:
    """Return what an agent has now, as the lock would have it."""
    identity = one.identity
    model = identity.attributes.get(MODEL)
    linked = (f"{_RIGHTS[link.relation]} {link.target}" for link in identity.links if link.relation in _RIGHTS)
    return LockedAgent(
        identity=identity.key,
        tools=dict(_tools(one)),
        servers=tuple(sorted(_servers(identity))),
        models=(model,) if isinstance(model, str) and model else (),
        rights=tuple(sorted({*linked, *one.agent.reach})),
        inherits=_texts(identity.attributes.get(INHERITS)),
    )


def _tools(one: Assessment) -> Iterator[tuple[str, str]]:
    """Yield the tools by name with their server, with the hash of their definition; empty where that is not shown."""
    own = _hashes(one.identity.attributes.get(TOOL_HASHES))
    by_server = {server.get("name"): _hashes(server.get("hashes")) for server in _enabled(one.identity)}
    for tool in one.agent.tools or ():
        if tool.server is None:
            yield tool.name, own.get(tool.name, "")
        else:
            yield f"{tool.server}/{tool.name}", by_server.get(tool.server, {}).get(tool.name, "")


def _hashes(value: Any) -> Mapping[str, str]:
    pairs = value.items() if isinstance(value, Mapping) else ()
    return {name: digest for name, digest in pairs if isinstance(digest, str)}


def _servers(identity: Identity) -> Iterator[str]:
    for server in _enabled(identity):
        facts = (server.get(name) for name in ("name", "package", "host"))
        yield " ".join(fact for fact in facts if isinstance(fact, str) and fact)


def _enabled(identity: Identity) -> Iterator[Mapping[str, Any]]:
    listed = identity.attributes.get(MCP_SERVERS)
    for server in listed if isinstance(listed, list | tuple) else ():
        if isinstance(server, Mapping) and server.get("enabled") is not False:
            yield server


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(sorted(text for text in value if isinstance(text, str))) if isinstance(value, list | tuple) else ()


def _definition(one: LockedAgent) -> tuple[Any, ...]:
    return (tuple(sorted(one.tools.items())), one.servers, one.models, one.rights, one.inherits)


def _growth(before: LockedAgent, now: LockedAgent) -> Iterator[str]:
    approved_whole = {name.removesuffix(ALL) for name in before.tools if name.endswith(_WHOLE)}
    shown = {f"{name.rpartition('/')[0]}/" for name, digest in before.tools.items() if digest}
    for name, digest in sorted(now.tools.items()):
        server = f"{name.rpartition('/')[0]}/"
        if name not in before.tools:
            # A server that showed its tools and does not answer now has none that are new.
            if server not in approved_whole and not (name.endswith(_WHOLE) and not digest and server in shown):
                yield f"new tool {name}"
        elif digest and before.tools[name] and digest != before.tools[name]:
            yield f"the description or the inputs of the tool {name} changed"
    added = (
        ("new MCP server", before.servers, now.servers),
        ("new right:", before.rights, now.rights),
        ("newly inherited:", before.inherits, now.inherits),
    )
    for what, old, new in added:
        yield from (f"{what} {text}" for text in new if text not in old)
    for model in now.models:
        if model not in before.models:
            yield f"the model is {model}" + (f", no longer {', '.join(before.models)}" if before.models else "")


def with_growth(assessments: Iterable[Assessment], lock: Iterable[LockedAgent]) -> list[Assessment]:
    """Return the assessments, agents with what they have beyond the lock. Roles of agents count with the agents."""
    every = list(assessments)
    grew = growth_of(lock, (locked(one) for one in every if is_lockable(one)))
    return [
        replace(one, agent=replace(one.agent, grew=grew[key])) if (key := one.identity.key) in grew else one
        for one in every
    ]


def is_lockable(one: Assessment) -> bool:
    """Whether the lock has an agent: its source lists its tools, or it runs as another identity."""
    return one.agent.is_agent and (one.agent.tools is not None or bool(locked(one).rights)) and not one.agent.runs
