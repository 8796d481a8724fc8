r"""Parses texts that name a person or group, in any spelling; the roster looks up the parts.

``Jane Doe (Payments)``, ``ACME\jdoe``, ``i:0#.f|membership|jane@acme.example`` and ``CN=Doe\, Jane,OU=Staff`` give the
same few parts. Nothing is looked up or guessed here, and no text raises.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import NamedTuple

from scanner.registry.roster.words import WORDS, Finder, any_of, is_unspaced

LONGEST = 500
"""Characters; a longer text names no person."""
_DEEPEST = 4
"""The deepest nesting of wrappers that tools write."""
_MOST_PIECES = 12
"""The most parts of a text: one with more is a sentence, and names no person."""

EMAIL = re.compile(r"""[^\s@<>()\[\],;:|"'`=]+@[^\s@<>()\[\],;:|"'`/\\&=?]+""")

# ``jane@acme.example<mailto:jane@acme.example>``, as pasted from mail programs.
_REPEATED = re.compile(rf"({EMAIL.pattern})([ <(\[]+)(?:mailto:)?\1(?=[>)\]])", re.IGNORECASE)
# ``jane.doe(at)acme.example``, ``jane.doe at acme dot example``: hidden from robots.
_AT = re.compile(r" ?[(\[{<] ?(?:at|ät|a|arobase|@) ?[)\]}>] ?", re.IGNORECASE)
_DOT = re.compile(r" ?[(\[{<] ?(?:dot|punkt|point|punto) ?[)\]}>] ?", re.IGNORECASE)
_OPENED = re.compile(r"[(\[{<]")
_SPELLED_OUT = re.compile(
    r"(?P<local>[\w.+-]+)(?:@| at | arobase )(?P<domain>[\w-]+(?:(?:\.| dot )[\w-]+)+)", re.IGNORECASE
)
# Invisible characters that Unicode does not classify as format characters.
_BLANK = dict.fromkeys(map(ord, "\u115f\u1160\u2800\u3164\uffa0"), " ")
_WIDER = 0xFEE0
"""How far Unicode has the wide form of a sign from the usual one."""
_PLAIN = {
    **dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014"), "-"),
    **dict.fromkeys(map(ord, "\u2018\u2019"), "'"),
    **dict.fromkeys(map(ord, "\u201c\u201d\u201e"), '"'),
    **{wide: chr(wide - _WIDER) for wide in range(0xFF01, 0xFF5F) if not chr(wide - _WIDER).isalpha()},
    **dict.fromkeys(map(ord, "\u3008\u300c\u300e\u3010\u3014"), "("),
    **dict.fromkeys(map(ord, "\u3009\u300d\u300f\u3011\u3015"), ")"),
    0xFF1A: ": ",
    ord("\u3001"): ",",
    ord("\u3002"): ".",
}
"""Signs and digits as Japanese keyboards write them, too. Letters stay: a look-alike is no e-mail."""
_AROUND = " \t.,;:'\"`*_|-/"
_BRACKETS = re.compile(r"[(\[<{](?P<aside>[^()\[\]<>{}]*)[)\]>}]")
_DOUBTS = re.compile(rf"{any_of(WORDS.doubts)}|^(?:旧|元)$", re.IGNORECASE)
_DEPUTY = re.compile(rf"(?:\S+ )?(?:{any_of(WORDS.deputies)}) ?[:=]? ?(?P<deputy>.*)", re.IGNORECASE)
_DEPUTIES, _DOUBTFUL, _PEOPLE, _LETTERS_TO = map(Finder, (WORDS.deputies, WORDS.doubts, WORDS.labels, WORDS.attention))
_BEFORE_DEPUTY = re.compile(rf", ?(?=(?:\S+ )?(?:{any_of(WORDS.deputies)})(?: |$))", re.IGNORECASE)
_BEHIND_DEPUTY = re.compile(rf"({any_of(WORDS.deputies)}) ?[:=] ?", re.IGNORECASE)
_BORN = re.compile(rf"[ ,]*(?:{any_of(WORDS.born)}) ?[:=]? ?\S+", re.IGNORECASE)
_DIGIT = re.compile(r"\d")
_CALLED_UP = rf"(?:{any_of(WORDS.contact)}) ?(?:nr\.?|no\.?)? ?[:#]? ?[a-z]{{0,2}}[.-]?"
_CONTACT = re.compile(rf"[ ,;/|-]*(?:{_CALLED_UP}|\+|\bx ?(?=\d{{3,5}}$))\d[\d ()/.-]*", re.IGNORECASE)
_ATTENTION = re.compile(rf" ?(?:{any_of(WORDS.attention)}) ?:? ?", re.IGNORECASE)
_OF_PEOPLE = any_of(frozenset(WORDS.labels).difference(WORDS.team))
_AT_THE_ENDS = re.compile(rf"^(?:(?:{_OF_PEOPLE}) ?)+|(?: ?(?:{_OF_PEOPLE}))+$", re.IGNORECASE)
_FEW_WORDS = r"[^\s:=,;/|]+"
_LABEL = (
    rf"(?P<label>(?:{_FEW_WORDS} ){{0,3}}?(?:{any_of(WORDS.labels)})(?: {_FEW_WORDS}){{0,3}}?) ?[:=] ?(?P<inner>.+)"
)
_NUMBER = rf"(?:{any_of((*WORDS.numbers, *WORDS.letters))}) ?[:=#]? ?(?P<account>[a-z]{{0,3}}-?\d+)"
_SAID_BEFORE = re.compile(r"[^:,;/|]{1,60}: ")
_BETWEEN = re.compile(r" [-:|] | ?[|;\n] ?|: | ?/ ?")


class Parts(NamedTuple):
    """The parts of a text, all about one person or group. ``asides``: texts beside a name, such as those in brackets.

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
    """Return the text without invisible characters, with single spaces, plain quotes, brackets and hyphens."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text).translate(_BLANK).translate(_PLAIN)
        text = "".join(char for char in text if unicodedata.category(char) != "Cf")
    return " ".join(text.split())


def parts(text: str, depth: int = 0) -> Parts:
    """Return the parts of a text, by the first form that matches."""
    text = tidied(text[: LONGEST + 1])
    if len(text) > LONGEST or depth > _DEEPEST:
        return Parts()
    if depth == 0:
        text = _REPEATED.sub(r"\1\2", shown) if "@" in (shown := _addressed(text)) else text
        text = _ATTENTION.sub(" - ", text).removeprefix(" - ") if _LETTERS_TO.may_be_in(text) else text
        text = (_CONTACT.sub("", text).strip() or text) if _DIGIT.search(text) else text
    for form, says in _FORMS:
        found = form.fullmatch(text)
        if found is not None and (said := says(found, depth)):
            return said
    return _in_pieces(text, depth)


def _addressed(text: str) -> str:
    """Return the text with an e-mail that was hidden from robots."""
    shown = _DOT.sub(".", _AT.sub("@", text)) if _OPENED.search(text) else text
    found = _SPELLED_OUT.fullmatch(shown)
    if found is None:
        return shown if shown.count("@") == 1 and EMAIL.search(shown) else text
    return f"{found['local']}@{re.sub(' dot ', '.', found['domain'], flags=re.IGNORECASE)}"


def without_labels(text: str) -> str:
    """Return a text without the words at its ends that say what a person is: ``Ansprechpartner Jane Doe``."""
    bare = _AT_THE_ENDS.sub("", text).strip(_AROUND) if _PEOPLE.may_be_in(text) else text
    return bare or text


def separations(text: str) -> Iterator[tuple[str, ...]]:
    """Yield the ways to take a text apart into several owners, each by one kind of separator."""
    if len(text) > LONGEST:
        return
    lines = tuple(piece for line in text.splitlines() if (piece := line.strip(_AROUND)))
    text = tidied(text)
    for pieces in (lines, *(separator.split(text) for separator in _SEPARATORS)):
        kept = tuple(piece for one in pieces if (piece := one.strip(_AROUND)))
        if 1 < len(kept) <= _MOST_PIECES:
            yield kept
    names = [piece.strip() for piece in text.split(",")]
    if len(names) in range(4, _MOST_PIECES + 1, 2):  # Doe, Jane, Ray, Bob
        yield tuple(f"{last}, {first}" for last, first in zip(names[::2], names[1::2], strict=True))
    words = text.split()
    if 1 < len(words) <= _MOST_PIECES and all(map(EMAIL.fullmatch, words)):
        yield tuple(words)


_SEPARATORS = (
    re.compile(r";"),
    re.compile(r" ?[/|・] ?"),
    re.compile(rf" (?:&|\+|{any_of(WORDS.joins)}) ", re.IGNORECASE),
    re.compile("|".join((*WORDS.joins_unspaced, " ?& ?"))),
    re.compile(r",(?![^(\[]*[)\]])"),
)


# --- The forms, the most specific first ---


def _inner(found: re.Match[str], depth: int) -> Parts:
    return parts(found["inner"], depth + 1)


def _labelled(found: re.Match[str], depth: int) -> Parts:
    said = _inner(found, depth)
    return said._replace(uncertain=said.uncertain or is_doubtful(found["label"]))


def _guest(found: re.Match[str], _depth: int) -> Parts:
    return Parts(emails=(f"{found['user']}@{found['domain']}",))


def _account(found: re.Match[str], _depth: int) -> Parts:
    return Parts(accounts=(found["account"],))


def _numbered(found: re.Match[str], depth: int) -> Parts:
    said = _inner(found, depth)
    return said._replace(asides=(*said.asides, found["number"]))


def _distinguished(found: re.Match[str], depth: int) -> Parts:
    """The first attribute of an LDAP DN names the person; a backslash escapes the next character."""
    value = re.sub(r"\\([0-9A-Fa-f]{2})", lambda code: chr(int(code[1], 16)), found["value"])
    value = re.sub(r"\\(.)", r"\1", value)
    if found["kind"].lower() == "cn":
        return parts(value, depth + 1)
    return Parts(emails=(value,)) if EMAIL.fullmatch(value) else Parts(accounts=(value,))


def _with_email(found: re.Match[str], depth: int) -> Parts:
    """One e-mail with text around it."""
    around = tidied(f"{found['before']} {found['after']}")
    rest = _in_pieces(around, depth + 1) if around.strip("<>()[] " + _AROUND) else Parts()
    if not _BRACKETS.sub("", around).strip(_AROUND):
        rest = rest._replace(names=(), asides=(*rest.names, *rest.asides))
    emails = tuple(dict.fromkeys((found["email"].rstrip("."), *rest.emails)))
    return rest._replace(emails=emails) if len(emails) == 1 else Parts()


def _in_pieces(text: str, depth: int) -> Parts:
    """A name with texts beside it: in brackets, behind a hyphen, a slash or a colon."""
    if _DEPUTIES.may_be_in(text):
        text = _BEFORE_DEPUTY.sub(";", _BEHIND_DEPUTY.sub(r"\1 ", text))
    asides = [found["aside"] for found in _BRACKETS.finditer(text)]
    main = tidied(_BRACKETS.sub(" ", text))
    first, *more = [main] if " " not in main and not is_unspaced(main) else _BETWEEN.split(main)
    if not first.strip(_AROUND) and not more and len(asides) == 1:
        return parts(asides[0], depth + 1)
    if _SAID_BEFORE.match(main) and len(more) > 0:  # Systemverantwortlich: Jane Doe
        first, more = more[0], [first, *more[1:]]
    pieces = [piece.strip(_AROUND + "?") for piece in (first, *more, *asides)]
    kept = [piece for piece in pieces if piece and not _is_of_another(piece)]
    uncertain = any(map(is_doubtful, (first, *more, *asides)))
    if not kept or len(pieces) > _MOST_PIECES:
        return Parts(names=tuple(pieces[:1]) if any(pieces[:1]) else (), uncertain=True)
    return Parts(names=(_BORN.sub("", kept[0]) or kept[0],), asides=tuple(kept[1:]), uncertain=uncertain)


def is_doubtful(text: str) -> bool:
    """Return whether a text has a word of doubt, or nothing but that it is about a deputy."""
    if _DEPUTIES.may_be_in(text) and (deputy := _DEPUTY.fullmatch(text.strip())):
        return not deputy["deputy"].strip(_AROUND)
    return "?" in text or (_DOUBTFUL.may_be_in(text) and _DOUBTS.search(text) is not None)


def _is_of_another(piece: str) -> bool:
    """Return whether a part names a deputy or an earlier name, not the owner."""
    deputy = _DEPUTY.fullmatch(piece) if _DEPUTIES.may_be_in(piece) else None
    return (deputy is not None and bool(deputy["deputy"])) or _BORN.fullmatch(piece) is not None


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
        (_NUMBER, _account),
        (r"(?P<number>[a-z]{0,3}-?\d{3,}),? (?P<inner>[^\d@]+)", _numbered),
        (_DISTINGUISHED, _distinguished),
        (r"(?:[\w.-]+)\\+(?P<account>[^\\\s@/]+)", _account),
        (r"@(?P<account>[\w.-]+)", _account),
        (rf"(?P<before>[^@]*?)(?P<email>{EMAIL.pattern})(?P<after>[^@]*)", _with_email),
    )
)
