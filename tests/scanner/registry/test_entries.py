"""The declared registry: what people write, what comes out of it, and what is refused with its place."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.errors import Problem, RegistryError
from scanner.model import Entry, Origin
from scanner.redaction.redact import redact
from scanner.registry.entries import Registry, load_registry
from scanner.registry.lists import ListSource
from tests.scanner.escaping import escape_item

ARN = "arn:aws:iam::123456789012:user/svc-billing"


def csv_file(tmp_path: Path, text: str, name: str = "registry.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def load(tmp_path: Path, text: str, **columns: str) -> tuple[Entry, ...]:
    return load_registry([ListSource(path=csv_file(tmp_path, text), columns=columns)]).entries


def load_files(*paths: Path) -> Registry:
    return load_registry([ListSource(path=path) for path in paths])


def problems_of(*paths: Path, columns: dict[str, str] | None = None) -> list[Problem]:
    with pytest.raises(RegistryError) as caught:
        load_registry([ListSource(path=path, columns=columns or {}) for path in paths])
    return list(caught.value.problems)


# --- what comes out ---------------------------------------------------------------

FULL = {
    "id": "NHI-7",
    "name": "Billing export",
    "kind": "AI agent",
    "purpose": "writes invoices",
    "identities": f"{ARN}; svc-billing",
    "provider": "aws",
    "scope": "123456789012",
    "owner": "ada@example.com",
    "technical_owner": "bob@example.com",
    "backup_owner": "cy@example.com",
    "team": "team:billing",
    "built_by": "dee@example.com",
    "status": "On hold",
    "environment": "prod",
    "systems": "ledger; mail",
    "permissions": "s3:GetObject",
    "credentials": "access_key",
    "max_credential_age": "90 days",
    "blast_radius": "all invoices",
    "high_consequence": "refund",
    "human_in_the_loop": "yes",
    "baseline": "nightly",
    "approved_by": "eve@example.com",
    "approved_on": "2026-01-02",
    "last_reviewed": "2 Feb 2026",
    "next_review": "2027-02-02",
    "expires": "2027-12-31",
    "cost centre": "4711",
}
EXPECTED = {
    "id": "NHI-7",
    "has_own_id": True,
    "name": "Billing export",
    "kind": "agent",
    "purpose": "writes invoices",
    "identities": (ARN, "svc-billing"),
    "provider": "aws",
    "scope": "123456789012",
    "owner": ("ada@example.com",),
    "technical_owner": ("bob@example.com",),
    "backup_owner": ("cy@example.com",),
    "team": "team:billing",
    "built_by": "dee@example.com",
    "status": "suspended",
    "environment": "prod",
    "systems": ("ledger", "mail"),
    "permissions": ("s3:GetObject",),
    "credentials": ("access_key",),
    "max_credential_age": 90,
    "blast_radius": "all invoices",
    "high_consequence": ("refund",),
    "human_in_the_loop": True,
    "baseline": "nightly",
    "approved_by": "eve@example.com",
    "approved_on": date(2026, 1, 2),
    "last_reviewed": date(2026, 2, 2),
    "next_review": date(2027, 2, 2),
    "expires": date(2027, 12, 31),
    "extra": {"cost centre": "4711"},
}


def as_csv(path: Path) -> None:
    path.write_text(",".join(FULL) + "\n" + ",".join(FULL.values()) + "\n", encoding="utf-8")


def as_json(path: Path) -> None:
    path.write_text(json.dumps([FULL]), encoding="utf-8")


def as_ndjson(path: Path) -> None:
    path.write_text(json.dumps(FULL) + "\n", encoding="utf-8")


def as_yaml(path: Path) -> None:
    path.write_text("\n".join(f"{key}: {value}" for key, value in FULL.items()), encoding="utf-8")


def as_toml(path: Path) -> None:
    path.write_text("[[entry]]\n" + "\n".join(f'"{key}" = "{value}"' for key, value in FULL.items()), encoding="utf-8")


def as_xlsx(path: Path) -> None:
    book = openpyxl.Workbook()
    book.worksheets[0].append(list(FULL))
    book.worksheets[0].append(list(FULL.values()))
    book.worksheets[0]["AA2"] = date(2027, 12, 31)
    book.worksheets[0]["G2"] = 123456789012
    book.save(path)


@pytest.mark.parametrize(
    ("name", "write"),
    [
        pytest.param("r.csv", as_csv, id="csv"),
        pytest.param("r.xlsx", as_xlsx, id="xlsx"),
        pytest.param("r.json", as_json, id="json"),
        pytest.param("r.ndjson", as_ndjson, id="ndjson"),
        pytest.param("r.yaml", as_yaml, id="yaml"),
        pytest.param("r.toml", as_toml, id="toml"),
    ],
)
def test_an_entry_reads_the_same_in_every_format(tmp_path: Path, name: str, write: Callable[[Path], None]) -> None:
    """Every column in every format gives the same entry."""
    write(tmp_path / name)

    (entry,) = load_files(tmp_path / name).entries

    assert {field: getattr(entry, field) for field in EXPECTED} == EXPECTED
    assert entry.origin.file == str(tmp_path / name)


@pytest.mark.parametrize(
    ("text", "field", "expected"),
    [
        pytest.param("arn\nx", "identities", ("x",), id="arn"),
        pytest.param("Service Account\nx", "identities", ("x",), id="service account"),
        pytest.param("account\n123456789012", "identities", ("123456789012",), id="account alone"),
        pytest.param("account,arn\nbot,x", "identities", ("x", "bot"), id="account and arn"),
        pytest.param("account,arn\n123456789012,x", "identities", ("x",), id="account number beside an arn"),
        pytest.param("account,arn\n123456789012,x", "scope", "123456789012", id="account number is the scope"),
        pytest.param("account,arn,scope\n123456789012,x,p", "scope", "p", id="a scope of its own goes first"),
        pytest.param("name\nsvc-x", "identities", ("svc-x",), id="name stands in"),
        pytest.param("name,identities\nsvc-x,;", "identities", ("svc-x",), id="name stands in for an empty list"),
        pytest.param("identities\n'-x;'=y", "identities", ("-x", "=y"), id="neutralised"),
        pytest.param('identities\n"a\nb"', "identities", ("a", "b"), id="line break"),
        pytest.param("identities\na\\;b;c\\*", "identities", ("a;b", r"c\*"), id="escapes"),
        pytest.param("arn,Owner Email\nx,ada", "owner", ("ada",), id="owner email"),
        pytest.param("arn,Contact\nx,ada", "owner", ("ada",), id="contact"),
        pytest.param("arn,owner,contact\nx,,help", "owner", (), id="a contact beside an owner is none"),
        pytest.param("arn,owner,business owner\nx,ada,bob", "owner", ("ada", "bob"), id="two owners"),
        pytest.param("arn,owner\nx,N/A", "owner", (), id="not-available"),
        pytest.param("arn,type\nx,ci/cd", "kind", "pipeline", id="type is kind"),
        pytest.param("arn,owner_status\nx,left", "status", "active", id="owner_status is not a status"),
        pytest.param("arn,owner type\nx,team", "kind", None, id="owner type is no kind"),
        pytest.param("arn,state\nx,In use", "status", "active", id="in use"),
        pytest.param("arn,state\nx,Decommissioned", "status", "retired", id="decommissioned"),
        pytest.param("arn,state\nx,planned", "status", "proposed", id="planned"),
        pytest.param("arn,state\nx,on-hold", "status", "suspended", id="on hold"),
        pytest.param("arn,Install Status\nx,Retired", "status", "retired", id="ServiceNow installed"),
        pytest.param("arn,Install Status\nx,Pending Install", "status", "proposed", id="ServiceNow pending"),
        pytest.param("arn,Operational status\nx,Non-Operational", "status", "suspended", id="ServiceNow operational"),
        pytest.param(
            "arn,Install Status,Operational status\nx,Installed,Retired", "status", "retired", id="two of them"
        ),
        pytest.param("arn,Account Status\nx,Inactive", "status", "retired", id="CyberArk"),
        pytest.param("arn,Record status\nx,Archived", "status", "retired", id="record status"),
        pytest.param("arn,Approval Status\nx,Rejected", "status", "retired", id="SharePoint"),
        pytest.param("arn,Active\nx,no", "status", "retired", id="active no"),
        pytest.param("arn,Active\nx,TRUE", "status", "active", id="active yes"),
        pytest.param("arn,Disabled\nx,yes", "status", "retired", id="disabled yes"),
        pytest.param("arn,Disabled\nx,0", "status", "active", id="disabled no"),
        pytest.param("arn,Active,Disabled\nx,yes,yes", "status", "retired", id="anyone who says it ended counts"),
        pytest.param("arn,Decommissioned on\nx,31-Jan-24", "expires", date(2024, 1, 31), id="decommissioned on"),
        pytest.param("arn,Decommissioned\nx,2024-01-31", "expires", date(2024, 1, 31), id="decommissioned, a day"),
        pytest.param(
            "arn,Valid until,Retired on\nx,2030-01-01,2024-01-31", "expires", date(2024, 1, 31), id="two ends"
        ),
        pytest.param("arn,Stage\nx,End of Life", "status", "retired", id="stage as lifecycle"),
        pytest.param("arn,Stage\nx,End of Life", "environment", None, id="a stage that is no environment"),
        pytest.param("arn,Stage\nx,prod", "environment", "prod", id="stage as environment"),
        pytest.param("arn,Stage,Environment\nx,Retired,prod", "environment", "prod", id="both"),
        pytest.param("arn,rotation days\nx,n/a", "max_credential_age", None, id="no number"),
        pytest.param("arn,hitl\nx,No", "human_in_the_loop", False, id="no"),
        pytest.param("arn,expiry date\nx,never", "expires", None, id="never"),
        pytest.param("arn,notes\nx,https://u:hunter2@h/", "extra", {"notes": "https://u:•••@h/"}, id="secret in note"),
        pytest.param("arn,password\nx,hunter2", "extra", {}, id="password column"),
        pytest.param("arn,Storage account key\nx,aGVsbG8", "extra", {}, id="column of a key"),
    ],
)
def test_columns_as_people_write_them(tmp_path: Path, text: str, field: str, expected: Any) -> None:
    """Headings and cells as in real spreadsheets are understood."""
    (entry,) = load(tmp_path, text)

    assert getattr(entry, field) == expected


def test_headings_of_ones_own_are_explained(tmp_path: Path) -> None:
    """An unknown heading counts as the configured column."""
    (entry,) = load(tmp_path, "Wer,Was\nada,svc-x\n", Was="identities", wer="owner")

    assert (entry.owner, entry.identities, entry.extra) == (("ada",), ("svc-x",), {})


def test_headings_are_explained_file_by_file(tmp_path: Path) -> None:
    """A heading can mean different columns in two files, and none in a third."""
    first, second, third = (csv_file(tmp_path, f"arn,Team\n{name},blue\n", f"{name}.csv") for name in "abc")

    entries = load_registry(
        [
            ListSource(path=first, columns={"Team": "owner"}),
            ListSource(path=second, columns={"Team": "environment"}),
            ListSource(path=third),
        ]
    ).entries

    assert [(entry.owner, entry.environment, entry.team) for entry in entries] == [
        (("blue",), None, None),
        ((), "blue", None),
        ((), None, "blue"),
    ]


def test_file_and_row_stand_in_for_a_missing_id(tmp_path: Path) -> None:
    """Without an id the file's name and the line identify the entry, wherever it is run from."""
    (tmp_path / "other").mkdir()
    paths = [csv_file(tmp_path, "arn\n\nx\n"), csv_file(tmp_path / "other", "arn\n\ny\n")]

    entries = load_files(*paths).entries

    assert [(entry.id, entry.has_own_id) for entry in entries] == [
        ("registry.csv:3", False),
        ("registry.csv:3#2", False),
    ]
    assert entries[0].origin == Origin(file=str(paths[0]), row=3)


