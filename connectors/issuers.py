"""Who signs tokens for workloads, and how far a claim narrows whom a trust lets in (``issuers.toml``). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files

import msgspec
from msgspec import Struct

from connectors.restrictions import Restriction, widest
from scanner.text import issuer_name

SUBJECT = "sub"


class Grammar(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What some of an issuer's subjects are like, and what such a subject is called."""

    like: str
    target: str


class Issuer(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One that signs tokens, as ``issuers.toml`` has it."""

    name: str
    url: str
    subjects: tuple[Grammar, ...] = ()
    tenants: Mapping[str, str] = {}
    exact: frozenset[str] = frozenset()
    owner: frozenset[str] = frozenset()
    broad: Mapping[str, str] = {}
    needed: frozenset[str] = frozenset()
    aws_keys: Mapping[str, str] = {}
    of_claim: Mapping[str, str] = {}

    def fixed(self, claim: str) -> Restriction:
        """How far a claim narrows that has one value."""
        if claim in self.owner:
            return "loose"
        return "exact" if claim in self.exact or claim == SUBJECT else "none"

    def narrows(self, claim: str, restriction: Restriction, values: Iterable[str]) -> Restriction:
        """How far a claim narrows whose values are these, or like these; ``restriction``: how far these are bound.

        Values with wildcards narrow where each stays inside one tenant.
        """
        values = tuple(values)
        if restriction != "exact" and not _all_like(self.tenants.get(claim), values):
            return "none"
        broad = claim in self.broad and any(re.match(self.broad[claim], one) for one in values)
        return widest((restriction, "loose" if broad else "exact", self.fixed(claim)))


def _all_like(pattern: str | None, values: Iterable[str]) -> bool:
    return pattern is not None and all(re.match(pattern, value) for value in values)


@cache
def _issuers() -> tuple[Issuer, ...]:
    data = files("connectors").joinpath("issuers.toml").read_bytes()
    return tuple(msgspec.toml.decode(data, type=dict[str, tuple[Issuer, ...]])["issuers"])


def recognised(url: str) -> Iterator[tuple[Issuer, Mapping[str, str | None]]]:
    """Those that an issuer may be, by its URL, the likeliest first, with the parts of the URL that they name."""
    address = issuer_name(url)
    for one in _issuers():
        if found := re.fullmatch(one.url, address):
            yield one, found.groupdict()


def shared(url: str) -> Issuer | None:
    """The issuer, where it signs for everybody at that address; None for one of a single tenant."""
    for one, parts in recognised(url):
        return one if one.tenants and not parts.get("own") else None
    return None
