"""For whom agents act, as far as audit logs say it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from scanner.matching.keys import fold
from scanner.model import Assessment, Identity
from scanner.model.activity import NOBODY, PERSON
from scanner.model.agents import ActsFor

_ACTS_AS = frozenset({"runs_as", "acts_as"})


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
    return [_judged(one, runs, said) if one.agent.is_agent else one for one in assessments]


def _judged(one: Assessment, runs: Mapping[str, set[str]], said: Mapping[str, Sequence[str]]) -> Assessment:
    places = (one.identity.key, *(target for target in _targets(one.identity) if len(runs[target]) == 1))
    whom = {value for place in places for value in said.get(place, ())}
    return replace(one, agent=replace(one.agent, acts_for=_acts_for(whom, one.identity)))


def _targets(identity: Identity) -> Iterable[str]:
    return (link.target for link in identity.links if link.relation in _ACTS_AS)


def _acts_for(whom: Iterable[str], identity: Identity) -> ActsFor:
    people = {value.removeprefix(PERSON).rpartition("#")[2] for value in whom if value.startswith(PERSON)}
    if people:
        maker = identity.created_by
        return "its maker" if maker is not None and set(map(fold, people)) == {fold(maker)} else "people"
    return "itself" if NOBODY in whom else "unknown"
