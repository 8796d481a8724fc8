"""Lists in files as a source: rows to identities, and coverage that never claims more than was read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import openpyxl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.core.contract import Preflight
from connectors.file.connector import FileConnector, FileSettings
from reports.base import Screen
from reports.json import NdjsonReport
from scanner.model import ANY_KIND, Coverage, Grant, Identity, Link, Privilege, Signal, Trust
from tests.connectors.hostile import reported as told_in_reports
from tests.examples import examples
from tests.factories import make_assessment, make_credential, make_identity, make_result
from tests.hostile_json import mutated
from tests.pickled import pickled

ROW = "row {} of bots.csv could not be read: "
SHORTENED = "1.2E+11 is a number that a spreadsheet has shortened (format the column as text)"
NEITHER = "is neither yes nor no (write yes or no)"
QUOTE = "(put a cell that holds the separator in quotation marks)"
NO_DATE = "is not a date (write it like 2026-11-25)"
NO_NATURE = "is not a nature (write human, non_human or mixed)"
UNPLACED = "rows that may belong here could not be read"
NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


def listed(tmp_path: Path, content: str, name: str = "bots.csv") -> Path:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    return path


def discover(path: Path, **settings: Any) -> tuple[list[Identity], list[Coverage]]:
    """What the source ``bots`` yields from that file."""
    connector = FileConnector("bots", FileSettings(path=path, **settings))
    (scope,) = connector.scopes()
    records = list(connector.discover(scope))
    return (
        [record for record in records if isinstance(record, Identity)],
        [record for record in records if isinstance(record, Coverage)],
    )


def one(tmp_path: Path, content: str, name: str = "bots.csv") -> Identity:
    (identity,), coverage = discover(listed(tmp_path, content, name))
    assert [record.status for record in coverage] == ["complete"]
    return identity


def reported(coverage: list[Coverage]) -> list[tuple[str, str, str, int, str | None]]:
    return [(one.provider, one.scope, one.status, one.identities, one.detail) for one in coverage]


@pytest.mark.parametrize(
    ("content", "field", "expected"),
    [
        pytest.param("key,name\nk1,n", "key", "k1", id="key"),
        pytest.param("name\nn", "key", "bots:bots:n", id="key made up"),
        pytest.param("name,provider,scope\nn,slack,acme", "key", "slack:acme:n", id="key of its place"),
        pytest.param("name\nn", "provider", "bots", id="provider"),
        pytest.param("name\nn", "scope", "bots", id="scope"),
        pytest.param("name\nn", "source", "bots", id="source"),
        pytest.param("key\narn:aws:iam::1:role/path/deploy", "name", "deploy", id="name of a key"),
        pytest.param("key\nbot@example.com", "name", "bot@example.com", id="key that is a name"),
        pytest.param("User name\nn", "name", "n", id="user name"),
        pytest.param("name\nn", "kind", "unknown", id="no kind"),
        pytest.param("name,type\nn,bot", "kind", "bot", id="type"),
        pytest.param("name,enabled\nn,no", "enabled", False, id="disabled"),
        pytest.param("name,enabled\nn,", "enabled", None, id="not reported"),
        pytest.param("name,Status\nn,Suspended", "enabled", False, id="status"),
        pytest.param("name,created\nn,2026-11-25T14:00:00+02:00", "created_at", NOON, id="created"),
        pytest.param("name,last seen\nn,25 Nov 2026", "last_used_at", NOON.replace(hour=0), id="last seen"),
        pytest.param("name,last_used_at\nn,", "use_tracked_days", None, id="tracking unknown"),
        pytest.param("name,use_tracked_days\nn,90", "use_tracked_days", 90, id="tracking"),
        pytest.param("name,email,client id\nn,a@x;b@x,c1", "aliases", ("a@x", "b@x", "c1"), id="aliases"),
        pytest.param("name,tags\nn,team = core; env=prod;bare", "tags", {"team": "core", "env": "prod", "bare": ""},
                     id="tags"),
        pytest.param('name,tags\nn,"{""team"": ""a;b"", ""n"": 5}"', "tags", {"team": "a;b", "n": "5"},
                     id="tags as JSON"),
        pytest.param("name,seat\nn,12", "attributes", {"seat": "12"}, id="unknown column"),
        pytest.param("name,password,API key\nn,hunter2,abc", "attributes", {}, id="secrets are not read"),
        pytest.param("name,note\nn,https://u:hunter2@h/", "attributes", {"note": "https://u:•••@h/"},
                     id="secret in a note"),
        pytest.param("name,credentials\nn,2", "credentials", (), id="a count of credentials"),
        pytest.param("name,is_agent\nn,yes", "signals",
                     (Signal(says="agent", sort="provider", evidence="listed as agent"),), id="agent"),
        pytest.param("name,nature\nn,Human", "signals",
                     (Signal(says="human", sort="provider", evidence="listed as human"),), id="human"),
        pytest.param("name,nature,is_agent\nn,unknown,no", "signals", (), id="no signal"),
        pytest.param("name,privilege\nn,admin", "privilege",
                     Privilege(level="admin", evidence=("as listed in the file",)), id="privilege"),
    ],
)  # fmt: skip
def test_a_row_is_an_identity(tmp_path: Path, content: str, field: str, expected: Any) -> None:
    """Columns are the identity's fields; what is not reported stays unknown."""
    assert getattr(one(tmp_path, content), field) == expected


