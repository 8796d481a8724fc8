"""How like two names are, and why."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.matching.suggestions.likeness import EQUAL, SHORTENED, Comparer
from scanner.matching.suggestions.names import key_of

FEW = Comparer(())


def score(one: str, other: str, comparer: Comparer = FEW) -> float:
    return comparer.compare(key_of(one), key_of(other)).score


@pytest.mark.parametrize(
    ("one", "other", "least", "most"),
    [
        pytest.param("svc-payments-etl", "SVC_Payments.ETL", EQUAL, EQUAL, id="case-and-separators"),
        pytest.param("svcpaymentsetl", "svc-payments-etl", EQUAL, EQUAL, id="no-separators"),
        pytest.param(
            "payments-etl-production", "payments-etl-prod", SHORTENED, SHORTENED, id="environment-spelled-out"
        ),
        pytest.param("service-payments-dev", "svc_payments_development", SHORTENED, SHORTENED, id="abbreviations"),
        pytest.param("web-02", "web2", SHORTENED, SHORTENED, id="leading-zero"),
        pytest.param("payments-etl", "etl-payments", 0.95, 0.95, id="reordered"),
        pytest.param("payments-etl", "payment-etl-v2", 0.85, 0.95, id="singular-and-version"),
        pytest.param("svc-payments-etl-prod2", "svc_Payments_ETL_prod", 0.9, 0.95, id="number-added"),
        pytest.param("paymentsetl-prod2", "payments-etl", 0.8, 0.95, id="glued"),
        pytest.param("payments-reconciler", "paymnets-reconciler", 0.85, 0.95, id="typo"),
        pytest.param("payments-etl-prod", "pmt-etl-prod", 0.8, 0.95, id="shortened-word"),
        pytest.param("payments-etl-prod", "pay-etl-prod", 0.7, 0.9, id="beginning-of-a-word"),
        pytest.param("crm-sync-prod", "crm-prod", 0.6, 0.85, id="word-dropped"),
        pytest.param("app-1-23", "app-12-3", 0.4, 0.5, id="numbers-that-only-look-equal-together"),
        pytest.param("payments-2", "payments-3", 0.4, 0.5, id="numbers-contradict"),
        pytest.param("payments-v1", "payments-v2", 0.75, 0.9, id="versions-contradict-a-little"),
        pytest.param("bot", "rogue-bot-exfil", 0, 0.1, id="one-generic-word"),
        pytest.param("svc-prod", "sa-prod", 0, 0.1, id="nothing-telling"),
        pytest.param("billing-export", "search-index", 0, 0.2, id="strangers"),
    ],
)
def test_renames_score_high_and_others_low(one: str, other: str, least: float, most: float) -> None:
    """The same both ways."""
    assert least <= score(one, other) <= most
    assert score(other, one) == score(one, other)


def test_sharing_what_everybody_has_is_little_evidence() -> None:
    """A word that most names hold says less than one that only these two hold."""
    estate = [f"payments {chr(97 + n % 26)}{chr(97 + n // 26 % 26)}{chr(97 + n // 676)}" for n in range(9_000)]

    assert score("payments-alpha", "payments-omega", Comparer(estate)) < 0.4 < score("payments-alpha", "payments-omega")


def test_rarity_does_not_move_with_every_new_name() -> None:
    """Scores are kept with every scan: one name more must not change them all."""
    estate = [f"payments {chr(97 + n % 26)}{chr(97 + n // 26)}x" for n in range(500)]

    assert score("payments-alpha", "payments-omega", Comparer(estate)) == score(
        "payments-alpha", "payments-omega", Comparer([*estate, "payments beta"])
    )


def test_the_reasons_are_reported() -> None:
    """Shared words, words that resemble, and what contradicts."""
    likeness = FEW.compare(key_of("svc-payments-etl-2"), key_of("svc-payment-etl-3"))

    assert likeness.shared == {"service", "etl"}
    assert likeness.resembling == (("payments", "payment"),)
    assert likeness.contradicting == ("number",)
    assert not likeness.equal


words = st.lists(st.sampled_from(["pay", "payments", "etl", "svc", "prod", "dev", "2", "03", "v2", "x"]), max_size=6)


@given(words, words)
def test_a_score_is_between_nothing_and_equal(one: list[str], other: list[str]) -> None:
    """Names without any words included."""
    assert 0 <= FEW.compare(" ".join(one), " ".join(other)).score <= EQUAL


@given(words, words, st.floats(0, 1))
def test_only_what_is_below_the_least_score_is_cut(one: list[str], other: list[str], least: float) -> None:
    """A similarity of the least score or more keeps its score and its reasons."""
    names = " ".join(one), " ".join(other)
    whole, cut = FEW.compare(*names), FEW.compare(*names, least)

    assert cut == whole or (cut.score == 0 and whole.score < least)
