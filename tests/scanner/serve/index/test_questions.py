"""Answers agree with a plain filter over all rows, whatever is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from reports.states import STATES
from scanner.errors import UsageError
from scanner.model import (
    Assessment,
    EntryAssessment,
    Grant,
    OwnershipVerdict,
    RegistryVerdict,
    ScanResult,
    StoredSecret,
)
from scanner.serve.index.building import IndexPlan, build
from scanner.serve.index.lists import LISTS
from scanner.serve.index.questions import LIST_NAMES, IndexQuestion, ListName, facet_key
from scanner.serve.index.reading import ScanIndex
from scanner.store.store import Store
from tests.databases import empty_store, sqlite_file
from tests.examples import examples
from tests.factories import (
    days_ago,
    make_assessment,
    make_credential,
    make_entry,
    make_finding,
    make_identity,
    make_result,
)

NAMES = (
    "svc-billing",
    "SVC-Orders",
    "a",
    'qu"ote*',
    "ünï-😀",
    "NEAR(x, 2) OR y",
    "{own}: z",
    "-",
    "x\x00y",
    "a^b AND c",
)
PEOPLE = ("ada@example.com", "bob@example.com", None)


def varied() -> ScanResult:
    """Thirty identities of different names, owners and states, with what they hold."""
    assessments = tuple(map(_assessment, range(30)))
    findings = tuple(_finding(number, assessment) for number, assessment in enumerate(assessments) if number % 3)
    judged = tuple(
        replace(one, findings=tuple(each.fingerprint for each in findings if each.identity == one.identity.key))
        for one in assessments
    )
    entry = make_entry("svc-billing", id="E1", owner=("ada@example.com",), backup_owner=("Team-Ops",))
    secret = StoredSecret(key="sm:db", provider="aws", source="prod", scope="123456789012", name="db-password")
    return make_result(
        *judged,
        findings=(*findings, make_finding(fingerprint="ee" * 16, identity=None, entry="E1", title="Entry expired")),
        entries=(EntryAssessment(entry=entry, state="found", identities=(judged[0].identity.key,)),),
        secrets=(secret,),
    )


def _assessment(number: int) -> Assessment:
    name, owner = NAMES[number % len(NAMES)], PEOPLE[number % 3]
    identity = make_identity(
        name,
        key=f"urn:{number}:{name}",
        tags={"Team": ("Payments", "search")[number % 2]} if number % 5 else {},
        grants=(Grant(name="AdministratorAccess", via="direct"),) if number % 4 == 0 else (),
        provider=("aws", "azure", "gcp")[number % 3],
    )
    if number % 2:
        held = make_credential(identity, f"AKIA{number:04}", created_at=days_ago(number * 40))
        identity = replace(identity, credentials=(held,))
    return make_assessment(
        identity,
        registry=RegistryVerdict(state="registered", entry="E1")
        if number == 0
        else RegistryVerdict(state="unregistered"),
        ownership=OwnershipVerdict(state="owned", owner=owner)
        if owner
        else OwnershipVerdict(state="orphaned", reason="never_assigned"),
    )


def _finding(number: int, assessment: Assessment) -> Any:
    severity = ("critical", "high", "low")[number % 3]
    return make_finding(
        fingerprint=f"{number:032x}", identity=assessment.identity.key, severity=severity, new=number % 2 == 0
    )


@cache
def store_of_two_scans() -> Store:
    """The second one is the varied estate."""
    store, second = empty_store(sqlite_file), varied()
    first = replace(second, scan=replace(second.scan, id="first"), identities=second.identities[3:], findings=())
    store.save(first)
    store.save(second)
    return store


_FOLDER = TemporaryDirectory()


@cache
def varied_index() -> ScanIndex:
    """The index of the varied estate; it is only read."""
    path = Path(_FOLDER.name) / "varied.index"
    build(store_of_two_scans(), IndexPlan(path=path))
    return ScanIndex(path)


Row = Mapping[str, Any]


@cache
def rows_of(name: ListName) -> Sequence[tuple[str, Row]]:
    """All keys and rows of a list in its own order."""
    question = IndexQuestion(list=name)
    return list(zip(varied_index().keys(question), varied_index().rows(question), strict=True))


def texts_of(name: ListName, row: Row) -> str:
    """What leads to a row by text."""
    spec = LISTS[name]
    texts = [
        row[column] for column in (*spec.searched, *spec.borrowed) if column in spec.texts or column in spec.searched
    ]
    if name == "identities":
        found = next(
            one.identity for one in varied().identities if f"urn:{row['key'].split(':')[1]}:" in one.identity.key
        )
        texts += [*found.tags, *found.tags.values(), *(grant.name for grant in found.grants)]
        texts += [credential.id for credential in found.credentials]
        texts += ["direct"] * bool(found.grants) + [
            found.unique_id,
            found.display_name,
            "E1" if row["registry"] == "registered" else None,
        ]
    return "\n".join(_flat(texts)).lower()


def _flat(texts: Sequence[Any]) -> Iterator[str]:
    for text in texts:
        if isinstance(text, list | tuple):
            yield from _flat(text)
        elif text is not None:
            yield str(text)


def matches(name: ListName, row: Row, question: IndexQuestion, but: str | None = None) -> bool:
    """The plain filter."""
    words = question.text.lower().split()
    has_text = all(word in texts_of(name, row) or row.get("fingerprint", "").startswith(word) for word in words)
    return has_text and all(
        facet_key(row[facet]) in keys for facet, keys in question.chosen.items() if keys and facet != but
    )


WORDS = st.sampled_from(
    ("svc", "SVC-", "a", "sv", "pay", "akia", "00", "ada@", "adm", "e1", '"', "*", "or", "urn:1", "\0", "😀", "ï-")
)
TEXTS = st.lists(WORDS | st.text(max_size=4), max_size=3).map(" ".join)


@st.composite
def questions(draw: st.DrawFn) -> IndexQuestion:
    """Any question that has an answer."""
    name = draw(st.sampled_from(LIST_NAMES))
    spec = LISTS[name]
    chosen = {
        facet: frozenset(
            draw(st.sets(st.sampled_from(sorted({facet_key(row[facet]) for _, row in rows_of(name)} | {"", "other"}))))
        )
        for facet in draw(st.sets(st.sampled_from(spec.facets), max_size=2))
    }
    return IndexQuestion(
        list=name,
        text=draw(TEXTS),
        chosen=chosen,
        sort=draw(st.none() | st.sampled_from(spec.sorts)),
        descending=draw(st.booleans()),
    )


@examples(150)
@given(questions(), st.integers(0, 12), st.integers(1, 8))
def test_a_page_and_the_counts_are_those_of_a_plain_filter(question: IndexQuestion, offset: int, limit: int) -> None:
    """And every page follows its cursor to the end."""
    index, name = varied_index(), question.list
    expected = [(key, row) for key, row in rows_of(name) if matches(name, row, question)]

    page = index.page(question, limit=limit, offset=offset)
    everything = list(zip(index.keys(question), index.rows(question), strict=True))

    assert page.total == len(expected)
    assert list(zip(page.keys, page.rows, strict=True)) == everything[offset : offset + limit]
    assert Counter(map(repr, everything)) == Counter(map(repr, expected))
    if question.sort is None and not question.descending:
        assert everything == expected
    elif question.sort is not None:
        cells = [row[question.sort] for _, row in everything]
        assert cells == sorted(cells, key=lambda cell: _place(name, question, cell))
    followed: list[str] = []
    cursor = None
    for _ in range(1 + page.total):
        part = index.page(question, limit=limit, after=cursor)
        followed += part.keys
        if (cursor := part.next) is None:
            break
    assert followed == [key for key, _ in everything]
    for facet, counted in index.counts(question).items():
        left = Counter(row[facet] for _, row in rows_of(name) if matches(name, row, question, but=facet))
        assert dict(counted) == left | dict.fromkeys(_chosen(name, question, facet) - left.keys(), 0)
        assert index.counts(question, most=2)[facet][0:1] == counted[0:1]
        assert index.counts(question, facets=(facet,)) == {facet: counted}


def _place(name: ListName, question: IndexQuestion, cell: Any) -> tuple[Any, ...]:
    """Where a cell is sorted, what is unknown last."""
    axis = LISTS[name].axes.get(question.sort or "")
    if cell is None:
        return (1, 0)
    if isinstance(cell, list):
        cell = "\n".join(cell)
    number = (
        list(STATES[axis]).index(cell)
        if axis
        else (2**62 if cell == "never" else cell)
        if question.sort in LISTS[name].numbers
        else None
    )
    if number is not None:
        return (0, -number if question.descending else number)
    text = [ord(char) for char in str(cell).lower()]
    return (0, [-code for code in text] + [1] if question.descending else [*text, -1])


def _chosen(name: ListName, question: IndexQuestion, facet: str) -> set[Any]:
    keys = question.chosen.get(facet, frozenset())
    return {row[facet] for _, row in rows_of(name) if facet_key(row[facet]) in keys}


@given(st.text(max_size=1_100))
@example('a" OR b')
@example("NEAR(a b)")
@example("\ud800 \x00")
def test_any_text_is_an_answer_or_a_usage_error(text: str) -> None:
    """Operators and quotes of the query language are plain text."""
    question = IndexQuestion(list="identities", text=text)
    if len(text) > 1_000:
        with pytest.raises(UsageError, match="too long"):
            varied_index().page(question, limit=1)
    else:
        assert varied_index().page(question, limit=1).total <= 30


def test_people_see_only_what_they_own() -> None:
    """By the owner of an identity, or any owner that its entry names; with its credentials, findings and changes."""
    index, bob = varied_index(), frozenset({"bob@example.com"})
    his = {row["key"] for _, row in rows_of("identities") if row["owner"] == "bob@example.com"}

    def seen(name: ListName, *people: str) -> list[Any]:
        column = {"credentials": "holder", "entries": "id", "coverage": "section"}.get(name, "key")
        return [row[column] for row in index.rows(IndexQuestion(list=name, owners=frozenset(people)))]

    assert set(seen("identities", *bob)) == his
    held: dict[ListName, str] = {"findings": "key", "credentials": "holder", "changes": "key"}
    for name, column in held.items():
        expected = [row[column] for _, row in rows_of(name) if (row.get("identity") or row[column]) in his]
        assert seen(name, *bob) == expected, name
    assert seen("entries", *bob) == seen("coverage", *bob) == []
    counted = index.counts(IndexQuestion(list="identities", owners=bob))
    assert all(sum(number for _, number in values) == len(his) for values in counted.values())
    assert {name: len(seen(name, "team-ops")) for name in LIST_NAMES} == {
        "identities": 1, "agents": 0, "findings": 1, "entries": 1, "credentials": 0, "exposed": 0,
        "changes": 2, "coverage": 0,
    }  # fmt: skip
    assert all(seen(name) == seen(name, "eve@example.com") == [] for name in LIST_NAMES)


@pytest.mark.parametrize(
    "question",
    [
        IndexQuestion(list="identities", chosen={"colour": frozenset({"red"})}),
        IndexQuestion(list="identities", sort="stem"),
        IndexQuestion(list="findings", sort="key"),
    ],
)
def test_an_unknown_facet_or_column_is_refused(question: IndexQuestion) -> None:
    """With the known ones as a hint."""
    with pytest.raises(UsageError, match="there is no") as refused:
        varied_index().page(question, limit=1)

    assert refused.value.hint


@given(st.text(max_size=40) | st.binary(max_size=40).map(lambda some: some.decode("latin-1")))
@example("")
@example("WyJhIiwiYiIsMV0")
def test_a_cursor_of_something_else_is_refused(cursor: str) -> None:
    """Also one of another question."""
    with pytest.raises(UsageError, match="cursor"):
        varied_index().page(IndexQuestion(list="identities"), limit=1, after=cursor)
    other = varied_index().page(IndexQuestion(list="identities", text="urn"), limit=1).next
    with pytest.raises(UsageError, match="another question"):
        varied_index().page(IndexQuestion(list="identities"), limit=1, after=other)
