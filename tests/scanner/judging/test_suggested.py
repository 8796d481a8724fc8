"""One set of pairs for both sides: what is linked, renamed or named by a cell, and what is only alike."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scanner.access.same import Same
from scanner.judging.suggested import linked, with_suggestions
from scanner.matching.suggestions.sides import KEPT, Pairing, both_sides
from scanner.model import EntryAssessment, Former, MatchCandidate, RegistryVerdict
from tests.factories import make_entry, make_identity

OPEN = RegistryVerdict(state="unregistered")
REGISTERED = RegistryVerdict(state="registered", entry="E")


def entry(entry_id: str) -> EntryAssessment:
    return EntryAssessment(entry=make_entry("x", id=entry_id), state="found")


def test_an_identity_linked_to_a_registered_one_inherits_its_entry_on_both_sides() -> None:
    """Which is the entry's side, too."""
    identity = make_identity("copy")
    same = {identity.key: (Same(key="original", how="runs_as", evidence="which runs as it"),)}
    registry = {identity.key: OPEN, "original": REGISTERED}

    judged, (declared,) = with_suggestions(registry, [entry("E")], linked([identity], registry, same))

    assert [(one.entry, one.score) for one in judged[identity.key].candidates] == [("E", 0.8)]
    assert [(one.identity, one.score) for one in declared.candidates] == [(identity.key, 0.8)]


def test_what_is_known_precedes_what_is_alike() -> None:
    """Whatever the scores."""
    known = {"i": (MatchCandidate(entry="K", score=0.5, evidence="named"),)}

    judged, _ = with_suggestions({"i": OPEN}, [entry("A"), entry("K")], [Pairing("i", "A", 0.9, "alike")], known)

    assert [one.entry for one in judged["i"].candidates] == ["K", "A"]


def test_the_entry_of_a_former_identity_is_on_neither_side() -> None:
    """Nor are pairs of registered identities, or of entries that are no more."""
    recreated = RegistryVerdict(state="unregistered", former=Former(entry="E", unique_id="old"))
    pairs = [Pairing("i", "E", 0.98, ""), Pairing("r", "E", 0.98, ""), Pairing("i", "gone", 0.98, "")]

    judged, (declared,) = with_suggestions({"i": recreated, "r": REGISTERED}, [entry("E")], pairs)

    assert judged == {"i": recreated, "r": REGISTERED}
    assert declared.candidates == ()


PAIRS = st.lists(
    st.builds(Pairing, st.sampled_from("abcdefghijkl"), st.sampled_from("123456789"), st.floats(0, 1), st.just("why")),
    max_size=80,
)


@given(PAIRS, PAIRS)
def test_both_sides_have_the_same_pairs(alike: list[Pairing], known: list[Pairing]) -> None:
    """However many there are, in any order."""
    sides = both_sides(alike, known)
    ours = {(key, one.entry, one.score) for key, some in sides.for_identities.items() for one in some}
    theirs = {(one.identity, key, one.score) for key, some in sides.for_entries.items() for one in some}

    assert ours == theirs
    assert all(len({one.entry for one in some}) == len(some) <= KEPT for some in sides.for_identities.values())
    assert sides == both_sides(alike[::-1], known[::-1])
