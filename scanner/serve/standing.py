"""What people have done since the scan: acknowledgements, proposals, reviews; and the states of findings by that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path

from scanner.app.acknowledging import listed_acknowledgements, served_acknowledgements
from scanner.app.handling import handling_of
from scanner.model import Acknowledgement, FindingState
from scanner.model.served import AcknowledgementAsked, AcknowledgementWithdrawn, FindingAcknowledged
from scanner.serve.context import Serving
from scanner.serve.index.files import Cache
from scanner.serve.index.questions import IndexQuestion, Marks
from scanner.serve.index.reading import ScanIndex
from scanner.store.store import Store
from scanner.suppressions.acknowledgements import Acknowledgements
from scanner.suppressions.handling import OF_OWNERS, Handling

_MOST_SCOPED = 20_000
"""Findings of rules with acknowledgements by rule that are looked at; of more, lists show those of the last scan."""
_HANDLING = Cache[tuple[int, str | None], Handling](2)
_MARKS = Cache[tuple[object, ...], Marks](4)
_SCOPED = Cache[tuple[object, ...], tuple[str, ...]](4)


def acknowledged(serving: Serving) -> Sequence[Acknowledgement]:
    """The current acknowledgements, in files and in the page."""
    files = serving.lists.config.acknowledged
    listed = _listed(files, tuple(map(_stamp, files)), serving.clock().date())
    served = serving.store.served
    last = (
        served.last(FindingAcknowledged),
        served.last(AcknowledgementAsked),
        served.last(AcknowledgementWithdrawn),
    )
    return (*listed, *_served(serving.store, last))


@lru_cache(maxsize=1)
def _served(store: Store, _last: tuple[datetime | None, ...]) -> tuple[Acknowledgement, ...]:
    return served_acknowledgements(store)


def _stamp(file: Path) -> tuple[int, int] | None:
    """A value that changes with the file."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


@lru_cache(maxsize=1)
def _listed(files: tuple[Path, ...], _stamps: object, today: date) -> tuple[Acknowledgement, ...]:
    return listed_acknowledgements(files, today)


def handling(serving: Serving) -> Handling:
    """What people began about identities. The length of the log of decisions tells news."""
    store, latest = serving.store, serving.catalog.latest()
    key = (store.decisions.head().count, None if latest is None else latest.scan)
    return _HANDLING.get(key, lambda: handling_of(store))


def marks(serving: Serving, index: ScanIndex) -> Marks:
    """The states of findings that differ by now from those of the index."""
    given, begun, today = tuple(acknowledged(serving)), handling(serving), serving.clock().date()
    name = f"{index.scan} {hash((given, begun))} {today}"
    return _MARKS.get((index.scan, given, begun, today), lambda: _marks(serving, index, given, begun, name))


def _marks(serving: Serving, index: ScanIndex, given: Sequence[Acknowledgement], begun: Handling, name: str) -> Marks:
    today = serving.clock().date()
    valid = [one for one in given if one.given.until >= today]
    findings: dict[str, FindingState] = {one.finding: "asked" for one in valid if one.finding and one.asked}
    findings |= {one.finding: "acknowledged" for one in valid if one.finding and not one.asked}
    scoped = tuple(one for one in valid if one.rule is not None)
    if scoped:
        of_rules = _SCOPED.get((index.scan, scoped, today), lambda: tuple(_by_rule(serving, index, scoped, today)))
        findings |= dict.fromkeys(of_rules, "acknowledged")
    identities: dict[str, FindingState] = dict.fromkeys(begun.proposed, "proposed")
    identities |= dict.fromkeys(begun.in_review, "in_review")
    return Marks(findings=findings, identities=identities, owner_rules=OF_OWNERS, name=name)


def _by_rule(serving: Serving, index: ScanIndex, scoped: Sequence[Acknowledgement], today: date) -> Iterable[str]:
    """Fingerprints of the findings that acknowledgements by rule cover."""
    rules = frozenset(one.rule for one in scoped if one.rule)
    question = IndexQuestion(list="findings", chosen={"rule": rules})
    if index.page(question, limit=0).total > _MOST_SCOPED:
        return
    with serving.store.records(index.scan) as records:
        found = records.findings(list(index.keys(question)))
        holders = records.identities(list(dict.fromkeys(one.identity for one in found if one.identity)))
    known = {one.identity.key: one.identity for one in holders}
    book = Acknowledgements(scoped, today)
    for one in found:
        if book.of(one, known.get(one.identity or "")) is not None:
            yield one.fingerprint
