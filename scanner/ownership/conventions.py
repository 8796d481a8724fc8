"""Whom the organisation's own rules name for an identity: ``[[ownership.rule]]`` and ``[ownership.platforms]``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from scanner.matching.globs import GlobIndex, specificity
from scanner.matching.keys import Place, habits, is_bare, place_of, provider_key, scope_key
from scanner.model import Identity, Ownership, OwnershipRule
from scanner.ownership.directory import Directory
from scanner.ownership.hints import SCORES, Hint


class _Rule(NamedTuple):
    specificity: tuple[int, int, int]
    hint: Hint


class Conventions:
    """The rules and platforms whose owners are on the roster."""

    def __init__(self, ownership: Ownership, directory: Directory) -> None:
        rules = [(rule.match, made) for rule in ownership.rules if (made := _rule(rule, directory)) is not None]
        self._exact = GlobIndex(rules)
        self._any_case = GlobIndex(rules, ignore_case=True)
        self._has_rules = bool(rules)
        self._platforms = dict(_platforms(ownership, directory))

    def of_identity(self, identity: Identity) -> Iterator[Hint]:
        """From the most specific rules that match its key, name or path, and from its platform."""
        if self._has_rules:
            yield from self._by_rule(identity)
        if self._platforms:
            provider, scope = place_of(identity)
            platform = self._platforms.get((provider, scope)) or self._platforms.get((provider, None))
            if platform is not None:
                yield platform

    def _by_rule(self, identity: Identity) -> Sequence[Hint]:
        compared = habits(identity.provider)
        path = identity.attributes.get("path")
        ids = [identity.key, path] if isinstance(path, str) else [identity.key]
        names = [identity.name] if is_bare(identity.name) else []
        found = self._index(compared.ids).find(ids) + self._index(compared.names).find(names)
        most = max((rule.specificity for rule in found), default=None)
        return [rule.hint for rule in found if rule.specificity == most]

    def _index(self, comparison: str) -> GlobIndex[_Rule]:
        return self._any_case if comparison == "any_case" else self._exact


def _rule(rule: OwnershipRule, directory: Directory) -> _Rule | None:
    person = directory.resolve(rule.owner)
    if person is None:
        return None
    evidence = f"rule {rule.match}" + (f": {rule.reason}" if rule.reason else "")
    return _Rule(specificity(rule.match), Hint("rule", person.email, SCORES.signals["rule"], evidence))


def _platforms(ownership: Ownership, directory: Directory) -> Iterator[tuple[Place, Hint]]:
    for platform, owner in sorted(ownership.platforms.items()):
        provider, _, scope = platform.partition(":")
        person = directory.resolve(owner)
        if person is not None:
            place = provider_key(provider), scope_key(provider, scope)
            yield place, Hint("platform", person.email, SCORES.signals["platform"], f"platform {platform}")