def test_several_files_and_folders_make_one_registry(tmp_path: Path) -> None:
    """Files come in the order given; a folder gives its YAML, JSON and TOML files by name, hidden ones left out."""
    folder = tmp_path / "teams"
    (folder / ".git").mkdir(parents=True)
    for name, content in (
        ("b.yml", "name: b"),
        ("a.yaml", "- name: a1\n- name: a2"),
        ("c.json", '[{"name": "c"}]'),
        ("sub.toml", "[[entry]]\nname = 'd'"),
        ("e.csv", "name\ne\n"),
        (".git/x.yaml", "name: x"),
        ("n.md", ""),
    ):
        (folder / name).write_text(content, encoding="utf-8")

    entries = load_files(csv_file(tmp_path, "name\nfirst\n"), folder).entries

    assert [entry.name for entry in entries] == ["first", "a1", "a2", "b", "c", "d"]


def test_an_empty_registry_is_one(tmp_path: Path) -> None:
    """Headings without rows declare nothing, which is no error; neither is no file at all."""
    assert load(tmp_path, "id,arn,owner\n") == ()
    assert load_registry([]).entries == ()


def test_what_is_odd_is_a_warning(tmp_path: Path) -> None:
    """Unknown kinds, statuses and columns are reported with their place; the entry is kept."""
    registry = load_files(csv_file(tmp_path, "arn,kind,status,ownr,secret\nx,gizmo,asleep,ada,hunter2\n"))

    assert [(warning.line, warning.field, warning.message) for warning in registry.warnings] == [
        (1, None, 'the column "secret" may hold secrets and is not read'),
        (1, None, 'the column "ownr" is unknown; it is kept and shown as it is'),
        (2, "kind", "unknown kind gizmo, kept as it is"),
        (2, "status", "unknown status asleep, taken as active"),
    ]
    assert registry.warnings[1].fix == "did you mean owner?"
    assert (registry.entries[0].kind, registry.entries[0].status) == ("gizmo", "active")
    assert registry.entries[0].extra == {"ownr": "ada"}


