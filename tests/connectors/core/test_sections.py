"""How the reading of a section ends: one coverage record, in words that are safe to show."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import Struct

from connectors.core.contract import MAX_WORDS, Scope, Section, SectionReading, Spec, own_words
from connectors.core.reading import unread_facts
from scanner.errors import Denied, SourceError
from scanner.model import Fact
from scanner.redaction.shapes import MASK

SPEC = Spec(
    name="toy",
    title="Toy",
    settings=Struct,
    kinds=("bot",),
    sections=(Section(name="bots", title="Bots", permissions=("bots:List",), without="bots", kinds=("bot",)),),
)
HOSTILE = "\x1b[2J https://user:hunter2@host \u202eabc " + "x" * 5000
TOKEN = "hvs.CAESIJ" + "q" * 30


def section() -> SectionReading:
    """A section of a toy source."""
    return Scope(source="prod", spec=SPEC, id="here").section("bots")


def test_a_section_that_is_not_declared_is_named() -> None:
    """Also within a generator, such as ``discover``, where StopIteration would become another error."""
    scope = Scope(source="prod", spec=SPEC, id="here")
    found = (scope.coverage(name, "off") for name in ("bots:eu", "bot:eu"))

    assert next(found).section == "bots:eu"
    with pytest.raises(LookupError, match=r"toy declares no section bot$"):
        next(found)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("no such role", "no such role", id="as it is"),
        pytest.param("a\x1b[2Jb\nc", "a\\x1b[2Jb\\nc", id="terminal"),
        pytest.param(f"bad token {TOKEN}", f"bad token {MASK}", id="token"),
        pytest.param("https://me:pw@host", f"https://me:{MASK}@host", id="password in a URL"),
        pytest.param("x" * 301, "x" * 299 + "…", id="too long"),
        pytest.param("x" * 300, "x" * 300, id="just fits"),
    ],
)
def test_own_words(text: str, words: str) -> None:
    """A provider's words are cut, without secrets and without anything that acts on a terminal; twice is once."""
    assert own_words(text) == words
    assert own_words(words) == words


@pytest.mark.parametrize(
    "tell",
    [
        pytest.param(lambda reading: reading.lost(SourceError(HOSTILE)), id="lost"),
        pytest.param(lambda reading: reading.malformed("row", HOSTILE), id="reason"),
        pytest.param(lambda reading: reading.malformed(HOSTILE, "no name"), id="row"),
        pytest.param(lambda reading: reading.note(HOSTILE), id="note"),
    ],
)
def test_no_words_reach_the_coverage_as_they_came(tell: Any) -> None:
    """Whichever way a server's words get into a section's detail."""
    reading = section()
    tell(reading)

    detail = reading.coverage.detail or ""
    assert "\x1b" not in detail
    assert "\u202e" not in detail
    assert "hunter2" not in detail
    assert len(detail) < MAX_WORDS + 50


@pytest.mark.parametrize(
    ("tell", "rest"),
    [
        pytest.param(lambda reading, n: reading.malformed(str(n), "no name"), "and 97 more such rows", id="rows"),
        pytest.param(lambda reading, n: reading.lost(SourceError(f"no {n}")), "and 90 more errors", id="errors"),
        pytest.param(lambda reading, n: reading.note(f"note {n}"), "and 90 more notes", id="notes"),
    ],
)
def test_details_are_few_and_the_rest_is_counted(tell: Any, rest: str) -> None:
    """A section of a large organization may have thousands of each."""
    reading = section()
    for number in range(100):
        tell(reading, number)

    details = (reading.coverage.detail or "").split("; ")
    assert (len(details) <= 11, details[-1]) == (True, rest)


def test_what_to_do_is_reported_once() -> None:
    """The hint follows the message, which does not hold it already, nor ends as a sentence."""
    with section() as reading:
        raise SourceError("the server redirects.", hint="give the other address")

    assert reading.coverage.detail == "the server redirects (give the other address)"


def test_coverage_counts_and_keeps_what_the_spec_says() -> None:
    """Kinds and place come from the declaration, the numbers from the reading; a gap that is no denial asks nothing."""
    with section() as reading:
        reading.found(2)
        reading.malformed("3", "no name")

    coverage = reading.coverage
    assert (coverage.source, coverage.scope, coverage.section, coverage.kinds) == ("prod", "here", "bots", ("bot",))
    assert (coverage.status, coverage.identities, coverage.permission) == ("partial", 2, None)


@pytest.mark.parametrize(
    ("steps", "status"),
    [
        pytest.param([("lost", False)], "denied", id="nothing read"),
        pytest.param([("found", 0), ("lost", False)], "denied", id="no rows"),
        pytest.param([("found", 2), ("lost", False)], "partial", id="rows before"),
        pytest.param([("lost", False), ("found", 2)], "partial", id="rows after"),
        pytest.param([("lost", True)], "partial", id="another part without rows"),
        pytest.param([("lost", True), ("lost", False)], "partial", id="another part, and two losses"),
        pytest.param([("malformed", 1), ("lost", False)], "denied", id="no row that can be read"),
    ],
)
def test_a_loss_is_partial_if_anything_was_read(steps: list[tuple[str, Any]], status: str) -> None:
    """In whichever order it is reported."""
    reading = section()
    for step, value in steps:
        match step:
            case "found":
                reading.found(value)
            case "lost":
                reading.lost(Denied("no"), partial=value)
            case _:
                reading.malformed("row", "no name")

    assert reading.coverage.status == status


@pytest.mark.parametrize(
    ("kept", "unread"),
    [
        pytest.param({}, (), id="read whole"),
        pytest.param({"use": True, "credentials": True}, ("credentials", "use"), id="in order"),
        pytest.param(
            dict.fromkeys(("use", "trusts", "tags", "permissions", "credentials"), True),
            ("credentials", "permissions", "tags", "trusts", "use"),
            id="all",
        ),
    ],
)
def test_unread_facts(kept: dict[str, bool], unread: tuple[Fact, ...]) -> None:
    """Facts come in the model's order, however they are reported."""
    assert unread_facts(**kept) == unread
