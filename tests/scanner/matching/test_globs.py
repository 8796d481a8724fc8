"""Glob patterns: what they match, how they are ranked, and that the index finds exactly what they match."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.matching.globs import GlobIndex, compile_glob, is_pattern, literal, names_something, pieces, specificity

TEXTS = st.text(alphabet="ab/:-*\\", max_size=12)
TOKENS = st.sampled_from(["a", "b", "ab", "/", ":", "-", "*", "**", "\\*", "\\\\"])
PATTERNS = st.lists(TOKENS, max_size=8).map("".join)


@st.composite
def near_matches(draw: st.DrawFn) -> tuple[str, str]:
    """A pattern, and a text made from it by putting something in for its wildcards."""
    pattern = draw(PATTERNS)
    filling = st.text(alphabet="ab/:", max_size=4)
    return pattern, "".join((draw(filling) if piece.wild else "") + piece.literal for piece in pieces(pattern))


def naive_match(pattern: str, text: str) -> bool:
    """The definition, read aloud: try every length for every wildcard."""
    parts = [(piece.wild, piece.literal) for piece in pieces(pattern)]

    @cache
    def fits(part: int, position: int) -> bool:
        if part == len(parts):
            return position == len(text)
        wild, wanted = parts[part]
        ends = range(position, len(text) + 1) if wild else (position,)
        return any(
            text.startswith(wanted, end) and fits(part + 1, end + len(wanted))
            for end in ends
            if wild != "*" or not set(text[position:end]) & {"/", ":"}
        )

    return fits(0, 0)


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        pytest.param("svc-*", "svc-etl", True, id="star-within-segment"),
        pytest.param("svc-*", "svc-", True, id="star-may-be-empty"),
        pytest.param("svc-*", "my-svc-etl", False, id="anchored-at-start"),
        pytest.param("*-etl", "svc-etl2", False, id="anchored-at-end"),
        pytest.param("role/*", "role/a/b", False, id="star-stops-at-slash"),
        pytest.param("role/**", "role/a/b", True, id="two-stars-cross-slash"),
        pytest.param("arn:*:x", "arn:a:b:x", False, id="star-stops-at-colon"),
        pytest.param("arn:**:x", "arn:a:b:x", True, id="two-stars-cross-colon"),
        pytest.param("a*b*c", "a/b-c", False, id="an-inner-star-stops-too"),
        pytest.param("a**b*c**d", "a-b/b-c:d", True, id="a-later-start-between-two-stars"),
        pytest.param("a**b**c", "a/:b/:c", True, id="inner-two-stars-cross"),
        pytest.param("a***b", "a/x:b", True, id="three-stars-are-two"),
        pytest.param(
            "arn:aws:iam::*:role/aws-service-role/**",
            "arn:aws:iam::123456789012:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
            True,
            id="service-linked-role",
        ),
        pytest.param(
            "arn:aws:iam::1*:role/x", "arn:aws:iam::123:evil:role/x", False, id="no-smuggling-through-a-segment"
        ),
        pytest.param(r"a\*b", "a*b", True, id="escaped-star-is-a-star"),
        pytest.param(r"a\*b*", "axbc", False, id="escaped-star-matches-nothing-else"),
        pytest.param(r"CORP\svc-*", r"CORP\svc-sql", True, id="other-backslashes-are-themselves"),
        pytest.param("a.c*", "abc", False, id="a-dot-is-a-dot"),
        pytest.param("svc-*", "svc-a\nb", True, id="a-line-break-is-a-character"),
        pytest.param("svc-*", "svc-a\n", True, id="even-at-the-end"),
        pytest.param("svc-a", "svc-a\n", False, id="and-is-not-ignored"),
        pytest.param("SVC-*", "svc-a", False, id="case-sensitive"),
    ],
)
def test_pattern_matches_whole_text_by_segments(pattern: str, text: str, *, matches: bool) -> None:
    """A pattern matches a whole text; one star stays within a segment, two cross."""
    assert (compile_glob(pattern, ignore_case=False).fullmatch(text) is not None) is matches
    assert GlobIndex([(pattern, 1)]).hits(text) == ([1] if matches else [])


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        pytest.param("SVC-KEYS", True, id="upper"),
        pytest.param("\u017fvc-keys", False, id="long-s"),
        pytest.param("svc-\u212aeys", False, id="kelvin-sign"),
    ],
)
def test_ignoring_case_never_takes_another_letter_for_an_ascii_one(text: str, *, matches: bool) -> None:
    """Without regard to case, A equals a, and nothing that merely folds to it."""
    assert (compile_glob("svc-key*", ignore_case=True).fullmatch(text) is not None) is matches
    assert GlobIndex([("Svc-Key*", 1)], ignore_case=True).hits(text) == ([1] if matches else [])


@given(st.one_of(near_matches(), st.tuples(PATTERNS, TEXTS)))
def test_compiled_pattern_agrees_with_the_definition(pair: tuple[str, str]) -> None:
    """The regular expression, atomic groups and all, matches what the plain definition matches."""
    pattern, text = pair
    assert (compile_glob(pattern, ignore_case=False).match(text) is not None) is naive_match(pattern, text)


@given(patterns=st.lists(PATTERNS, max_size=6), texts=st.lists(TEXTS, max_size=4), sample=st.lists(TEXTS, max_size=3))
def test_index_finds_exactly_what_the_patterns_match(patterns: list[str], texts: list[str], sample: list[str]) -> None:
    """The automaton omits no pattern that matches, with any sample, and keeps their order."""
    index = GlobIndex([(pattern, number) for number, pattern in enumerate(patterns)], sample=sample)
    expected = [number for number, pattern in enumerate(patterns) if any(naive_match(pattern, text) for text in texts)]
    assert index.find(texts) == expected


@pytest.mark.parametrize("unit", ["a", "c", "/", "a/", "ab", "aaaaaaaaaaaaaaaaaaaaaaaa:"])
def test_a_hostile_text_is_read_a_few_times_at_most(unit: str) -> None:
    """A text of near misses is refused. Were each of its characters tried with each other, this would not end."""
    text = unit * (1_000_000 // len(unit)) + "?"
    for pattern in (
        *("*a" * 40 + "*b", "**a" * 40 + "**b", "**a*a*a*a*a*a*a*a*b", "**a*b*c**d", "**c*d", "a**c*d"),
        *("**/*a/*b**x", "**:a*/b"),
    ):
        assert compile_glob(pattern, ignore_case=False).match(text) is None


def test_a_piece_that_thousands_of_patterns_share_is_looked_up_once_for_a_text() -> None:
    """A text that repeats the piece costs no more than its length and the patterns; their product would not end."""
    index = GlobIndex([(f"/*aaaaa*{number}", number) for number in range(3_000)])
    assert index.hits("a" * 1_000_000) == []


@pytest.mark.parametrize(
    ("text", "pattern", "meant"),
    [
        pytest.param("svc-billing", False, "svc-billing", id="plain"),
        pytest.param("svc-*", True, None, id="star"),
        pytest.param(r"svc-\*", False, "svc-*", id="escaped-star"),
        pytest.param(r"a\\b", False, r"a\b", id="escaped-backslash"),
        pytest.param(r"a\;b", False, "a;b", id="escaped-separator"),
        pytest.param(r"CORP\svc", False, r"CORP\svc", id="windows-name"),
        pytest.param(r"a\\*", True, None, id="star-after-an-escaped-backslash"),
    ],
)
def test_escapes_separate_patterns_from_texts(text: str, *, pattern: bool, meant: str | None) -> None:
    """Only an unescaped star makes a pattern; in an exact text the escapes are undone."""
    assert is_pattern(text) is pattern
    if meant is not None:
        assert literal(text) == meant


@pytest.mark.parametrize(
    ("general", "specific"),
    [
        pytest.param("svc-*", "svc-etl-*", id="more-literal-text"),
        pytest.param("svc-**", "svc-*", id="one-star-over-two"),
        pytest.param("*svc-*", "svc-*", id="fewer-stars"),
        pytest.param("arn:aws:iam::*:role/**", "arn:aws:iam::123456789012:role/**", id="account-named"),
    ],
)
def test_the_more_specific_pattern_sorts_last(general: str, specific: str) -> None:
    """Specificity is literal text first, then fewer and narrower wildcards."""
    assert specificity(general) < specificity(specific)


@pytest.mark.parametrize(
    ("pattern", "names"),
    [("*", False), ("**", False), ("*:*/**", False), (r"\**", False), ("a*", True), ("arn:**", True), ("*é*", True)],
)
def test_a_pattern_without_letters_names_nothing(pattern: str, *, names: bool) -> None:
    """A pattern of only wildcards and punctuation would match everything."""
    assert names_something(pattern) is names