def test_an_unknown_column_is_reported_once_per_file(tmp_path: Path) -> None:
    """In YAML every entry has its own columns; an unknown one is reported at its first place."""
    path = tmp_path / "r.yaml"
    path.write_text("- name: a\n- {name: b, colour: red}\n- {name: c, colour: blue, size: 2}\n", encoding="utf-8")

    registry = load_files(path)

    assert [(warning.line, warning.message.partition(" is ")[0]) for warning in registry.warnings] == [
        (2, 'the column "colour"'),
        (3, 'the column "size"'),
    ]


@pytest.mark.parametrize("heading", ["Password", "password:", "API key *", "Client Secret (old)", "Vault token"])
def test_the_warning_about_a_secret_column_survives_masking(tmp_path: Path, heading: str) -> None:
    """Output masks secrets, and the text after ``password:`` would be read as one."""
    (warning,) = load_files(csv_file(tmp_path, f"arn,{heading}\nx,\n")).warnings

    assert heading.rstrip(" :*") in str(warning)
    assert redact(str(warning)) == str(warning)


@pytest.mark.parametrize(
    ("cell", "owners"),
    [
        pytest.param("a@x; b@x", ("a@x", "b@x"), id="a-list"),
        pytest.param("a@x, b@x", ("a@x, b@x",), id="a-comma-which-the-roster-decides"),
        pytest.param("12;#Jane Doe;#13;#John Smith", ("Jane Doe", "John Smith"), id="look-ups-of-sharepoint"),
        pytest.param("12;#Jane Doe", ("Jane Doe",), id="one-look-up"),
        pytest.param("TBD", (), id="placeholder"),
        pytest.param("(to be  determined)", (), id="placeholder-in-words"),
    ],
)
def test_owners_of_a_cell(tmp_path: Path, cell: str, owners: tuple[str, ...]) -> None:
    registry = load_files(csv_file(tmp_path, f'arn,Owner\nx,"{cell}"\n'))

    assert (registry.entries[0].owner, registry.warnings) == (owners, ())


