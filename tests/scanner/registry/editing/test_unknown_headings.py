"""Unknown headings: suggestions as configuration that makes the list readable."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path

import msgspec
import openpyxl
import pytest

from scanner.registry.columns import REGISTRY
from scanner.registry.editing.unknown_headings import suggest_config
from scanner.registry.entries import load_registry
from scanner.registry.lists import PRESETS, ListSource, Preset
from scanner.registry.roster import Roster
from tests.factories import make_person

ROSTER = Roster((make_person("ada@example.com", name="Ada Lovelace"),), date(2026, 11, 25))
POLISH = """\
Tożsamość,Odpowiedzialny,Zastępca,Umgebung,Bemerkung,Passwort
arn:aws:iam::123456789012:role/a,ada@example.com,Ada Lovelace,prod,läuft nachts,x
arn:aws:iam::123456789012:role/b,Lovelace Ada,ada@example.com,dev,,y
"""
SERVICENOW = """\
Name,Sys ID,Short description,Owned by,Managed by,Used for,Install Status
svc-a,9d38,pays out,Ada Lovelace,ada@example.com,Production,Retired
"""


def _config(path: Path) -> str:
    return "\n".join(suggest_config(ListSource(path=path), ROSTER))


def _source(text: str) -> ListSource:
    return msgspec.convert(tomllib.loads(text)["registry"][0], ListSource, dec_hook=lambda as_type, text: as_type(text))


def test_headings_are_explained_by_what_stands_under_them(tmp_path: Path) -> None:
    """The configuration is valid TOML, and the list can be read with it; columns of secrets are never read."""
    path = tmp_path / "liste.csv"
    path.write_text(POLISH, encoding="utf-8")

    config = _config(path)
    entries = load_registry([_source(config)]).entries

    assert '"Tożsamość" = "identities"  # 2 of 2 cells are ids' in config
    assert '"Odpowiedzialny" = "owner"  # 2 of 2 cells are people' in config
    assert '# "Bemerkung" is kept and shown as it is' in config
    assert "Passwort" not in config
    assert [(entry.identities[0][-1], entry.owner, entry.technical_owner, entry.environment) for entry in entries] == [
        ("a", ("ada@example.com",), ("Ada Lovelace",), "prod"),
        ("b", ("Lovelace Ada",), ("ada@example.com",), "dev"),
    ]


def test_an_export_is_recognised_by_its_headings(tmp_path: Path) -> None:
    path = tmp_path / "cmdb.csv"
    path.write_text(SERVICENOW, encoding="utf-8")

    config = _config(path)
    (entry,) = load_registry([_source(config)]).entries

    assert 'preset = "servicenow"' in config
    assert (entry.id, entry.identities, entry.purpose, entry.owner, entry.technical_owner, entry.environment) == (
        "9d38", ("svc-a",), "pays out", ("Ada Lovelace",), ("ada@example.com",), "Production",
    )  # fmt: skip
    assert entry.status == "retired"


@pytest.mark.parametrize(
    ("headings", "preset"),
    [
        ("Name,Managed by,Install Status,Operational status", "servicenow"),
        ("name,owned_by,install_status", "servicenow"),
        ("Name,Owner,Install Status", None),
        ("Name,Owner,Status", None),
    ],
)
def test_headings_of_codes_identify_the_preset(headings: str, preset: str | None, tmp_path: Path) -> None:
    """They mean a status without a preset, too, and only with it do their codes."""
    path = tmp_path / "snow.csv"
    path.write_text(f"{headings}\n{','.join('x' for _ in headings.split(','))}\n", encoding="utf-8")

    assert _source(_config(path)).preset == preset


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_name_columns_of_the_registry(preset: Preset) -> None:
    assert set(PRESETS[preset].values()) <= set(REGISTRY.names)


def test_own_columns_go_before_the_preset(tmp_path: Path) -> None:
    path = tmp_path / "cmdb.csv"
    path.write_text(SERVICENOW, encoding="utf-8")
    source = ListSource(path=path, preset="servicenow", columns={"Managed by": "backup_owner"})

    (entry,) = load_registry([source]).entries

    assert (entry.backup_owner, entry.technical_owner) == (("ada@example.com",), ())


def test_the_list_of_a_workbook_is_explained_and_never_its_cover(tmp_path: Path) -> None:
    """The cover has one of the words, and more rows; the configuration names the sheet, and works."""
    book = openpyxl.Workbook()
    cover, bots = book.worksheets[0], book.create_sheet("Boti")
    for cells in (("Service accounts",), ("Owner", "IT"), *((f"{number}.", "a rule") for number in range(30))):
        cover.append(cells)
    bots.append(("Akaunti za huduma",))
    bots.append(("Kitambulisho", "Mwenyewe", "Kazi"))
    for name in "ab":
        bots.append((f"arn:aws:iam::123456789012:role/{name}", "ada@example.com", "kulipa"))
    book.save(tmp_path / "orodha.xlsx")

    config = _config(tmp_path / "orodha.xlsx")
    source = _source(config)
    entries = load_registry([source]).entries

    assert source.sheet == "Boti"
    assert [(entry.identities[0][-1], entry.owner) for entry in entries] == [
        ("a", ("ada@example.com",)), ("b", ("ada@example.com",)),
    ]  # fmt: skip
