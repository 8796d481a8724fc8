"""Patterns of actions, such as ``s3:Get*``: which covers which, and what two of them have in common. Pure.

``*`` stands for any text, ``?`` for any character, and case does not matter. Patterns are compared as patterns, because
no list of a provider's actions is complete: ``s3:Get*`` allows more than any list of actions that begin like it.
"""

from __future__ import annotations

import fnmatch
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import TypeAlias

from msgspec import Struct

_BUT = " but "
_SOME = ": some actions"
_OTHER = "\x00"
"""Stands for every character that no pattern names."""
_STATES = 300
"""The most states to search: ordinary patterns need a few dozen."""
_PIECES = 16
"""The most patterns for what two patterns have in common."""
_STARS = re.compile(r"\*[*?]*\*|\*\?+")

_State: TypeAlias = tuple[int, tuple[int, ...]]


class Actions(Struct, frozen=True, order=True, gc=False):
    """The actions that ``pattern`` names, but for those of ``but``.

    ``unlisted``: only some of them, and which is unknown.
    """

    pattern: str
    but: tuple[str, ...] = ()
    unlisted: bool = False

    def __str__(self) -> str:
        if self.unlisted:
            return self.pattern.removesuffix(":*") + _SOME
        return self.pattern + (_BUT + ", ".join(self.but) if self.but else "")

    @property
    def service(self) -> str | None:
        """The service that all of them belong to; None if they may belong to several."""
        service, colon, _ = self.pattern.partition(":")
        return service.lower() if colon and not has_wildcard(service) else None


def parsed(text: str) -> Actions:
    """Return the actions that a text of ``str(Actions)`` names."""
    if text.endswith(_SOME):
        return Actions(text.removesuffix(_SOME) + ":*", unlisted=True)
    pattern, _, rest = text.partition(_BUT)
    return Actions(pattern, tuple(one for one in rest.split(", ") if one))


def has_wildcard(pattern: str) -> bool:
    """Return whether it may name several actions."""
    return "*" in pattern or "?" in pattern


@lru_cache(maxsize=4096)
def _regex(pattern: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(pattern.replace("[", "[[]")))


def covers(broad: str, narrow: str) -> bool:
    """Return whether a pattern names every action that another one names."""
    return _covers(_ordered(broad), _ordered(narrow))


@lru_cache(maxsize=16_384)
def _covers(broad: str, narrow: str) -> bool:
    if broad in ("*", narrow):
        return True
    if not has_wildcard(narrow):
        return _regex(broad).match(narrow) is not None
    return has_wildcard(broad) and meets(broad, narrow) and _is_within(narrow, (broad,))


def meets(one: str, other: str) -> bool:
    """Return whether an action may have both patterns; also True if both have wildcards and the same beginning."""
    one, other = one.lower(), other.lower()
    if not has_wildcard(one):
        return _regex(other).match(one) is not None
    if not has_wildcard(other):
        return _regex(one).match(other) is not None
    first, second = (pattern.replace("?", "*").partition("*")[0] for pattern in (one, other))
    return first.startswith(second) or second.startswith(first)


def are_within(actions: Actions, declared: Sequence[str]) -> bool:
    """Return whether all of these actions have one of the patterns.

    Also False if the decision would take too long, which only hostile patterns cause.
    """
    others = (*actions.but, *declared)
    if any(covers(pattern, actions.pattern) for pattern in others):
        return True
    near = [_ordered(pattern) for pattern in others if meets(pattern, actions.pattern)]
    return has_wildcard(actions.pattern) and bool(near) and _is_within(_ordered(actions.pattern), near)


def _ordered(pattern: str) -> str:
    """Return the pattern in lower case, with each run of wildcards in one form: ``*?*`` is ``?*``."""
    return _STARS.sub(lambda run: "?" * run[0].count("?") + "*", pattern.lower())


def _is_within(pattern: str, others: Sequence[str]) -> bool:
    """Search for a text that the pattern matches, and none of the others."""
    letters = [*sorted(set(pattern).union(*others) - {"*", "?"}), _OTHER]
    steps = [{letter: _places(other, letter) for letter in letters} for other in others]
    stars = [_places(other, "*") for other in others]
    ends = [1 << len(other) for other in others]
    start = tuple(_past(1, star) for star in stars)
    seen: set[_State] = {(0, start)}
    waiting = deque(seen)
    while waiting:
        place, sets = waiting.popleft()
        if len(seen) > _STATES:
            return False
        if place == len(pattern):
            if not any(one & end for one, end in zip(sets, ends, strict=True)):
                return False
            continue
        sign = pattern[place]
        after: list[_State] = [(place + 1, sets)] if sign == "*" else []
        for letter in letters if sign in "*?" else (sign,):
            moved = tuple(
                _past((one & star) | ((one & step[letter]) << 1), star)
                for one, step, star in zip(sets, steps, stars, strict=True)
            )
            after.append((place if sign == "*" else place + 1, moved))
        for state in after:
            if state not in seen:
                seen.add(state)
                waiting.append(state)
    return True


def _places(pattern: str, letter: str) -> int:
    """Return the places of a pattern that take a letter, as bits; for ``*``, the places of stars."""
    takes = (letter,) if letter == "*" else (letter, "?")
    return sum(1 << place for place, sign in enumerate(pattern) if sign in takes)


def _past(places: int, stars: int) -> int:
    """Return the places, and those behind stars that match nothing."""
    ahead = places
    while ahead := (ahead & stars) << 1 & ~places:
        places |= ahead
    return places


# --- What two patterns have in common ---


@lru_cache(maxsize=16_384)
def common(one: str, other: str) -> tuple[str, ...] | None:
    """Return patterns for the actions that have both patterns; None if that would take too many."""
    if covers(other, one):
        return (one,)
    if covers(one, other):
        return (other,)
    if not meets(one, other):
        return ()
    known: dict[tuple[str, str], tuple[str, ...] | None] = {}
    found = _common(one, other, known)
    return None if found is None else tuple(dict.fromkeys(map(_short, found)))


def _common(one: str, other: str, known: dict[tuple[str, str], tuple[str, ...] | None]) -> tuple[str, ...] | None:
    if (one, other) not in known:
        known[one, other] = None
        found: list[str] = []
        for head, rests in _heads(one, other):
            rest = _common(*rests, known) if rests != ("", "") else ("",)
            if rest is None or len(known) > _STATES:
                return None
            found += (head + tail for tail in rest)
        least = _widest(found)
        known[one, other] = least if len(least) <= _PIECES else None
    return known[one, other]


def _heads(one: str, other: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield what common texts may begin with, and what is left of both patterns behind it."""
    first, second = one[:1], other[:1]
    if first == "*" and second == "*":
        yield "*", (one[1:], other)
        yield "*", (one, other[1:])
    elif first == "*":
        yield "", (one[1:], other)
        if second:
            yield second, (one, other[1:])
    elif second == "*":
        yield "", (one, other[1:])
        if first:
            yield first, (one[1:], other)
    elif first and second and (first.lower() == second.lower() or "?" in (first, second)):
        yield (second if first == "?" else first), (one[1:], other[1:])


def _short(pattern: str) -> str:
    return re.sub(r"\*{2,}", "*", pattern)


def _widest(patterns: Iterable[str]) -> tuple[str, ...]:
    """Return the patterns that no other one covers."""
    kept: list[str] = []
    for pattern in sorted(set(map(_short, patterns)), key=lambda text: (len(text), text)):
        if not any(covers(broad, pattern) for broad in kept):
            kept = [one for one in kept if not covers(pattern, one)]
            kept.append(pattern)
    return tuple(kept)
