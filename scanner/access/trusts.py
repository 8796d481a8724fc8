"""Trust policies across scopes, and the lookup of keys by pattern. Pure."""

from __future__ import annotations

import fnmatch
import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

import msgspec
from msgspec.structs import replace

from scanner.matching.declared import environment_of
from scanner.matching.keys import as_compared
from scanner.model import Coverage, Edge, Identity, Link, Trust

WILD = re.compile(r"[*?]")
"""What makes an id a pattern."""


def with_links(identity: Identity, links: Iterable[Link]) -> Identity:
    """Return the identity with these links, sorted. Of several to one target, an existing one wins, then the first."""
    held = {(link.relation, link.target): link for link in reversed(identity.links)}
    known = len(held)  # fewer than its links, where several lead to one target
    for link in links:
        held.setdefault((link.relation, link.target), link)
    if len(held) == known:
        return identity
    every = sorted(held.values(), key=lambda link: (link.relation, link.target))
    return replace(identity, links=tuple(every))


@lru_cache(maxsize=4096)
def compiled(pattern: str) -> re.Pattern[str]:
    """Return a compiled pattern of keys: ``*`` matches any characters, ``?`` one."""
    return re.compile(fnmatch.translate(pattern.replace("[", "[[]")))


def literal_start(pattern: str) -> str:
    """Return the literal prefix of a pattern."""
    return WILD.split(pattern, 1)[0]


class Keys:
    """Looks up the keys of one provider by pattern (``*`` any characters, ``?`` one), as the provider compares ids.

    A binary search finds the keys with the pattern's literal prefix. Results are cached, because many holders have the
    same patterns.
    """

    def __init__(self, provider: str, keys: Iterable[str]) -> None:
        self._provider = provider
        self._keys = tuple(dict.fromkeys(keys))
        compared = sorted((as_compared(key, provider), place) for place, key in enumerate(self._keys))
        self._compared = [text for text, _ in compared]
        self._places = [place for _, place in compared]
        self._found: dict[str, tuple[str, ...]] = {}

    def named(self, pattern: str) -> tuple[str, ...]:
        """Return the matching keys in their original order."""
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


# --- Trust policies across scopes, once every scope has been read. Pure ---
#
# Within a scope, its connector decides with all policies at hand. Across scopes, the trust policy and the caller's own
# policies (:attr:`Identity.reach`) must both allow it.

_NAMING = frozenset({"account", "principal"})
_LINKING = frozenset({"account", "principal", "anyone"})


def with_trusts(
    identities: Sequence[Identity], others: Sequence[Identity] = (), *, places: Iterable[Coverage] = ()
) -> tuple[Identity, ...]:
    """Return the identities; their trusts say whether the principal is external or of another environment.

    ``others``: last known identities of scopes that were not read this time; they stay unchanged. ``places``: the
    coverage, so that scopes without identities count as own scopes as well.
    """
    if not any(identity.trusts for identity in identities):
        return tuple(identities)
    known = {identity.key: identity for identity in (*others, *identities)}
    ours = {(one.provider, one.scope) for one in known.values()} | {(place.provider, place.scope) for place in places}
    return tuple(_with_trusts(identity, known, ours) for identity in identities)


def _with_trusts(identity: Identity, known: Mapping[str, Identity], ours: set[tuple[str, str]]) -> Identity:
    if not any(trust.kind in _NAMING for trust in identity.trusts):
        return identity
    trusts = tuple(_settled(trust, identity, known.get(trust.principal), ours) for trust in identity.trusts)
    return identity if trusts == identity.trusts else msgspec.structs.replace(identity, trusts=trusts)


def _settled(trust: Trust, identity: Identity, principal: Identity | None, ours: set[tuple[str, str]]) -> Trust:
    """Mark own accounts as internal, and known principals of another environment."""
    if trust.kind not in _NAMING:
        return trust
    is_ours = (identity.provider, scope_named(trust.principal)) in ours
    crosses = None if principal is None else _other_environment(principal, identity)
    return msgspec.structs.replace(trust, external=False if is_ours else trust.external, crosses=crosses)


