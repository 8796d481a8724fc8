"""Names that only look like others, and what makes them do so."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.matching.keys import fold
from scanner.matching.lookalikes import disguise, disguised, look_alike, skeleton


@pytest.mark.parametrize(
    ("twin", "how"),
    [
        pytest.param("\u0456stio-kube-bot", "is written with Cyrillic \u0456", id="cyrillic"),
        pytest.param("istio-\u212aube-bot", "is written with Kelvin \u212a", id="kelvin-sign"),
        pytest.param("\u0130stio-kube-bot", "is written with Latin \u0130", id="case-folding-changes-its-length"),
        pytest.param("istio-kube-bot\ue000", "is written with U+E000 (private use)", id="private-use"),
        pytest.param("istio-kube-bot\U0001f916", "is written with \U0001f916 (robot face)", id="emoji"),
        pytest.param("istio-kube\u200b-bot", "is written with \\u200b (zero width space)", id="zero-width"),
        pytest.param("istio-kube-b\u00f2t", "is written with Latin \u00f2", id="accent"),
        pytest.param("istio-kube-bot\u3164", "is written with Hangul \u3164", id="filler-that-counts-as-a-letter"),
        pytest.param("istio-kube-bot\ufe0f", "is written with \ufe0f (variation selector-16)", id="selector"),
        pytest.param("\uff29stio-kube-bot", "is written with Fullwidth \uff49", id="fullwidth"),
        pytest.param("istio\u2010kube-bot", "is written with \u2010 (hyphen)", id="another-hyphen"),
        pytest.param("istio-kube-bot\0", "is written with U+0000 (control character)", id="nul"),
        pytest.param("istio-kube-bot ", "differs in its spaces", id="space-after-it"),
        pytest.param(" istio-kube-bot", "differs in its spaces", id="space-before-it"),
        pytest.param("istio-kube-b0t", "is written with other letters of the same shape", id="digit"),
    ],
)
def test_a_twin_is_recognised_with_what_gives_it_away(twin: str, how: str) -> None:
    """Also in other case."""
    assert look_alike(twin, "istio-kube-bot")
    assert look_alike(twin, "Istio-Kube-Bot")
    assert disguise(twin, "istio-kube-bot") == how


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("Istio-bot", "lstio-bot", id="capital-i-and-l"),
        pytest.param("\u0406stio-bot", "lstio-bot", id="capital-i-of-another-alphabet"),
        pytest.param("payrnents", "payments", id="rn-and-m"),
        pytest.param("node-1", "node-l", id="one-and-l"),
        pytest.param("1stio-bot", "istio-bot", id="one-and-i"),
        pytest.param("|stio-bot", "istio-bot", id="bar-and-i"),
        pytest.param("istlo-bot", "istio-bot", id="l-and-i"),
        pytest.param("lstio-bot", "istio-bot", id="l-and-i-at-the-start"),
        pytest.param("lst1o-B0T", "istio-bot", id="all-at-once"),
    ],
)
def test_letters_of_one_shape_are_taken_for_each_other(one: str, other: str) -> None:
    """Plain letters and digits, too."""
    assert look_alike(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("SVC-Billing", "svc-billing", id="case-alone"),
        pytest.param("cafe\u0301", "caf\u00e9", id="two-ways-to-write-an-accent"),
        pytest.param("svc-billing", "svc_billing", id="another-separator"),
        pytest.param("svc-billing", "svc-biling", id="typing-error"),
        pytest.param(
            "\u0939\u093f\u0928\u094d\u0926\u0940", "\u0939\u0941\u0928\u094d\u0926\u0940", id="vowels-of-hindi"
        ),
        pytest.param("\u652f\u6255", "\u652f\u4ed8", id="ideographs"),
    ],
)
def test_other_names_and_the_same_name_do_not_look_alike(one: str, other: str) -> None:
    """A name that is spelled otherwise is another name; the same one in another case is no look-alike."""
    assert not look_alike(one, other)


@pytest.mark.parametrize(
    ("text", "characters"),
    [
        pytest.param("svc-billing", "", id="ascii"),
        pytest.param("b\u043et", "\u043e", id="cyrillic"),
        pytest.param("\u0412OT", "\u0432", id="capital"),
        pytest.param("bot\u200b", "\u200b", id="zero-width"),
        pytest.param("cafe\u0301", "\u00e9", id="accent-however-written"),
        pytest.param("\u652f\u6255", "", id="looks-like-nothing-else"),
    ],
)
def test_disguised_characters_are_named(text: str, characters: str) -> None:
    """Those that look like another, or like nothing."""
    assert disguised(text) == frozenset(characters)


def test_every_character_has_one_look() -> None:
    """None takes a name down, and what a text looks like looks like nothing else."""
    assigned = (char for char in map(chr, range(0x110000)) if unicodedata.category(char) not in ("Co", "Cn", "Lo"))

    assert [char for char in assigned if (look := skeleton(f"x{char}")) != skeleton(look)] == []


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_two_names_can_be_compared(one: str, other: str) -> None:
    """With any text; and looking alike is symmetric."""
    assert look_alike(one, other) == look_alike(other, one)
    assert not (look_alike(one, other) and fold(one) == fold(other))
    assert disguise(one, other)
