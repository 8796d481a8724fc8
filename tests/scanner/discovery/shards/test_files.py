"""A shard's file comes from another machine: all of it is looked at before any of it is kept."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.discovery.inventory import ScopeReading
from scanner.discovery.scopes import Listing
from scanner.discovery.shards import files
from scanner.discovery.shards.files import check_shard
from scanner.discovery.shards.joining import parts
from scanner.discovery.shards.lines import Shard, Unit, decode, encode, lines_of
from scanner.errors import InputError, UsageError
from scanner.model import Assignment, Coverage, Identity, StoredSecret, Workload
from tests.factories import make_identity
from tests.scanner.discovery.shards.estates import Plan, planned, write_planned
from tests.scanner.store.strategies import of

SOURCE = planned("one", Plan((("a", 2), ("b", 1))))


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    """A scan of one shard."""
    return write_planned(tmp_path / "whole.ndjson", [SOURCE], Shard(1, 1))


def _sealed(lines: list[bytes]) -> bytes:
    """The lines with an end that fits them, as someone would make it who means harm."""
    before = b"".join(lines)
    end = b'{"type":"end","records":%d,"sha256":"%s"}\n'
    return before + end % (len(lines) - 1, hashlib.sha256(before).hexdigest().encode())


Change = Callable[[list[bytes]], list[bytes]]


def _line(number: int, text: bytes) -> Change:
    """Another line in its place."""
    return lambda lines: [*lines[:number], text + b"\n", *lines[number + 1 :]]


def _swapped(old: bytes, new: bytes) -> Change:
    """The first such words anywhere, changed."""
    return lambda lines: re.sub(re.escape(old), lambda _: new, b"".join(lines), count=1).splitlines(keepends=True)


IDENTITY = b'{"type":"identity","key":"k","provider":"p","source":"one","scope":"a","kind":"user","name":"n"}'
CREDENTIAL = b'{"key":"k","kind":"token","id":"i","expires_at":"2026-01-01T00:00:00"}'

HOSTILE: dict[str, tuple[Change, str]] = {
    "another schema": (_swapped(b"muster.shard/1", b"muster.shard/9"), ":1: is not a line of a shard: Invalid enum"),
    "no head": (lambda lines: lines[1:], ":1: does not begin with the head"),
    "no JSON": (_line(2, b"{"), ":3: is not a line of a shard"),
    "an unknown type": (_line(2, b'{"type":"\\u001b[31m"}'), r":3: there is no line of the type \x1b[31m"),
    "no object": (_line(2, b"[]"), ":3: is not a line of a shard"),
    "no UTF-8": (_line(2, b'{"type":"listed","source":"\xff"}'), ":3: is not a line of a shard"),
    "a lone surrogate": (_line(2, b'{"type":"listed","source":"\\ud800","scope":"a"}'), ":3: is not a line of a shard"),
    "nested without end": (
        _line(2, b'{"type":"coverage","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
        ":3: is not a line of a shard",
    ),
    "a wrong type": (_swapped(b'"tags":{"z":"1"', b'"tags":{"z":[1]'), "is not a line of a shard: Expected `str`"),
    "a time without a zone": (_line(2, IDENTITY[:-1] + b',"created_at":"2026-01-01T00:00:00"}'), "created_at has no"),
    "a credential's time without a zone": (
        _line(2, IDENTITY[:-1] + b',"credentials":[' + CREDENTIAL + b"]}"),
        "expires_at has no time zone",
    ),
    "a scan id with a path": (_swapped(b'"scan":"night"', b'"scan":"../night"'), ":1: is not a line of a shard"),
    "no such shard": (_swapped(b'"shard":1', b'"shard":2'), "there is no shard 2 of 1"),
    "another source's hash": (_swapped(b'"settings":"00', b'"settings":"11'), "the hash of the config is not"),
    "a record of another source": (
        _swapped(b'"source":"one","scope":"a","kind"', b'"source":"two","scope":"a","kind"'),
        "is among those of another",
    ),
    "a record before any scope": (_line(2, IDENTITY), ":3: a record is outside"),
    "a second head": (lambda lines: [*lines[:3], lines[0], *lines[3:]], ":4: a second head"),
    "a scope twice": (lambda lines: [*lines, next(one for one in lines if b'"scope","source' in one)], "there twice"),
    "a scope that was not listed": (
        lambda lines: [*lines, b'{"type":"scope","source":"one","scope":"zz"}\n'], "was not listed",
    ),
    "a listing twice": (lambda lines: [*lines, lines[1]], "is listed twice"),
    "a scope listed in another": (
        lambda lines: [*lines, b'{"type":"listed","source":"one","scope":"zz"}\n'], "outside its source's listing",
    ),
    "a scope that was not read": (
        lambda lines: lines[: next(n for n, one in enumerate(lines) if b'"type":"scope"' in one)],
        "is this shard's and was not read",
    ),
    "a source that was not listed": (lambda lines: lines[:1], "source one was not listed"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_with_their_place(whole: Path, name: str) -> None:
    """Even one whose sums are right."""
    change, words = HOSTILE[name]
    lines = change(whole.read_bytes().splitlines(keepends=True)[:-1])
    whole.write_bytes(_sealed(lines))

    with pytest.raises(InputError) as refused:
        check_shard(whole)

    assert words in str(refused.value)
    assert str(refused.value).startswith(f"{whole}:")
    assert str(refused.value).isprintable()


def test_a_file_that_was_not_changed_is_whole(whole: Path) -> None:
    """Sealed by the test as the program seals it."""
    written = whole.read_bytes()

    assert _sealed(written.splitlines(keepends=True)[:-1]) == written
    assert check_shard(whole).head.scan == "night"


def test_a_truncated_file_is_reported_wherever_it_is_cut(whole: Path) -> None:
    """At every byte of its last lines, and at every line."""
    written = whole.read_bytes()
    lines = written.splitlines(keepends=True)
    cuts = {len(b"".join(lines[:number])) for number in range(len(lines))} | set(
        range(len(written) - 300, len(written))
    )
    for cut in sorted(cuts):
        whole.write_bytes(written[:cut])
        with pytest.raises(InputError):
            check_shard(whole)


def test_a_flipped_bit_is_reported(whole: Path) -> None:
    """Wherever it is; every hundredth byte represents all."""
    written = whole.read_bytes()
    for place in range(0, len(written), 97):
        whole.write_bytes(written[:place] + bytes([written[place] ^ 1]) + written[place + 1 :])
        with pytest.raises(InputError):
            check_shard(whole)


def test_something_after_the_end_is_reported(whole: Path) -> None:
    """Two files in one are none."""
    with whole.open("ab") as file:
        file.write(b"{}\n")

    with pytest.raises(InputError, match="something follows the end"):
        check_shard(whole)


def test_a_line_without_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    """A file of one line of any length costs no more than the longest line allowed."""
    path = tmp_path / "long"
    with path.open("wb") as file:
        file.truncate(files.LONGEST_LINE + 2)

    with pytest.raises(InputError, match=":1: the line is too long"):
        check_shard(path)


@pytest.mark.parametrize("kind", ["pipe", "folder", "nothing"])
def test_what_is_no_file_is_refused(tmp_path: Path, kind: str) -> None:
    """No one waits for a pipe that no one writes to."""
    path = tmp_path / kind
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()

    with pytest.raises(InputError, match="no such file" if kind == "nothing" else "is not a file"):
        check_shard(path)


def test_text_that_no_file_holds_is_reported() -> None:
    """With whose it is."""
    with pytest.raises(UsageError, match="holds text that UTF-8 cannot hold"):
        encode(make_identity(description="\ud800"))


records = st.one_of(*(of(kind) for kind in (Identity, StoredSecret, Workload, Assignment, Coverage)))


@given(records)
def test_records_come_back_as_they_were(record: Identity | StoredSecret | Workload | Assignment | Coverage) -> None:
    """Whatever is in them."""
    line = encode(record)

    assert line.count(b"\n") == 1
    assert decode(line) == record
    assert decode(line.decode()) == record


@given(
    of(tuple[Identity, ...]),
    of(tuple[Assignment, ...]),
    of(tuple[Coverage, ...]),
    st.none() | st.text(st.characters(exclude_categories=["Cs"])),
)
def test_a_reading_comes_back_as_it_was(
    identities: tuple[Identity, ...], rights: tuple[Assignment, ...], gaps: tuple[Coverage, ...], part: str
) -> None:
    """With its part and its coverage, and apart from the next one."""
    reading = ScopeReading(source="s", scope="1", part=part, identities=identities, assignments=rights, coverage=gaps)
    listing = Listing(source="s", coverage=gaps)
    lines = [decode(encode(line)) for one in (listing, reading, reading) for line in lines_of(one)]

    assert list(parts(lines))[1:] == [reading, reading]


@given(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.integers(1, 50),
)
def test_every_scope_is_in_just_one_shard(source: str, scope: str, of: int) -> None:
    """The same one on every machine."""
    unit = Unit(source, scope, None)

    assert [number for number in range(1, of + 1) if Shard(number, of).holds(unit)] == [unit.share(of)]


def test_shares_are_even_and_fixed() -> None:
    """A thousand accounts come to some 250 in each of four; what share a scope has is a promise between versions."""
    shares = [Unit("prod", str(number), None).share(4) for number in range(1000)]

    assert min(shares.count(number) for number in (1, 2, 3, 4)) > 200
    assert shares[:8] == [1, 2, 3, 2, 1, 3, 2, 2]
