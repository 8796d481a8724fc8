"""The lock of agents: what each one was approved with, and what it has beyond that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from scanner.model import Assessment, Identity, LockedAgent
from scanner.model.attributes import INHERITS, MCP_SERVERS, MODEL

NOT_LOCKED = "it is not in the lock"


class Lock:
    """The locked agents. One whose key is not there is found by its definition: it was moved and did not change."""

    def __init__(self, agents: Iterable[LockedAgent]) -> None:
        self._by_key = {one.identity: one for one in agents}
        self._definitions = {_definition(one) for one in self._by_key.values()}

    def grew(self, now: LockedAgent) -> tuple[str, ...]:
        """Return what an agent has beyond the lock, in words; empty if nothing."""
        before = self._by_key.get(now.identity)
        if before is not None:
            return tuple(_growth(before, now))
        return () if _definition(now) in self._definitions else (NOT_LOCKED,)


def locked(one: Assessment) -> LockedAgent:
    """Return what an agent has now, as the lock would have it."""
    identity = one.identity
    model = identity.attributes.get(MODEL)
    runs_as = (f"runs as {link.target}" for link in identity.links if link.relation in ("runs_as", "acts_as"))
    return LockedAgent(
        identity=identity.key,
        tools={f"{tool.server}/{tool.name}" if tool.server else tool.name: "" for tool in one.agent.tools or ()},
        servers=tuple(sorted(_servers(identity))),
        models=(model,) if isinstance(model, str) and model else (),
        rights=tuple(sorted({*runs_as, *one.agent.reach})),
        inherits=_texts(identity.attributes.get(INHERITS)),
    )


def _servers(identity: Identity) -> Iterator[str]:
    listed = identity.attributes.get(MCP_SERVERS)
    for server in listed if isinstance(listed, list | tuple) else ():
        if isinstance(server, Mapping) and server.get("enabled") is not False:
            facts = (server.get(name) for name in ("name", "package", "host"))
            yield " ".join(fact for fact in facts if isinstance(fact, str) and fact)


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(sorted(text for text in value if isinstance(text, str))) if isinstance(value, list | tuple) else ()


def _definition(one: LockedAgent) -> tuple[Any, ...]:
    return (tuple(sorted(one.tools.items())), one.servers, one.models, one.rights, one.inherits)


def _growth(before: LockedAgent, now: LockedAgent) -> Iterator[str]:
    for name, digest in sorted(now.tools.items()):
        if name not in before.tools:
            yield f"new tool {name}"
        elif digest and before.tools[name] and digest != before.tools[name]:
            yield f"the definition of the tool {name} changed"
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


def with_growth(assessments: Iterable[Assessment], lock: Lock) -> list[Assessment]:
    """Return the assessments, agents with what they have beyond the lock. Roles of agents count with the agents."""
    return [
        replace(one, agent=replace(one.agent, grew=lock.grew(locked(one)))) if is_lockable(one) else one
        for one in assessments
    ]


def is_lockable(one: Assessment) -> bool:
    """Whether the lock has an agent: its source lists its tools, or it runs as another identity."""
    return one.agent.is_agent and (one.agent.tools is not None or bool(locked(one).rights)) and not one.agent.runs