def test_typed_cells_of_a_workbook(tmp_path: Path) -> None:
    """Dates, numbers and yes or no as a spreadsheet keeps them."""
    book = openpyxl.Workbook()
    book.worksheets[0].append(["name", "account id", "created_at", "enabled", "seats"])
    book.worksheets[0].append(["n", 123456789012, NOON.replace(tzinfo=None), False, 12])
    book.save(tmp_path / "bots.xlsx")

    (identity,), _ = discover(tmp_path / "bots.xlsx")

    assert (identity.scope, identity.created_at, identity.enabled) == ("123456789012", NOON, False)
    assert identity.attributes == {"seats": 12}


def test_the_output_of_a_scan_is_read_back(tmp_path: Path) -> None:
    """Of a scan's NDJSON the identities are taken, with all they hold; verdicts are left to the new scan."""
    identity = make_identity(
        tags={"team": "core"},
        attributes={"path": "/", "nested": {"a": [1]}},
        credentials=(make_credential(expires_at=NOON),),
        grants=(Grant(name="AdministratorAccess", via="direct", admin=True),),
        links=(Link(relation="can_assume", target="x", evidence="trust"),),
        trusts=(Trust(principal="*", kind="anyone", evidence="trust"),),
        privilege=Privilege(level="admin", evidence=("* on *",)),
    )
    path = tmp_path / "scan.ndjson"
    with path.open("wb") as out:
        NdjsonReport().write(make_result(make_assessment(identity, privilege=identity.privilege)), "all", out, Screen())

    (read,), coverage = discover(path)

    facts = ("key", "provider", "scope", "kind", "name", "created_at", "tags", "attributes", "credentials", "grants",
             "links", "trusts", "privilege", "use_tracked_days")  # fmt: skip
    assert {fact: getattr(read, fact) for fact in facts} == {fact: getattr(identity, fact) for fact in facts}
    assert reported(coverage) == [("aws", "123456789012", "complete", 1, None)]


def test_equal_tags_are_kept_once(tmp_path: Path) -> None:
    """Rows that are tagged alike share what was read of their cells."""
    (first, second), _ = discover(listed(tmp_path, "name,tags\na,team=core\nb,team=core"))

    assert first.tags == {"team": "core"}
    assert first.tags is second.tags


def test_credentials_carry_no_secret_and_their_owners_key(tmp_path: Path) -> None:
    """A nested credential gets its identity's key and times in UTC; secrets among its attributes are dropped."""
    attributes = {"secret": "hunter2", "deep": [{"token": "hunter2", "role": "r"}]}
    credential = {"kind": "api_key", "id": "k1", "key": "x", "value": "hunter2", "attributes": attributes}
    credential["created_at"] = "2026-11-25T14:00:00+02:00"

    identity = one(tmp_path, json.dumps({"name": "n", "credentials": [credential]}), "bots.ndjson")

    assert identity.credentials[0].key == "bots:bots:n#api_key:k1"
    assert identity.credentials[0].created_at == NOON
    assert identity.credentials[0].attributes == {"deep": [{"role": "r"}]}
    assert "hunter2" not in repr(identity)


