"""IAM's actions for the events of CloudTrail, with their classes and the fields to read, from ``actions.toml``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import translate
from functools import cache, lru_cache
from typing import Any

from connectors.logs.names import plain
from scanner.catalog import read_table
from scanner.model.activity import FeatureSort

_DATED = re.compile(r"(?:20\d{6}(?:v\d+)?|20\d\d_\d\d_\d\d)$")
"""``UpdateFunctionCode20150331v2``, ``CreateDistribution2020_05_31``: versions of the service's interface."""
_READS = re.compile(
    r"(?:Get|List|Describe|Head|Lookup|Search|Batch(?:Get|Describe)|Scan|Query|Check|Validate|View|Preview|Simulate"
    r"|Test|Count|Select|Discover|Estimate|Is|Verify|Download|Export)(?=[A-Z]|$)"
)
_ROLE = re.compile(r"arn:[a-z-]+:iam::(\d{12}):role/.+")


OWN, COPY, PROVIDER, OTHER = "own", "copy", "provider", "other"
"""Kinds of events: of the caller, a copy for the owner of the resource in another account, of AWS, and others."""


class Action:
    """One sort of event, made once: equal only to itself, which makes it a quick part of a key.

    ``sorts``: by ``readOnly`` (true, false, not said) what the action is. ``features``: by sort, its text. ``tools``,
    ``changes``: the members of the request that are read, see ``actions.toml``. ``reads``: whether the request is
    looked at. ``matters_to``: whose events of this sort are looked at.
    """

    __slots__ = (
        "becomes",
        "changes",
        "features",
        "if_decrypted",
        "is_login",
        "matters_to",
        "moves",
        "name",
        "reads",
        "sorts",
        "tools",
    )

    def __init__(self, source: str, event: str) -> None:
        tables = _tables()
        self.name = _action(source, event)
        self.sorts = {said: _sort(self.name, said) for said in (True, False, None)}
        self.features = {sort: f"{sort}={self.name}" for sort in (*self.sorts.values(), "secret")}
        self.becomes = "become" in self.sorts.values()
        self.if_decrypted = self.name in tables["classes"]["secret_if_decrypted"]
        self.tools: Sequence[str] = tables["tools"].get(self.name, ())
        self.changes: Sequence[str] = tables["changes"].get(self.name, ())
        self.moves = self.name in tables["moves"]["actions"]
        self.is_login = self.name == "signin:ConsoleLogin"
        self.reads = bool(
            self.becomes or self.if_decrypted or self.tools or self.changes or self.moves or self.is_login
        )
        self.matters_to = {OWN: True, COPY: self.becomes, PROVIDER: self.reads, OTHER: False}


@cache
def _tables() -> Mapping[str, Any]:
    tables = read_table("connectors.aws.logs", "actions.toml", dict[str, Any])
    classes = tables["classes"]
    for sort in ("secret", "become", "write"):
        classes[sort] = re.compile("|".join(map(translate, classes[sort])))
    classes["secret_if_decrypted"] = frozenset(classes["secret_if_decrypted"])
    return tables


def event_names() -> Mapping[str, tuple[str, ...]]:
    """By action, the names of its events (``s3:ListObjects``), where IAM calls them otherwise."""
    named: dict[str, list[str]] = {}
    for event, action in _tables()["actions"].items():
        named.setdefault(action, []).append(event)
    return {action: tuple(events) for action, events in named.items()}


def _action(source: str, event: str) -> str:
    prefix = source.removesuffix(".amazonaws.com").removesuffix(".aws.internal").partition(".amazonaws.")[0]
    prefix = _tables()["prefixes"].get(prefix, prefix)
    name = f"{plain(prefix, 64) or 'unknown'}:{plain(_DATED.sub('', event), 128) or 'unknown'}"
    renamed: str = _tables()["actions"].get(name, name)
    return renamed


def _sort(action: str, read_only: bool | None) -> FeatureSort:
    classes = _tables()["classes"]
    sorts: tuple[FeatureSort, ...] = ("secret", "become", "write")
    for sort in sorts:
        if classes[sort].match(action):
            return sort
    if read_only is None:
        read_only = _READS.match(action.partition(":")[2]) is not None
    return "read" if read_only else "write"


@lru_cache(maxsize=4096)
def is_denied(code: str) -> bool:
    """Whether an error says that the call was not allowed."""
    return re.search(_tables()["outcome"]["denied"], code[:200]) is not None


def member(held: Any, path: str) -> str | None:
    """A text in a request, by its path ``a.b.0``; None where there is none."""
    for name in path.split("."):
        match held:
            case dict():
                held = held.get(name)
            case list() if name.isdecimal() and int(name) < len(held):
                held = held[int(name)]
            case _:
                return None
    return held if isinstance(held, str) and held else None


def role_account(arn: str) -> str | None:
    """The account that a role is in; None for what is no role's ARN."""
    found = _ROLE.fullmatch(arn)
    return found[1] if found else None
