"""Rows that are no entries, headings that offer a choice, and days in the order of a heading's language."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from scanner.languages import NAMES, languages
from scanner.registry.columns import PEOPLE, REGISTRY
from scanner.registry.entries import survey_registry
from scanner.registry.lists import ListSource
from scanner.registry.roster.people import load_people


def _list(tmp_path: Path, text: str) -> ListSource:
    path = tmp_path / "list.csv"
    path.write_text(text, encoding="utf-8")
    return ListSource(path=path)


@pytest.mark.parametrize("language", NAMES)
def test_a_row_of_a_total_is_no_entry(tmp_path: Path, language: str) -> None:
    words = languages()[language].totals
    rows = "".join(f"{word.capitalize()},,369\n{word}: 3,,\n" for word in words)

    found = survey_registry([_list(tmp_path, f"identities,owner,rotation\nsvc-a,,\n{rows}")])

    assert [entry.identities for entry in found.registry.entries] == [("svc-a",)]
    assert found.problems == ()


def test_a_word_of_a_total_begins_names_of_entries(tmp_path: Path) -> None:
    """``Gesamt`` alone is a total, but with an owner beside it, it is an account."""
    text = "identities,owner\nsomme-service,ada@example.com\ntotale,ada@example.com\n計算サービス,ada@example.com\n"

    found = survey_registry([_list(tmp_path, text)])

    assert [entry.name or entry.identities[0] for entry in found.registry.entries] == [
        "somme-service", "totale", "計算サービス"
    ]  # fmt: skip


@pytest.mark.parametrize("ruled", ["-----,-----,-----", "***,,***", "?,,", "—,…,·", "•,,", "=-=,,"])
def test_a_row_without_letters_or_digits_is_no_entry(tmp_path: Path, ruled: str) -> None:
    found = survey_registry([_list(tmp_path, f"identities,owner,purpose\nsvc-a,,\n{ruled}\nサーバー,,\n")])

    assert [entry.identities for entry in found.registry.entries] == [("svc-a",), ("サーバー",)]
    assert found.problems == ()


@pytest.mark.parametrize("heading", ["本番環境：", "Production :", "Verwaltung:"])
def test_a_section_is_no_entry(tmp_path: Path, heading: str) -> None:
    found = survey_registry([_list(tmp_path, f"identities,owner,purpose\n{heading},,\nsvc-a,,\n")])

    assert [entry.identities for entry in found.registry.entries] == [("svc-a",)]


@pytest.mark.parametrize(
    ("heading", "column"),
    [
        ("Subscription / account", "scope"), ("Konto / Mandant", "scope"), ("Abonnement of account", "scope"),
        ("Account o sottoscrizione", "scope"), ("ARN oder Kontoname", "identities"), ("Owner/Contact", "owner"),
        ("Owner / Purpose", None), ("Konto / Bemerkung", None), ("Account or owner", None), ("type of account", None),
    ],
)  # fmt: skip
def test_a_heading_with_a_choice_means_what_all_its_parts_mean(heading: str, column: str | None) -> None:
    """With a word for a place beside it, an account is a place: unread, the entry would hold for every account."""
    assert REGISTRY.means(heading) == column


def test_days_are_in_the_order_of_the_headings_language(tmp_path: Path) -> None:
    """Where everybody writes the day first; under English and Japanese headings, such a day stays unread."""
    text = "identities,{}\nsvc-a,03/04/2027\n"
    means = {"Gültig bis": date(2027, 4, 3), "Date de fin": date(2027, 4, 3), "Expires": None, "有効期限": None}

    for heading, day in means.items():
        found = survey_registry([_list(tmp_path, text.format(heading))])
        assert [entry.expires for entry in found.rows] == [day]
        assert bool(found.problems) is (day is None)


def test_last_days_of_people_are_in_the_order_of_the_headings_language(tmp_path: Path) -> None:
    people = load_people([_list(tmp_path, "e-mailadres,datum uit dienst\nada@example.com,11-03-2022\n")]).people

    assert [person.left_on for person in people] == [date(2022, 3, 11)]
    assert PEOPLE.means("Datum uit dienst") == "left_on"


def test_the_config_decides_the_order_of_days(tmp_path: Path) -> None:
    path = _list(tmp_path, "identities,Gültig bis\nsvc-a,03/04/2027\n").path

    (entry,) = survey_registry([ListSource(path=path, dates="month-first")]).rows

    assert entry.expires == date(2027, 3, 4)