_STATE = {
    "version": 4,
    "terraform_version": "1.9.5",
    "resources": [
        {
            "mode": "managed",
            "type": "aws_iam_user",
            "name": "x",
            "instances": [{"attributes": {"arn": ARN, "name": "x"}}],
        }
    ],
}
_CARD = {"protocolVersion": "0.3.0", "name": "Bot", "url": "https://bot.example", "capabilities": {}, "skills": []}
_SERVER = {
    "$schema": "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json",
    "name": "com.example/bot",
    "version": "1",
    "remotes": [{"type": "sse", "url": "https://bot.example"}],
}
_COMPONENT = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: bot}\nspec: {type: service}\n"


@pytest.mark.parametrize(
    ("name", "text", "ownerless"),
    [
        pytest.param("x.tfstate", json.dumps(_STATE), True, id="a-state"),
        pytest.param("x.json", json.dumps(_CARD), True, id="a-card"),
        pytest.param("x.json", json.dumps(_SERVER), True, id="a-server"),
        pytest.param("x.yaml", _COMPONENT, False, id="a-component"),
        pytest.param("x.csv", "arn,owner\nx,\n", False, id="a-table"),
    ],
)
def test_formats_without_a_place_for_an_owner_are_known(tmp_path: Path, name: str, text: str, ownerless: bool) -> None:
    """An agent card has no field for an owner."""
    registry = load_files(csv_file(tmp_path, text, name))

    assert [(entry.owner, entry.id in registry.ownerless) for entry in registry.entries] == [((), ownerless)]


