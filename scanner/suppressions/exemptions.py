"""Configured exemptions: identities that need no entry, with the reason, until their day has passed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from scanner.matching.globs import compile_glob
from scanner.matching.keys import habits, is_foreign, provider_key
from scanner.model import Exemption, Identity

_NOT_IN_BARE_NAMES = frozenset("*:/\\")


class Exemptions:
    """The exemptions that hold today, in the order of the configuration; it remembers which ones were of use.

    One matches an identity by a glob over its key, as the provider compares ids, or, where it is a bare name, by that
    exact name. An expired exemption exempts nothing; the rule ``exemption_expired`` reports it.
    """

    def __init__(self, exemptions: Iterable[Exemption], today: date) -> None:
        self._holding = tuple(
            exemption for exemption in exemptions if exemption.until is None or exemption.until >= today
        )
        self._globs = {
            ignore_case: [
                (exemption, compile_glob(exemption.match, ignore_case=ignore_case)) for exemption in self._holding
            ]
            for ignore_case in (False, True)
        }
        self._matched: set[Exemption] = set()

    def reason(self, identity: Identity) -> str | None:
        """Why the identity is exempt, by the first exemption that matches it; None: it is not."""
        if not self._holding or is_foreign(identity.key, provider_key(identity.provider)):
            return None
        matching = [
            exemption
            for exemption, glob in self._globs[habits(identity.provider).ids == "any_case"]
            if glob.fullmatch(identity.key) or names_exactly(exemption.match, identity)
        ]
        self._matched.update(matching)
        return matching[0].why if matching else None

    @property
    def notices(self) -> list[str]:
        """What the configuration's keeper should know: which of them are of no use."""
        return [f"the exemption {one.match} exempts nothing" for one in self.unused]

    @property
    def unused(self) -> tuple[Exemption, ...]:
        """Exemptions that hold and have matched nothing so far, in the order of the configuration."""
        return tuple(exemption for exemption in self._holding if exemption not in self._matched)


def names_exactly(match: str, identity: Identity) -> bool:
    """Whether it is the identity's bare name.

    Names are the attacker's to choose: one that reads like a pattern or like somebody's key must not match it.
    """
    return match == identity.name and _NOT_IN_BARE_NAMES.isdisjoint(match)
