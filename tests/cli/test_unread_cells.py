"""A cell that cannot be read costs its cell: the row counts, what depends on the cell is unknown, and it is a gap."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import PEOPLE, Muster

HEAD = "id,identities,owner,status,expires,last_reviewed,created\n"


def _scan(muster: Muster, *arguments: str) -> dict[str, Any]:
    done = muster("scan", "-o", "json:-", *arguments)
    assert done.code == 0, done.err
    decoded: dict[str, Any] = json.loads(done.out)
    return decoded


def _identity(result: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in result["identities"] if one["name"] == name)


def _rules(result: dict[str, Any]) -> set[str]:
    return {one["rule"] for one in result["findings"]}


def _gaps(result: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (one["section"], Path(one["scope"]).name)
        for one in result["coverage"]
        if one["source"] in ("registry", "people")
    ]


def test_an_unreadable_end_is_neither_expired_nor_none(estate: Path, muster: Muster) -> None:
    """The entry registers its identity, and says that its end is unknown."""
    (estate / "registry.csv").write_text(
        f"{HEAD}N-1,invoice-bot,ada@example.com,active,soon,2026-11-01,\nN-2,gone,ada@example.com,active,later,,\n"
    )

    result = _scan(muster)

    verdict = _identity(result, "invoice-bot")["registry"]
    assert (verdict["state"], verdict["entry"]) == ("registered", "N-1")
    assert "(expires unknown)" in verdict["evidence"]
    assert [(one["id"], one["state"], one["unread"]) for one in result["registry"]] == [
        ("N-1", "found", ["expires"]),
        ("N-2", "not_evaluated", ["expires"]),
    ]
    assert _gaps(result) == [("registry.cells", "registry.csv:2"), ("registry.cells", "registry.csv:3")]
    assert not {"retired_but_alive", "entry_expiring", "entry_not_found"} & _rules(result)


def test_it_is_a_gap_for_those_who_are_strict(estate: Path, muster: Muster) -> None:
    """Exit 3 under ``--strict``, 2 under ``--strict-registry``, with the cells of both lists at once."""
    (estate / "registry.csv").write_text(f"{HEAD}N-1,invoice-bot,ada@example.com,active,soon,,\n")
    (estate / "people.csv").write_text(PEOPLE.replace("active,", "active,sometime"))

    refused = muster("scan", "--strict-registry")

    assert muster("scan", "--strict").code == 3
    assert refused.code == 2
    assert "registry.csv:2: expires: soon is not a date" in refused.err
    assert "people.csv:2: left_on: sometime is not a date" in refused.err


@pytest.mark.parametrize(
    ("people", "gap"),
    [
        (PEOPLE.replace("active,", "active,sometime"), ("people.cells", "people.csv:2")),
        (PEOPLE.replace("ada@example.com,Ada", ",Ada"), ("people.rows", "people.csv:2")),
        (PEOPLE + "ada@example.com,Ada,left,2025-01-01\n", ("people.rows", "people.csv:4")),
    ],
)
def test_nobody_leaves_by_what_cannot_be_read(estate: Path, muster: Muster, people: str, gap: tuple[str, str]) -> None:
    """An unreadable last day, a row without an e-mail, two rows that differ: ownership is unchecked."""
    (estate / "people.csv").write_text(people)

    result = _scan(muster)

    assert _identity(result, "invoice-bot")["ownership"]["state"] == "unchecked"
    assert _identity(result, "old-sync")["ownership"]["reason"] == "departed"
    assert _gaps(result) == [gap]


def test_an_unreadable_owner_is_not_none(estate: Path, muster: Muster) -> None:
    """Nobody says that no owner was assigned."""
    (estate / "registry.json").write_text(
        json.dumps([{"id": "N-1", "identities": "invoice-bot", "owner": {"name": "Ada"}, "status": "active"}])
    )

    verdict = _identity(_scan(muster, "--registry", "registry.json"), "invoice-bot")["ownership"]

    assert (verdict["state"], verdict["reason"]) == ("unchecked", None)


def test_an_unreadable_provider_sets_its_row_aside(estate: Path, muster: Muster) -> None:
    """Without it the row would register identities of any provider."""
    (estate / "registry.json").write_text(
        json.dumps([{"id": "N-1", "identities": "invoice-bot", "owner": "ada@example.com", "provider": ["aws", "gcp"]}])
    )

    result = _scan(muster, "--registry", "registry.json")

    verdict = _identity(result, "invoice-bot")["registry"]
    assert (verdict["state"], verdict["provisional"]) == ("unregistered", True)
    assert [section for section, _ in _gaps(result)] == ["registry.rows"]


def _reviewed(reviewed: str, created: str) -> str:
    return f"{HEAD}N-1,invoice-bot,ada@example.com,active,,{reviewed},{created}\n"


@pytest.mark.parametrize(
    ("reviewed", "created", "is_overdue"),
    [
        ("", 400, True),
        ("", 30, False),
        ("", None, False),
        ("soon", 400, False),
        ("2999-01-01", 400, True),
    ],
)
def test_an_entry_that_was_never_reviewed_is_overdue_once_the_interval_is_over(
    estate: Path, muster: Muster, reviewed: str, created: int | None, is_overdue: bool
) -> None:
    """Since it was created; first seen today, it is not; an unreadable review is no missing one, a future one is."""
    day = "" if created is None else str(datetime.now(UTC).date() - timedelta(days=created))
    (estate / "registry.csv").write_text(_reviewed(reviewed, day))

    result = _scan(muster)

    found = [one for one in result["findings"] if one["rule"] == "review_overdue"]
    assert bool(found) is is_overdue
    assert all(one["evidence"]["never_reviewed_since"] == day for one in found)


def test_lint_names_every_cell_of_both_lists_and_the_sheet(estate: Path, muster: Muster) -> None:
    """All at once; nothing is said about the value that is unknown."""
    (estate / "registry.csv").write_text(_reviewed("soon", "whenever"))
    (estate / "people.csv").write_text(PEOPLE.replace("active,", "active,sometime") + ",Nobody,active,\n")

    report = json.loads(muster("registry", "lint", "-o", "json:-").out)

    assert [(Path(one["file"]).name, one["line"], one["field"]) for one in report["problems"]] == [
        ("people.csv", 2, "left_on"),
        ("people.csv", 4, "email"),
        ("registry.csv", 2, "last_reviewed"),
        ("registry.csv", 2, "created"),
    ]
    assert not [one for one in report["warnings"] if one["field"] in ("last_reviewed", "left_on")]


def test_doctor_shows_what_lint_shows(estate: Path, muster: Muster) -> None:
    """Each problem and warning; only what cannot be read fails."""
    (estate / "registry.csv").write_text(f"{HEAD}N-1,invoice-bot,left@example.com,active,2020-01-01,,\n")

    report = json.loads(muster("registry", "lint", "-o", "json:-").out)
    done = muster("doctor", "--all")

    said = " ".join(done.out.split())
    assert report["problems"]
    assert report["warnings"]
    for word in ("problem", "warning"):
        for one in report[f"{word}s"]:
            assert f"{word}: {one['file']}:{one['line']}: {one['field']}: {one['message']}" in said
    assert done.code == 0
    (estate / "registry.csv").write_text(f"{HEAD}N-1,invoice-bot,left@example.com,active,soon,,\n")
    assert muster("doctor").code == 1


@pytest.mark.parametrize(
    ("file", "good", "bad", "rule"),
    [
        ("registry.csv", ",2020-01-01,", ",soon,", "retired_but_alive"),
        ("registry.csv", "2020-02-02", "lately", "review_overdue"),
        ("people.csv", "2025-01-01", "in spring", None),
        ("people.csv", "left@example.com,Gone", ",Gone", "orphaned"),
    ],
)
def test_an_unreadable_cell_resolves_nothing(
    estate: Path, muster: Muster, file: str, good: str, bad: str, rule: str | None
) -> None:
    """The finding stays, not re-checked, until the cell can be read; then it is neither new nor reopened."""
    (estate / "registry.csv").write_text(
        f"{HEAD}N-1,invoice-bot,ada@example.com,active,2020-01-01,2020-02-02,\nN-2,old-sync,left@example.com,active,,,\n"
    )
    before = _scan(muster)
    text = (estate / file).read_text()
    (estate / file).write_text(text.replace(good, bad))
    during = _scan(muster)
    (estate / file).write_text(text)
    after = _scan(muster)

    assert rule is None or rule in _rules(before)
    assert {one["fingerprint"] for one in during["findings"]} == {one["fingerprint"] for one in before["findings"]}
    assert rule is None or [one["rechecked"] for one in during["findings"] if one["rule"] == rule] == [False]
    assert not [one for one in (*during["findings"], *after["findings"]) if one["new"] or one["reopened"]]
