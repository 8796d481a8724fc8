"""The tables of headings: generous, and never ambiguous."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from scanner.languages import Language, languages
from scanner.registry.columns import ACCOUNT, PEOPLE, REGISTRY, STAGE
from scanner.registry.tables.headings import Columns, normal


@pytest.mark.parametrize(
    ("columns", "tables"),
    [
        pytest.param(REGISTRY, lambda language: (language.registry, language.fallbacks), id="registry"),
        pytest.param(PEOPLE, lambda language: (language.people,), id="people"),
    ],
)
def test_no_heading_means_two_columns(
    columns: Columns, tables: Callable[[Language], tuple[Mapping[str, tuple[str, ...]], ...]]
) -> None:
    """Over all languages a heading is in the table of one column only, and every column accepts its own name."""
    listed = [
        (normal(heading), column, table is not language.fallbacks)
        for language in languages().values()
        for table in tables(language)
        for column, headings in table.items()
        for heading in language.spellings(headings)
    ]
    meant: dict[str, set[tuple[str, bool]]] = {}
    for heading, column, is_better in listed:
        meant.setdefault(heading, set()).add((column, is_better))

    assert {heading: found for heading, found in meant.items() if len(found) > 1} == {}
    assert {column for _, column, _ in listed} <= set(columns.names)
    assert [columns.means(name) for name in columns.names] == list(columns.names)
    assert [columns.means(heading) for heading, _, _ in listed] == [column for _, column, _ in listed]


@pytest.mark.parametrize(
    ("heading", "column"),
    [
        ("ARN", "identities"), ("Service Account", "identities"), ("IAM User", "identities"),
        ("IAM role", "identities"),
        ("principal", "identities"), ("User-Name", "identities"), ("client_id", "identities"), ("Account", "account"),
        ("Account ID", "scope"), ("subscription", "scope"), ("Project", "scope"), ("cloud", "provider"),
        ("Owner e-mail", "owner"), ("Responsible", "owner"), ("Accountable", "owner"), ("Contact", "owner"),
        ("Tech. Owner", "technical_owner"), ("Technical contact", "technical_owner"), ("Deputy", "backup_owner"),
        ("App Name", "name"), ("Title", "name"), ("Type", "kind"), ("Env.", "environment"), ("Lifecycle", "status"),
        ("Expiry date", "expires"),
        ("owner_status", None), ("owner type", None), ("service", None), ("role", None),
        ("review date", None), ("notes", None), ("", None),
    ],
)  # fmt: skip
def test_registry_headings(heading: str, column: str | None) -> None:
    """Known headings are recognised; ambiguous ones are not."""
    assert REGISTRY.means(heading) == column


@pytest.mark.parametrize(
    ("heading", "column"),
    [
        ("E-Mail", "email"), ("username", "aliases"),
        ("mail", "email"), ("Employee ID", "id"), ("Full Name", "name"), ("Last day", "left_on"),
        ("Termination Date", "left_on"), ("end date", "left_on"), ("Line Manager", "manager"), ("Department", "team"),
        ("UPN", "aliases"), ("Employment Status", "status"), ("Members", "members"), ("phone", None),
        ("Given name", "first_name"), ("Surname", "last_name"), ("accountEnabled", "status"), ("Employee #", None),
    ],
)  # fmt: skip
def test_people_headings(heading: str, column: str | None) -> None:
    """The headings of staff lists, as HR systems export them."""
    assert PEOPLE.means(heading) == column


@pytest.mark.parametrize(
    ("headings", "taken"),
    [
        pytest.param(("State", "accountEnabled"), ("accountEnabled",), id="an account before a state"),
        pytest.param(("Active", "Status", "State"), ("Status",), id="a status before all"),
        pytest.param(("Reports to", "Manager", "Manager e-mail"), ("Manager e-mail",), id="an address before a name"),
        pytest.param(("Status", "status"), ("Status", "status"), id="the same twice"),
    ],
)
def test_of_several_headings_of_an_export_one_counts(headings: tuple[str, ...], taken: tuple[str, ...]) -> None:
    """Exports have several columns for one fact; the others are kept as unknown columns."""
    placement = PEOPLE.place(headings)

    ((_, positions),) = placement.columns.items()
    assert tuple(headings[at] for at in positions) == taken
    assert [headings[at] for at in placement.unknown] == [heading for heading in headings if heading not in taken]
    assert len(placement.clashes) == len(taken) - 1


def test_a_heading_that_is_explained_goes_before_the_order() -> None:
    """What the user says counts before what we would have chosen."""
    placement = PEOPLE.explained({"Employment Status": "status"}).place(("Status", "Employment Status"))

    assert placement.columns == {"status": (1,)}


@pytest.mark.parametrize(
    ("columns", "section"),
    [pytest.param(REGISTRY, "## Registry columns", id="registry"), pytest.param(PEOPLE, "## The roster", id="people")],
)
def test_the_page_on_writing_lists_is_true(columns: Columns, section: str) -> None:
    """Every column is on the page, and every heading that the page calls understood means that column."""
    page = (Path(__file__).parents[3] / "docs" / "reference" / "registry.md").read_text(encoding="utf-8")
    table = page.partition(section)[2].partition("\n## ")[0]
    rows = [line.split(" | ") for line in table.splitlines() if line.startswith("| `")]
    documented = {row[0].strip("| `"): re.findall(r"`([^`]+)`", row[2]) for row in rows}
    wrong = [
        heading
        for column, headings in documented.items()
        for heading in headings
        if columns.means(heading) not in (column, {"identities": ACCOUNT, "environment": STAGE}.get(column))
    ]

    assert set(documented) == set(columns.names) - {ACCOUNT, STAGE}
    assert wrong == []
