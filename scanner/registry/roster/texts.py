r"""Parses texts that name a person or group, in any spelling; the roster looks up the parts.

``Jane Doe (Payments)``, ``ACME\jdoe``, ``i:0#.f|membership|jane@acme.example`` and ``CN=Doe\, Jane,OU=Staff`` give the
same few parts. Nothing is looked up or guessed here, and no text raises.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

from msgspec import Struct

from scanner.catalog import read_table

LONGEST = 500
"""Characters; a longer text names no person."""
_DEEPEST = 4
"""The deepest nesting of wrappers that tools write."""

EMAIL = re.compile(r"""[^\s@<>()\[\],;:|"'`=]+@[^\s@<>()\[\],;:|"'`/\\&=?]+""")

# ``jane@acme.example<mailto:jane@acme.example>``, as pasted from mail programs.
_REPEATED = re.compile(rf"({EMAIL.pattern})([ <(\[]+)(?:mailto:)?\1(?=[>)\]])", re.IGNORECASE)
# Invisible characters that Unicode does not classify as format characters.
_BLANK = dict.fromkeys(map(ord, "\u115f\u1160\u2800\u3164\uffa0"), " ")
_PLAIN = {
    **dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014"), "-"),
    **dict.fromkeys(map(ord, "\u2018\u2019"), "'"),
    **dict.fromkeys(map(ord, "\u201c\u201d\u201e"), '"'),
}
_AROUND = " \t.,;:'\"`*_|-"
_EMPTY_BRACKETS = re.compile(r"\(\s*\)|<\s*>|\[\s*\]")
_ONLY_BRACKETS = re.compile(r"[(\[<]([^()\[\]<>]*)[)\]>]")


class _Words(Struct, frozen=True, forbid_unknown_fields=True):
    titles: frozenset[str]
    team: frozenset[str]
    labels: tuple[str, ...]
    doubts: tuple[str, ...]


_WORDS = read_table("scanner.registry.roster", "texts.toml", _Words)
_DOUBTS = re.compile(rf"\?|\b(?:{'|'.join(map(re.escape, _WORDS.doubts))})\b", re.IGNORECASE)
_LABEL = rf"(?P<label>(?:[a-z-]+ )?(?:{'|'.join(map(re.escape, _WORDS.labels))})) ?[:=] ?(?P<inner>.+)"
_LETTERS = str.maketrans(
    {"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "\u0131": "i"}
)
_SPELLED = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "ß": "ss"})
_JOINED = re.compile(r"['`.]")
_WORD = re.compile(r"[^\W_]+")


class Parts(NamedTuple):
    """The parts of a text, all about one person or group. ``asides``: texts in brackets beside a name.

    ``uncertain``: the text itself expresses uncertainty (``Jane Doe?``, ``formerly Jane Doe``).
    """

    emails: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    asides: tuple[str, ...] = ()
    uncertain: bool = False

    def __bool__(self) -> bool:
        return bool(self.emails or self.accounts or self.names)


