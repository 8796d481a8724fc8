"""The chain of the log of decisions: its canonical form, its hashes, and where it does not fit.

A record is JSON with sorted keys, without blanks, in UTF-8, and without numbers but integers: RFC 8785 gives the same
bytes. Its hash is the SHA-256 of these bytes, and the next record has it as ``previous``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from scanner.errors import StoreError
from scanner.model.decisions import Act, DecisionHead, LoggedDecision
from scanner.redaction.shapes import without_secrets
from scanner.text import cut, printable

VERSION = 1
ORIGIN = "0" * 64
"""What the first record has as ``previous``."""
EMPTY = DecisionHead(count=0, head=ORIGIN)

_LONGEST_TEXT, _LONGEST_NAME = 2_000, 320
_decoder = msgspec.json.Decoder(LoggedDecision)

Row = tuple[int, str, str]
"""A stored record: number, canonical form, hash."""


def canonical(record: LoggedDecision) -> str:
    """The canonical form of a record."""
    return json.dumps(msgspec.to_builtins(record), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def hash_of(text: str) -> str:
    """The SHA-256 of a text in UTF-8, 64 hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def decoded(text: str) -> LoggedDecision:
    """The record of a canonical form. Raises StoreError if it is none."""
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise StoreError(
            f"a record of the log of decisions cannot be read: {printable(str(error))}",
            hint="`muster store check` names it",
        ) from error


def linked(head: DecisionHead, acts: Iterable[Act], at: datetime | None = None) -> tuple[list[Row], DecisionHead]:
    """The rows that continue the chain, and its new head. ``at``: the acts are imported at that time."""
    rows = list[Row]()
    for act in acts:
        text = canonical(_record(head, act, at))
        head = DecisionHead(count=head.count + 1, head=hash_of(text))
        rows.append((head.count, text, head.head))
    return rows, head


def _record(head: DecisionHead, act: Act, imported_at: datetime | None) -> LoggedDecision:
    """Texts are on one line, without secrets, and cut: control characters would be escaped in different ways."""
    is_imported = imported_at is not None
    after = f"{act.what}: {act.after}" if is_imported and act.after else act.what if is_imported else act.after
    return LoggedDecision(
        v=VERSION,
        n=head.count + 1,
        previous=head.head,
        at=_time(imported_at or act.at),
        what="imported" if is_imported else act.what,
        known_by=act.actor.known_by,
        by=_text(act.actor.person, _LONGEST_NAME),
        os_user=_text(act.actor.os_user, _LONGEST_NAME),
        about={name: printable(value) for name, value in act.about.items()},
        before=_text(act.before, _LONGEST_TEXT),
        after=_text(after, _LONGEST_TEXT),
        reason=_text(act.reason, _LONGEST_TEXT),
        row=act.row,
        row_sha256=act.row_sha256,
        stated_at=_time(act.at) if is_imported else None,
    )


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _text(text: str | None, longest: int) -> str | None:
    return None if text is None else cut(without_secrets(text), longest)


# --- Verification ---


class Printed(Struct, frozen=True, kw_only=True):
    """A head that was printed earlier. ``count``: None if only the hash is known. ``source``: where it stands."""

    head: str
    count: int | None = None
    source: str = "the printed head"


class Verified(Struct, frozen=True, kw_only=True):
    """A verified log. ``faults``: the first record that does not fit, and printed heads that it does not continue."""

    head: DecisionHead
    faults: tuple[str, ...] = ()


def verified(rows: Iterable[Row], printed: Sequence[Printed] = ()) -> Verified:
    """Verify a log, given in the order of its numbers, and that it continues all printed heads.

    Records after the first that does not fit are not looked at.
    """
    head, hashes = EMPTY, [bytes.fromhex(ORIGIN)]
    for row in rows:
        fault = next(_faults(head, row), None)
        if fault is not None:
            return Verified(head=head, faults=(fault,))
        head = DecisionHead(count=row[0], head=row[2])
        hashes.append(bytes.fromhex(row[2]))
    return Verified(head=head, faults=tuple(_unfit(hashes, printed)))


def _faults(head: DecisionHead, row: Row) -> Iterator[str]:
    """Why a row does not follow the head, the first reason first."""
    number, text, digest = row
    expected = head.count + 1
    if number > expected:
        yield f"decision {expected} is missing: it was removed"
    elif number < expected:
        yield f"decision {number} is no number of the log: it was inserted"
    if hash_of(text) != digest:
        yield f"decision {number} was changed: its hash is not that of its content"
    try:
        record = decoded(text)
    except StoreError:
        yield f"decision {number} was changed: it is no record of the log"
        return
    if canonical(record) != text:
        yield f"decision {number} was changed: it is not in the canonical form"
    if record.n != number:
        yield f"decision {number} was exchanged or moved: it says that it is number {record.n}"
    if record.previous != head.head:
        before = f"decision {head.count}" if head.count else "the beginning of the log"
        yield f"decision {number} does not follow {before}: one of the two was changed, exchanged or inserted"


def _unfit(hashes: Sequence[bytes], printed: Sequence[Printed]) -> list[str]:
    """A message for the earliest head that the log does not continue, of those with a number, and for each without."""
    count, faults = len(hashes) - 1, list[str]()
    fits = 0
    for one in sorted((one for one in printed if one.count is not None), key=lambda one: one.count or 0):
        number = one.count or 0
        if number > count:
            lost = f"decision {number} is" if number == count + 1 else f"decisions {count + 1} to {number} are"
            faults.append(f"{lost} missing at the end: {one.source} is of {number}, and the log has {count}")
            break
        if hashes[number].hex() != one.head:
            which = f"decision {number}" if number == fits + 1 else f"one of decisions {fits + 1} to {number}"
            faults.append(f"{which} was changed, removed or exchanged: {one.source} was another one")
            break
        fits = number
    known = frozenset(hashes)
    faults += [
        f"no decision has the hash of {one.source}, {one.head}: the log was cut before it, or rewritten"
        for one in printed
        if one.count is None and bytes.fromhex(one.head) not in known
    ]
    return faults