def scope_named(principal: str) -> str:
    """Return the account that a principal names: the principal itself, or the fifth part of its ARN."""
    *_, account = principal.split(":")[:5]
    return account


def _other_environment(principal: Identity, identity: Identity) -> str | None:
    theirs, own = environment_of(principal)[0], environment_of(identity)[0]
    return None if not (theirs and own) or theirs & own else " or ".join(sorted(theirs))


def across_scopes(identities: Sequence[Identity], others: Sequence[Identity] = ()) -> Iterator[Edge]:
    """Yield the edges of trust policies across scopes, conditional if a condition of the caller's policies decides.

    ``others``: last known identities, which have their unconditional edges as links already.
    """
    known = (*identities, *others)
    if not any(one.trusts for one in known):
        return
    callers = _Callers(identities, conditional=False)
    for targets, are_read in ((identities, True), (others, False)):
        for caller, target, trust in _let_in(callers, targets, are_read=are_read):
            yield Edge(caller.key, target.key, trust.evidence)
    yield from across_scopes_if(known)


def across_scopes_if(known: Sequence[Identity]) -> Iterator[Edge]:
    """Yield the conditional edges of :func:`across_scopes` alone."""
    if any(way.conditional and way.kind == "assume" for one in known for way in one.reach):
        for caller, target, trust in _let_in(_Callers(known, conditional=True), known, are_read=None):
            evidence = f"a condition of its own policies; {trust.evidence}"
            yield Edge(caller.key, target.key, evidence, conditional=True)


def _let_in(
    callers: _Callers, targets: Iterable[Identity], *, are_read: bool | None
) -> Iterator[tuple[Identity, Identity, Trust]]:
    """Yield caller, target and trust of admitted callers.

    ``are_read``: the targets were read this time; None: only across scopes.
    """
    for target in targets:
        decided = are_read is None or (are_read and "trusts" not in target.unread)
        for trust in target.trusts:
            if trust.kind in _LINKING:
                for caller in callers.let_in(trust, target, decided=decided):
                    yield caller, target, trust


class _Callers:
    """Callers whose own policies allow assuming a target, certain or conditional."""

    def __init__(self, identities: Sequence[Identity], *, conditional: bool) -> None:
        self._by_key = {identity.key: identity for identity in identities}
        self._conditional = conditional
        self._reaching: defaultdict[str, list[Identity]] = defaultdict(list)
        for identity in identities:
            if identity.reach and any(self._patterns(identity)):
                self._reaching[identity.scope].append(identity)

    def let_in(self, trust: Trust, target: Identity, *, decided: bool) -> Iterator[Identity]:
        """Yield the callers that a trust admits. ``decided``: the connector has resolved the target's own scope."""
        if trust.kind == "principal":
            named = self._by_key.get(trust.principal)
            if named is not None and (not decided if named.scope == target.scope else self._may(named, target)):
                yield named
        elif trust.kind == "account":
            yield from self._of(scope_named(trust.principal), target, trust)
        elif trust.kind == "anyone" and trust.restriction == "none":
            for scope in self._reaching:
                yield from self._of(scope, target, trust)

    def _of(self, scope: str, target: Identity, trust: Trust) -> Iterator[Identity]:
        """Yield the callers of another scope, except admins, which need no path and would have too many."""
        if scope != target.scope:
            for caller in self._reaching.get(scope, ()):
                is_meant = not trust.only or any(compiled(pattern).match(caller.key) for pattern in trust.only)
                if is_meant and caller.privilege.level != "admin" and self._may(caller, target):
                    yield caller

    def _may(self, caller: Identity, target: Identity) -> bool:
        if "permissions" in caller.unread:
            return True
        return any(compiled(pattern).match(target.key) for pattern in self._patterns(caller))

    def _patterns(self, caller: Identity) -> Iterator[str]:
        for way in caller.reach:
            if way.kind == "assume" and way.conditional == self._conditional:
                yield from way.on
