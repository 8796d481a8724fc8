"""Reads provider and scope of an entry as people write them: ``AWS IAM``, ``prod (1234-5678-9012)``."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache, cached_property

from msgspec.structs import replace

from scanner.errors import did_you_mean
from scanner.matching.cells.words import PRODUCTS, beside
from scanner.matching.keys import fold, habits, known, place_in, place_of, provider_key, scope_key
from scanner.matching.spelling import account_number, guid, unquoted
from scanner.model import Entry, Identity
from scanner.model.attributes import SCOPE_NAME
from scanner.text import cut, few

QUOTED, NAMED = 80, 3
_ACCOUNT_DIGITS = 12
_LONGEST_SCOPE = 60
"""The most characters of a cell that says an account, and no sentence that mentions one."""


class Places:
    """The providers and scopes that exist, and the names of scopes."""

    def __init__(self, identities: Sequence[Identity], providers: Iterable[str]) -> None:
        self._identities = identities
        there = {(identity.provider, identity.scope) for identity in identities}
        named = (*providers, *{provider for provider, _ in there})
        self.providers = frozenset(filter(None, map(provider_key, named)))
        self._ids = frozenset(scope for _, scope in there)
        self._scopes = {(provider_key(provider), scope_key(provider, scope)) for provider, scope in there}

    def placed(self, entry: Entry) -> tuple[Entry, str | None]:
        """Return the entry with provider and scope as they are compared, and what is unclear about them."""
        if entry.scope is None and entry.extra:
            entry = self._with_scope_of_extra(entry)
        if entry.provider is None and entry.scope is None:
            return entry, None
        entry, unknown = self._with_provider(entry)
        if entry.scope is None:
            return entry, unknown
        entry, unclear = self._with_scope(entry, entry.scope)
        return entry, unknown or unclear

    def _with_scope_of_extra(self, entry: Entry) -> Entry:
        """Return the entry with the account in a column that is not understood, if it is the only one and was read.

        Without it, a bare name would count in every account.
        """
        if any(place_in(text) is not None for text in entry.identities):
            return entry
        cells = (text for text in entry.extra.values() if len(text) <= _LONGEST_SCOPE)
        named = {account_number(text) or guid(unquoted(text)) for text in cells}
        known = [scope for scope in named if scope in self._ids]
        return replace(entry, scope=known[0]) if len(known) == 1 else entry

    def _with_provider(self, entry: Entry) -> tuple[Entry, str | None]:
        meant = provider_meant(entry.provider, self.providers)
        if entry.provider is None or meant == provider_key(entry.provider):
            return entry, None
        if meant is not None:
            return replace(entry, provider=meant), None
        return entry, f"{entry.origin}: {unknown_provider(entry.provider, self.providers)}"

    def _with_scope(self, entry: Entry, written: str) -> tuple[Entry, str | None]:
        provider, scope = place_of(entry)
        if any((one, scope) in self._scopes for one in ([provider] if provider else self.providers)):
            return entry, None
        has_numbers = provider is None or habits(provider).scope_digits == _ACCOUNT_DIGITS
        if has_numbers and (number := account_number(written)) is not None:
            return replace(entry, scope=number), None
        named = self._named(provider, written)
        if len(named) == 1:
            return replace(entry, scope=next(iter(named))), None
        if named:
            several = few(sorted(named), NAMED)
            return entry, f'{entry.origin}: the scope "{cut(written, QUOTED)}" is the name of {several}: write the id'
        return entry, None

    def _named(self, provider: str | None, written: str) -> set[str]:
        """Return the scopes with one of these as id or name: the cell, its name, and the text in brackets beside it."""
        plain = unquoted(written)
        parts = beside(plain)
        texts = (plain, guid(plain), *((parts.name, parts.note) if parts else ()))
        named = (self._by_name.get(fold(text), ()) for text in texts if text)
        found = ({scope for of, scope in places if provider in (None, of)} for places in named)
        return next(filter(None, found), set())

    @cached_property
    def _by_name(self) -> Mapping[str, Collection[tuple[str | None, str]]]:
        found: dict[str, set[tuple[str | None, str]]] = defaultdict(set)
        for identity in self._identities:
            provider = provider_key(identity.provider)
            for name in (identity.scope, identity.attributes.get(SCOPE_NAME)):
                if isinstance(name, str) and name:
                    found[fold(name)].add((provider, identity.scope))
        return found


def provider_meant(written: str | None, scanned: Collection[str]) -> str | None:
    """Return the provider that a cell means: a known or scanned one, or the only one whose word it has; else None."""
    name = provider_key(written)
    if name is None or name in scanned or name in known().providers:
        return name
    found = {known().names.get(word) for word in _provider_words().findall(name)}
    return found.pop() if len(found) == 1 else None


def names_providers(written: str) -> bool:
    """Return whether a cell has a word for a provider, or for a product that is named like one."""
    return _provider_words().search(fold(written)) is not None


def unknown_provider(written: str, scanned: Collection[str]) -> str:
    """Return why an entry with this provider matches nothing, with the nearest one."""
    near = did_you_mean(fold(written), sorted({*known().names, *scanned}))
    return f'"{cut(written, QUOTED)}" is no provider that is scanned, so the entry matches nothing' + (
        f": {near}" if near else ""
    )


@cache
def _provider_words() -> re.Pattern[str]:
    """The words for providers, longest first, and products that are named like one; as whole words."""
    words = sorted({*known().names, *PRODUCTS}, key=len, reverse=True)
    return re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, words))})(?![\w-])")
