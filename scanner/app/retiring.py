"""Answers who would notice from the store, starts and stops retirements, and says how far they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from scanner.access.attack_paths import AttackGraph
from scanner.app.retirements import is_log_of, is_of_source
from scanner.judging.activity.sign_ins import SignIns, last_sign_in, sign_ins
from scanner.judging.activity.timeline import Covered, Joined, Timeline, join, moment, span_of, successes, timeline
from scanner.lifecycle.retirement.answer import RetirementAsked, Shown, answer, safest_first
from scanner.lifecycle.retirement.dependents import DependentCall, References, calls
from scanner.lifecycle.retirement.verdict import Evidence, LogDays
from scanner.matching.keys import fold
from scanner.model import EVERY_SCOPE, Assessment, Credential, Identity, ScanResult
from scanner.model.activity import ActivityPast, Caller, CallerPast, LogPast
from scanner.model.retirement import (
    Plan,
    RetirementAnswer,
)
from scanner.store.store import Store

WINDOW_DAYS = 90
WAIT_DAYS = 30
_BATCH = 500
"""Identities whose activity is in memory at once."""


class Target(Struct, frozen=True, kw_only=True):
    """What is to be retired: an identity, or one credential of it."""

    judged: Assessment
    credential: Credential | None = None


def targets(hits: Iterable[Assessment], text: str) -> tuple[Target, ...]:
    """What a text names: identities, or a credential if it is the id of one and no identity is called so."""
    found = []
    for hit in hits:
        held = next((one for one in hit.identity.credentials if fold(one.id) == fold(text) or one.key == text), None)
        names = {hit.identity.key, hit.identity.name, hit.identity.unique_id, *hit.identity.aliases}
        found.append(Target(judged=hit, credential=None if text in names else held))
    return tuple(found)


class Question(Struct, frozen=True, kw_only=True):
    """``window_days``: how far back; ``wait_days``: between ``disabled`` and ``deleted``.

    ``shown``: which dependents whoever asks may see.
    """

    window_days: int = WINDOW_DAYS
    wait_days: int = WAIT_DAYS
    now: datetime
    shown: Shown = tuple


class RetirementKnowledge(Struct, frozen=True, kw_only=True):
    """What every answer looks up, read once for the latest scan, ``result``. ``signs``: None without any log."""

    result: ScanResult
    past: ActivityPast
    references: References
    joined: Joined
    signs: SignIns | None


def know(store: Store, graph: AttackGraph | None = None) -> RetirementKnowledge:
    """Read it from the store. ``graph``: of the latest scan, if it is at hand. Raises StoreError and DamagedRow."""
    result, past = store.load(), store.activity.past()
    joined: Joined = join((one.identity for one in result.identities), past)
    return RetirementKnowledge(
        result=result,
        past=past,
        references=References(result, store.attack_graph() if graph is None else graph),
        joined=joined,
        signs=sign_ins(past, joined) if past.logs else None,
    )


class Retiring:
    """Answers about the identities of the latest scan. Raises StoreError and DamagedRow."""

    def __init__(self, store: Store, question: Question, known: RetirementKnowledge | None = None) -> None:
        self._question = question
        self._known = know(store) if known is None else known
        self._under_way = store.retirements.under_way()

    @property
    def result(self) -> ScanResult:
        """The latest scan."""
        return self._known.result

    def answers(self, wanted: Iterable[Target]) -> Iterator[tuple[RetirementAnswer, Plan]]:
        """An answer and a plan for each, a batch in memory at a time."""
        left = iter(wanted)
        while batch := list(islice(left, _BATCH)):
            heard = self._heard([one.judged for one in batch])
            for one in batch:
                told, plan = answer(self._asked(one, heard.get(one.judged.identity.key)), self._known.references)
                begun = self._under_way.get(told.credential or told.identity)
                # Its way back leads to what was there when it began.
                yield (told if begun is None else replace(told, plan=begun.plan)), plan

    def _asked(self, target: Target, heard: _Heard | None) -> RetirementAsked:
        question, judged = self._question, target.judged
        logs = self._logs_of(judged.identity)
        asked = Evidence(
            judged=judged,
            credential=target.credential,
            logs=logs,
            coverage=self._known.result.coverage,
            read_at=self._known.result.scan.started_at,
            now=question.now,
            window_days=question.window_days,
        )
        if heard is None or target.credential is not None:
            return RetirementAsked(evidence=asked, wait_days=question.wait_days, shown=question.shown)
        return RetirementAsked(
            evidence=replace(asked, used_at=heard.used_at, refused_at=heard.refused_at),
            heard=heard.calls,
            logs=", ".join(sorted(heard.logs)),
            wait_days=question.wait_days,
            shown=question.shown,
        )

    def _logs_of(self, identity: Identity) -> tuple[LogDays, ...]:
        """The logs of its place, those that its callers are in, and those of its source without any whole day yet."""
        own = {caller.log for caller in self._known.joined.callers.get(identity.key, ())}
        return tuple(
            _days(name, log, identity)
            for name, log in self._known.past.logs.items()
            if name in own
            or is_log_of(log, identity)
            or (is_of_source(log, identity) and not log.covered and not log.gaps)
        )

    # --- What logs heard ---

    def _heard(self, batch: Sequence[Assessment]) -> Mapping[str, _Heard]:
        """What logs heard of each, from its own callers, refused tries, and those that signed in as it."""
        if self._known.signs is None:
            return {}
        callers: dict[str, tuple[Caller, ...]] = {}
        others: dict[str, tuple[int, ...]] = {}
        for one in batch:
            key = one.identity.key
            own = (*self._known.joined.callers.get(key, ()), *self._of_entities(one.identity))
            callers[key] = (*own, *self._known.signs.refused_of(one.identity, own))
            others[key] = self._known.signs.as_role(key)
        numbers = {caller.number for each in callers.values() for caller in each}
        numbers.update(number for each in others.values() for number in each)
        pasts = {one.caller.number: one for one in self._known.past.read(sorted(numbers))} if numbers else {}
        since = (self._question.now - timedelta(days=self._question.window_days)).date().toordinal()
        return {
            one.identity.key: heard
            for one in batch
            if (heard := _heard_of(one.identity.key, callers, others, pasts, since)) is not None
        }

    def _of_entities(self, identity: Identity) -> Iterator[Caller]:
        """The callers of identities that its sign-ins lead to, for a role alone."""
        for link in identity.links:
            if link.relation == "acts_as" and identity.provider == "vault":
                yield from self._known.joined.callers.get(link.target, ())


class _Heard(Struct, frozen=True, kw_only=True):
    logs: frozenset[str]
    calls: tuple[DependentCall, ...] = ()
    used_at: datetime | None = None
    refused_at: datetime | None = None


def _heard_of(
    key: str,
    callers: Mapping[str, Sequence[Caller]],
    others: Mapping[str, Sequence[int]],
    pasts: Mapping[int, CallerPast],
    since: int,
) -> _Heard | None:
    own = [pasts[caller.number] for caller in callers[key] if caller.number in pasts]
    roles = [pasts[number] for number in others[key] if number in pasts]
    if not own and not roles:
        return None
    line = timeline(own, Covered())
    signed_in = last_sign_in(roles, key)
    used = [one for one in (_last_success(line), signed_in) if one is not None]
    return _Heard(
        logs=frozenset(past.caller.log for past in (*own, *roles)),
        calls=calls(line, since),
        used_at=moment(max(used)) if used else None,
        refused_at=_last_refused(line, since),
    )


def _last_success(line: Timeline) -> int | None:
    """When anything of it succeeded last, in seconds: also what is no use, for it shows that a caller lives."""
    every = (*line.weeks, *line.days)
    return max((span_of(counts, done)[1] for _, counts in every if (done := successes(counts))), default=None)


def _last_refused(line: Timeline, since: int) -> datetime | None:
    last: int | None = None
    for day, counts in line.days:
        refused = [one[0] for one in counts.counts if any(one[2:])]
        if day >= since and refused:
            spans = counts.spans()
            last = max(last or 0, *(spans.get(number, (counts.first, counts.last))[1] for number in refused))
    return None if last is None else moment(last)


def _days(name: str, log: LogPast, identity: Identity) -> LogDays:
    scopes = [one for one in (identity.scope, EVERY_SCOPE) if one in log.covered or one in log.gaps]
    heard = {
        day for scope in scopes for day in log.covered.get(scope, frozenset()) - log.silent.get(scope, frozenset())
    }
    silent = {day for scope in scopes for day in log.silent.get(scope, ())} - heard
    gaps = {day: one.detail or one.status for scope in scopes for day, one in log.gaps.get(scope, {}).items()}
    kinds = {identity.kind, "*"}
    conclusive = not kinds.isdisjoint((*log.sees_all_use_of, *log.sees_sign_ins_of))
    return LogDays(
        log=name,
        conclusive=conclusive,
        covered=frozenset(heard.difference(gaps)),
        silent=frozenset(silent.difference(gaps)),
        gaps=gaps,
    )


def in_order(found: Iterable[tuple[RetirementAnswer, Plan]]) -> tuple[RetirementAnswer, ...]:
    """Answers, the safest and most privileged first."""
    return tuple(sorted((one for one, _ in found), key=safest_first))
