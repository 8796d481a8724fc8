"""Two registries that do not declare the same of an identity."""

from __future__ import annotations

from typing import Any

import pytest

from scanner.matching.ladder import match
from scanner.model import Entry, EntryAssessment, Origin, Policy
from scanner.rules import registration
from scanner.rules.base import Hit, RuleContext
from scanner.rules.entries import DECLARED_DIFFERENTLY
from tests.factories import NOW, make_assessment, make_entry, make_identity

IDENTITY = make_identity()


def sheet(**facts: Any) -> Entry:
    return make_entry(IDENTITY.key, **{"id": "NHI-1", "registry": "sheet", **facts})


def cmdb(*identities: str, **facts: Any) -> Entry:
    return make_entry(
        *identities, **{"id": "C-9", "registry": "cmdb", "origin": Origin(file="cmdb.csv", row=9), **facts}
    )


def hits(*entries: Entry) -> tuple[Hit | None, Hit | None]:
    """What this rule and the one about ambiguity say of the identity with these entries."""
    verdict = match([IDENTITY], entries, tag_keys=(), today=NOW.date()).verdicts[IDENTITY.key]
    assessment = make_assessment(IDENTITY, registry=verdict)
    judged = {entry.id: EntryAssessment(entry=entry, state="found") for entry in entries}
    by = RuleContext(policy=Policy(), now=NOW, entries=judged)
    return DECLARED_DIFFERENTLY.check(assessment, by), registration.AMBIGUOUS_REGISTRATION.check(assessment, by)


BOB = ("bob@example.com",)


@pytest.mark.parametrize(
    ("other", "detail"),
    [
        pytest.param(
            cmdb(IDENTITY.key, owner=BOB),
            "key: cmdb.csv:9 and registry.csv:2 differ in owner",
            id="equally-strong",
        ),
        pytest.param(
            cmdb("svc-billing", owner=BOB), "name svc-billing = cmdb.csv:9, differs in owner", id="on-a-weaker-rung"
        ),
        pytest.param(
            cmdb("svc-billing", status="retired"),
            "name svc-billing = cmdb.csv:9 (retired), differs in status",
            id="retired-elsewhere",
        ),
    ],
)
def test_it_names_both_entries_and_what_they_differ_in(other: Entry, detail: str) -> None:
    """Each with its file and row; that is said once, and not as an ambiguity, too."""
    differently, ambiguous = hits(sheet(), other)

    assert differently is not None
    assert differently.evidence == {"entries": ["C-9 (cmdb.csv:9)", "NHI-1 (registry.csv:2)"], "detail": detail}
    assert set(differently.evidence) == set(DECLARED_DIFFERENTLY.evidence)
    assert ambiguous is None


@pytest.mark.parametrize(
    "entries",
    [(sheet(),), (sheet(), cmdb("svc-billing")), (sheet(), cmdb("other", owner=BOB))],
    ids=["one-registry", "they-agree", "about-another"],
)
def test_without_a_contradiction_it_is_silent(entries: tuple[Entry, ...]) -> None:
    """One registry, or two that say the same."""
    assert hits(*entries) == (None, None)


def test_two_rows_of_one_registry_are_an_ambiguity() -> None:
    """Which is another rule's."""
    differently, ambiguous = hits(sheet(), sheet(id="NHI-2", owner=BOB))

    assert differently is None
    assert ambiguous is not None


def test_an_entry_without_an_id_is_named_once() -> None:
    """Where file and row stand in for the id, they are not repeated."""
    differently, _ = hits(sheet(), cmdb(IDENTITY.key, id="cmdb.csv:9", has_own_id=False, owner=BOB))

    assert differently is not None
    assert differently.evidence["entries"] == ["NHI-1 (registry.csv:2)", "cmdb.csv:9"]