# --- what is refused --------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a,b\n1,2\n", [(1, None, "no heading means account or identities or name; found: a, b")],
                     id="headings"),
        pytest.param("id,arn\nN,x\nN,y\n", [(3, "id", "the id N is already used at {path}:2")], id="id twice"),
        pytest.param("arn,Expiry\nx,soon\n", [(2, "Expiry", "soon is not a date")], id="no date"),
        pytest.param("arn,expires\nx,03/04/2026\n", [(2, "expires", "03/04/2026 could be two different dates")],
                     id="two days"),
        pytest.param("arn,next review\nx,2026-02-30\n", [(2, "next review", "2026-02-30 is not a date")],
                     id="30 February"),
        pytest.param("arn,approved_on\nx,31/06/2026\n", [(2, "approved_on", "31/06/2026 is not a date")], id="31 June"),
        pytest.param("arn,rotation\nx,quarterly\n", [(2, "rotation", "quarterly is not a number of days")],
                     id="no number"),
        pytest.param("arn,HITL\nx,perhaps\n", [(2, "HITL", "perhaps is neither yes nor no")], id="yes or no"),
        pytest.param("arn,name,Title\nx,a,b\n", [(1, "Title", "name and Title both mean name")], id="two headings"),
        pytest.param("arn,Status,status\nx,,\n", [(1, "status", "Status and status both mean status")],
                     id="same heading"),
        pytest.param("arn,owner\n,ada\n", [(2, None, "names no identity")], id="no identity"),
        pytest.param("id,arn,expires\nN,x,\nN,,2026-13-01\n",
                     [(3, None, "names no identity"), (3, "id", "the id N is already used at {path}:2"),
                      (3, "expires", "2026-13-01 is not a date")], id="no identity, and more"),
        pytest.param("arn\n*\n", [(2, "arn", "the pattern * would match everything")], id="star"),
        pytest.param("arn\n**\n", [(2, "arn", "the pattern ** would match everything")], id="two stars"),
        pytest.param("arn\nx;*/*:*\n", [(2, "arn", "the pattern */*:* would match everything")],
                     id="stars and separators"),
        pytest.param("name\n*\n", [(2, "name", "the pattern * would match everything")], id="star as name"),
        pytest.param("arn\n1.23E+11\n", [(2, "arn", "1.23E+11 is a number that a spreadsheet has shortened")],
                     id="digits lost"),
        pytest.param("arn,owner\nx,a,b\n", [(2, None, "has 3 cells under 2 headings")], id="cell too many"),
        pytest.param("", [(None, None, "is empty")], id="empty file"),
        pytest.param('arn\n"x\n', [(2, None, "a quotation mark is opened and never closed")], id="quotation mark"),
        pytest.param("arn,rotation,expires\nx,q,soon\n\ny,1,z\n",
                     [(2, "expires", "soon is not a date"), (2, "rotation", "q is not a number of days"),
                      (4, "expires", "z is not a date")], id="all at once"),
    ],
)  # fmt: skip
def test_a_broken_registry_is_reported_with_every_place(
    tmp_path: Path, text: str, expected: list[tuple[int | None, str | None, str]]
) -> None:
    """All problems are reported at once, with file, line and the heading as written."""
    path = csv_file(tmp_path, text)

    found = [(problem.line, problem.field, problem.message) for problem in problems_of(path)]

    assert found == [(line, field, message.format(path=path)) for line, field, message in expected]


