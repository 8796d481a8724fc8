"""``muster offboard`` from the command line."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import openpyxl
import pytest

from tests.cli.conftest import Muster

REGISTRY = """\
id,identities,owner,backup owner,status
N-1,invoice-bot,ada@example.com,bob@example.com,active
N-2,old-sync,gus@example.com,,active
N-3,gone-bot,ada@example.com,,active
"""
PEOPLE = """\
email,id,name,status,last day
ada@example.com,E7,Ada,leaving,2999-12-31
bob@example.com,E8,Bob,active,
bob@example.org,E9,Bob,active,
"""


@pytest.fixture(autouse=True)
def scanned(estate: Path, muster: Muster) -> Path:
    """A store with a scan of three bots, of which Ada answers for one, and for an entry of one that is gone."""
    (estate / "registry.csv").write_text(REGISTRY)
    (estate / "people.csv").write_text(PEOPLE)
    assert muster("scan", "-o", "json:/dev/null").code == 0
    return estate


@pytest.mark.parametrize("person", ["ada@example.com", "ADA@EXAMPLE.COM", "e7", "Ada", "ada"])
def test_someone_is_found_by_whatever_they_go_by(muster: Muster, person: str) -> None:
    """The page goes to stdout, 80 columns wide."""
    done = muster("offboard", person)

    assert done.code == 0
    assert done.out.startswith("ada@example.com (Ada), last day 2999-12-31, leaves behind 1 identity and 1 entry")
    assert "Next: Name bob@example.com as owner in N-1." in done.out
    assert "At worst" in done.out
    assert max(map(len, done.out.splitlines())) <= 80


def test_each_format_is_a_private_file(muster: Muster, scanned: Path) -> None:
    """A list of what no one answers for shows an attacker where to look."""
    formats = ("table", "csv", "xlsx", "markdown", "json")
    done = muster("offboard", "ada", *(part for name in formats for part in ("-o", f"{name}:out/{{date}}.{name}")))

    files = sorted((scanned / "out").iterdir())
    assert (done.code, done.out) == (0, "")
    assert [path.suffix for path in files] == [".csv", ".json", ".markdown", ".table", ".xlsx"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert openpyxl.load_workbook(files[-1]).sheetnames == ["Summary", "Handover"]


def test_a_name_that_two_use_is_reported(muster: Muster) -> None:
    """Both are listed, and nothing is guessed."""
    done = muster("offboard", "bob")

    assert done.code == 2
    assert "2 people match bob:" in done.err
    assert "bob@example.com (Bob)" in done.err
    assert "bob@example.org (Bob)" in done.err
    assert done.out == ""


def test_who_is_deleted_from_the_roster_still_is_in_the_registry(muster: Muster) -> None:
    """By the text there, also by its user name."""
    done = muster("offboard", "gus", "-o", "json:-")

    document = json.loads(done.out)
    assert done.code == 0
    assert [(item["name"], item["roles"]) for item in document["items"]] == [("old-sync", ["owner"])]
    assert document["notices"] == ["gus@example.com is not on the roster, and was matched by this text alone."]


def test_someone_with_nothing_leaves_nothing(muster: Muster) -> None:
    """That is said, and is no failure."""
    done = muster("offboard", "E9")

    assert done.code == 0
    assert done.out.startswith("Nothing was found that bob@example.org (Bob) leaves behind.")


def test_no_one_is_an_exit_code_and_the_nearest_names(muster: Muster) -> None:
    """A typing error is no clean bill."""
    done = muster("offboard", "ada@exmaple.com")

    assert done.code == 1
    assert done.out == ""
    assert "no person matches ada@exmaple.com" in done.err
    assert "is it ada@example.com?" in done.err


def test_without_a_roster_texts_have_to_do(muster: Muster, scanned: Path) -> None:
    """The store alone is enough, with a notice of what that cannot say."""
    (scanned / "config.toml").unlink()
    done = muster("offboard", "ada@example.com", "-o", "json:-")

    document = json.loads(done.out)
    assert [item["successor"] for item in document["items"]] == [None, None]
    assert document["notices"][0].startswith("No roster was given")


def test_another_roster_can_be_given(muster: Muster, scanned: Path) -> None:
    """Today's export instead of the config's."""
    (scanned / "today.csv").write_text("email,status\nada@example.com,left\n")
    done = muster("offboard", "ada@example.com", "--people", "today.csv", "-o", "json:-")

    assert [item["urgent"] for item in json.loads(done.out)["items"]] == [True, True]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param(("-o", "markdwn:x"), "did you mean markdown?", id="format"),
        pytest.param(("-o", "html:x"), "a handover has no format html", id="a-report's-format"),
        pytest.param(("-o", "csv"), "is not FORMAT:PATH", id="no-path"),
        pytest.param(("-o", "csv:x", "-o", "json:x"), "two reports would be written to x", id="one-path-twice"),
        pytest.param(("-o", "csv:x", "-o", "json:./x"), "would be written to ./x, which is x", id="one-file-twice"),
        pytest.param(("-o", "csv:linked", "-o", "json:x"), "would be written to x, which is linked", id="a-link"),
        pytest.param(("-o", "csv:."), "choose another path", id="a-folder"),
        pytest.param(("--people", "nowhere.csv"), "nowhere.csv", id="no-roster-file"),
        pytest.param(("--store", "sqlite:///nowhere.db"), "nowhere.db", id="no-store"),
    ],
)
def test_usage_errors(tmp_path: Path, muster: Muster, options: tuple[str, ...], expected: str) -> None:
    """Exit 2, with what to do."""
    (tmp_path / "linked").symlink_to("x")
    done = muster("offboard", "ada", *options)

    assert done.code == 2
    assert expected in done.err
    assert "Traceback" not in done.err
