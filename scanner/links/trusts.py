"""What both sides of a trust come to, once every place has been read: who can become whom across them (pure).

Inside one scope its connector has decided, with all policies at hand. Across scopes each side has a word: the trust,
and what the caller's own policies allow it to become elsewhere (:attr:`Identity.reach`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from scanner.links.linking import compiled
from scanner.matching.environments import environment_of
from scanner.model import Coverage, Edge, Identity, Trust

_NAMING = frozenset({"account", "principal"})
_LINKING = frozenset({"account", "principal", "anyone"})


def with_trusts(
    identities: Sequence[Identity], others: Sequence[Identity] = (), *, places: Iterable[Coverage] = ()
) -> tuple[Identity, ...]:
    """The identities with what the others tell of their trusts.

    ``others``: known of old, from places that were not read this time; they keep what they have. ``places``: whatever
    was to be read, so that we know our own scopes even where we found nothing.
    """
    if not any(one.trusts for one in identities):
        return tuple(identities)
    known = {one.key: one for one in (*others, *identities)}
    ours = {(one.provider, one.scope) for one in known.values()} | {(one.provider, one.scope) for one in places}
    return tuple(_with_trusts(one, known, ours) for one in identities)


def _with_trusts(identity: Identity, known: Mapping[str, Identity], ours: set[tuple[str, str]]) -> Identity:
    if not any(trust.kind in _NAMING for trust in identity.trusts):
        return identity
    trusts = tuple(_settled(trust, identity, known.get(trust.principal), ours) for trust in identity.trusts)
    return identity if trusts == identity.trusts else msgspec.structs.replace(identity, trusts=trusts)


def _settled(trust: Trust, identity: Identity, principal: Identity | None, ours: set[tuple[str, str]]) -> Trust:
    """An account that is ours is no outsider; whoever is known may be of another environment."""
    if trust.kind not in _NAMING:
        return trust
    is_ours = (identity.provider, scope_named(trust.principal)) in ours
    crosses = None if principal is None else _other_environment(principal, identity)
    return msgspec.structs.replace(trust, external=False if is_ours else trust.external, crosses=crosses)


def scope_named(principal: str) -> str:
    """The account that a trust's principal names: by itself, or in an ARN, of which it is the fifth part."""
    *_, account = principal.split(":")[:5]
    return account


def _other_environment(principal: Identity, identity: Identity) -> str | None:
    theirs, own = environment_of(principal)[0], environment_of(identity)[0]
    return None if not (theirs and own) or theirs & own else " or ".join(sorted(theirs))


def across_scopes(identities: Sequence[Identity], others: Sequence[Identity] = ()) -> Iterator[Edge]:
    """Whom trusts let in across scopes: certain edges, and those that hold under a condition of the caller's policies.

    ``others``: known of old. What they can become for certain is among their links already.
    """
    known = (*identities, *others)
    if not any(one.trusts for one in known):
        return
    callers = _Callers(identities, conditional=False)
    for targets, are_read in ((identities, True), (others, False)):
        for caller, target, trust in _let_in(callers, targets, are_read=are_read):
            yield Edge(caller.key, target.key, trust.evidence)
    if any(way.conditional and way.kind == "assume" for one in known for way in one.reach):
        for caller, target, trust in _let_in(_Callers(known, conditional=True), known, are_read=None):
            evidence = f"a condition of its own policies; {trust.evidence}"
            yield Edge(caller.key, target.key, evidence, conditional=True)


def _let_in(
    callers: _Callers, targets: Iterable[Identity], *, are_read: bool | None
) -> Iterator[tuple[Identity, Identity, Trust]]:
    """Which caller a target lets in by which trust. ``are_read``: the targets, this time; None: only across scopes."""
    for target in targets:
        decided = are_read is None or (are_read and "trusts" not in target.unread)
        for trust in target.trusts:
            if trust.kind in _LINKING:
                for caller in callers.let_in(trust, target, decided=decided):
                    yield caller, target, trust


class _Callers:
    """Who may become whom by their own policies: for certain, or where a condition decides."""

    def __init__(self, identities: Sequence[Identity], *, conditional: bool) -> None:
        self._by_key = {one.key: one for one in identities}
        self._conditional = conditional
        self._reaching: defaultdict[str, list[Identity]] = defaultdict(list)
        for one in identities:
            if one.reach and any(self._patterns(one)):
                self._reaching[one.scope].append(one)

    def let_in(self, trust: Trust, target: Identity, *, decided: bool) -> Iterator[Identity]:
        """Whom a trust lets in, of those who may; ``decided``: within the target's scope its connector has said."""
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
        """Those of another scope; an admin needs no such path, and has too many."""
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
