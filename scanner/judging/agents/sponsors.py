"""Sponsors of agents, as their provider lists them, who have all left."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from msgspec.structs import replace

from scanner.model import Assessment, Identity
from scanner.model.attributes import SPONSORS
from scanner.registry.roster import Roster

_EXACT = ("email", "id")


def with_sponsors_left(assessments: Iterable[Assessment], roster: Roster | None, today: date) -> list[Assessment]:
    """Return the assessments, those of agents with ``sponsors_left``. Without a roster nobody has left."""
    if roster is None:
        return list(assessments)
    return [
        replace(one, agent=replace(one.agent, sponsors_left=left))
        if one.agent.is_agent and (left := _left(one.identity, roster, today))
        else one
        for one in assessments
    ]


def _left(identity: Identity, roster: Roster, today: date) -> tuple[str, ...]:
    """The addresses of all sponsors; empty if any is here, is not on the roster, or is a group.

    They are found by address and id alone: a namesake may have left.
    """
    given = identity.attributes.get(SPONSORS)
    emails = set()
    for sponsor in given if isinstance(given, (list, tuple)) else ():
        ids = [sponsor.get(name) for name in _EXACT] if isinstance(sponsor, Mapping) else []
        found = (roster.identified(text) for text in ids if isinstance(text, str) and text)
        person = next((one for one in found if one is not None), None)
        if person is None or person.is_group or not person.has_left(today):
            return ()
        emails.add(person.email)
    return tuple(sorted(emails))
