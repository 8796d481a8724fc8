"""The standards and their controls, from the files beside this one; which of them a rule's findings cite."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cache, lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Literal

import msgspec
from msgspec import Struct


class Control(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``title``: in our own words. ``rules``: ids of those that give evidence for it; empty: none speaks to it."""

    number: str
    title: str
    rules: tuple[str, ...] = ()


class Framework(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One version of a standard: those of its controls that are about identities and their rights.

    ``source``: its publisher's page. ``checked_against``: the public copy that has these numbers, where it is another.
    ``provider``, ``agents_only``: what alone it speaks of. ``cited``: findings cite it unless the config says which.
    ``relation``: a law that depends on what the identity is for only ``may apply``.
    """

    id: str
    title: str
    version: str
    publisher: str
    source: str
    checked_against: str | None = None
    provider: str | None = None
    agents_only: bool = False
    relation: Literal["covers", "may apply"] = "covers"
    cited: bool = False
    controls: tuple[Control, ...]

    def speaks_of(self, provider: str | None, *, is_agent: bool) -> bool:
        """Whether it is written for such an identity; ``provider``: None for what lives in no provider."""
        return self.provider in (None, provider) and (is_agent or not self.agents_only)


@cache
def frameworks() -> Mapping[str, Framework]:
    """By id; what speaks of every identity first, of one provider's last, and then by id."""
    data = (one for one in files(__package__).iterdir() if one.name.endswith(".toml"))
    read = [msgspec.toml.decode(one.read_bytes(), type=Framework) for one in data]
    ordered = sorted(read, key=lambda one: (one.provider is not None, one.agents_only, one.id))
    return MappingProxyType({one.id: one for one in ordered})


@cache
def usually_cited() -> frozenset[str]:
    """Ids of the frameworks that findings cite where the config chooses none."""
    return frozenset(one.id for one in frameworks().values() if one.cited)


def controls_of(rule: str, chosen: Collection[str] | None = None) -> tuple[str, ...]:
    """``framework:number`` of each control that a rule gives evidence for, of any provider.

    ``chosen``: ids of frameworks; None: every one.
    """
    return tuple(_numbers(rule, (one for one in frameworks().values() if chosen is None or one.id in chosen)))


@lru_cache(10_000)
def cited(rule: str, provider: str | None, *, is_agent: bool, chosen: frozenset[str] | None) -> tuple[str, ...]:
    """``framework:number`` of the controls that a finding cites: those of the chosen that speak of such an identity.

    ``chosen``: ids of frameworks; None: the usual ones.
    """
    names = usually_cited() if chosen is None else chosen
    speaking = (one for one in frameworks().values() if one.id in names and one.speaks_of(provider, is_agent=is_agent))
    return tuple(_numbers(rule, speaking))


def _numbers(rule: str, among: Iterator[Framework]) -> Iterator[str]:
    return (f"{one.id}:{control.number}" for one in among for control in one.controls if rule in control.rules)
