"""What both sides of a trust come to, once every place has been read: who can become whom across them (pure).

Inside one scope its connector has decided, with all policies at hand. Across scopes each side has a word: the trust,
and what the caller's own policies allow it to become elsewhere.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

import msgspec

from scanner.links.linking import compiled, with_links
from scanner.matching.environments import environment_of
from scanner.model import Coverage, Identity, Link, Trust

MAY_BECOME = "may_become"
"""Among attributes: patterns of identities in other scopes that its own policies allow an identity to become.

In them ``*`` stands for any characters and ``?`` for one. Without the attribute there are none, if its permissions
could be read.
"""
MAY_BECOME_IF = "may_become_if"
"""As MAY_BECOME: those that it allows under a condition only. They make no link; see :func:`doubtful`."""

_NAMING = frozenset({"account", "principal"})
_LINKING = frozenset({"account", "principal", "anyone"})


def settle(
    identities: Sequence[Identity], others: Sequence[Identity] = (), *, places: Iterable[Coverage] = ()
) -> tuple[Identity, ...]:
    """The identities with what the others tell of their trusts, and with ``can_assume`` links to whom trusts them.

    ``others``: known of old, from places that were not read this time; they keep what they have. ``places``: whatever
    was to be read, so that we know our own scopes even where we found nothing.
    """
    if not any(one.trusts for one in chain(identities, others)):
        return tuple(identities)
    callers = _Callers(identities)
    old = {one.key: one for one in others}
    ours = {(one.provider, one.scope) for one in chain(identities, others)} | {
        (one.provider, one.scope) for one in places
    }
    links = _links(identities, others, callers)
    settled = [_with_trusts(one, callers.by_key, old, ours) for one in identities]
    return tuple(with_links(one, links[one.key]) if one.key in links else one for one in settled)


def _with_trusts(
    identity: Identity, known: Mapping[str, Identity], old: Mapping[str, Identity], ours: set[tuple[str, str]]
) -> Identity:
    if not any(trust.kind in _NAMING for trust in identity.trusts):
        return identity
    trusts = tuple(
        _settled(trust, identity, known.get(trust.principal) or old.get(trust.principal), ours)
        for trust in identity.trusts
    )
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


def doubtful(identities: Sequence[Identity]) -> Iterator[tuple[str, str, str]]:
    """Who lets in whom across scopes whose own policies allow it under a condition: (caller, target, evidence)."""
    if not any(MAY_BECOME_IF in one.attributes for one in identities):
        return
    callers = _Callers(identities, MAY_BECOME_IF)
    for target in identities:
        for trust in target.trusts:
            if trust.kind in _LINKING:
                for caller in callers.let_in(trust, target, decided=True):
                    yield caller.key, target.key, f"a condition of its own policies; {trust.evidence}"


class _Callers:
    """Who may become whom, by their own policies, of which ``reach`` is the attribute."""

    def __init__(self, identities: Sequence[Identity], reach: str = MAY_BECOME) -> None:
        self.by_key = {one.key: one for one in identities}
        self._reach = reach
        self._reaching: defaultdict[str, list[Identity]] = defaultdict(list)
        for one in identities:
            if reach in one.attributes:
                self._reaching[one.scope].append(one)

    def let_in(self, trust: Trust, target: Identity, *, decided: bool) -> Iterator[Identity]:
        """Whom a trust lets in, of those who may; ``decided``: within the target's scope its connector has said."""
        if trust.kind == "principal":
            named = self.by_key.get(trust.principal)
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
        return any(compiled(pattern).match(target.key) for pattern in _patterns(caller, self._reach))


def _patterns(identity: Identity, reach: str) -> list[str]:
    given = identity.attributes.get(reach)
    return [pattern for pattern in given if isinstance(pattern, str)] if isinstance(given, (list, tuple)) else []


def _links(identities: Sequence[Identity], others: Sequence[Identity], callers: _Callers) -> Mapping[str, list[Link]]:
    """By key of whoever can act: links to those that trust it."""
    links: defaultdict[str, list[Link]] = defaultdict(list)
    for targets, are_read in ((identities, True), (others, False)):
        for target in targets:
            for trust in target.trusts:
                if trust.kind in _LINKING:
                    decided = are_read and "trusts" not in target.unread
                    for caller in callers.let_in(trust, target, decided=decided):
                        link = Link(relation="can_assume", target=target.key, evidence=trust.evidence)
                        links[caller.key].append(link)
    return links
