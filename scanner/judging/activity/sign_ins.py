"""Whose sign-ins a log names by a role, or by the hash of an id alone. Pure.

A refused sign-in may name nobody: it is attributed by earlier successes that presented the same. Roles whose sign-ins
lead to identities of others are found by the key of the role.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from scanner.judging.activity.timeline import Joined, span_of, successes
from scanner.matching.keys import fold
from scanner.model import Identity
from scanner.model.activity import ActivityPast, Caller, CallerPast, feature_of

SIGN_IN = "sign_in"


class SignIns(Struct, frozen=True, kw_only=True):
    """Sign-ins of one store. ``callers``: by number; ``unknown``: by name, those that are no identity's.

    ``by``: by what was presented or became known at a successful sign-in, the numbers of the callers.
    """

    callers: Mapping[int, Caller]
    unknown: Mapping[str, Sequence[Caller]]
    by: Mapping[str, Sequence[int]]

    def refused_of(self, identity: Identity, own: Iterable[Caller]) -> tuple[Caller, ...]:
        """The callers without an identity whose calls were tries of this one; ``own``: its callers that are known."""
        numbers = {one.number for one in own} | set(self.by.get(identity.key, ()))
        presented = [text for text in self.by if text in self.unknown and not numbers.isdisjoint(self.by[text])]
        places = {
            (self.callers[number].log, self.callers[number].scope) for number in numbers if number in self.callers
        }
        by_sign = [one for text in presented for one in self.unknown[text] if (one.log, one.scope) in places]
        ids = {fold(one.id) for one in identity.credentials}
        tokens = [one for each in self.unknown.values() for one in each if one.unique_id and fold(one.unique_id) in ids]
        return tuple({one.number: one for one in (*by_sign, *tokens)}.values())

    def as_role(self, key: str) -> tuple[int, ...]:
        """The numbers of the callers that signed in as this role, whoever they are."""
        return tuple(self.by.get(key, ()))


def sign_ins(past: ActivityPast, joined: Joined) -> SignIns:
    """The sign-ins of a store."""
    unknown: defaultdict[str, list[Caller]] = defaultdict(list)
    for caller in joined.unknown:
        unknown[caller.caller].append(caller)
    return SignIns(callers={one.number: one for one in past.callers}, unknown=unknown, by=past.signed_in())


def last_sign_in(pasts: Iterable[CallerPast], key: str) -> int | None:
    """When any of these callers last signed in as a role, in seconds since 1970."""
    last: int | None = None
    for past in pasts:
        numbers = {number for number, text in enumerate(past.features) if feature_of(text) == (SIGN_IN, key)}
        for _, counts in past.days:
            if numbers.intersection(successes(counts)):
                last = max(last or 0, span_of(counts, ())[1])
    return last