def test_every_place_in_the_file_has_its_coverage(tmp_path: Path) -> None:
    """Each provider and scope that occurs is reported complete, for identities of any kind."""
    path = listed(tmp_path, "name,provider,scope,kind\na,slack,acme,bot\nb,slack,acme,app\nc,jira,x,bot\n")

    _, coverage = discover(path)

    assert [(one.provider, one.scope, one.kinds) for one in coverage] == [
        ("jira", "x", (ANY_KIND,)),
        ("slack", "acme", (ANY_KIND,)),
    ]
    assert {(one.source, one.section, one.status) for one in coverage} == {("bots", "file.identities", "complete")}


@pytest.mark.parametrize(
    ("content", "names", "expected"),
    [
        pytest.param("name,created\na,soon\nb,\n", ["b"],
                     [("bots", "bots", "partial", 1, f"{ROW.format(2)}created: soon {NO_DATE}")],
                     id="date"),
        pytest.param("name,enabled,is_agent\na,hm,eh\n", [],
                     [("bots", "bots", "partial", 0, f"{ROW.format(2)}enabled: hm {NEITHER}; is_agent: eh {NEITHER}")],
                     id="two cells"),
        pytest.param("name,scope\n,s\nb,t\n", ["b"],
                     [("bots", "s", "partial", 0, f"{ROW.format(2)}the row has neither key nor name"),
                      ("bots", "t", "complete", 1, None)], id="no name"),
        pytest.param("key\nk\nl\nk\n", ["k", "l"],
                     [("bots", "bots", "partial", 2, f"{ROW.format(4)}k is already in row 2")], id="same key"),
        pytest.param("name,nature\na,ghost\n", [],
                     [("bots", "bots", "partial", 0, f"{ROW.format(2)}nature: ghost {NO_NATURE}")],
                     id="nature"),
        pytest.param("name,scope\na,s\nb,1.2E+11\n", ["a"],
                     [("bots", "s", "partial", 1, UNPLACED),
                      ("file", "*", "partial", 0, f"{ROW.format(3)}scope: {SHORTENED}")],
                     id="place unreadable"),
        pytest.param("name,scope\na,*\n", [],
                     [("file", "*", "partial", 0, f"{ROW.format(2)}scope: * is not a scope")],
                     id="star as place"),
        pytest.param("name\na\nb,c\n", ["a"],
                     [("bots", "bots", "partial", 1, UNPLACED),
                      ("file", "*", "partial", 0, f"{ROW.format(3)}has 2 cells under 1 heading {QUOTE}")],
                     id="cell too many"),
    ],
)  # fmt: skip
def test_a_malformed_row_is_a_gap_for_that_row(
    tmp_path: Path, content: str, names: list[str], expected: list[tuple[str, str, str, int, str | None]]
) -> None:
    """A row that cannot be read is named in the coverage of its place, or of every place; the others are read."""
    identities, coverage = discover(listed(tmp_path, content))

    assert [identity.name for identity in identities] == names
    assert reported(coverage) == expected


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        pytest.param({"credentials": [{"kind": "magic", "id": "x"}]}, "credentials: Invalid enum value 'magic'",
                     id="kind"),
        pytest.param({"credentials": [{"kind": "token", "id": "x", "expires_at": "0001-01-01T00:00:00+14:00"}]},
                     "credentials: 0001-01-01T00:00:00+14:00 is not a date", id="time"),
        pytest.param({"grants": [{"name": 5}]}, "grants: Expected `str`, got `int`", id="grant"),
        pytest.param({"privilege": "god"}, "privilege: Invalid enum value 'god'", id="privilege"),
        pytest.param({"tags": "{x"}, "tags: is not a JSON object", id="tags"),
        pytest.param({"object id": "a", "uuid": "b"}, "object id and uuid both mean unique_id", id="two headings"),
        pytest.param({"display_name": {"a": 1}}, "display_name: holds more than one value", id="text"),
    ],
)  # fmt: skip
def test_a_nested_fact_that_does_not_fit_is_a_gap(tmp_path: Path, item: dict[str, Any], reason: str) -> None:
    """What stands in a nested identity is checked against the vocabulary."""
    identities, (coverage,) = discover(listed(tmp_path, json.dumps({"name": "n", **item}), "bots.ndjson"))

    assert identities == []
    assert coverage.status == "partial"
    assert str(coverage.detail).startswith(f"row 1 of bots.ndjson could not be read: {reason}")


