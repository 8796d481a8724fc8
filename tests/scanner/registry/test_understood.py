"""What was understood of a table: carried with the list, printed by lint, and in its JSON."""

from __future__ import annotations

import json
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.model import Policy
from scanner.registry.editing.lint import LintReport, lint_lists, write_json
from scanner.registry.editing.text import lint_text, tables_text
from scanner.registry.lists import ListSource
from scanner.registry.understood import Understood, Words

REGISTRY = """\
Dienstkonten der Abteilung;;;
Konto;Inhaber;Status;Bemerkung
svc-a;ada@example.com;aktiv;x
svc-b;ada@example.com;gelöscht;y
svc-c;ada@example.com;wolkig;y
svc-d;ada@example.com;wolkig;y
Konto;Inhaber;Status;Bemerkung
"""
PEOPLE = "email,name,status\nada@example.com,Ada,active\n"


def report(tmp_path: Path) -> LintReport:
    (tmp_path / "r.csv").write_text(REGISTRY, encoding="utf-8")
    (tmp_path / "p.csv").write_text(PEOPLE, encoding="utf-8")
    lists, people = [ListSource(path=tmp_path / "r.csv")], [ListSource(path=tmp_path / "p.csv")]
    return lint_lists(lists, people, policy=Policy(), providers=None, today=date(2026, 12, 2))


def test_each_table_says_what_was_understood_of_it(tmp_path: Path) -> None:
    """Where it begins, columns, words, rows set aside, and what is not known, with how often it was read."""
    registry, people = report(tmp_path).tables

    assert registry == Understood(
        file=str(tmp_path / "r.csv"),
        line=2,
        columns={"Konto": "account", "Inhaber": "owner", "Status": "status"},
        values={"status": {"aktiv": "active", "gelöscht": "retired"}},
        unknown_headings=("Bemerkung",),
        unknown_values={"status": {"wolkig": 2}},
        set_aside=1,
    )
    assert (people.columns, people.values) == (
        {"email": "email", "name": "name", "status": "status"}, {"status": {"active": "active"}},
    )  # fmt: skip


def test_it_is_printed_and_short_where_it_is_as_usual(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = list(lint_text(report(Path())))
    begins = lines.index("") + 1

    assert lines[begins : lines.index("", begins)] == [
        "table           r.csv, headings in row 2, 1 row set aside",
        "  columns       Konto = account, Inhaber = owner, Status",
        "  status        aktiv = active, gelöscht = retired",
        "  not known     the column Bemerkung, status wolkig (2 cells)",
        "table           p.csv, headings in row 1",
        "  columns       email, name, status",
    ]


def test_it_is_in_the_json(tmp_path: Path) -> None:
    out = BytesIO()
    write_json(report(tmp_path), out)

    registry, _ = json.loads(out.getvalue())["tables"]

    assert registry["unknown_values"] == {"status": {"wolkig": 2}}
    assert registry["columns"]["Inhaber"] == "owner"


def test_of_a_folder_of_files_a_few_are_printed() -> None:
    """JSON has all of them."""
    lines = list(tables_text([Understood(file=f"{number}.yaml") for number in range(1_000)]))

    assert (lines[9], lines[10:]) == ("table           9.yaml", ["… and 990 other tables"])


def test_a_secret_among_the_words_is_masked() -> None:
    words = Words()
    words.note("status", "ghp_" + "a1B2" * 9, None)

    assert "a1B2a1B2" not in str(words.unknown)


@given(
    st.lists(
        st.builds(
            Understood,
            file=st.text(max_size=200),
            sheet=st.none() | st.text(max_size=40),
            columns=st.dictionaries(st.text(max_size=90), st.just("owner"), max_size=40),
            values=st.dictionaries(st.just("status"), st.dictionaries(st.text(max_size=90), st.just("active"))),
            unknown_headings=st.lists(st.text(max_size=90)).map(tuple),
        ),
        max_size=12,
    )
)
def test_it_fits_a_terminal(tables: list[Understood]) -> None:
    """Whatever stands in the table."""
    for line in tables_text(tables):
        assert len(line) <= 80
        assert not set("\n\r\x1b\u202e") & set(line)
