"""Comparison: equal but for case, never equal by look."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.matching.keys import fold, habits, is_bare, is_email, place_of, provider_key, scope_key
from tests.factories import make_entry


@pytest.mark.parametrize(
    ("left", "right"),
    [
        pytest.param("SVC-Billing", "svc-billing", id="ascii"),
        pytest.param("Écrivain", "écrivain", id="accented"),
        pytest.param("e\u0301crivain", "\u00e9crivain", id="composed-and-decomposed"),
    ],
)
def test_names_are_equal_but_for_case(left: str, right: str) -> None:
    """Case and the two ways to write an accent make no difference."""
    assert fold(left) == fold(right)


@pytest.mark.parametrize(
    "imitation",
    [
        pytest.param("svc-\u0430", id="cyrillic-a"),
        pytest.param("svc-\uff41", id="fullwidth-a"),
        pytest.param("svc-a\u200b", id="zero-width-space"),
        pytest.param("s\u200dvc-a", id="zero-width-joiner"),
        pytest.param("\ufeffsvc-a", id="byte-order-mark"),
        pytest.param("\u017fvc-a", id="long-s"),
        pytest.param("svc-a ", id="trailing-space"),
        pytest.param("svc-a\u00a0", id="no-break-space"),
        pytest.param("svc\u2010a", id="another-hyphen"),
        pytest.param("svc-\U0001d41a", id="mathematical-bold-a"),
    ],
)
def test_a_look_alike_is_not_equal(imitation: str) -> None:
    """A name that only looks the same is another name."""
    assert fold(imitation) != fold("svc-a")


def test_no_character_outside_ascii_folds_into_it() -> None:
    """Of all characters there are, none becomes an ASCII one, so none can imitate one."""
    assert [hex(code) for code in range(128, sys.maxunicode + 1) if fold(chr(code)).isascii()] == []


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    """A folded text is its own folding."""
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("AWS", "aws"),
        (" Amazon Web Services ", "aws"),
        ("OpenBao", "vault"),
        ("Slack", "slack"),
        ("", None),
        (None, None),
    ],
)
def test_a_provider_goes_by_one_name(written: str | None, meant: str | None) -> None:
    """What people write for a provider and what we call it are the same; unknown ones stay themselves."""
    assert provider_key(written) == meant


@pytest.mark.parametrize(
    ("provider", "scope", "compared"),
    [
        pytest.param("aws", "12345678901", "012345678901", id="spreadsheet-dropped-a-zero"),
        pytest.param("aws", " 123456789012 ", "123456789012", id="trimmed"),
        pytest.param("gcp", "123", "123", id="other-providers-keep-their-digits"),
        pytest.param(None, "Prod", "prod", id="case"),
        pytest.param("aws", "", None, id="empty"),
    ],
)
def test_a_scope_is_compared_as_meant(provider: str | None, scope: str, compared: str | None) -> None:
    """Scopes are equal but for case, white space and an account number's leading zeros."""
    assert scope_key(provider, scope) == compared


@pytest.mark.parametrize(
    ("identities", "place"),
    [
        (("svc", " arn:aws:iam::012345678901:role/svc"), (None, "012345678901")),
        (("svc",), (None, "12345678901")),
    ],
    ids=["an ARN tells", "a name does not"],
)
def test_whose_account_it_is_an_arn_says(identities: tuple[str, ...], place: tuple[str | None, str]) -> None:
    """And nothing more: the entry is not narrowed to a provider that it does not name."""
    assert place_of(make_entry(*identities, scope="12345678901")) == place


def test_unknown_providers_compare_exactly() -> None:
    """Where we do not know how a provider compares, case matters."""
    assert habits("homegrown").ids == "exact"
    assert habits("azure").ids == "any_case"


@pytest.mark.parametrize(
    ("text", "email", "bare"),
    [
        ("ada@example.com", True, True),
        ("arn:aws:iam::1:user/ada@example.com", False, False),
        ("vault://v/a@b", False, False),
        ("@", False, True),
        ("svc", False, True),
    ],
)
def test_shapes_of_texts(text: str, *, email: bool, bare: bool) -> None:
    """An ARN with an @ is no e-mail, and neither it nor a URL is a bare name."""
    assert is_email(text) is email
    assert is_bare(text) is bare
