"""Findings about whom an identity acted for, by the logs: people who have left, and nobody where one is expected."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date

from scanner.judging.activity.declared import EVERYBODY_USES, Facts, Used, lasting
from scanner.judging.activity.timeline import Timeline, successes
from scanner.model.activity import CONSEQUENTIAL, NOBODY, PERSON, DayCounts, Deviation, Feature

_IMPERSONATES = "users:impersonate"
"""Logged besides the action itself."""


def on_behalf_of(line: Timeline, facts: Facts) -> Iterator[Deviation]:
    """All findings about whom it acted for that lasted until ``facts.since`` or later."""
    if line.days and line.days[-1][0] >= facts.since:
        found = (*_for_leaver(line, facts), *_without_person(line, facts))
        yield from (each for each in found if each.day.toordinal() >= facts.since)


def _for_leaver(line: Timeline, facts: Facts) -> Iterator[Deviation]:
    """Yield a finding for each person whose last day was over when it acted for them."""
    people = {number: feature for number, feature in enumerate(line.features) if _is_person(feature)}
    if facts.roster is None or not people:
        return
    left = {number: _left(feature, facts) for number, feature in people.items()}
    its: defaultdict[str, list[Used]] = defaultdict(list)
    last_days: dict[str, date] = {}
    for day, counts in line.days:
        of_person: defaultdict[str, dict[int, int]] = defaultdict(dict)
        for number, count in successes(counts).items():
            known = left.get(number)
            if known is not None and day > known[1].toordinal():
                of_person[known[0]][number] = count
                last_days[known[0]] = known[1]
        for email, used in of_person.items():
            its[email].append((day, counts, used))
    for email, days in sorted(its.items()):
        yield lasting("acted_for_leaver", line, days, email, person=email, left_on=last_days[email], actions=None)


def _is_person(feature: Feature) -> bool:
    return feature.sort == "on_behalf_of" and feature.value.startswith(PERSON)


def _is_for_others(feature: Feature) -> bool:
    """Whether a person may stand behind it: another agent, an unknown subject, and all beyond a limit, too."""
    return feature.sort == "on_behalf_of" and feature.value != NOBODY


def _left(feature: Feature, facts: Facts) -> tuple[str, date] | None:
    """The address and the last day of the person whom the log names; None for one who is here, or is not known."""
    person = None if facts.roster is None else facts.roster.identified(_id_of(feature))
    return None if person is None or person.is_group or person.left_on is None else (person.email, person.left_on)


def _id_of(feature: Feature) -> str:
    return feature.value.removeprefix(PERSON).rpartition("#")[2]


def _without_person(line: Timeline, facts: Facts) -> Iterator[Deviation]:
    """Yield the finding about days with more acts of consequence than there were acts of any kind for people.

    A day's counts do not say which act was for whom, so this is what is certain: at least the difference was not.
    """
    one = facts.assessment
    is_declared = facts.entry is not None and facts.entry.human_in_the_loop is True
    if not (is_declared or one.agent.is_agent):
        return
    acts = {number: feature for number, feature in enumerate(line.features) if _is_for_others(feature)}
    its: list[Used] = []
    alone = for_people = 0
    for day, counts in line.days:
        used = _of_consequence(line, counts)
        done = [(acts[number], count) for number, count in successes(counts).items() if number in acts]
        acted_for = sum(count for _, count in done)
        for_people += sum(count for feature, count in done if _is_person(feature))
        if sum(used.values()) > acted_for:
            alone += sum(used.values()) - acted_for
            its.append((day, counts, used))
    is_silent = not (for_people or line.covered.names_people)  # a log that names nobody says nothing by it
    if its and (for_people > alone or (is_declared and not is_silent)):
        yield lasting(
            "acted_without_person", line, its, "",
            entry=facts.entry.id if facts.entry is not None and is_declared else None,
            without_person=alone, for_people=for_people,
        )  # fmt: skip


def _of_consequence(line: Timeline, counts: DayCounts) -> Mapping[int, int]:
    return {
        number: count
        for number, feature, count in line.used(counts)
        if feature.sort in CONSEQUENTIAL and feature.service not in EVERYBODY_USES and feature.value != _IMPERSONATES
    }
