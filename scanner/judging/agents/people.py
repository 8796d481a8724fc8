"""The people of agents: on whose behalf they act, by audit logs or providers, and sponsors who have left. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from msgspec.structs import replace

from scanner.matching.keys import fold
from scanner.model import Assessment, Identity
from scanner.model.activity import NOBODY, PERSON
from scanner.model.agents import ActsFor
from scanner.model.attributes import ON_BEHALF_OF, SPONSORS
from scanner.registry.roster import Roster

_ACTS_AS = frozenset({"runs_as", "acts_as"})
_EXACT = ("email", "id")


def with_acts_for(assessments: Sequence[Assessment]) -> list[Assessment]:
    """Return the assessments, agents with ``acts_for``.

    What an identity did counts for the agent that runs as it, unless several do.
    """
    agents = [one for one in assessments if one.agent.is_agent]
    if not agents:
        return list(assessments)
    runs: defaultdict[str, set[str]] = defaultdict(set)
    for one in agents:
        for target in _targets(one.identity):
            runs[target].add(one.identity.key)
    said = {one.identity.key: one.activity.on_behalf_of for one in assessments if one.activity is not None}
    return [_with_acts_for(one, runs, said) if one.agent.is_agent else one for one in assessments]


def _with_acts_for(one: Assessment, runs: Mapping[str, set[str]], said: Mapping[str, Sequence[str]]) -> Assessment:
    places = (one.identity.key, *(target for target in _targets(one.identity) if len(runs[target]) == 1))
    whom = {value for place in places for value in said.get(place, ())} | set(_listed(one.identity))
    return replace(one, agent=replace(one.agent, acts_for=_acts_for(whom, one.identity)))


def _listed(identity: Identity) -> Iterator[str]:
    """On whose behalf it acted, by its provider."""
    given = identity.attributes.get(ON_BEHALF_OF)
    for row in given if isinstance(given, list | tuple) else ():
        person = row.get("person", "") if isinstance(row, Mapping) else ""
        if person is None:
            yield NOBODY
        elif isinstance(person, str) and person:
            yield f"{PERSON}{person}"


def _targets(identity: Identity) -> Iterable[str]:
    return (link.target for link in identity.links if link.relation in _ACTS_AS)


def _acts_for(whom: Iterable[str], identity: Identity) -> ActsFor:
    people = {value.removeprefix(PERSON).rpartition("#")[2] for value in whom if value.startswith(PERSON)}
    if people:
        maker = identity.created_by
        return "its maker" if maker is not None and set(map(fold, people)) == {fold(maker)} else "people"
    return "itself" if NOBODY in whom else "unknown"


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
