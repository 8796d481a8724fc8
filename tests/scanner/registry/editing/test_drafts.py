"""Drafts of entries for what a scan found undeclared."""

from __future__ import annotations

from scanner.model import AgentVerdict, NatureVerdict, OwnerCandidate, OwnershipVerdict, RegistryVerdict
from scanner.registry.editing.adoption import draft
from tests.factories import NOW, make_assessment, make_entry, make_identity


def _owned_by(*people: str) -> OwnershipVerdict:
    candidates = tuple(OwnerCandidate(person=person, score=0.5, evidence="a tag") for person in people)
    return OwnershipVerdict(state="orphaned", reason="unregistered", candidates=candidates)


def test_drafts_are_proposed_to_their_likeliest_owner() -> None:
    """Sorted by owner, then key; those without a likely owner come last."""
    found = draft(
        [
            make_assessment("a"),
            make_assessment("b", ownership=_owned_by("zoe@example.com", "ada@example.com")),
            make_assessment("d", ownership=_owned_by("ada@example.com"), agent=AgentVerdict(is_agent=True)),
            make_assessment("c", ownership=_owned_by("ada@example.com")),
        ],
        [],
        scan="S",
        today=NOW.date(),
    )

    assert [(one.identity.name, one.cells) for one in found.answers] == [
        ("c", {"status": "proposed", "owner": ("ada@example.com",)}),
        ("d", {"status": "proposed", "owner": ("ada@example.com",), "kind": "agent"}),
        ("b", {"status": "proposed", "owner": ("zoe@example.com",)}),
        ("a", {"status": "proposed"}),
    ]


def test_who_needs_no_entry_gets_none() -> None:
    """People, exempt ones, what a gap may hide an entry of, and what was declared since are counted."""
    found = draft(
        [
            make_assessment("a", nature=NatureVerdict(verdict="human"), registry=RegistryVerdict(state="exempt")),
            make_assessment("b", registry=RegistryVerdict(state="exempt")),
            make_assessment("c", registry=RegistryVerdict(state="unregistered", provisional=True)),
            make_assessment("d"),
            make_assessment("e", registry=RegistryVerdict(state="registered", entry="NHI-1")),
        ],
        [make_entry("d")],
        scan="S",
        today=NOW.date(),
    )

    assert (found.answers, found.skipped) == ((), {"declared since": 1, "exempt": 1, "people": 1, "provisional": 1})


def test_without_a_registry_all_is_undeclared() -> None:
    """That is how one begins; what a provider answers for itself needs no entry there either."""
    unchecked = RegistryVerdict(state="unchecked")
    found = draft(
        [
            make_assessment("a", registry=unchecked),
            make_assessment(make_identity("b", managed_by="AWS"), registry=unchecked),
        ],
        [],
        scan="S",
        today=NOW.date(),
    )

    assert ([one.identity.name for one in found.answers], found.skipped) == (["a"], {"exempt": 1})