@pytest.mark.parametrize(
    ("name", "content", "status", "detail"),
    [
        pytest.param("bots.csv", None, "failed", "{path}: no such file", id="missing"),
        pytest.param("bots.csv", "seat,colour\n1,2\n", "failed",
                     "{path}:1: no heading means key or name (put the headings into the first row)", id="headings"),
        pytest.param("bots.csv", "name,user name\na,b\n", "failed",
                     "{path}:1: name and user name both mean name (remove one)", id="two headings"),
        pytest.param("bots.json", "{", "failed",
                     "{path}:1: is not JSON: Expecting property name enclosed in double quotes", id="broken"),
        pytest.param("bots.csv", "", "partial",
                     "the file lists no identities; an empty file is treated as a failed read", id="empty"),
        pytest.param("bots.csv", "name\n", "partial",
                     "the file lists no identities; an empty file is treated as a failed read", id="headings only"),
        pytest.param("bots.json", "[]", "partial",
                     "the file lists no identities; an empty file is treated as a failed read", id="empty list"),
    ],
)  # fmt: skip
def test_a_file_that_says_nothing_is_a_gap_everywhere(
    tmp_path: Path, name: str, content: str | None, status: str, detail: str
) -> None:
    """Without the file no one knows which places it lists, so the gap covers all of them."""
    path = tmp_path / name if content is None else listed(tmp_path, content, name)

    identities, coverage = discover(path)

    assert identities == []
    assert reported(coverage) == [("file", "*", status, 0, detail.format(path=path))]


def test_a_file_that_breaks_off_keeps_what_was_read(tmp_path: Path) -> None:
    """Rows before the break are kept; their places, and all others, are partial."""
    path = listed(tmp_path, 'name,scope\na,s\n"b,t\n')

    identities, coverage = discover(path)

    broken = "row 3 of bots.csv could not be read: a quotation mark is opened and never closed"
    assert [identity.name for identity in identities] == ["a"]
    assert reported(coverage) == [("bots", "s", "partial", 1, UNPLACED), ("file", "*", "partial", 0, broken)]


def test_a_file_declared_incomplete_is_never_the_whole_truth(tmp_path: Path) -> None:
    """With complete = false every place is partial, and says why."""
    _, coverage = discover(listed(tmp_path, "name\na\n"), complete=False)

    assert reported(coverage) == [("bots", "bots", "partial", 1, "the file is declared incomplete")]


def test_many_malformed_rows_are_counted(tmp_path: Path) -> None:
    """The first few are named, the rest counted, so that a detail stays short."""
    _, (coverage,) = discover(listed(tmp_path, "name,enabled\n" + "a,hm\n" * 10))

    assert str(coverage.detail).endswith("and 7 more such rows")


def test_rows_are_streamed(tmp_path: Path) -> None:
    """The first identity comes before the rest of the file is read: a break far below is not yet seen."""
    connector = FileConnector("bots", FileSettings(path=listed(tmp_path, 'name\na\n"')))
    (scope,) = connector.scopes()

    first = next(iter(connector.discover(scope)))

    assert isinstance(first, Identity)


