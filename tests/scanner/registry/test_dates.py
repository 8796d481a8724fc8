"""Dates in cells, as lists of eight languages have them: read for certain, or refused."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.languages import NAMES, languages
from scanner.registry.entries import survey_registry
from scanner.registry.lists import ListSource
from scanner.registry.roster.people import survey_people
from scanner.registry.tables.cells import CellError
from scanner.registry.tables.dates import AmbiguousDate, DateOrder, read_date

WITH_NAMES = [language for language in NAMES if any(languages()[language].months)]
DAYS = st.dates(date(1990, 1, 1), date(2119, 12, 31))


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("31. Dezember 2026", date(2026, 12, 31)), ("31. Dez. 2026", date(2026, 12, 31)),
        ("1er mars 2026", date(2026, 3, 1)), ("31 déc. 2026", date(2026, 12, 31)),
        ("31 DECEMBRE 2026", date(2026, 12, 31)),
        ("31 de marzo de 2026", date(2026, 3, 31)), ("1º de março de 2026", date(2026, 3, 1)),
        ("31 dicembre 2026", date(2026, 12, 31)), ("31 december 2026", date(2026, 12, 31)),
        ("01-okt-2026", date(2026, 10, 1)), ("2026年3月31日", date(2026, 3, 31)), ("令和8年3月31日", date(2026, 3, 31)),
        ("令和元年5月1日", date(2019, 5, 1)), ("２０２６年３月３１日", date(2026, 3, 31)),
        ("2026/3/31", date(2026, 3, 31)),
        ("2026.03.31", date(2026, 3, 31)), ("31. 3. 2026", date(2026, 3, 31)), ("4 Maerz 2026", date(2026, 3, 4)),
        ("Ende März 2026", date(2026, 3, 31)), ("fin mars 2026", date(2026, 3, 31)), ("2026年2月末", date(2026, 2, 28)),
        ("Ende 2026", date(2026, 12, 31)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("last", [False, True])
def test_days_of_eight_languages(cell: str, expected: date, last: bool) -> None:
    """Month names with and without accents and full stops, eras, ordinals, full-width digits."""
    assert read_date(cell, last=last) == expected


@pytest.mark.parametrize(
    ("cell", "month"),
    [
        ("März 2026", 3), ("mars 2026", 3), ("marzo de 2026", 3), ("março/2026", 3), ("mrt 2026", 3), ("2026年3月", 3),
        ("令和8年3月", 3), ("03/2026", 3), ("03.2026", 3), ("2026-03", 3), ("Feb 2024", 2), ("Sept. 2026", 9),
    ],
)  # fmt: skip
def test_a_month_as_an_end_means_its_last_day(cell: str, month: int) -> None:
    """Anywhere else its first one: a review in March was no later than that."""
    year = int(re.findall(r"20\d\d", cell)[0]) if "20" in cell else 2026

    assert read_date(cell, last=True) == date(year, month, monthrange(year, month)[1])
    assert read_date(cell) == date(year, month, 1)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("bis 31.12.2026", date(2026, 12, 31)), ("befristet bis 31. Dezember 2026", date(2026, 12, 31)),
        ("jusqu’au 31 décembre 2026", date(2026, 12, 31)), ("hasta el 31 de marzo de 2026", date(2026, 3, 31)),
        ("t/m 31-12-2026", date(2026, 12, 31)), ("2026年3月31日まで", date(2026, 3, 31)),
        ("bis Ende März 2026", date(2026, 3, 31)),
        ("unbefristet", None), ("Illimité", None), ("INDEFINIDO", None), ("indeterminato", None), ("onbepaald", None),
        ("無期限", None), ("sans échéance", None), ("indefinitely", None), ("dauerhaft", None), ("sem prazo", None),
    ],
)  # fmt: skip
def test_ends(cell: str, expected: date | None) -> None:
    """Words for "until" and for no end are read where a last day stands, and nowhere else."""
    assert read_date(cell, last=True) == expected
    with pytest.raises(CellError):
        read_date(cell)


@pytest.mark.parametrize(
    "cell",
    [
        "Q4 2026", "4. Quartal 2026", "2026", "März", "12/26", "dez/26", "30 février 2026", "2026年13月", "13/2026",
        "0/2026", "令和0年1月1日", "31 Foo 2026", "ab März 2026", "2026年度末", "nach Bedarf", "März 2026 (geschätzt)",
    ],
)  # fmt: skip
@pytest.mark.parametrize("last", [False, True])
def test_what_is_not_certain_is_no_date(cell: str, last: bool) -> None:
    """Quarters and years may be those of the company, and two digits may be a day."""
    with pytest.raises(CellError):
        read_date(cell, last=last)


@given(day=DAYS, language=st.sampled_from(WITH_NAMES), pick=st.randoms(use_true_random=False))
def test_a_day_with_the_name_of_its_month_is_read_back(day: date, language: str, pick: Random) -> None:
    """In every language, with every name of the month and in any case."""
    table = languages()[language]
    word = pick.choice(list(table.spellings(table.months[day.month - 1])))
    between = pick.choice([" ", f" {table.of[0]} " if table.of else " ", "-", ". "])
    text = f"{day.day}{between}{pick.choice([word, word.upper(), word.title()])}{between.replace('.', '')}{day.year}"

    assert read_date(text) == day


@given(day=DAYS)
def test_a_japanese_day_is_read_back(day: date) -> None:
    eras = [(era, before) for era, before in languages()["japanese"].eras.items() if day.year > before]
    texts = [f"{day.year}年{day.month}月{day.day}日", f"{day.year}年 {day.month}月 {day.day}日"]
    texts += [f"{era}{day.year - before}年{day.month}月{day.day}日" for era, before in eras if day.year - before < 100]

    assert {read_date(text) for text in texts} == {day}


@given(text=st.text(max_size=100), order=st.sampled_from([None, "day-first", "month-first"]), last=st.booleans())
def test_any_cell_is_a_date_or_refused(text: str, order: DateOrder | None, last: bool) -> None:
    """With one kind of error, and the same answer for the same date written in ISO form."""
    try:
        day = read_date(text, order, last=last)
    except CellError:
        return
    assert day is None or read_date(day.isoformat(), last=last) == day


@given(first=st.integers(1, 12), second=st.integers(1, 12), year=st.integers(1990, 2100))
def test_a_day_that_could_be_two_is_never_guessed(first: int, second: int, year: int) -> None:
    text = f"{first}/{second}/{year}"
    if first == second:
        assert read_date(text) == date(year, first, second)
        return
    with pytest.raises(AmbiguousDate):
        read_date(text)
    assert read_date(text, "day-first") == date(year, second, first)
    assert read_date(text, "month-first") == date(year, first, second)


def test_ends_are_read_in_their_columns(tmp_path: Path) -> None:
    """Of an entry and of a person; a word for no end is a bad cell under a review."""
    registry, people = tmp_path / "registry.csv", tmp_path / "people.csv"
    registry.write_text(
        "Dienstkonto;Gültig bis;Letzte Prüfung\na;unbefristet;März 2026\nb;März 2026;unbefristet\n", encoding="utf-8"
    )
    people.write_text("E-Mail;Austritt\na@x;unbefristet\nb@x;Februar 2028\n", encoding="utf-8")

    entries = survey_registry([ListSource(path=registry)])
    roster = survey_people([ListSource(path=people)])

    assert [(entry.expires, entry.last_reviewed) for entry in entries.rows] == [
        (None, date(2026, 3, 1)), (date(2026, 3, 31), None),
    ]  # fmt: skip
    assert [(problem.line, problem.field) for problem in entries.problems] == [(3, "Letzte Prüfung")]
    assert [person.left_on for person in roster.people.people] == [None, date(2028, 2, 28) + timedelta(days=1)]
