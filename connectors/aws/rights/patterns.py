"""Patterns of actions and ARNs in policies.

``*`` and ``?`` are wildcards anywhere in an action or an ARN; every other character matches itself.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable
from functools import lru_cache

_ARN_PARTS = 6
# ``${*}``, ``${?}`` and ``${$}`` are no variables: they write these characters themselves.
_VARIABLE = re.compile(r"\$\{(?![*?$]\})[^}]*\}")
_WRITTEN_OUT = re.compile(r"\$\{([*?$])\}")
_HIDDEN_COLON = "\x00"
_STAR = "*"
# The most states to keep: ordinary patterns need a few, others 2 to the power of the number of "?".
_TRACKED = 64


def _with_variables(pattern: str, written: str | Callable[[re.Match[str]], str]) -> str:
    """The pattern with its policy variables written otherwise.

    None ends behind the last brace: without it, each of many that begin there would be searched to the end.
    """
    end = pattern.rfind("}") + 1
    return _VARIABLE.sub(written, pattern[:end]) + pattern[end:]


@lru_cache(maxsize=4096)
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern as an expression that takes linear time for any pattern that a policy's author may write."""
    return re.compile(fnmatch.translate(_WRITTEN_OUT.sub(r"[\1]", pattern.replace("[", "[[]"))))


def action_matches(pattern: str, action: str) -> bool:
    """Whether a policy's action pattern covers an action; case does not matter."""
    return compiled(pattern.lower()).match(action.lower()) is not None


def resource_matches(pattern: str, resource: str) -> bool:
    """Whether a policy's resource pattern covers an ARN; a policy variable may match anything."""
    return compiled(_with_variables(pattern, "*")).match(resource) is not None


@lru_cache(maxsize=4096)
def takes_in(broad: str, narrow: str) -> bool:
    """Whether a pattern covers everything that another pattern covers; a variable in ``narrow`` may be anything.

    Also False if the decision would take too long, which only hostile patterns cause.
    """
    if has_variable(broad):
        return False
    if broad == narrow:
        return True
    tokens = _tokens(broad)
    reached = {_past_stars(tokens, {0})}
    for token in _tokens(_with_variables(narrow, "*")):
        after = {_advanced(tokens, places, token) for places in reached}
        if token == _STAR:  # any number of characters, none included
            after, new = set(reached), reached
            while new and len(after) <= _TRACKED:
                new = {_advanced(tokens, places, token) for places in new} - after
                after |= new
        if len(after) > _TRACKED:
            return False
        reached = after
    return all(len(tokens) in places for places in reached)


def _tokens(pattern: str) -> tuple[str, ...]:
    """``*`` and ``?`` as wildcards; every other character, those written out included, in quotes."""
    pieces = _WRITTEN_OUT.split(pattern)  # every second one is a character that was written out
    return tuple(
        char if char in "*?" and place % 2 == 0 else f"'{char}'" for place, piece in enumerate(pieces) for char in piece
    )


def _advanced(tokens: tuple[str, ...], places: frozenset[int], token: str) -> frozenset[int]:
    """The states of a pattern after one more character. A wildcard also matches a character that equals no literal."""
    staying = {place for place in places if tokens[place : place + 1] == (_STAR,)}
    passed = {place + 1 for place in places if tokens[place : place + 1] in (("?",), (token,)) and place not in staying}
    return _past_stars(tokens, staying | passed)


def _past_stars(tokens: tuple[str, ...], places: set[int]) -> frozenset[int]:
    """These states, and the states after stars that match nothing."""
    found = set(places)
    for place in places:
        ahead = place
        while tokens[ahead : ahead + 1] == (_STAR,):
            ahead += 1
            found.add(ahead)
    return frozenset(found)


def may_meet(one: str, other: str) -> bool:
    """Whether two patterns may cover the same resource.

    Two patterns with wildcards may unless they start differently.
    """
    if not has_wildcard(one):
        return resource_matches(other, one)
    if not has_wildcard(other):
        return resource_matches(one, other)
    beginnings = [_with_variables(pattern, "*").replace("?", "*").partition("*")[0] for pattern in (one, other)]
    shorter, longer = sorted(beginnings, key=len)
    return longer.startswith(shorter)


def has_wildcard(text: str) -> bool:
    """Whether it contains ``*``, ``?`` or a policy variable."""
    return any(sign in text for sign in ("*", "?", "${"))


def has_variable(text: str) -> bool:
    """Whether it contains a policy variable, whose value depends on the request."""
    return _VARIABLE.search(text, 0, text.rfind("}") + 1) is not None


def arn_parts(pattern: str) -> list[str]:
    """The six parts of an ARN (``arn``, partition, service, region, account, resource).

    A wildcard at the end of a shorter pattern matches the rest: ``arn:aws:iam::*`` is all of IAM. A colon within
    a policy variable divides nothing.
    """
    parts = _with_variables(pattern, lambda found: found[0].replace(":", _HIDDEN_COLON)).split(":", _ARN_PARTS - 1)
    parts = [part.replace(_HIDDEN_COLON, ":") for part in parts]
    filler = "*" if parts[-1].endswith("*") else ""
    return parts + [filler] * (_ARN_PARTS - len(parts))
