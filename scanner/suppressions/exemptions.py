"""Configured exemptions: identities that need no entry, with the reason, until their last valid day."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from scanner.matching.globs import compile_glob
from scanner.matching.keys import habits, is_foreign, provider_key
from scanner.model import Exemption, Identity

_NOT_IN_BARE_NAMES = frozenset("*:/\\")


class Exemptions:
    """The exemptions valid today, in the order of the configuration. It records which of them matched.

    An exemption is a glob over the identity's key, compared as the provider compares ids, or the identity's exact name.
    An expired exemption exempts nothing; the rule ``exemption_expired`` reports it.
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
        """Return the reason of the first exemption that matches the identity; None if none does."""
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
        """A message for each unused exemption."""
        return [f"the exemption {exemption.match} exempts nothing" for exemption in self.unused]

    @property
    def unused(self) -> tuple[Exemption, ...]:
        """Valid exemptions that have matched nothing so far, in the order of the configuration."""
        return tuple(exemption for exemption in self._holding if exemption not in self._matched)


def names_exactly(match: str, identity: Identity) -> bool:
    """Return whether ``match`` is the identity's exact name.

    Attackers choose names, so a name that reads like a pattern or like the key of another identity never matches.
    """
    return match == identity.name and _NOT_IN_BARE_NAMES.isdisjoint(match)
