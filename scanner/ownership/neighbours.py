"""Who answers for those of similar names: ``svc-payments-etl`` and ``svc-payments-refunds`` are likely one team's.

Neighbours share the first two words of their names or more, and the provider. Only those that somebody answers for
count, so that a thousand undeclared ones neither speak for nor against anybody.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from scanner.model import Identity
from scanner.ownership.hints import SCORES, Hint
from scanner.ownership.words import Words, words

LEAST_WORDS = 2
MOST_WORDS = 8


class Neighbours:
    """The owned identities by the beginnings of their names. ``owned``: each with its owner's e-mail."""

    def __init__(self, owned: Iterable[tuple[Identity, str]]) -> None:
        self._owners: dict[tuple[str, str | None], list[str]] = defaultdict(list)
        for identity, owner in owned:
            for prefix in _prefixes(identity.provider, words(identity.name)):
                self._owners[prefix, None].append(owner)
                self._owners[prefix, identity.scope].append(owner)
        self._hints: dict[tuple[str, str | None], Hint | None] = {}

    def of_name(self, provider: str, scope: str, name: Words) -> tuple[Hint, ...]:
        """The best that those of the scope say, or those of the provider; ``name``: an identity's name as words."""
        best: Hint | None = None
        for prefix in _prefixes(provider, name):
            if (prefix, None) not in self._owners:
                break
            for key in ((prefix, None), (prefix, scope)):
                hint = self._hint(key)
                if hint is not None and (best is None or hint.score >= best.score):
                    best = hint
        return () if best is None else (best,)

    def _hint(self, key: tuple[str, str | None]) -> Hint | None:
        if key not in self._hints:
            self._hints[key] = self._judge(*key)
        return self._hints[key]

    def _judge(self, prefix: str, scope: str | None) -> Hint | None:
        """Most of them must have one owner; the fewer they are, the less that says."""
        owners = Counter(self._owners.get((prefix, scope), ()))
        if not owners:
            return None
        owner, count = owners.most_common(1)[0]
        total = owners.total()
        if 2 * count <= total:
            return None
        provider, _, beginning = prefix.partition("\0")
        evidence = f"{owner} owns {count} of {total} owned identities named {beginning}-* in {scope or provider}"
        return Hint("neighbours", owner, SCORES.signals["neighbours"] * count / (total + 1), evidence)


def _prefixes(provider: str, name: Words) -> Iterator[str]:
    """The beginnings of a name, up to the first number that tells one instance from another, shortest first."""
    prefix = f"{provider}\0{'-'.join(name[:LEAST_WORDS])}"
    if len(name) < LEAST_WORDS:
        return
    yield prefix
    for word in name[LEAST_WORDS:MOST_WORDS]:
        if word.isdecimal():
            return
        prefix += f"-{word}"
        yield prefix
