"""The blast radius of each identity, as reports show it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

from msgspec import Struct

from scanner.access.blast_radius.counts import Radii
from scanner.access.blast_radius.words import sentence
from scanner.model import BlastRadius, ConsequenceKind, Count, ScanResult


class PublishedRadius(Struct, frozen=True, gc=False):
    """What an identity could do at worst: one sentence, and the numbers. ``null`` in a part of a scan.

    ``administers``: a few of the ``administered`` scopes in which it can do everything, itself or as another identity.
    ``identities``: others within reach. ``secrets``: stored secrets. ``scopes``: its own included. ``kinds``: what
    permissions within reach allow. ``human_in_the_loop``: as declared. ``unknown``: what could add to it.
    """

    sentence: str
    administers: tuple[str, ...]
    administered: int
    identities: Count
    secrets: Count
    scopes: Count
    kinds: tuple[ConsequenceKind, ...]
    human_in_the_loop: bool | None
    unknown: tuple[str, ...]


RadiusOf: TypeAlias = Callable[[str], BlastRadius | None]
"""Gives the blast radius of an identity by key; None if unknown."""


def radii_of(result: ScanResult) -> RadiusOf:
    """Blast radii from the whole result.

    For a part of a scan they are unknown, because it may lack what is within reach. So they are for planned identities
    whose surroundings the gate did not walk.
    """
    if result.plans:
        return result.radii.get
    return _unknown if result.only else Radii(result).of


def _unknown(_key: str) -> BlastRadius | None:
    return None


@lru_cache(maxsize=4096)
def published(radius: BlastRadius) -> PublishedRadius:
    """The numbers as written, cached because many identities have the same."""
    return PublishedRadius(
        sentence=sentence(radius),
        administers=radius.administers,
        administered=radius.administered,
        identities=radius.identities,
        secrets=radius.secrets,
        scopes=radius.scopes,
        kinds=radius.kinds,
        human_in_the_loop=radius.human_in_the_loop,
        unknown=radius.unknown,
    )
