"""The high-consequence actions that policies allow (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from connectors.vault.rights.policies import (
    ANY,
    Capabilities,
    Rules,
    capabilities,
    is_templated,
    overlap,
    split_pattern,
)
from connectors.vault.rights.privilege import POWER
from scanner.model import Consequence, ConsequenceKind

MOST_PATTERNS = 50
"""The most patterns of secrets that are kept; policies with more leave open which secrets can be read."""
PATHS_NAMED = 3
_DELETE: Capabilities = frozenset({"delete"})
_Target: TypeAlias = tuple[ConsequenceKind, str, Capabilities]
_ON_THE_SERVER: tuple[_Target, ...] = (
    ("delete", "sys/mounts/+", _DELETE),
    ("hide_traces", "sys/audit/+", POWER | _DELETE),
)


def consequences_of(rules: Rules, secret_paths: Mapping[str, str], within: str) -> Iterator[Consequence]:
    """The high-consequence actions that these rules allow.

    ``secret_paths``: by mount, see ``privilege``; ``within``: the prefix of secrets' keys. Templated rules depend on
    who logs in, so what they allow is narrow.
    """
    yield from _reads(rules, secret_paths, within)
    stored = (path.replace("/data/", "/metadata/") for path in secret_paths.values())
    targets: list[_Target] = [*_ON_THE_SERVER, *(("delete", path, _DELETE) for path in stored)]
    for kind, found in _grouped(rules, targets).items():
        yield Consequence(kind=kind, actions=tuple(sorted(found)[:PATHS_NAMED]), narrow=all(map(is_templated, found)))


def _reads(rules: Rules, secret_paths: Mapping[str, str], within: str) -> Iterator[Consequence]:
    on: set[str] = set()
    by: set[str] = set()
    for mount, path in secret_paths.items():
        folder = path.removesuffix(ANY)
        for pattern in _granting(rules, f"{folder}*", frozenset({"read"})):
            by.add(pattern)
            if not is_templated(pattern):
                on.add(f"{within}{mount}/{_beyond(pattern, folder.count('/'))}")
    if by:
        listed = tuple(sorted(on)) if len(on) <= MOST_PATTERNS else ()
        yield Consequence(kind="read_secrets", actions=tuple(sorted(by)[:PATHS_NAMED]), on=listed, narrow=not listed)


def _grouped(rules: Rules, targets: Iterable[_Target]) -> Mapping[ConsequenceKind, set[str]]:
    found: dict[ConsequenceKind, set[str]] = {}
    for kind, target, needed in targets:
        if granting := set(_granting(rules, target, needed)):
            found.setdefault(kind, set()).update(granting)
    return found


def _granting(rules: Rules, target: str, needed: Capabilities) -> Iterator[str]:
    """The patterns of rules that allow it on a path of the target and are not overridden there."""
    for pattern in rules:
        if rules[pattern] & needed:
            plain = pattern.replace("{{", "").replace("}}", "") if is_templated(pattern) else pattern
            path = overlap(plain, target)
            if path and (is_templated(pattern) or capabilities(rules, path) & needed):
                yield pattern


def _beyond(pattern: str, segments: int) -> str:
    """The pattern without its first ``segments``, with ``*`` for wildcards."""
    parts, is_open = split_pattern(pattern)
    if len(parts) <= segments:
        return "*"
    return "/".join("*" if part == "+" else part for part in parts[segments:]) + ("*" if is_open else "")