@pytest.mark.parametrize(
    ("pattern", "refused"),
    [
        ("svc-*", False),
        ("arn:aws:iam::*:role/*", False),
        (r"\*", False),
        (r"*\**", False),
        ("*-*", True),
        ("*@*.*", True),
    ],
)
def test_a_pattern_needs_a_literal(tmp_path: Path, pattern: str, refused: bool) -> None:
    """A pattern that names nothing is refused; an escaped star is a name."""
    path = csv_file(tmp_path, f"arn\n{pattern}\n")

    assert (problems_of(path) != []) if refused else load_files(path).entries[0].identities == (pattern,)


def test_ids_are_unique_within_a_list(tmp_path: Path) -> None:
    """A second use of an id in a folder names the first one's file and row; case makes another id."""
    first = csv_file(tmp_path, '[{"id": "N-1", "name": "x"}]', "a.json")
    second = csv_file(tmp_path, "- {id: n-1, name: y}\n- {id: N-1, name: z}\n", "b.yaml")

    (problem,) = problems_of(tmp_path)

    assert (problem.file, problem.line) == (str(second), 2)
    assert problem.message == f"the id N-1 is already used at {first}:1"


def test_two_lists_may_have_an_id_in_common(tmp_path: Path) -> None:
    """The later list's entry gets its file and the id; both keep their list's name; within one list it is an error.

    An id can be a number, which is no row then.
    """
    first, second = csv_file(tmp_path, "id,arn\nN-1,x\n", "a.csv"), csv_file(tmp_path, "id,arn\nN-1,y\n", "b.csv")

    entries = load_files(first, second).entries

    assert [(entry.id, entry.has_own_id, entry.registry) for entry in entries] == [
        ("N-1", True, str(first)),
        ("b.csv#N-1", False, str(second)),
    ]
    second.write_text("id,arn\nN-1,y\nN-1,z\n", encoding="utf-8")
    assert [str(problem) for problem in problems_of(first, second)] == [
        f"{second}:3: id: the id N-1 is already used at {second}:2 (give each entry an id of its own)"
    ]


