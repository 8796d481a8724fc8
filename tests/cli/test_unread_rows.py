"""A row of the registry that cannot be read must not cost the night: it is a gap, and what it is about stands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import BOTS, REGISTRY, Muster
from tests.servers.receiver import Receiver, receiver

HEAD = "id,name,identities,owner,status,expires,max_credential_age\n"
GOOD = f"""{HEAD}\
N-1,,invoice-bot,ada@example.com,active,,
N-2,,old-sync,left@example.com,active,,
N-3,,gone-bot,ada@example.com,active,,
"""
BAD_ROW = GOOD.replace("N-1,,invoice-bot,", "N-1,,invoice-bot;**,")


def _scan(muster: Muster, *arguments: str, code: int = 0) -> dict[str, Any]:
    done = muster("scan", "-o", "json:-", *arguments)
    assert done.code == code, done.err
    decoded: dict[str, Any] = json.loads(done.out)
    return decoded


def _identity(result: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in result["identities"] if one["name"] == name)


def _entries(result: dict[str, Any]) -> dict[str, str]:
    return {one["id"]: one["state"] for one in result["registry"]}


def _rows(result: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in result["coverage"] if one["section"] == "registry.rows"]


def test_identities_of_the_row_keep_their_verdict(estate: Path, muster: Muster) -> None:
    """Their registry and owner are as last known, the entry is not evaluated, nothing is new, and the diff is quiet."""
    (estate / "registry.csv").write_text(GOOD)
    before = _scan(muster)
    (estate / "registry.csv").write_text(BAD_ROW)
    for _ in range(2):  # a second such night goes by what the last readable one said
        after = _scan(muster)

        kept = _identity(after, "invoice-bot")
        assert (kept["registry"]["state"], kept["registry"]["entry"]) == ("registered", "N-1")
        assert kept["registry"]["provisional"] is False
        assert kept["ownership"] == _identity(before, "invoice-bot")["ownership"]
        assert _entries(after) == {"N-1": "not_evaluated", "N-2": "found", "N-3": "not_found"}
        assert [(one["source"], one["status"]) for one in _rows(after)] == [("registry", "partial")]
        assert "registry.csv:2" in _rows(after)[0]["scope"]
        assert "identities: the pattern ** would match everything" in _rows(after)[0]["detail"]
        assert after["summary"]["gaps"] == 1
        assert not any(one["new"] for one in after["findings"])
        assert after["findings"] == [one | {"new": False} for one in before["findings"]]
        assert "joined 0, moved 0, left 0, returned 0" in muster("diff").out
        assert {one["key"] for one in json.loads(muster("diff", "-o", "json:-").out)["changes"]} <= {"N-1"}

    (estate / "registry.csv").write_text(GOOD)
    mended = _scan(muster)
    assert _entries(mended) == _entries(before)
    assert _rows(mended) == []


def test_a_first_scan_holds_back(estate: Path, muster: Muster) -> None:
    """Nothing is known of the entry, so what the row names is provisional; what it does not name is judged."""
    (estate / "registry.csv").write_text(BAD_ROW)

    first = _scan(muster)

    states = {one["name"]: (one["registry"]["state"], one["registry"]["provisional"]) for one in first["identities"]}
    assert states == {
        "invoice-bot": ("unregistered", True),
        "old-sync": ("registered", False),
        "triage-agent": ("unregistered", False),
    }
    assert _entries(first) == {"N-2": "found", "N-3": "not_found"}


@pytest.mark.usefixtures("estate")
def test_strict_ends_with_its_own_codes(estate: Path, muster: Muster) -> None:
    """``--strict`` sees a gap; ``--strict-registry`` and lint refuse with every place."""
    (estate / "registry.csv").write_text(BAD_ROW)

    done = muster("scan", "--strict")
    refused = muster("scan", "--strict-registry")
    linted = muster("registry", "lint")

    assert done.code == 3
    assert "registry.csv:2: identities: the pattern ** would match everything" in " ".join(done.err.split())
    assert "registry.rows" in done.out
    assert refused.code == 2
    assert "registry.csv:2: identities: the pattern ** would match everything" in " ".join(refused.err.split())
    assert linted.code == 1
    assert "registry.csv:2" in linted.out


@pytest.mark.parametrize("outputs", ["csv", "html", "table"])
def test_every_row_is_named_as_a_gap(estate: Path, muster: Muster, outputs: str) -> None:
    """In each report's coverage, by file and line."""
    (estate / "registry.csv").write_text(BAD_ROW.replace("old-sync,left@example.com", "old-sync;*,x"))

    done = muster("scan", "--view", "coverage", "-o", f"{outputs}:-")

    assert done.code == 0
    for line in (2, 3):
        assert f"registry.csv:{line}:" in done.err
        if outputs != "html":  # compressed
            assert f"registry.csv:{line}" in done.out.replace("\n", "").replace("│", "").replace(" ", "")


