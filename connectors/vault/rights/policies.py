"""The capabilities that a set of Vault policies grants on a path (pure).

Only the most specific rule counts for a path, so ``deny`` does not protect a path from a rule that is more specific.
Source: "Policies" in Vault's documentation, and ``vault/acl.go``; the tests compare with a running server.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from connectors.vault.rights.hcl import Body, HclError, VaultHclItem, parse

Capabilities: TypeAlias = frozenset[str]
Rules: TypeAlias = Mapping[str, Capabilities]
"""Capabilities by path pattern. ``+`` matches one whole segment, ``*`` at the end anything that follows."""

DENY: Capabilities = frozenset({"deny"})
NOTHING: Capabilities = frozenset()
_LIST = ("read", "list")
_WRITE = ("create", "read", "update", "delete", "list")
_WRITES: Capabilities = frozenset({"create", "update", "patch"})
_BY_PARAMETER = frozenset({"allowed_parameters", "denied_parameters"})
RESTRICTED = "?"
"""The suffix of a capability that a rule gives for some parameters only."""
_LEGACY = {"read": _LIST, "write": _WRITE, "sudo": (*_WRITE, "sudo"), "deny": ("deny",)}


class PolicyError(ValueError):
    """The text is neither JSON nor HCL of a policy."""


def parse_policy(text: str) -> Rules:
    """The rules of one policy; path blocks with the same pattern are merged. Raises PolicyError."""
    try:
        body = _from_json(json.loads(text))
    except (ValueError, RecursionError):
        body = _from_hcl(text)
    return united(_rule(item) for item in body if item.key == "path")


def united(rules: Iterable[Rules]) -> Rules:
    """The rules of several policies, merged as for a token that holds them all."""
    together: dict[str, Capabilities] = {}
    for some in rules:
        for pattern, capabilities in some.items():
            together[pattern] = together.get(pattern, NOTHING) | capabilities
    return together


def capabilities(rules: Rules, path: str) -> Capabilities:
    """The capabilities on a path that does not end in a slash; ``{"deny"}`` if there are none."""
    winner = path if path in rules else max((p for p in rules if _matches(p, path)), key=_precision, default=None)
    allowed = rules[winner] if winner is not None else DENY
    return DENY if "deny" in allowed or not allowed else allowed


def is_templated(pattern: str) -> bool:
    """Whether the pattern is templated: the server fills in parts of it for each entity."""
    return "{{" in pattern


@lru_cache(maxsize=65536)
def split_pattern(pattern: str) -> tuple[tuple[str, ...], bool]:
    """The pattern's segments, and whether the last one is a prefix."""
    return tuple(pattern.removesuffix("*").split("/")), pattern.endswith("*")


def _matches(pattern: str, path: str) -> bool:
    """Whether a pattern with wildcards matches the path. False for a pattern without wildcards."""
    segments, open_ended = split_pattern(pattern)
    if not open_ended and "+" not in segments:
        return False
    parts = path.split("/")
    if len(parts) < len(segments) or (len(parts) > len(segments) and not open_ended):
        return False
    *firsts, last = segments
    if any(segment not in ("+", part) for segment, part in zip(firsts, parts, strict=False)):
        return False
    part = parts[len(firsts)]
    return last in ("+", part) or (open_ended and part.startswith(last))


def _precision(pattern: str) -> tuple[int, bool, int, int, str]:
    """A sort key for patterns that match the same path; the server uses the greatest."""
    segments, open_ended = split_pattern(pattern)
    first_wildcard = pattern.find("+")
    if first_wildcard < 0:
        first_wildcard = len(pattern) - 1
    return first_wildcard, not open_ended, -segments.count("+"), len(pattern), pattern


# --- Paths that patterns of rules have in common ---

ANY = "muster-any"
"""A name that no rule mentions: whatever is allowed on it is allowed on every name."""


def overlaps(rules: Rules, target: str) -> Iterator[str]:
    """A path for each rule whose pattern overlaps the target, sorted, each once. Templated rules have none."""
    found = (overlap(pattern, target) for pattern in rules if not is_templated(pattern))
    yield from sorted({path for path in found if path is not None})


def overlap(one: str, other: str) -> str | None:
    """A path that both patterns match, with ``ANY`` where both have wildcards; None if there is none."""
    (left, left_open), (right, right_open) = split_pattern(one), split_pattern(other)
    path: list[str] = []
    for index in range(max(len(left), len(right))):
        at_left, at_right = _at(left, left_open, index), _at(right, right_open, index)
        if at_left is None or at_right is None:
            return None
        (a, a_open), (b, b_open) = at_left, at_right
        if a_open and b.startswith(a):
            path.append(b + ANY if b_open else b)
        elif b_open and a.startswith(b):
            path.append(a)
        elif a == "+":
            path.append(f"{b}{ANY}" if b_open and b != "+" else b)
        elif b in ("+", a):
            path.append(f"{a}{ANY}" if a_open and b == "+" else a)
        else:
            return None
    return "/".join(ANY if segment in ("+", "") else segment for segment in path)


def _at(segments: Sequence[str], open_ended: bool, index: int) -> tuple[str, bool] | None:
    """The segment at an index, and whether it is a prefix; past an open end, any segment matches."""
    if index < len(segments):
        return segments[index], open_ended and index == len(segments) - 1
    return ("", True) if open_ended else None


# --- The text of a policy ---


def _from_hcl(text: str) -> Body:
    try:
        return parse(text)
    except HclError as error:
        raise PolicyError(str(error)) from error


def _from_json(document: Any) -> Body:
    """The items of a policy in JSON: ``{"path": {"kv/*": {…}}}``. Each object may also be a list of objects."""
    if not isinstance(document, dict):
        raise PolicyError("a policy is a JSON object")
    return [
        VaultHclItem(
            "path",
            (pattern,),
            [VaultHclItem(key, (), value) for block in _objects(blocks) for key, value in block.items()],
        )
        for paths in _objects(document.get("path", []))
        for pattern, blocks in paths.items()
    ]


def _objects(value: Any) -> list[dict[str, Any]]:
    some = value if isinstance(value, list) else [value]
    if not all(isinstance(one, dict) for one in some):
        raise PolicyError("an object is expected for each path")
    return some


def _rule(item: VaultHclItem) -> Rules:
    if len(item.labels) != 1 or not isinstance(item.value, list):
        raise PolicyError("a path block has one path and a body")
    allowed: set[str] = set()
    restricted = False
    for attribute in item.value:
        if not isinstance(attribute, VaultHclItem):
            raise PolicyError("a path block has a body of attributes")
        if attribute.key == "capabilities":
            allowed.update(_capability_names(attribute.value))
        elif attribute.key == "policy":
            allowed.update(_LEGACY.get(str(attribute.value), ()))
        elif attribute.key in _BY_PARAMETER:
            restricted = True
    if restricted:
        allowed = {f"{one}{RESTRICTED}" if one in _WRITES else one for one in allowed}
    return {item.labels[0].removeprefix("/"): frozenset(allowed)}


def _capability_names(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise PolicyError("capabilities is a list of names")
    return value