def test_a_pattern_of_files_is_one_list(tmp_path: Path) -> None:
    """Every file that fits is read, hidden ones and folders left out; none at all is an error."""
    for repository in ("b", "a", ".git", "c/registry.yaml"):
        (tmp_path / repository).mkdir(parents=True)
        csv_file(tmp_path / repository, f"name: in-{repository}\n", "registry.yaml" if "/" not in repository else "x")

    entries = load_files(tmp_path / "*" / "registry.yaml").entries

    assert [(entry.name, entry.registry) for entry in entries] == [
        ("in-a", str(tmp_path / "*" / "registry.yaml")),
        ("in-b", str(tmp_path / "*" / "registry.yaml")),
    ]
    assert [problem.message for problem in problems_of(tmp_path / "*.toml")] == ["no file fits this pattern"]


def test_a_file_with_a_star_in_its_name_is_itself(tmp_path: Path) -> None:
    """A path that is there is no pattern."""
    csv_file(tmp_path, "name\nother\n", "ab.csv")

    assert [entry.name for entry in load_files(csv_file(tmp_path, "name\nx\n", "a*.csv")).entries] == ["x"]


def test_dates_are_read_as_the_list_says(tmp_path: Path) -> None:
    """One list may write the day first and another the month; what could only be one day is that day."""
    rows = "name,expires\na,03/04/2026\nb,25/11/2026\nc,03.04.2026\n"
    first, second = csv_file(tmp_path, rows, "a.csv"), csv_file(tmp_path, rows, "b.csv")

    entries = load_registry(
        [ListSource(path=first, dates="day-first"), ListSource(path=second, dates="month-first")]
    ).entries

    april, march, november = date(2026, 4, 3), date(2026, 3, 4), date(2026, 11, 25)
    assert [entry.expires for entry in entries] == [april, november, april, march, november, april]


def test_an_ambiguous_date_names_the_setting(tmp_path: Path) -> None:
    """With a thousand of them, rewriting each is no option."""
    (problem,) = problems_of(csv_file(tmp_path, "name,expires\na,03/04/2026\n"))

    assert problem.fix == "write 2026-04-03 or 2026-03-04, or set dates = day-first or month-first in the config"


def test_a_sheet_is_chosen_by_its_name(tmp_path: Path) -> None:
    """The first sheet has the headings, too, but another was asked for."""
    book = openpyxl.Workbook()
    for title, name in (("Old", "a"), ("Bots 2026", "b")):
        sheet = book.create_sheet(title)
        sheet.append(("name",))
        sheet.append((name,))
    book.save(tmp_path / "r.xlsx")

    (entry,) = load_registry([ListSource(path=tmp_path / "r.xlsx", sheet="bots 2026")]).entries

    assert (entry.name, entry.id, entry.origin.sheet) == ("b", "r.xlsx:2", "Bots 2026")


def test_problems_of_all_files_come_together(tmp_path: Path) -> None:
    """One unreadable file does not hide what is wrong with the next."""
    empty = tmp_path / "empty"
    empty.mkdir()

    found = problems_of(tmp_path / "none.csv", empty, csv_file(tmp_path, "arn,expires\nx,soon\n"))

    assert [problem.message for problem in found] == [
        "no such file",
        "no YAML, JSON or TOML file is in this folder",
        "soon is not a date",
    ]


def test_a_heading_explained_as_no_column_is_an_error(tmp_path: Path) -> None:
    """A misspelt column is reported with the nearest one."""
    (problem,) = problems_of(csv_file(tmp_path, "arn\nx\n"), columns={"Wer": "ownr"})

    assert (problem.field, problem.message, problem.fix) == (
        "columns.Wer",
        "there is no column ownr",
        "did you mean owner?",
    )


