"""Looks up what the texts of cells name among the identities that exist, in one pass over them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from scanner.matching.keys import ProviderScope, fold, habits, is_qualified, place_of
from scanner.matching.spelling import has_form, ignores_case, same_id
from scanner.model import Identity


class Hit(NamedTuple):
    """An identity that a text names, and whether by a full key or id."""

    key: str
    by_id: bool


class Look(Protocol):
    """What exists: identities by text, by the form of an id, and by domain and user."""

    def hits(self, text: str, place: ProviderScope) -> Sequence[Hit]:
        """Return the identities with this key, id or name in this place."""

    def spelled(self, form: str, place: ProviderScope) -> str | None:
        """Return the id with this form (``same_id``) as an identity has it."""

    def account(self, account: tuple[str, str], place: ProviderScope) -> str | None:
        """Return the key of the only identity with this domain and user."""

    def ending(self, text: str, place: ProviderScope) -> str | None:
        """Return the only key that ends in this text with slashes: ``role/deploy``."""


class Asked:
    """Records what a reading looks up, so that one pass over a million identities finds all of it; finds nothing."""

    def __init__(self) -> None:
        self.texts: set[str] = set()
        self.forms: set[str] = set()
        self.accounts: set[tuple[str, str]] = set()
        self.endings: set[str] = set()

    def hits(self, text: str, _place: ProviderScope) -> Sequence[Hit]:
        self.texts.add(text)
        return ()

    def spelled(self, form: str, _place: ProviderScope) -> str | None:
        self.forms.add(form)
        return None

    def account(self, account: tuple[str, str], _place: ProviderScope) -> str | None:
        self.accounts.add(account)
        return None

    def ending(self, text: str, _place: ProviderScope) -> str | None:
        self.endings.add(text)
        return None


class Existing:
    """The identities that have what was asked for: ids as their provider compares them, names without case."""

    def __init__(self, asked: Asked, identities: Iterable[Identity]) -> None:
        self._exact: dict[str, list[tuple[ProviderScope, Hit]]] = defaultdict(list)
        self._folded: dict[str, list[tuple[ProviderScope, Hit]]] = defaultdict(list)
        self._forms: dict[str, list[tuple[ProviderScope, str]]] = defaultdict(list)
        self._accounts: dict[tuple[str, str], set[tuple[ProviderScope, str]]] = defaultdict(set)
        self._endings: dict[str, set[tuple[ProviderScope, str]]] = defaultdict(set)
        if not (asked.texts or asked.forms or asked.accounts):
            return
        folded, users = {fold(text) for text in asked.texts}, {user for _, user in asked.accounts}
        for identity in identities:
            place, name = place_of(identity), fold(identity.name)
            self._take_ids(identity, place, asked, folded)
            if name in folded:
                self._folded[name].append((place, Hit(identity.key, by_id=False)))
            if name in users and habits(identity.provider).domain_accounts:
                domain = fold(identity.scope).partition(".")[0]
                if (domain, name) in asked.accounts:
                    self._accounts[domain, name].add((place, identity.key))

    def _take_ids(self, identity: Identity, place: ProviderScope, asked: Asked, folded: Collection[str]) -> None:
        any_case = habits(identity.provider).ids == "any_case"
        for text in _ids(identity):
            compared = any_case or ignores_case(text)
            if compared and (low := fold(text)) in folded:
                self._folded[low].append((place, Hit(identity.key, by_id=_is_full(text, identity))))
            elif not compared and text in asked.texts:
                self._exact[text].append((place, Hit(identity.key, by_id=_is_full(text, identity))))
            if asked.forms and (form := same_id(text)) in asked.forms:
                self._forms[form or ""].append((place, text))
        if asked.endings and (end := identity.key.rpartition(":")[2]) in asked.endings:
            self._endings[end].add((place, identity.key))

    def hits(self, text: str, place: ProviderScope) -> Sequence[Hit]:
        found = (*self._exact.get(text, ()), *self._folded.get(fold(text), ()))
        return [hit for at, hit in found if _holds(place, at)]

    def spelled(self, form: str, place: ProviderScope) -> str | None:
        """Return the id as the first identity with this form has it."""
        return min((text for at, text in self._forms.get(form, ()) if _holds(place, at)), default=None)

    def account(self, account: tuple[str, str], place: ProviderScope) -> str | None:
        """Return the key of the only identity with this domain and user."""
        keys = [key for at, key in self._accounts.get(account, ()) if _holds(place, at)]
        return keys[0] if len(keys) == 1 else None

    def ending(self, text: str, place: ProviderScope) -> str | None:
        """Return the only key that ends in this text."""
        keys = [key for at, key in self._endings.get(text, ()) if _holds(place, at)]
        return keys[0] if len(keys) == 1 else None


def _ids(identity: Identity) -> Iterator[str]:
    yield identity.key
    if identity.unique_id is not None:
        yield identity.unique_id
    yield from identity.aliases
    yield from (credential.id for credential in identity.credentials if credential.kind != "password")


def _is_full(text: str, identity: Identity) -> bool:
    """Return whether a text is a full key or id, and not an alias that is a mere name."""
    return text in (identity.key, identity.unique_id) or is_qualified(text) or ignores_case(text) or has_form(text)


def _holds(place: ProviderScope, at: ProviderScope) -> bool:
    return all(wanted in (None, found) for wanted, found in zip(place, at, strict=True))
