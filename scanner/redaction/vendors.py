"""Reads the forms of vendors' secrets in ``vendors.toml`` as shapes."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import NamedTuple


class Shape(NamedTuple):
    """A kind of secret. ``keywords``: a text without any of them has no such secret.

    ``pattern``: group 1 is the secret, or the whole match without a group. ``guessable``: people choose such secrets,
    so even a hash would reveal them.
    """

    id: str
    keywords: tuple[str, ...]
    pattern: str
    guessable: bool = False


# In JSON within JSON, the n of an escaped ``\\n`` is not part of the word that follows.
START = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))"
END = r"(?![A-Za-z0-9])"


def word(beginning: str, but: str = "") -> str:
    """Return a pattern for the beginning of a word. ``but``: characters that count as letters.

    It begins with the literal and looks behind it afterwards, because ``re`` searches for a literal prefix much faster.
    """
    literal = re.escape(beginning)
    return rf"{literal}(?:(?<![A-Za-z0-9{but}]{literal})|(?<=\\[nrt]{literal}))"


_CLASSES = {
    "hex": "[a-fA-F0-9]", "text": "[A-Za-z0-9]", "upper": "[A-Z0-9]", "word": r"[\w=-]", "base64": r"[\w+/=%-]",
    "digits": r"\d",
}  # fmt: skip
_GUID = "[a-fA-F0-9]{8}(?:-[a-fA-F0-9]{4}){3}-[a-fA-F0-9]{12}"
_PART = re.compile(r"\{(?P<kind>[a-z0-9]+)(?::(?P<least>\d+)(?P<range>-)?(?P<most>\d*))?\}")
_NO_MORE = r"(?![\w+/-])"
# A value beside a name that is all letters is a word.
_WITH_DIGIT = r"(?=[^\s\d]{0,100}\d)"
# What may follow a vendor's name, and joins it to the value: ``HEROKU_API_KEY=``, ``"heroku": "``. No name of an id.
_JOINT = (
    r"(?i:(?:[ _.-]?(?!(?:app|client|account|user|org|project|team|site|commit|sha|hash|digest|version|ids?|names?|arn"
    r"|key[ _-]?id|url|uri)(?![a-z]))[a-z0-9]{1,20}+){0,3}+)"
    r"""[\\"'`\])]{0,4}[ \t]{0,5}(?:=>|:{1,3}=|[?+.]?=|:(?=[ \t\\"'`\n])|\uff1a|>)[ \t|>=]{0,5}\n?[\s\\"'`]{0,8}"""
)


def vendors() -> Iterator[Shape]:
    """Yield the shapes of ``vendors.toml``."""
    table: Mapping[str, Mapping[str, Sequence[str]]] = tomllib.loads(
        (files(__package__) / "vendors.toml").read_text(encoding="utf-8")
    )
    for name, forms in table["tokens"].items():
        for form in forms:
            literals = [part for part in _PART.sub("\0", form).split("\0") if part]
            keyword = literals[0] if not form.startswith("{") else max(literals, key=len)
            begins = (
                word(keyword) + pattern_of(form.removeprefix(keyword))
                if form.startswith(keyword)
                else (f"{START}{pattern_of(form)}")
            )
            yield Shape(name, (keyword,), rf"{begins}(?![\w+-])")  # a path of an address may go on behind it
    for name, forms in table["beside"].items():
        values = "|".join(map(pattern_of, forms))
        called = (name, name.capitalize(), name.upper())
        yield Shape(f"{name}-secret", called, rf"(?:{'|'.join(called)}){_JOINT}({_WITH_DIGIT}(?:{values})){_NO_MORE}")


def pattern_of(form: str) -> str:
    """Return the pattern of a form such as ``sm_pat_{text:16}``."""
    pattern, done = "", 0
    for part in _PART.finditer(form):
        pattern += re.escape(form[done : part.start()])
        done = part.end()
        if part["kind"] == "guid":
            pattern += _GUID
            continue
        bounds = f"{part['least']},{part['most']}" if part["range"] else part["least"]
        pattern += f"{_CLASSES[part['kind']]}{{{bounds}}}"
    return pattern + re.escape(form[done:])