def tidied(text: str) -> str:
    """Return the text without invisible characters, with single spaces, plain quotes and hyphens."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text).translate(_BLANK).translate(_PLAIN)
        text = "".join(char for char in text if unicodedata.category(char) != "Cf")
    return " ".join(text.split())


def parts(text: str, depth: int = 0) -> Parts:
    """Return the parts of a text, by the first form that matches."""
    text = _REPEATED.sub(r"\1\2", tidied(text[: LONGEST + 1]))
    if len(text) > LONGEST or depth > _DEEPEST:
        return Parts()
    for form, says in _FORMS:
        found = form.fullmatch(text)
        if found is not None and (said := says(found, depth)):
            return said
    return _name(text)


def split(text: str) -> tuple[str, ...]:
    """Return the parts of a text with several owners, split at commas, slashes and "and", or blanks between e-mails."""
    text = tidied(text[: LONGEST + 1])
    if len(text) > LONGEST:
        return ()
    for separator in _SEPARATORS:
        pieces = tuple(piece for one in separator.split(text) if (piece := one.strip(_AROUND)))
        if len(pieces) > 1:
            return pieces
    words = text.split()
    return tuple(words) if len(words) > 1 and all(map(EMAIL.fullmatch, words)) else ()


_SEPARATORS = tuple(map(re.compile, (r"[,;\n]", r"\s*/\s*", r"\s+(?:\||&|\+|and|und|et)\s+")))


# --- The forms, the most specific first ---


def _inner(found: re.Match[str], depth: int) -> Parts:
    return parts(found["inner"], depth + 1)


def _labelled(found: re.Match[str], depth: int) -> Parts:
    said = _inner(found, depth)
    return said._replace(uncertain=said.uncertain or _DOUBTS.search(found["label"]) is not None)


def _guest(found: re.Match[str], _depth: int) -> Parts:
    return Parts(emails=(f"{found['user']}@{found['domain']}",))


def _account(found: re.Match[str], _depth: int) -> Parts:
    return Parts(accounts=(found["account"],))


def _distinguished(found: re.Match[str], depth: int) -> Parts:
    """The first attribute of an LDAP DN names the person; a backslash escapes the next character."""
    value = re.sub(r"\\([0-9A-Fa-f]{2})", lambda code: chr(int(code[1], 16)), found["value"])
    value = re.sub(r"\\(.)", r"\1", value)
    if found["kind"].lower() == "cn":
        return parts(value, depth + 1)
    return Parts(emails=(value,)) if EMAIL.fullmatch(value) else Parts(accounts=(value,))


def _with_email(found: re.Match[str], depth: int) -> Parts:
    """One e-mail with text around it."""
    around = tidied(_EMPTY_BRACKETS.sub(" ", f"{found['before']} {found['after']}")).strip(_AROUND)
    if aside := _ONLY_BRACKETS.fullmatch(around):
        rest = Parts(asides=(aside[1],), uncertain=_DOUBTS.search(aside[1]) is not None)
    else:
        rest = parts(around, depth + 1) if around.strip("<>()[]") else Parts()
    emails = tuple(dict.fromkeys((found["email"].rstrip("."), *rest.emails)))
    return rest._replace(emails=emails) if len(emails) == 1 else Parts()


def _bracketed(found: re.Match[str], depth: int) -> Parts:
    said = parts(found["before"], depth + 1)
    aside = found["aside"]
    uncertain = said.uncertain or _DOUBTS.search(aside) is not None
    return said._replace(asides=(*said.asides, aside), uncertain=uncertain) if said else Parts()


def _name(text: str) -> Parts:
    uncertain = _DOUBTS.search(text) is not None
    name = text.strip(_AROUND + "?")
    return Parts(names=(name,), uncertain=uncertain) if name else Parts()


_DISTINGUISHED = (
    r"(?P<kind>cn|uid|samaccountname|mail|userprincipalname) ?= ?(?P<value>(?:\\.|[^,\\])+)"
    r"(?:, ?(?:\\.|[^,\\])+=(?:\\.|[^,\\])*)*"
)
_FORMS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], int], Parts]], ...] = tuple(
    (re.compile(form, re.IGNORECASE), says)
    for form, says in (
        (r"[ic]:0[^|]{1,6}\|(?:[^|]*\|)*(?P<inner>[^|]+)", _inner),  # SharePoint claims
        (r"\d{1,9};#(?P<inner>.+)", _inner),  # SharePoint lookup fields
        (r"\[[^\]]*\]\((?P<inner>mailto:[^)]+)\)", _inner),  # Markdown
        (r"(?P<user>[^\s@]+)_(?P<domain>[^\s@_]+\.[^\s@_]+)#EXT#@\S+", _guest),  # Entra's guests
        (r"(?:mailto|smtp|sips?|xmpp|acct):(?P<inner>[^?]+)(?:\?.*)?", _inner),
        (r"(?:user|group|person):(?:default/)?(?P<inner>[^/]+)", _inner),  # Backstage
        (_LABEL, _labelled),
        (_DISTINGUISHED, _distinguished),
        (r"(?:[\w.-]+)\\+(?P<account>[^\\\s@/]+)", _account),
        (r"@(?P<account>[\w.-]+)", _account),
        (rf"(?P<before>[^@]*?)(?P<email>{EMAIL.pattern})(?P<after>[^@]*)", _with_email),
        (r"(?P<before>[^()\[\]<>]+)[(\[<](?P<aside>[^()\[\]<>]*)[)\]>] ?[.,;]?", _bracketed),
        (r"(?P<before>[^|@]+) (?:\||-|:) (?P<aside>[^|@]+)", _bracketed),
    )
)


# --- Names for comparison ---


@lru_cache(maxsize=100_000)
def _folded(text: str) -> tuple[str, ...]:
    """Return the spellings of a name without accents and case: ``Müller`` is also ``Mueller``."""
    lower = _JOINED.sub("", tidied(text).lower())
    plain = unicodedata.normalize("NFKD", lower.translate(_LETTERS))
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    spelled = unicodedata.normalize("NFKD", unicodedata.normalize("NFC", lower).translate(_SPELLED))
    return tuple(dict.fromkeys((plain, "".join(char for char in spelled if not unicodedata.combining(char)))))


def name_words(text: str) -> tuple[tuple[str, ...], ...]:
    """Return the words of a name in order, for each spelling, without titles."""
    return tuple(
        tuple(word for word in _WORD.findall(spelling) if word not in _WORDS.titles)
        for spelling in _folded(_natural(text))
    )


def _natural(text: str) -> str:
    """Return a name in natural order: ``Doe, Jane`` is Jane Doe."""
    last, comma, first = tidied(text).partition(",")
    return f"{first} {last}" if comma and "," not in first else text


def name_keys(text: str) -> Iterator[tuple[str, ...]]:
    """Yield the look-up keys of a full name, in any order of words; none for a single word."""
    for words in name_words(text):
        if len(words) > 1:
            yield tuple(sorted(words))


def team_keys(text: str) -> Iterator[tuple[str, ...]]:
    """Yield the look-up keys of a team's name: ``The Payments Team`` is payments."""
    for spelling in _folded(text):
        words = tuple(_WORD.findall(spelling))
        found = tuple(word for word in words if word not in _WORDS.team)
        if found:
            yield found


def account_key(text: str) -> str:
    """Return a user name without punctuation and trailing numbers, as derived from a name: ``j.doe2`` is jdoe."""
    return "".join(_WORD.findall(_folded(text)[0])).rstrip("0123456789")
