"""The chain of the log of decisions: whatever is changed, the first record that does not fit is named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from scanner.model.decisions import DECISION_KINDS, Act, Actor, DecisionHead
from scanner.store.chain import EMPTY, ORIGIN, Printed, Row, hash_of, linked, verified
from tests.factories import NOW

ADA = Actor(person="ada@example.com", known_by="sign_in")


def acts(number: int) -> list[Act]:
    """Different decisions."""
    return [
        Act(what="acknowledged", actor=ADA, at=NOW + timedelta(minutes=at), about={"finding": f"f{at}"}, reason="known")
        for at in range(number)
    ]


ROWS, HEAD = linked(EMPTY, acts(6))


def rehashed(row: Row, **members: Any) -> Row:
    """A record with other members, and the hash of these."""
    text = json.dumps({**json.loads(row[1]), **members}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return row[0], text, hash_of(text)


def rewritten(rows: list[Row], at: int) -> list[Row]:
    """The log of somebody who changed a record, and computed all later hashes again."""
    head, done = DecisionHead(count=at, head=rows[at - 1][2] if at else ORIGIN), rows[:at]
    for row in rows[at:]:
        changed = {"reason": "other"} if row[0] == at + 1 else {}
        done.append(rehashed(row, previous=head.head, **changed))
        head = DecisionHead(count=row[0], head=done[-1][2])
    return done


def test_a_log_is_verified_by_a_few_lines_of_any_language() -> None:
    """Each hash is that of the canonical form, which sorted keys and no blanks make."""
    head = ORIGIN
    for number, (at, text, digest) in enumerate(ROWS, start=1):
        record = json.loads(text)
        assert text == json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert (at, record["n"], record["previous"]) == (number, number, head)
        head = hashlib.sha256(text.encode()).hexdigest()
        assert digest == head
    assert DecisionHead(count=6, head=head) == HEAD
    assert verified(ROWS, [Printed(head=head), Printed(head=ROWS[2][2], count=3), Printed(head=ORIGIN)]).faults == ()


def renumbered(row: Row, number: int) -> Row:
    """A row at another place."""
    return number, row[1], row[2]


TAMPERED: dict[str, tuple[Callable[[list[Row]], list[Row]], str]] = {
    "a text changed": (
        lambda rows: [*rows[:2], (3, rows[2][1].replace("known", "other"), rows[2][2]), *rows[3:]],
        "decision 3 was changed",
    ),
    "a text and its hash changed": (
        lambda rows: [*rows[:2], rehashed(rows[2], reason="other"), *rows[3:]],
        "decision 4 does not follow decision 3",
    ),
    "a hash changed": (lambda rows: [*rows[:2], (3, rows[2][1], "0" * 64), *rows[3:]], "decision 3 was changed"),
    "another form of the same": (
        lambda rows: [*rows[:2], (3, f" {rows[2][1]}", hash_of(f" {rows[2][1]}")), *rows[3:]],
        "decision 3 was changed",
    ),
    "no record at all": (
        lambda rows: [*rows[:2], (3, "nonsense", hash_of("nonsense")), *rows[3:]],
        "decision 3 was changed",
    ),
    "a member added": (
        lambda rows: [*rows[:2], rehashed(rows[2], more="x"), *rows[3:]],
        "decision 3 was changed",
    ),
    "one removed": (lambda rows: [*rows[:2], *rows[3:]], "decision 3 is missing"),
    "one removed, the others moved up": (
        lambda rows: [*rows[:2], *(renumbered(row, row[0] - 1) for row in rows[3:])],
        "decision 3 was exchanged or moved",
    ),
    "the first removed": (lambda rows: rows[1:], "decision 1 is missing"),
    "one inserted": (
        lambda rows: [
            *rows[:2],
            renumbered(rehashed(rows[1], n=3), 3),
            *(renumbered(row, row[0] + 1) for row in rows[2:]),
        ],
        "decision 3 does not follow decision 2",
    ),
    "one before all": (lambda rows: [renumbered(rows[0], 0), *rows], "decision 0 is no number of the log"),
    "two exchanged": (
        lambda rows: [rows[0], renumbered(rows[2], 2), renumbered(rows[1], 3), *rows[3:]],
        "decision 2 was exchanged or moved",
    ),
}


@pytest.mark.parametrize("how", TAMPERED)
def test_what_was_tampered_with_is_named(how: str) -> None:
    """The chain alone shows it."""
    tamper, said = TAMPERED[how]

    (fault,) = verified(tamper(list(ROWS))).faults

    assert fault.startswith(said)


def test_only_a_printed_head_shows_a_tail_that_was_cut() -> None:
    """Or a log that was rewritten with all its hashes; heads with a number say between which records."""
    cut, other = ROWS[:4], rewritten(list(ROWS), 2)
    assert verified(cut).faults == verified(other).faults == ()

    assert "was cut before it, or rewritten" in verified(cut, [Printed(head=HEAD.head)]).faults[0]
    (missing,) = verified(cut, [Printed(head=HEAD.head, count=6)]).faults
    assert missing.startswith("decisions 5 to 6 are missing at the end")
    (last,) = verified(ROWS[:5], [Printed(head=HEAD.head, count=6)]).faults
    assert last.startswith("decision 6 is missing at the end")
    heads = [Printed(head=ROWS[number - 1][2], count=number) for number in (2, 4, 6)]
    (between,) = verified(other, heads).faults
    assert between.startswith("one of decisions 3 to 4 was changed")


KINDS = st.sampled_from([kind for kind in DECISION_KINDS if kind != "imported"])
TEXTS = st.one_of(st.none(), st.text(max_size=30))
ACTS = st.lists(
    st.builds(
        Act,
        what=KINDS,
        actor=st.builds(Actor, person=TEXTS, known_by=st.just("option"), os_user=TEXTS),
        at=st.datetimes().map(lambda at: at.replace(tzinfo=NOW.tzinfo)),
        about=st.dictionaries(st.sampled_from(["finding", "identity", "entry"]), st.text(max_size=30)),
        before=TEXTS,
        after=TEXTS,
        reason=TEXTS,
    ),
    min_size=2,
    max_size=8,
)


@given(ACTS, st.data())
def test_any_log_is_sound_and_any_change_of_it_is_noticed(given_acts: list[Act], data: st.DataObject) -> None:
    """Whatever the texts are; with the head of before, one changed, removed or exchanged record is always found."""
    first, head = linked(EMPTY, given_acts[:1])
    more, head = linked(head, given_acts[1:])
    rows, printed = [*first, *more], [Printed(head=head.head, count=head.count)]
    assert verified(rows, printed) == replace(verified(rows), head=head)
    assert verified(rows, printed).faults == ()
    for _, text, _ in rows:
        assert json.loads(text) == json.loads(text.encode())
        assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert not any(ord(char) < 32 or ord(char) == 127 for char in text)

    at = data.draw(st.integers(0, len(rows) - 1))
    other = data.draw(st.integers(0, len(rows) - 1).filter(lambda number: number != at))
    exchanged = list(rows)
    exchanged[at], exchanged[other] = renumbered(rows[other], at + 1), renumbered(rows[at], other + 1)
    changed = [*rows[:at], rehashed(rows[at], what="nothing"), *rows[at + 1 :]]
    for tampered in (exchanged, changed, [*rows[:at], *rows[at + 1 :]], rewritten(rows, at)):
        if tampered != rows:
            assert len(verified(tampered, printed).faults) == 1


def test_texts_are_cut_and_hold_no_secret() -> None:
    """A reason of a workbook, or a name, may be anything."""
    secret = "AKIA" + "IOSFODNN7" + "EXAMPLE"
    act = replace(
        acts(1)[0],
        reason=f"key {secret} aws_secret_access_key=wJalrXUtnFEMIK7MDENGbPxRfiCYzzzzzzzzKEY1",
        before="x" * 9_000,
    )

    ((_, text, _),), _ = linked(EMPTY, [act])

    assert "wJalrXUtnFEMI" not in text
    assert len(json.loads(text)["before"]) == 2_000