def test_a_row_that_may_be_about_anything(estate: Path, muster: Muster) -> None:
    """Where nothing says who a row names, no entry that is missing is gone, and no one is held undeclared."""
    (estate / "registry.csv").write_text(GOOD)
    _scan(muster)
    (estate / "registry.csv").write_text(GOOD.replace("N-1,,invoice-bot,", "N-1,bills, books, taxes,,invoice-bot,"))

    after = _scan(muster)

    assert _identity(after, "invoice-bot")["registry"]["state"] == "registered"
    assert _identity(after, "triage-agent")["registry"]["provisional"] is True
    assert _entries(after)["N-1"] == "not_evaluated"


def test_without_an_id_it_is_found_by_who_it_names(estate: Path, muster: Muster) -> None:
    """Entries called after their row, which are another row's by now."""
    plain = GOOD.replace("N-1,", ",").replace("N-2,", ",").replace("N-3,", ",")
    (estate / "registry.csv").write_text(plain)
    _scan(muster)
    moved = HEAD + ",,new-bot,ada@example.com,active,,\n" + plain.removeprefix(HEAD)
    (estate / "registry.csv").write_text(
        moved.replace("invoice-bot,ada@example.com,active,,", "invoice-bot;**,x,active,,")
    )

    after = _scan(muster)

    kept = _identity(after, "invoice-bot")
    assert (kept["registry"]["state"], kept["ownership"]["owner"]) == ("registered", "ada@example.com")
    assert "not_evaluated" in _entries(after).values()


def test_what_took_another_entrys_place_is_held_back(estate: Path, muster: Muster) -> None:
    """A new row that cannot be read names what an entry represented that is no longer there: as last known."""
    (estate / "registry.csv").write_text(GOOD)
    _scan(muster)
    (estate / "registry.csv").write_text(BAD_ROW.replace("N-1,", "N-9,"))

    after = _scan(muster)

    assert _identity(after, "invoice-bot")["registry"]["entry"] == "N-1"
    assert _entries(after) == {"N-1": "not_evaluated", "N-2": "found", "N-3": "not_found"}


def test_a_refused_pattern_sets_its_row_aside(estate: Path, muster: Muster) -> None:
    """It names no one, so no one else is uncertain."""
    (estate / "registry.csv").write_text(GOOD)
    _scan(muster)
    (estate / "registry.csv").write_text(GOOD.replace("N-1,,invoice-bot,", "N-1,,**,"))

    after = _scan(muster)

    assert _identity(after, "invoice-bot")["registry"]["state"] == "registered"
    assert _identity(after, "triage-agent")["registry"]["provisional"] is False
    assert "the pattern ** would match everything" in _rows(after)[0]["detail"]


def test_ids_that_are_given_twice_are_all_named(estate: Path, muster: Muster) -> None:
    """It is unclear which row counts; every one is reported at once."""
    (estate / "registry.csv").write_text(GOOD.replace("N-3", "N-2") + "N-1,,third,,,,\nN-2,,fourth,,,,\n")

    done = muster("scan")

    assert done.code == 2
    for line in (4, 5, 6):
        assert f"registry.csv:{line}: id: the id N-" in done.err


def test_what_makes_a_list_unclear_is_refused(estate: Path, muster: Muster) -> None:
    """No heading, a heading twice."""
    for text in (
        "colour,shape\nred,round\n",
        GOOD.replace("expires", "team").replace("max_credential_age", "squad"),
    ):
        (estate / "registry.csv").write_text(text)
        assert muster("scan").code == 2


def test_a_review_that_is_still_to_come_is_none(estate: Path, muster: Muster) -> None:
    """A typing error, or a way around reviews: a warning, and the entry counts as never reviewed."""
    to_come = datetime.now(UTC).date() + timedelta(days=30)
    (estate / "registry.csv").write_text(
        f"id,identities,owner,last_reviewed,next_review\nN-1,invoice-bot,ada@example.com,{to_come},{to_come}\n"
    )

    done = muster("scan", "-o", "json:-")
    linted = muster("registry", "lint")

    said = f"registry.csv:2: last_reviewed: {to_come} is in the future and counts as no review"
    assert done.code == 0
    assert said in " ".join(done.err.split())
    assert said in linted.out.replace("\n   ", "")
    (entry,) = json.loads(done.out)["registry"]
    assert "last_reviewed" not in entry or entry["last_reviewed"] is None


@pytest.fixture
def hook(estate: Path) -> Iterator[Receiver]:
    """A receiver, and an estate that notifies it."""
    with receiver() as server, (estate / "config.toml").open("a") as config:
        config.write(f'\n[[notify]]\nname = "soc"\ntype = "webhook"\nurl = "{server.url}"\ntimeout = 5\n')
        config.flush()
        yield server


def test_the_channels_are_reported_of_each_row(estate: Path, muster: Muster, hook: Receiver) -> None:
    """Once each, and when it can be read again."""
    muster("scan")
    for text in (
        REGISTRY.replace("N-1,invoice-bot", "N-1,invoice-bot;**"),
        REGISTRY.replace("-bot,", "-bot;**,").replace("-sync,", "-sync;**,"),
    ):
        for _ in range(2):
            (estate / "registry.csv").write_text(text)
            assert muster("scan").code == 0
    (estate / "registry.csv").write_text(REGISTRY)
    muster("scan")

    expected = [one.json for one in hook.received if one.json["kind"] == "blindness"]
    assert [(len(one["lost"]), len(one["regained"])) for one in expected] == [(1, 0), (2, 0), (0, 3)]
    assert {one["section"] for one in expected[0]["lost"]} == {"registry.rows"}
    assert "would match everything" in expected[0]["lost"][0]["detail"]


