"""Federation across providers: identities that can present a token, and trusts that accept it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from scanner.access.edges import resolve
from scanner.access.subjects import meet
from scanner.access.trusts import compiled
from scanner.model import Claim, Identity, Privilege, Said, TokenSubject, Trust, with_typed
from tests.examples import examples
from tests.factories import make_identity

GOOGLE, ENTRA = "https://accounts.google.com", "https://login.microsoftonline.com/T-1/v2.0"
ROLE_SESSIONS = "arn:aws:sts::123456789012:assumed-role/deploy/*"


def with_federation(identities: Sequence[Identity], others: Sequence[Identity] = ()) -> tuple[Identity, ...]:
    """The identities, resolved."""
    return resolve(identities, {}, (), (), others).identities


def holder(*subjects: Any, **facts: Any) -> Identity:
    """A service account that can present such tokens."""
    given = {"key": "bot", "provider": "gcp", "attributes": {"token_subjects": subjects}, **facts}
    return with_typed(make_identity("bot", **given))


def taking(issuer: str | None, subject: str | None, **facts: Any) -> Identity:
    """A role that accepts tokens for a subject."""
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
        (("aws:1", ""), ("aws:1", ""), False),
    ],
)
def test_a_token_fits_a_trust_in_its_issuer_and_subject(
    has: tuple[str, str], takes: tuple[str | None, str | None], linked: bool
) -> None:
    """A trust in every subject gives no links. Hosts ignore case, subjects do not."""
    bot, role = with_federation([holder(list(has)), taking(*takes)])

    assert [(link.relation, link.target, link.evidence) for link in bot.links] == (
        [("can_assume", "role", "its trust policy")] if linked else []
    )
    assert [(link.relation, link.target) for link in role.links] == ([("federates", "bot")] if linked else [])


@pytest.mark.parametrize(
    ("subject", "issuer", "external"),
    [("1234", GOOGLE, False), ("12*", GOOGLE, True), ("99", GOOGLE, True), ("1234", ENTRA, True)],
)
def test_one_exact_known_subject_is_not_external(subject: str, issuer: str, external: bool) -> None:
    """A pattern can admit other identities as well."""
    _, role = with_federation([holder((GOOGLE, "1234")), taking(issuer, subject)])

    assert role.trusts[0].external is external


def test_only_federated_trusts_accept_tokens() -> None:
    """An account's name may look like anything."""
    estate = (holder((GOOGLE, "1234")), taking(GOOGLE, "1234", kind="account"))

    assert with_federation(estate) == estate


def test_last_known_identities_count_on_both_sides() -> None:
    """They stay unchanged, and applying it again changes nothing."""
    (role,) = with_federation([taking(GOOGLE, "1234")], [holder([GOOGLE, "1234"])])
    (bot,) = with_federation([holder([GOOGLE, "1234"])], [taking(GOOGLE, "1234")])
    both = with_federation([holder([GOOGLE, "1234"]), taking(GOOGLE, "1234")])

    assert [link.target for link in (*role.links, *bot.links)] == ["bot", "role"]
    assert with_federation(both) == both


@pytest.mark.parametrize(("known", "level"), [(True, "normal"), (False, "unknown")])
def test_what_an_identity_elsewhere_may_do_is_unknown_unless_it_was_read(known: bool, level: str) -> None:
    """Also where no identity has a token that a trust could accept."""
    normal = Privilege(level="normal")
    agent = make_identity("agent", privilege=normal, attributes={"federates_to": ["arn:aws:iam::1:role/agent"]})
    role = make_identity("role", key="arn:aws:iam::1:role/agent")

    found = with_federation((agent, role) if known else (agent,))[0]

    assert found.privilege.level == level


def test_an_identity_does_not_become_itself() -> None:
    """Although it trusts its own issuer."""
    one = holder([GOOGLE, "1234"])
    itself = replace(one, trusts=taking(GOOGLE, "1234").trusts)

    assert with_federation([itself]) == (itself,)


VALUES = st.sampled_from(["a", "b", "ab", "a*", "*"])
NAMES = st.sampled_from("xy")
TOKENS = st.builds(
    TokenSubject,
    st.just(GOOGLE),
    st.sampled_from(["s", "t", "s*"]),
    st.dictionaries(NAMES, VALUES, max_size=2).map(lambda said: tuple(Said(*one) for one in sorted(said.items()))),
)
CLAIMS = st.builds(Claim, name=NAMES, values=st.lists(VALUES, max_size=2).map(tuple))


def accepts(trust: Trust, token: TokenSubject) -> bool | None:
    """Whether a trust accepts a token: for certain, perhaps (False), or not (None). By trying everything."""
    says, is_certain = token.says, True
    names_someone = any(value.strip("*?") for claim in trust.claims for value in claim.values)
    by_claims = bool(says) and names_someone
    if trust.subject is None or (trust.implied and says):
        if not by_claims:
            return None
    elif not meet(trust.subject, token.subject):
        return None
    for claim in trust.claims if says else ():
        if claim.name not in says or not claim.values:
            is_certain = False
        elif not any(meet(says[claim.name], value) for value in claim.values):
            return None
    return is_certain


@given(
    tokens=st.lists(TOKENS, max_size=5),
    claims=st.lists(CLAIMS, max_size=2, unique_by=lambda claim: claim.name).map(tuple),
    subject=st.sampled_from([None, "s", "t", "s*"]),
    implied=st.booleans(),
)
@examples(100, smoke=100)
def test_a_trust_accepts_the_tokens_that_fit_it(
    tokens: list[TokenSubject], claims: tuple[Claim, ...], subject: str | None, implied: bool
) -> None:
    """By subject and claims, whatever order they are looked up in; what is not known makes an edge conditional."""
    role = taking(GOOGLE, subject, claims=claims, implied=implied)
    holders = [make_identity(str(number), key=str(number), token_subjects=(one,)) for number, one in enumerate(tokens)]
    found = {edge.source: not edge.conditional for edge in resolve([*holders, role], {}, (), ()).edges}

    expected = {str(number): accepts(role.trusts[0], token) for number, token in enumerate(tokens)}
    assert found == {key: is_certain for key, is_certain in expected.items() if is_certain is not None}


FEW = st.text("ab*?", max_size=4)
TEXTS = ["".join(text) for length in range(7) for text in product("ab", repeat=length)]


@given(FEW, FEW)
def test_two_patterns_meet_where_one_text_fits_both(one: str, other: str) -> None:
    """Compared with all short texts, which are enough for such short patterns."""
    expected = any(compiled(one).match(text) and compiled(other).match(text) for text in TEXTS)

    assert meet(one, other) == expected
    assert meet(other, one) == expected
