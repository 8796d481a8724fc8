"""Reads deny policies, where they can matter: on what lies at or above a right that makes its holder powerful."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial

from connectors.base import Gone, SectionReading
from connectors.gcp import requests as r
from connectors.gcp.keys import last_segment
from connectors.gcp.reader import Reader
from connectors.gcp.rights.bindings import Binding
from connectors.gcp.rights.deny import DenyPolicyPayload, Rule, rules_of
from connectors.gcp.rights.emails import AGENTS, account_of
from connectors.gcp.rights.holding import Holdings
from connectors.gcp.rights.judging import judge
from connectors.gcp.rights.library import Library
from connectors.gcp.rights.several import several
from scanner.errors import Denied, SourceError

REFUSALS = 3
"""Where the uppermost so many are all refused no more is asked: a call a project that answers nothing is too many."""


def where_they_matter(bindings: Iterable[Binding], holdings: Holdings) -> list[str]:
    """The containers whose deny policies may take something away that counts, the uppermost first."""
    tree = holdings.tree
    places: set[str] = set()
    for binding in bindings:
        if account_of(binding.member.id).kind in AGENTS:  # Google answers for what those may do
            continue
        verdict = judge(binding, holdings)
        if verdict.privilege.level != "normal" or verdict.becomes or verdict.becomes_if or verdict.takes_over:
            places.update(tree.path(binding.resource.place))
    return sorted(places, key=lambda place: (len(tree.path(place)), place))


def read_denials(
    reader: Reader, section: SectionReading, library: Library, places: Sequence[str]
) -> dict[str, tuple[Rule, ...]]:
    """The rules attached to these containers; those that could not be read are a gap."""
    found: dict[str, tuple[Rule, ...]] = {}

    def ask(place: str) -> tuple[Rule, ...]:
        return library.once(("deny", place), partial(_rules, reader, section, place))

    refusals = 0
    for part in (places[:REFUSALS], places[REFUSALS:]):
        if part and refusals == REFUSALS:
            section.note("not asked any further")
            break
        for place, answer in several(ask, part, reader.settings.workers):
            if isinstance(answer, SourceError):
                refusals += isinstance(answer, Denied)
                section.lost(answer, partial=bool(found))
            else:
                found[place] = answer
    return found


def _rules(reader: Reader, section: SectionReading, place: str) -> tuple[Rule, ...]:
    """Of all deny policies of a container: a listing leaves their rules out, so each is asked for."""
    kind, _, name = place.partition("/")
    rules: list[Rule] = []
    for row in reader.rows(section, r.DENY_POLICIES, DenyPolicyPayload, kind=kind, place=name):
        policy = last_segment(row.name)
        with suppress(Gone):
            rules += rules_of(reader.api.get(r.DENY_POLICY, DenyPolicyPayload, kind=kind, place=name, policy=policy))
    return tuple(rules)
