"""Suggestions both ways: their order, their evidence, what lowers them, and that nothing else does."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.matching.suggestions.sides import KEPT, KEPT_OF_ENTRY
from scanner.matching.suggestions.suggest import LEAST, suggest
from scanner.model import EntryAssessment, EntryState, Identity, IdentityCandidate, MatchCandidate, Origin
from tests.examples import examples
from tests.factories import ACCOUNT, make_entry, make_identity


def declared(
    name: str,
    entry_id: str = "E",
    *,
    row: int = 14,
    state: EntryState = "not_found",
    identities: tuple[str, ...] = (),
    **facts: Any,
) -> EntryAssessment:
    entry = make_entry(name, id=entry_id, origin=Origin(file="registry.csv", row=row), **facts)
    return EntryAssessment(entry=entry, state=state, identities=identities)


def candidates(identity: Identity | str, *entries: EntryAssessment) -> tuple[MatchCandidate, ...]:
    subject = identity if isinstance(identity, Identity) else make_identity(identity)
    return suggest([subject], entries).for_identities.get(subject.key, ())


def test_a_renamed_identity_and_its_entry_are_suggested_to_each_other() -> None:
    """With the score and evidence that one can check, the same from both sides."""
    identity = make_identity("svc-payments-etl-prod2")

    found = suggest([identity], [declared("svc_Payments_ETL_prod")])

    evidence = (
        'name "svc-payments-etl-prod2" and "svc_Payments_ETL_prod" in registry.csv:14 '
        "share payments, etl, prod; differ in 2"
    )
    assert found.for_identities == {identity.key: (MatchCandidate(entry="E", score=0.92, evidence=evidence),)}
    assert found.for_entries == {"E": (IdentityCandidate(identity=identity.key, score=0.92, evidence=evidence),)}
    assert found.notices == ()


@pytest.mark.parametrize(
    ("identity", "entry", "score", "said"),
    [
        pytest.param(
            "svc-billing", declared("SVC_Billing"), 0.98, "are equal except for case and separators", id="equal"
        ),
        pytest.param(
            "svc-billing ", declared("svc-billing"), 0.59, "looks alike but differs in its spaces", id="space"
        ),
        pytest.param(
            "caf\u00e9-sync",
            declared("CAFE\u0301.sync"),
            0.98,
            "equal except for case and separators",
            id="accents-of-both",
        ),
        pytest.param("billing-prod", declared("billing-production"), 0.96, "prod = production", id="spelled-out"),
        pytest.param("paymets-etl", declared("payments-etl"), 0.89, "paymets resembles payments", id="typo"),
        pytest.param(
            "payments-prod",
            declared("payments-dev"),
            0.41,
            "environments contradict: prod and dev",
            id="environments-in-names",
        ),
        pytest.param(
            make_identity("payments-etl", environment="Production"),
            declared("payments-etl", environment="dev"),
            0.49,
            "environments contradict: prod and dev",
            id="environments-beside-names",
        ),
        pytest.param("web-02", declared("web-01"), 0.41, "numbers contradict: 02 and 01", id="numbers"),
        pytest.param(
            "svc-billing",
            declared("svc-billing", scope="999999999999"),
            0.83,
            f"scopes differ: {ACCOUNT} and 999999999999",
            id="scope",
        ),
        pytest.param(
            "svc-billing",
            declared("arn:aws:iam::999999999999:role/svc-billing"),
            0.83,
            f"scopes differ: {ACCOUNT} and 999999999999",
            id="scope-of-an-arn",
        ),
        pytest.param(
            "svc-billing",
            declared("SVC_billing", state="found", identities=("arn:x",)),
            0.73,
            "the entry already matches arn:x",
            id="stands-for-another",
        ),
        pytest.param(
            "svc-billing", declared("SVC_billing", status="retired"), 0.78, "the entry is retired", id="retired"
        ),
        pytest.param(
            "svc-billing-eu", declared("svc-billing-*"), 0.43, "only the literal parts of a pattern", id="pattern"
        ),
        pytest.param(
            "svc-b\u0456lling",
            declared("svc-billing"),
            0.59,
            "looks alike but is written with Cyrillic \u0456",
            id="homoglyph",
        ),
        pytest.param(
            "svc-billing\u200b", declared("svc-billing"), 0.59, r"with \u200b (zero width space)", id="invisible"
        ),
    ],
)
def test_what_speaks_for_and_against_a_pair_is_said(
    identity: Identity | str, entry: EntryAssessment, score: float, said: str
) -> None:
    """Each lowers the score by its own factor, and is in the evidence."""
    [candidate] = candidates(identity, entry)

    assert said in candidate.evidence
    assert candidate.score == pytest.approx(score, abs=0.02)


@pytest.mark.parametrize(
    ("identity", "entry"),
    [
        pytest.param("rogue-bot-exfil", declared("bot"), id="generic-word"),
        pytest.param("svc-billing", declared("svc-billing", provider="azure"), id="another-provider"),
        pytest.param("svc-billing", declared("vault://hub/auth/approle/role/svc-billing"), id="provider-of-a-key"),
        pytest.param("svc-billing", declared("search-index"), id="strangers"),
        pytest.param("4f1c0d2e9a3b", declared("4f1c0d2e9a3c"), id="ids-without-words"),
        pytest.param("---", declared("***"), id="no-words"),
    ],
)
def test_some_are_never_suggested(identity: str, entry: EntryAssessment) -> None:
    """A subject that shares only a common word, or is in another place, is no candidate."""
    assert candidates(identity, entry) == ()


def test_an_entry_without_a_match_comes_first() -> None:
    """Even if others are more alike; they are looked up only if it is no likely one."""
    alive = [declared("svc_billing", f"A{n}", state="found", identities=("arn:x",)) for n in range(KEPT)]

    likely = candidates("svc-billing", *alive, declared("billing.svc", "B"))
    possible = candidates("svc-billing", *alive, declared("billing.exporter", "B"))

    assert [one.entry for one in likely] == ["B"]
    assert {one.entry for one in possible} >= {"A0", "A1", "A2"}


def test_the_best_few_are_kept_and_ties_are_in_the_order_of_ids() -> None:
    """However many are equally good."""
    entries = [declared(f"{'svc_' * (number % 2)}billing", f"E{number:02}") for number in range(30)]

    found = candidates("billing", *reversed(entries))

    assert [one.entry for one in found] == ["E00", "E02", "E04", "E06", "E08"]


def test_of_a_crowd_with_one_name_the_neighbour_in_the_same_scope_is_found() -> None:
    """For a role that exists in many accounts, the entry for its own account is suggested."""
    entries = [declared("Deploy_Role", f"E{number:03}", scope=f"{number:012}") for number in range(1, 200)]
    identity = make_identity("deploy-role", scope=f"{150:012}")

    assert candidates(identity, *entries)[0] == MatchCandidate(
        entry="E150",
        score=0.98,
        evidence='name "deploy-role" and "Deploy_Role" in registry.csv:14 are equal except for case and separators',
    )


@pytest.mark.parametrize("state", ["not_found", "found", "retired", "retired_but_alive", "proposed", "suspended"])
def test_a_pair_stands_on_both_sides_whoever_asked(state: EntryState) -> None:
    """Entries that were found do not ask, but identities ask for them."""
    found = suggest([make_identity()], [declared("svc_billing", state=state)])

    assert [one.entry for one in found.for_identities[make_identity().key]] == ["E"]
    assert [one.identity for one in found.for_entries["E"]] == [make_identity().key]


def test_an_entry_that_could_not_be_evaluated_asks_too() -> None:
    """It may have been renamed to something that was read."""
    assert list(suggest([make_identity()], [declared("svc_billing", state="not_evaluated")]).for_entries) == ["E"]


def test_hostile_text_is_shown_safely_and_cut() -> None:
    """Escapes, surrogates and endless names in names, files and keys."""
    name = f"svc-billing-\x1b[2J\ud800{'x' * 100_000}"
    entry = EntryAssessment(
        entry=make_entry(name, id="E", origin=Origin(file="a\x1b.csv", row=1)),
        state="found",
        identities=("arn:\u202e" + "y" * 10_000,),
    )

    [candidate] = candidates(name, entry)

    assert candidate.evidence.isprintable()
    assert len(candidate.evidence) < 1_000


def test_hostile_names_cost_bounded_time() -> None:
    """Many words, all of them alike, on both sides."""
    words = [f"ab{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(60)]
    identities = [make_identity(f"{n}-{'-'.join(words[n:] + words[:n])}") for n in range(60)]
    entries = [declared(f"{'_'.join(words[n:] + words[:n])}x{n}", f"E{n}") for n in range(60)]
    started = time.process_time()
    suggest(identities, entries)

    assert time.process_time() - started < 5


NAMES = st.lists(
    st.sampled_from(["svc", "payments", "payment", "etl", "prod", "dev", "2", "03", "b\u043et", "\u200b", "ETL"]),
    min_size=1,
    max_size=4,
).map("-".join)


@examples(60)
@given(
    st.lists(st.tuples(NAMES, st.sampled_from(["111111111111", "222222222222"])), max_size=12, unique=True),
    st.lists(st.tuples(NAMES, st.sampled_from([None, "aws", "gcp"]), st.booleans()), max_size=12),
    st.randoms(use_true_random=False),
)
def test_the_order_of_the_input_never_matters(
    found: list[tuple[str, str]], rows: list[tuple[str, str | None, bool]], rng: Any
) -> None:
    """Shuffled, the same suggestions in the same order; few, good enough, the best first, the same on both sides."""
    identities = [make_identity(name, key=f"arn:aws:iam::{scope}:user/{name}", scope=scope) for name, scope in found]
    entries = [
        declared(name, f"E{n}", provider=provider, state="found" if alive else "not_found", identities=("x",) * alive)
        for n, (name, provider, alive) in enumerate(rows)
    ]
    expected = suggest(identities, entries)
    rng.shuffle(identities)
    rng.shuffle(entries)

    actual = suggest(identities, entries)

    assert actual == expected
    assert list(actual.for_identities.items()) == list(expected.for_identities.items())
    sides = (actual.for_identities, KEPT), (actual.for_entries, KEPT_OF_ENTRY)
    for scores, most in (([one.score for one in some], most) for side, most in sides for some in side.values()):
        assert scores == sorted(scores, reverse=True)
        assert 0 < len(scores) <= most
        assert min(scores) >= LEAST
    ours = {(key, one.entry, one.score, one.evidence) for key, some in actual.for_identities.items() for one in some}
    theirs = {(one.identity, key, one.score, one.evidence) for key, some in actual.for_entries.items() for one in some}
    assert ours == theirs


WITHOUT_VECTORS = """
import json, sys
sys.modules.update(numpy=None, scipy=None)
from scanner.model import Privilege
from scanner.matching.suggestions.suggest import suggest
from tests.factories import make_identity
from tests.scanner.matching.suggestions.test_suggest import declared
def some(name, enabled, level):
    return make_identity(name, enabled=enabled, privilege=Privilege(level=level))