def test_json_rows_are_set_aside_one_by_one(estate: Path, muster: Muster) -> None:
    """One that is no object, and one with two names. Two headings for a fact cost that fact."""
    rows = [
        {"id": "N-1", "identities": "invoice-bot", "owner": "ada@example.com"},
        {"id": "N-2", "identities": "old-sync", "team": "billing", "squad": "books"},
        {"id": "N-3", "name": "gone-bot", "title": "lost-bot"},
    ]
    (estate / "registry.ndjson").write_text("\n".join([*map(json.dumps, rows), "not json"]))

    result = _scan(muster, "--registry", "registry.ndjson")

    assert _entries(result) == {"N-1": "found", "N-2": "found"}
    assert [one["scope"].rpartition(":")[2] for one in _rows(result)] == ["3", "4"]
    assert [one["team"] for one in result["registry"]] == [None, None]
    assert BOTS  # the estate's list is read as always


def test_an_identity_that_another_entry_represents_is_provisional_until_that_is_known(
    estate: Path, muster: Muster
) -> None:
    """On a first scan no one can say which of the two would represent it; afterwards its last verdict stands."""
    wide = "N-7,,invoice-*,ada@example.com,active,,\n"
    (estate / "registry.csv").write_text(BAD_ROW + wide)
    first = _identity(_scan(muster, "--store", "sqlite:///first.db"), "invoice-bot")
    (estate / "registry.csv").write_text(HEAD + wide)
    _scan(muster)
    (estate / "registry.csv").write_text(BAD_ROW + wide)
    later = _identity(_scan(muster), "invoice-bot")

    assert (first["registry"]["entry"], first["registry"]["provisional"]) == ("N-7", True)
    assert (later["registry"]["entry"], later["registry"]["provisional"]) == ("N-7", False)
    said = muster("scan", "--store", "sqlite:///other.db").out
    assert "1 other identity is provisional" in " ".join(said.split())


def test_an_import_sets_rows_aside_too(estate: Path, muster: Muster) -> None:
    """Unless it is asked to be strict."""
    (estate / "registry.csv").write_text(BAD_ROW)
    muster("scan", "--shard", "1/1", "--scan-id", "a", "-o", "ndjson:shard.ndjson")

    refused = muster("import", "shard.ndjson", "--strict-registry")
    done = muster("import", "shard.ndjson", "-o", "json:-")

    assert refused.code == 2
    assert done.code == 0
    assert len(_rows(json.loads(done.out))) == 1


def test_a_cell_of_a_megabyte_costs_its_row(estate: Path, muster: Muster) -> None:
    """Of the registry and of a list of identities; all other rows are read."""
    long = "x" * 1_000_000
    (estate / "registry.csv").write_text(f"{GOOD}N-9,,{long},ada@example.com,active,,\n")
    (estate / "bots.csv").write_text(f"{BOTS}saas:acme:long,{long},saas,acme,bot,yes,,,,\n")

    result = _scan(muster)

    assert _entries(result).keys() == {"N-1", "N-2", "N-3"}
    assert len(result["identities"]) == BOTS.count("\n") - 1
    assert "longer than 131072" in _rows(result)[0]["detail"]


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        pytest.param('"a"b', "text goes on after a closing quotation mark", id="quotation mark"),
        pytest.param("a\0b", "holds a NUL byte", id="NUL"),
        pytest.param("x" * 17_000_000, "is longer than 16 MiB", id="long line"),
    ],
)
@pytest.mark.parametrize("name", ["registry.csv", "people.csv", "bots.csv"])
def test_a_broken_row_of_any_list_is_a_gap(estate: Path, muster: Muster, name: str, broken: str, why: str) -> None:
    """Its section is partial, with file, line and reason; nothing else is lost, and strict runs end with their code."""
    before = _scan(muster)
    whole = (estate / name).read_text()
    (estate / name).write_text(whole.replace("\n", f"\n{broken}\n", 1))

    after = _scan(muster)

    (gap,) = (one for one in after["coverage"] if why in str(one["detail"]))
    assert (gap["status"], after["summary"]["gaps"] > before["summary"]["gaps"]) == ("partial", True)
    assert name in gap["scope"] + gap["detail"]
    assert "2" in gap["scope"] + gap["detail"]
    assert after["identities"][0]["key"] == before["identities"][0]["key"]
    assert [one["key"] for one in after["identities"]] == [one["key"] for one in before["identities"]]
    assert [one["registry"]["state"] for one in after["identities"]] == [
        one["registry"]["state"] for one in before["identities"]
    ]
    assert muster("scan", "--strict", "--quiet").code == 3
    assert muster("scan", "--strict-registry", "--quiet").code == (0 if name == "bots.csv" else 2)
