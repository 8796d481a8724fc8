"""Who can become whom across providers, by the tokens that one has and another takes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from scanner.access.paths import resolve
from scanner.access.trusts import compiled, meet
from scanner.model import Identity, Trust
from tests.factories import make_identity

GOOGLE, ENTRA = "https://accounts.google.com", "https://login.microsoftonline.com/T-1/v2.0"
ROLE_SESSIONS = "arn:aws:sts::123456789012:assumed-role/deploy/*"


def with_federation(identities: Sequence[Identity], others: Sequence[Identity] = ()) -> tuple[Identity, ...]:
    """The identities, resolved."""
    return resolve(identities, {}, (), (), others).identities


def bearer(*subjects: Any, **facts: Any) -> Identity:
    """A service account that can show such tokens."""
    return make_identity(
        "bot", **{"key": "bot", "provider": "gcp", "attributes": {"token_subjects": subjects}, **facts}
    )


def taking(issuer: str | None, subject: str | None, **facts: Any) -> Identity:
    """A role that takes tokens for a subject."""
    trust = {"principal": "p", "kind": "federated", "external": True, "evidence": "its trust policy", **facts}
    return make_identity("role", key="role", trusts=(Trust(issuer=issuer, subject=subject, **trust),))


@pytest.mark.parametrize(
    ("has", "takes", "linked"),
    [
        ((GOOGLE, "1234"), (GOOGLE, "1234"), True),
        ((GOOGLE, "1234"), ("accounts.google.com", "1234"), True),
        ((ENTRA, "1234"), ("https://LOGIN.microsoftonline.com/T-1/v2.0/", "1234"), True),
        ((ENTRA, "1234"), ("https://login.microsoftonline.com/t-1/v2.0", "1234"), False),
        ((GOOGLE, "1234"), (GOOGLE, "12345"), False),
        ((GOOGLE, "abc"), (GOOGLE, "ABC"), False),
        ((GOOGLE, "1234"), (ENTRA, "1234"), False),
        ((GOOGLE, "1234"), (GOOGLE, "12*"), True),
        ((GOOGLE, "1234"), (GOOGLE, "13*"), False),
        ((GOOGLE, "1234"), (GOOGLE, "*"), False),
        ((GOOGLE, "1234"), (GOOGLE, None), False),
        ((GOOGLE, "1234"), (None, "1234"), False),
        (("aws:1", ROLE_SESSIONS), ("aws:1", "arn:aws:sts::123456789012:assumed-role/deploy/job"), True),
        (("aws:1", ROLE_SESSIONS), ("aws:1", "arn:aws:sts::*:assumed-role/dep*/j?b"), True),
        (("aws:1", ROLE_SESSIONS), ("aws:1", "arn:aws:sts::123456789012:assumed-role/deploy2/*"), False),
        (("aws:1", "*"), ("aws:1", "x"), False),
    ],
)
def test_a_token_fits_a_trust_in_its_issuer_and_subject(
    has: tuple[str, str], takes: tuple[str | None, str | None], linked: bool
) -> None:
    """Whoever takes anybody's names nobody; a host is the same in any case, a subject is not."""
    bot, role = with_federation([bearer(list(has)), taking(*takes)])

    assert [(one.relation, one.target, one.evidence) for one in bot.links] == (
        [("can_assume", "role", "its trust policy")] if linked else []
    )
    assert [(one.relation, one.target) for one in role.links] == ([("federates", "bot")] if linked else [])


@pytest.mark.parametrize(
    ("subject", "issuer", "external"),
    [("1234", GOOGLE, False), ("12*", GOOGLE, True), ("99", GOOGLE, True), ("1234", ENTRA, True)],
)
def test_one_exact_subject_of_our_own_is_no_outsider(subject: str, issuer: str, external: bool) -> None:
    """A pattern may let in others as well."""
    _, role = with_federation([bearer((GOOGLE, "1234")), taking(issuer, subject)])

    assert role.trusts[0].external is external


def test_only_federated_trusts_take_tokens() -> None:
    """An account's name may look like anything."""
    estate = (bearer((GOOGLE, "1234")), taking(GOOGLE, "1234", kind="account"))

    assert with_federation(estate) == estate


@pytest.mark.parametrize("subjects", ["text", [GOOGLE], [[GOOGLE]], [[GOOGLE, 1234]], [[GOOGLE, "1234", ""]], None, {}])
def test_what_is_no_list_of_pairs_names_nobody(subjects: Any) -> None:
    """Whatever a connector or a list has put there."""
    estate = (make_identity("x", attributes={"token_subjects": subjects}), taking(GOOGLE, "1234"))

    assert with_federation(estate) == estate


def test_those_known_of_old_count_on_either_side() -> None:
    """They themselves stay as they are, and doing it again changes nothing."""
    (role,) = with_federation([taking(GOOGLE, "1234")], [bearer([GOOGLE, "1234"])])
    (bot,) = with_federation([bearer([GOOGLE, "1234"])], [taking(GOOGLE, "1234")])
    both = with_federation([bearer([GOOGLE, "1234"]), taking(GOOGLE, "1234")])

    assert [link.target for link in (*role.links, *bot.links)] == ["bot", "role"]
    assert with_federation(both) == both


def test_nobody_becomes_itself() -> None:
    """Though it trusts its own issuer."""
    one = bearer([GOOGLE, "1234"])
    itself = replace(one, trusts=taking(GOOGLE, "1234").trusts)

    assert with_federation([itself]) == (itself,)


FEW = st.text("ab*?", max_size=4)
TEXTS = ["".join(text) for length in range(7) for text in product("ab", repeat=length)]


@given(FEW, FEW)
def test_two_patterns_meet_where_one_text_fits_both(one: str, other: str) -> None:
    """Looked for among all short texts; of patterns this short, no longer one is needed."""
    expected = any(compiled(one).match(text) and compiled(other).match(text) for text in TEXTS)

    assert meet(one, other) == expected
    assert meet(other, one) == expected