def test_an_entry_in_yaml_holds_no_tables(tmp_path: Path) -> None:
    """A table in place of a name is reported, with the line of its entry."""
    (tmp_path / "r.yaml").write_text("- name: a\n- name: {x: y}\n- identities: {x: y}\n", encoding="utf-8")

    found = [(problem.line, problem.field, problem.message) for problem in problems_of(tmp_path / "r.yaml")]

    assert found == [(2, "name", "holds more than one value"), (3, "identities", "holds a table")]


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs", "Zs", "Zl", "Zp", "Cc", "Cf"]), min_size=1, max_size=20),
        min_size=1,
        unique=True,
    )
)
def test_escaped_keys_survive_the_registry(tmp_path_factory: pytest.TempPathFactory, keys: list[str]) -> None:
    """With any name, the escaped key reads back as one literal identity."""
    path = tmp_path_factory.mktemp("registry") / "r.json"
    path.write_text(json.dumps([{"identities": ";".join(map(escape_item, keys))}]), encoding="utf-8")

    (entry,) = load_files(path).entries

    assert entry.identities == tuple(key.replace("*", r"\*") for key in keys)


@given(
    content=st.binary(max_size=200)
    | st.text('arn,id:-*"\n; \t=x1', max_size=80).map(lambda text: f"arn,id\n{text}".encode())
)
def test_no_bytes_break_the_registry(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    """With any content, a registry file gives entries that name identities, or a RegistryError."""
    path = tmp_path_factory.mktemp("registry") / "r.csv"
    path.write_bytes(content)
    try:
        entries = load_files(path).entries
    except RegistryError as error:
        assert all(problem.file == str(path) for problem in error.problems)  # noqa: PT017  # allowed, not expected
    else:
        assert all(entry.identities for entry in entries)


@pytest.mark.parametrize(
    ("heading", "code", "status"),
    [
        pytest.param("Install Status", code, status, id=f"install {code}")
        for code, status in (
            ("0", "proposed"), ("1", "active"), ("2", "proposed"), ("3", "active"), ("4", "proposed"), ("5", "active"),
            ("6", "proposed"), ("7", "retired"), ("8", "retired"), ("100", "retired"),
        )
    ]
    + [
        pytest.param("operational_status", code, status, id=f"operational {code}")
        for code, status in (
            ("1", "active"), ("2", "suspended"), ("3", "active"), ("4", "active"), ("5", "active"), ("6", "retired"),
            ("7", "proposed"), ("8", "proposed"),
        )
    ],
)  # fmt: skip
def test_codes_of_servicenow_mean_what_its_choice_lists_say(
    heading: str, code: str, status: str, tmp_path: Path
) -> None:
    """An export of values, not of what is displayed."""
    path = tmp_path / "snow.csv"
    path.write_text(f"Name,{heading}\nsvc-a,{code}\n", encoding="utf-8")

    registry = load_registry([ListSource(path=path, preset="servicenow")])

    assert [entry.status for entry in registry.entries] == [status]
    assert registry.warnings == ()


def test_codes_without_the_preset_are_not_guessed(tmp_path: Path) -> None:
    """And a number that is on no choice list means nothing with it, either."""
    path = tmp_path / "snow.csv"
    path.write_text("Name,Install Status\nsvc-a,7\nsvc-b,12\n", encoding="utf-8")

    alone = load_registry([ListSource(path=path)])
    preset = load_registry([ListSource(path=path, preset="servicenow")])

    assert [one.fix for one in alone.warnings] == [
        'set preset = "servicenow" in the config, if it is such an export',
        "use one of proposed, active, suspended, retired, or say under values.status in the config what it means",
    ]
    assert [(one.line, one.message) for one in preset.warnings] == [(3, "unknown status 12, taken as active")]
    assert [entry.status for entry in preset.entries] == ["retired", "active"]


def test_an_account_beside_an_id_is_a_number_and_no_id_with_one(tmp_path: Path) -> None:
    """An ARN has the digits of an account, too."""
    text = "identities,account\nx,prod (1234-5678-9012)\ny,arn:aws:iam::123456789012:role/a\u3001b\n"
    first, second = load_files(csv_file(tmp_path, text)).entries
    assert (first.identities, first.scope) == (("x",), "123456789012")
    assert (second.identities, second.scope) == (("y", "arn:aws:iam::123456789012:role/a\u3001b"), None)