def test_doctor_says_whether_the_file_can_be_read(tmp_path: Path) -> None:
    """What a scan would report as a gap is a problem, but for a list that is declared incomplete."""
    contents = {
        "name\na\n": (True, "readable", None),
        "a\nb\n": (False, "line 1: no heading means key or name", "put the headings into the first row"),
        "name\n": (False, "the file lists no identities; an empty file is treated as a failed read", None),
        "name,enabled\na,hm\n": (False, f"{ROW.format(2)}enabled: hm {NEITHER}", None),
        "name,scope,enabled\n" + "".join(f"a,{scope},hm\n" for scope in "stuv"): (
            False,
            "; ".join(f"{ROW.format(line)}enabled: hm {NEITHER}" for line in (2, 3, 4)) + "; and rows of 1 other scope",
            None,
        ),
    }
    found = {}
    for content in contents:
        connector = FileConnector("bots", FileSettings(path=listed(tmp_path, content), complete=False))
        assert isinstance(connector, Preflight)
        (check,) = connector.check()
        found[content] = (check.ok, check.detail, check.fix)

    assert found == contents


def test_scopes_and_settings_travel_to_other_machines(tmp_path: Path) -> None:
    """Connector and scope pickle, and read the same afterwards."""
    connector = FileConnector("bots", FileSettings(path=listed(tmp_path, "name\na\n")))
    (scope,) = connector.scopes()
    sent, there = pickled((connector, scope))

    assert list(sent.discover(there)) == list(connector.discover(scope))


@examples(60)
@pytest.mark.parametrize("suffix", [".csv", ".ndjson", ".json", ".xlsx"])
@given(
    content=st.binary(max_size=200)
    | st.dictionaries(
        st.sampled_from(["name", "key", "tags", "enabled", "nature", "credentials", "attributes", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
            lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
            max_leaves=4,
        ),
    ).map(lambda item: json.dumps(item).encode())
)
def test_no_bytes_break_the_connector(tmp_path_factory: pytest.TempPathFactory, suffix: str, content: bytes) -> None:
    """Whatever a file holds: identities that can be stored, and coverage that counts them."""
    path = tmp_path_factory.mktemp("file") / f"bots{suffix}"
    path.write_bytes(content)

    identities, coverage = discover(path)

    assert sum(one.identities for one in coverage) == len(identities)
    assert coverage
    assert all(repr(identity).encode() for identity in identities)


@pytest.mark.parametrize("name", ["bot\u200b", "bot ", " bot", "bot\u00a0", "\ufeffbot", "bot\u2060"])
def test_blanks_and_invisible_characters_are_part_of_a_name(tmp_path: Path, name: str) -> None:
    """Anyone who adds one to a registered name makes another name."""
    row = json.dumps({"name": name, "unique_id": name, "key": f"k:{name}"})

    identity = one(tmp_path, row + "\n", "bots.ndjson")

    assert (identity.name, identity.unique_id, identity.key) == (name, name, f"k:{name}")


WHOLE = msgspec.to_builtins(
    make_identity(
        credentials=(make_credential(),),
        tags={"owner": "ada"},
        attributes={"path": "/"},
        links=(Link(relation="runs_as", target="k", evidence="e"),),
        grants=(Grant(name="read", via="direct"),),
        last_used_at=NOON,
        observed_at=NOON,
    )
)


@examples(8)
@given(row=mutated(WHOLE))
@example(WHOLE | {"use_tracked_days": 999_999, "last_used_at": None})
def test_any_part_of_a_row_may_be_anything(tmp_path_factory: pytest.TempPathFactory, row: Any) -> None:
    """The rows around it are read, and what comes of it can be determined."""
    rows = [{"name": "before"}, row, {"name": "after"}]
    content = "".join(f"{json.dumps(one)}\n" for one in rows)

    identities, coverage = discover(listed(tmp_path_factory.mktemp("file"), content, "bots.ndjson"))

    assert {"before", "after"} <= {identity.name for identity in identities}
    told_in_reports([*identities, *coverage])


def test_another_encoding_is_no_gap_and_told(tmp_path: Path) -> None:
    """In the coverage, and to the doctor."""
    path = tmp_path / "bots.csv"
    path.write_bytes("key,description\na,für Löhne\n".encode("cp1252"))

    (identity,), (coverage,) = discover(path)
    (check,) = FileConnector("hr", FileSettings(path=path)).check()

    assert (identity.description, coverage.status) == ("für Löhne", "complete")
    assert coverage.detail is not None
    assert "was read as Windows-1252" in coverage.detail
    assert (check.ok, "was read as Windows-1252" in check.detail) == (True, True)
