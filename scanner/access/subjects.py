"""Subjects of tokens: patterns, and lists of subjects in attributes. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from scanner.access.trusts import literal_start
from scanner.model import Workload
from scanner.text import issuer_name

_WILDCARDS: Final = "*?"


def is_exact(subject: str | None) -> bool:
    """Whether a pattern names one subject."""
    return subject is not None and not any(sign in subject for sign in _WILDCARDS)


def names(subject: str | None) -> bool:
    """Whether a pattern is selective, unlike ``*``."""
    return subject is not None and bool(subject.strip(_WILDCARDS))


def subjects_of(workload: Workload, attribute: str) -> Mapping[str, list[str]]:
    """Return the subjects in an attribute of pairs, by issuer. Items of another shape are ignored."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    given: Any = workload.attributes.get(attribute)
    if not isinstance(given, (list, tuple)):
        return found
    for pair in given:
        match pair:
            case [str(issuer), str(subject)]:
                found[issuer_name(issuer)].append(subject)
    return found


def meet(one: str, other: str) -> bool:
    """Return whether any text matches both patterns: ``*`` matches any characters, ``?`` one."""
    start, other_start = literal_start(one), literal_start(other)
    if not (start.startswith(other_start) or other_start.startswith(start)):
        return False
    begun: set[tuple[int, int]] = set()
    todo = [(0, 0)]
    while todo:
        here = todo.pop()
        if here in begun:
            continue
        begun.add(here)
        at, beside = here
        mine, theirs = one[at : at + 1], other[beside : beside + 1]
        if not mine and not theirs:
            return True
        if "*" in (mine, theirs):
            todo += [(at + 1, beside)] if mine else []
            todo += [(at, beside + 1)] if theirs else []
        elif mine and theirs and (mine == theirs or "?" in (mine, theirs)):
            todo.append((at + 1, beside + 1))
    return False
