"""The lock file of agents: TOML that ``muster agents lock`` writes, and that a scan and the gate compare with."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct

from scanner.errors import ConfigError, Problem
from scanner.model import LockedAgent
from scanner.registry.tables.parsing import parse_toml
from scanner.strict import Document, decode, read_settings

_HEAD = """\
# What each AI agent was approved with. Written by `muster agents lock`: review its changes as those of code.
version = 1
"""
_LARGEST = 64 * 1024 * 1024
"""Maximum bytes of a lock: 10,000 agents with 20 tools each have 20 million."""


class _Locked(LockedAgent, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class _File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: int
    agents: tuple[_Locked, ...] = ()


def read_lock(path: Path) -> tuple[LockedAgent, ...]:
    """Return the agents of a lock file. Raises ConfigError with the place."""
    text = read_settings(path, "`muster agents lock` writes one", largest=_LARGEST)
    found = decode(parse_toml(str(path), text, ConfigError), _File, Document(file=str(path), text=text))
    if found.version != 1:
        raise _unusable(path, f"version {found.version} of a lock is not known to this version of Muster")
    seen: set[str] = set()
    for one in found.agents:
        if one.identity in seen:
            raise _unusable(path, f"the agent {one.identity} is in it twice")
        seen.add(one.identity)
    return found.agents


def _unusable(path: Path, message: str) -> ConfigError:
    return ConfigError(Problem(file=str(path), message=message, fix="write it anew with `muster agents lock`"))


def lock_text(agents: Iterable[LockedAgent]) -> str:
    """Return the lock file, agents by key. Nothing in it depends on the time: the same agents give the same file.

    Each tool has a line of its own, and no character hides another: the file is read by people.
    """
    return "".join((_HEAD, *(_table(agent) for agent in sorted(agents, key=lambda one: one.identity))))


def _table(agent: LockedAgent) -> str:
    return "\n".join(["", "[[agents]]", *_lines(agent), ""])


def _lines(agent: LockedAgent) -> Iterator[str]:
    yield f"identity = {_quoted(agent.identity)}"
    for name in ("servers", "models", "rights", "inherits"):
        texts: Sequence[str] = getattr(agent, name)
        if len(texts) == 1:
            yield f"{name} = [{_quoted(texts[0])}]"
        elif texts:
            yield f"{name} = ["
            yield from (f"    {_quoted(text)}," for text in texts)
            yield "]"
    if agent.tools:
        yield ""
        yield "[agents.tools]"
        yield from (f"{_quoted(name)} = {_quoted(digest)}" for name, digest in sorted(agent.tools.items()))


def _quoted(text: str) -> str:
    """A text of TOML, which escapes as JSON does. What is not printable is escaped, too."""
    quoted = json.dumps(text, ensure_ascii=False)
    if quoted.isprintable():
        return quoted
    return "".join(char if char.isprintable() else f"\\U{ord(char):08X}" for char in quoted)