asks = some("svc-payments-etl-prod2", {asks})
entry = declared("svc_Payments_ETL_prod", state="proposed")
found = suggest([*(some(f"idle-{{n}}", {others}) for n in range(5_000)), asks], [entry])
print(json.dumps([found.for_identities[asks.key][0].score, found.for_entries["E"][0].score, found.notices]))
"""


@pytest.mark.parametrize(
    ("asks", "others"),
    [
        pytest.param("None, 'normal'", "False, 'admin'", id="enabled-first"),
        pytest.param("True, 'admin'", "True, 'normal'", id="then-privileged"),
    ],
)
def test_without_the_extra_fewer_are_looked_up_and_a_notice_says_so(asks: str, others: str) -> None:
    """Plain Python finds the same, enabled and privileged identities first."""
    code = WITHOUT_VECTORS.format(asks=asks, others=others)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert json.loads(done.stdout) == [
        0.92,
        0.92,
        [
            "suggestions were made without NumPy and SciPy and may miss some: install the extra 'suggest'",
            (
                "entries were looked up for 5,000 of 5,001 unregistered identities to which no entry leads: "
                "enabled and privileged ones first"
            ),
        ],
    ]


@pytest.mark.parametrize(
    ("identities", "entries"),
    [([], [declared("a")]), ([make_identity()], []), ([], [])],
    ids=["no-identities", "no-entries", "neither"],
)
def test_nothing_to_compare_gives_nothing(identities: list[Identity], entries: list[EntryAssessment]) -> None:
    """No candidates and no notice."""
    found = suggest(identities, entries)

    assert (found.for_identities, found.for_entries, found.notices) == ({}, {}, ())


def test_no_character_of_unicode_takes_the_suggestions_down() -> None:
    """Every one whose case or compatibility forms have another length, and one of every 512 others."""
    odd = [
        char
        for code, char in enumerate(map(chr, range(0x110000)))
        if code % 512 == 0
        or char == "\u200b"
        or any(len(form) > 1 for form in (char.lower(), char.upper(), char.casefold(), normalize("NFKD", char)))
    ]
    names = [name for char in odd for name in (f"{char}stio-bot", f"istio{char}bot")]

    found = suggest([make_identity(name, key=name) for name in names], [declared("istio-bot")])

    assert len(found.for_entries["E"]) == len(found.for_identities) == KEPT_OF_ENTRY
    for name in ("\u0130stio-bot", "istio\u200bbot", "istio\ue000bot"):
        assert candidates(name, declared("istio-bot"))


@given(st.lists(st.text(min_size=1, max_size=20), min_size=1, max_size=4), st.data())
def test_any_names_can_be_suggested_to_each_other(names: list[str], data: st.DataObject) -> None:
    """Those of the one side are made from the other's, in another case or form, or with something added."""
    change = st.sampled_from(
        [
            str.lower,
            str.upper,
            str.casefold,
            str.title,
            lambda name: normalize("NFKD", name),
            lambda name: name + "\u0307",
        ]
    )
    identities = [make_identity(data.draw(change)(name), key=f"{number}/{name}") for number, name in enumerate(names)]

    suggest(identities, [declared(name, str(number)) for number, name in enumerate(names)])
