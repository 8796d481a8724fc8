"""Names as engineers write them: taken apart into words, and which names an identity or an entry goes by.

``svc-Payments_ETL-prod2`` and ``SvcPaymentsEtlProd2`` have the same key: ``svc payments etl prod 2``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from itertools import islice
from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct

from scanner.matching.globs import is_pattern, literal, pieces
from scanner.matching.lookalikes import LONGEST, as_it_looks
from scanner.model import Entry, Identity

MOST_WORDS, MOST_NAMES = 16, 20
"""Words of a name, and names of a subject, that count: whoever writes more wants to cost us time."""

Kind: TypeAlias = Literal["word", "generic", "environment", "number", "version", "random"]
Label: TypeAlias = Literal["name", "display name", "key", "alias", "identity", "pattern"]


class _Table(Struct, frozen=True, forbid_unknown_fields=True):
    generic: tuple[str, ...]
    with_digits: tuple[str, ...]
    environments: Mapping[str, tuple[str, ...]]
    same: Mapping[str, tuple[str, ...]]


_TABLE = msgspec.toml.decode(files("scanner.matching.suggestions").joinpath("words.toml").read_bytes(), type=_Table)
_CANONICAL = {way: word for table in (_TABLE.same, _TABLE.environments) for word, ways in table.items() for way in ways}
_KINDS: Mapping[str, Kind] = {
    **dict.fromkeys((_CANONICAL.get(word, word) for word in _TABLE.generic), "generic"),
    **dict.fromkeys(_TABLE.environments, "environment"),
}

_RANDOM_MARK = "#"
_PART = re.compile(
    r"(?<![0-9A-Za-z])(?P<random>"
    r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"  # a GUID
    r"|(?=[A-Fa-f]*\d)(?=\d*[A-Fa-f])[0-9A-Fa-f]{8,}"  # a hash
    r"|(?=(?:[A-Z]*\d+[A-Z]+){2})[0-9A-Z]{10,}|A[A-Z]{3}[0-9A-Z]{12,}"  # what CloudFormation and IAM make up
    r")(?![0-9A-Za-z])"
    rf"|(?i:(?<![a-z])(?:{'|'.join(_TABLE.with_digits)}|(?:pre|non)[-_. ]?pro?d(?:uction)?)(?![a-z0-9]))"
    r"|[vV]\d+(?![A-Za-z])|[A-Z]+(?![^\W\d_A-Z])|[A-Z]?[^\W\d_A-Z]+|\d+"
)
_SEPARATORS = re.compile(r"[/:]")


class Spelled(Struct, frozen=True, gc=False):
    """One way a subject is called: what it is, the text as written, and its words (``key_of``)."""

    label: Label
    text: str
    key: str


def key_of(text: str) -> str:
    """The words of a name in lower case, with spaces between; empty where there are none."""
    return " ".join(map(_word, islice(_PART.finditer(as_it_looks(text[:LONGEST])), MOST_WORDS)))


def _word(part: re.Match[str]) -> str:
    if part["random"]:
        return _RANDOM_MARK + part[0].lower()
    text = part[0]
    return (text if text.isalnum() else "".join(filter(str.isalnum, text))).lower()  # pre-prod is one word


@lru_cache(maxsize=2**16)
def one_spelling(word: str) -> str:
    """A key's word as it is when nobody shortens it, spells it out or puts zeros before it."""
    if word.isdecimal():
        return word.lstrip("0") or "0"
    return _CANONICAL.get(word, word)


def as_written(key: str) -> Mapping[str, str]:
    """A key's words for people to read, by their one spelling."""
    return {one_spelling(word): word.removeprefix(_RANDOM_MARK) for word in key.split()}


@lru_cache(maxsize=2**16)
def kind_of(token: str) -> Kind:
    """What sort of word it is; ``token`` is in its one spelling."""
    if known := _KINDS.get(token):
        return known
    if token.startswith(_RANDOM_MARK):
        return "random"
    if token.isdecimal():
        return "number"
    return "version" if token[0] == "v" and token[1:].isdecimal() else "word"


@lru_cache(maxsize=2**16)
def environments(key: str) -> frozenset[str]:
    """The environments that a key names."""
    return frozenset(token for token in map(one_spelling, key.split()) if kind_of(token) == "environment")


def names_of_identity(identity: Identity) -> tuple[Spelled, ...]:
    """Its name, display name, the last segment of its key and what stands before the ``@`` of its aliases."""
    return _spelled(_called_identity(identity))


def names_of_entry(entry: Entry) -> tuple[Spelled, ...]:
    """Its name, the last segments of its exact ids, and what its patterns say literally there."""
    return _spelled(_called_entry(entry))


def _called_identity(identity: Identity) -> Iterator[tuple[Label, str]]:
    yield "name", identity.name
    if identity.display_name:
        yield "display name", identity.display_name
    yield "key", _short(identity.key)
    yield from (("alias", _short(alias)) for alias in identity.aliases[:MOST_NAMES])


def _called_entry(entry: Entry) -> Iterator[tuple[Label, str]]:
    if entry.name:
        yield "name", entry.name
    for text in entry.identities[:MOST_NAMES]:
        if is_pattern(text):
            yield "pattern", _short("*".join(piece.literal for piece in pieces(text)))
        else:
            yield "identity", _short(literal(text))


def _short(text: str) -> str:
    """The last segment of an id, and of an e-mail address what names its holder."""
    return _SEPARATORS.split(text.rstrip("/:"))[-1].partition("@")[0]


def _spelled(called: Iterator[tuple[Label, str]]) -> tuple[Spelled, ...]:
    """The first way to write each key; a name without a single word of letters is nothing to compare."""
    texts: dict[str, Label] = {}
    for label, text in called:
        texts.setdefault(text, label)
    found: dict[str, Spelled] = {}
    for text, label in texts.items():
        key = key_of(text)
        if key not in found and _has_words(key):
            found[key] = Spelled(label, text, key)
    return tuple(found.values())


def _has_words(key: str) -> bool:
    return any(kind_of(token) in ("word", "generic") for token in map(one_spelling, key.split()))
