"""Facts about a provider that are known before its identities are read. Connectors supply them (``Spec.providers``).

Only data: the form and comparison of ids, their places, names of the provider and its services. The core reads them
through :mod:`scanner.matching.keys`, and names no provider itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct

from scanner.model.terms import CredentialKind

Comparison: TypeAlias = Literal["exact", "any_case"]
FILE = "{connector}.providers.toml"
"""The suffix of the file beside a connector's module with facts by provider.

It is read without importing the connector.
"""


class CredentialForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Public ids of credentials. ``like``: a pattern of the whole id.

    ``kind``: of the credentials, if the form shows it.
    """

    like: str
    kind: CredentialKind | None = None


class Cloud(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The terms of OCSF for a cloud and its scopes. ``account_type``: ``type_id`` of the object ``account``."""

    name: str
    account: str
    account_type: int = 99


class Provider(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One provider. A provider that no one knows is like ``Provider()``: it compares exactly, and no form is its own.

    Names. ``title``: in messages; ``id_title``: what an id is called there ("an ARN"). ``also``: what people write for
    it in a spreadsheet, in lower case.

    Comparison. ``ids``: whether case matters in keys, unique ids, credential ids and aliases; ``names``: in the bare
    name, which only patterns ask about. ``scope_digits``: scopes are numbers of so many digits, of which spreadsheets
    drop leading zeros; ``scope_title``: what such a number is called.

    Forms of ids, as regular expressions that match the whole id. ``forms`` (any case): such an id is this provider's,
    anyone who claims it. ``never_names``: no identity is named so, with any provider. ``places``: ids and patterns that
    say where they live, with the groups ``scope`` and ``kind`` (or a group ``kind_KIND`` for a kind that the id does
    not name); the group ``credential`` marks a credential's id.
    ``spelled``: other spellings of an id, by the provider's tools, with the group ``id``.
    ``domain_accounts``: people write domain, backslash and user for the user of the domain that its scope begins with.
    ``opaque_ids``: its identities have ids without a form (GUIDs, numbers), which others hold as claims.

    What an entry may say. ``credential_ids``: in a cell of credentials. ``credential_words``: what people write for
    each kind there, besides the usual words. ``services``: its systems, under the names that grants have;
    ``services_also``: under those that people use. ``actions`` (a grant's whole name, any case) and ``resources``
    (found in a grant's resource): patterns with the group ``service``. ``no_system``: services that nearly everything
    may reach. ``everybody_holds``: grants that say nothing about their holder.

    ``trusted_as``: what trusts elsewhere name to let in its agents, as regular expressions of a service or an issuer.

    ``cloud``: None where it is none that OCSF knows.

    Raises ValueError for what is no regular expression, or has not the groups.
    """

    title: str | None = None
    id_title: str | None = None
    also: tuple[str, ...] = ()
    ids: Comparison = "exact"
    names: Comparison = "exact"
    scope_digits: int = 0
    scope_title: str = "scope"
    forms: tuple[str, ...] = ()
    never_names: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    spelled: tuple[str, ...] = ()
    domain_accounts: bool = False
    opaque_ids: bool = False
    credential_ids: tuple[CredentialForm, ...] = ()
    credential_words: Mapping[CredentialKind, tuple[str, ...]] = {}
    services: frozenset[str] = frozenset()
    services_also: Mapping[str, str] = {}
    actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    no_system: frozenset[str] = frozenset()
    everybody_holds: frozenset[str] = frozenset()
    trusted_as: tuple[str, ...] = ()
    cloud: Cloud | None = None

    def __post_init__(self) -> None:
        ids = (one.like for one in self.credential_ids)
        for pattern in (*self.forms, *self.never_names, *self.places, *self.trusted_as, *ids):
            _check(pattern)
        for pattern in (*self.actions, *self.resources):
            _check(pattern, needs="service")
        for pattern in self.spelled:
            _check(pattern, needs="id")


Providers: TypeAlias = Mapping[str, Provider]
"""Providers by the value of ``provider`` in identities."""


def _check(pattern: str, needs: str | None = None) -> None:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern} is not a regular expression: {error}") from error
    if needs is not None and needs not in compiled.groupindex:
        raise ValueError(f"{pattern} has no group {needs}")


@cache
def read_providers(package: str, connector: str) -> Providers:
    """The facts in the package's file; empty if there is none. Raises msgspec.ValidationError."""
    return find_providers(package, connector) or {}


@cache
def find_providers(package: str, connector: str) -> Providers | None:
    """The facts in the package's file; None if there is none. Raises msgspec.ValidationError."""
    file = files(package).joinpath(FILE.format(connector=connector))
    return msgspec.toml.decode(file.read_bytes(), type=dict[str, Provider]) if file.is_file() else None


def joined(brought: Iterable[tuple[str, Providers]]) -> Providers:
    """Join the facts of all connectors. If two describe one provider, its own connector counts, otherwise the first.

    ``brought``: by connector's name, which is also the name of its provider.
    """
    every: dict[str, Provider] = {}
    for name, providers in brought:
        for provider, known in providers.items():
            if provider == name or provider not in every:
                every[provider] = known
    return every
