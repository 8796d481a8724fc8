"""Adding links to an identity, and finding keys by patterns, for whatever ties identities together. Pure."""

from __future__ import annotations

import fnmatch
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from functools import lru_cache

from msgspec.structs import replace

from scanner.matching.keys import as_compared
from scanner.model import Identity, Link

_WILD = re.compile(r"[*?]")


def with_links(identity: Identity, links: Iterable[Link]) -> Identity:
    """With these links, sorted; of several to one target the first, and what is known already."""
    held = {(link.relation, link.target): link for link in identity.links}
    for link in links:
        held.setdefault((link.relation, link.target), link)
    if len(held) == len(identity.links):
        return identity
    every = sorted(held.values(), key=lambda link: (link.relation, link.target))
    return replace(identity, links=tuple(every))


@lru_cache(maxsize=4096)
def compiled(pattern: str) -> re.Pattern[str]:
    """A pattern of keys, in which ``*`` stands for any characters and ``?`` for one."""
    return re.compile(fnmatch.translate(pattern.replace("[", "[[]")))


def literal_start(pattern: str) -> str:
    """What everything that fits a pattern begins with."""
    return _WILD.split(pattern, 1)[0]


class Keys:
    """Keys of one provider, found by patterns as that provider compares ids: ``*`` for any characters, ``?`` for one.

    A pattern is looked for among the keys that begin as it does, and once: many holders have the same ones.
    """

    def __init__(self, provider: str, keys: Iterable[str]) -> None:
        self._provider = provider
        self._keys = tuple(dict.fromkeys(keys))
        compared = sorted((as_compared(key, provider), place) for place, key in enumerate(self._keys))
        self._compared = [text for text, _ in compared]
        self._places = [place for _, place in compared]
        self._found: dict[str, tuple[str, ...]] = {}

    def named(self, pattern: str) -> tuple[str, ...]:
        """The keys that fit, in the order in which they were given."""
        if pattern not in self._found:
            self._found[pattern] = self._look_up(as_compared(pattern, self._provider))
        return self._found[pattern]

    def _look_up(self, pattern: str) -> tuple[str, ...]:
        prefix = literal_start(pattern)
        if prefix == pattern:
            start, end = bisect_left(self._compared, pattern), bisect_right(self._compared, pattern)
        else:
            start = bisect_left(self._compared, prefix)
            end = bisect_right(self._compared, prefix, lo=start, key=lambda text: text[: len(prefix)])
        matches = compiled(pattern).match if pattern not in (prefix, f"{prefix}*") else None
        fitting = (place for place in range(start, end) if matches is None or matches(self._compared[place]))
        return tuple(self._keys[place] for place in sorted(self._places[one] for one in fitting))
