"""A parser for HCL 1, the language of Vault's policies (pure).

It reads blocks with labels, attributes, strings, heredocs, numbers, booleans, lists, objects, all three kinds of
comment, and several attributes on one line. A body is a list of pairs, because a key may be repeated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from msgspec import Struct

MAX_DEPTH = 32

Value: TypeAlias = "str | float | bool | Sequence[Value] | Sequence[VaultHclItem]"
Body: TypeAlias = "list[VaultHclItem]"


class HclError(ValueError):
    """The text is not HCL, or is nested too deeply; the message names the line."""


class VaultHclItem(Struct, frozen=True):
    """``key "label" … = value``, or a block, whose value is its body."""

    key: str
    labels: tuple[str, ...]
    value: Value


class _Token(Struct, frozen=True):
    kind: str
    text: str
    line: int


_LEXICON = re.compile(
    r"""
    (?P<space>\s+ | (?:\#|//)[^\n]* | /\*.*?\*/)
  | (?P<heredoc><<-?(?P<mark>[A-Za-z_]\w*)\n(?P<body>.*?)^[ \t]*(?P=mark)[ \t]*$)
  | (?P<string>"(?:[^"\\\n]|\\.)*")
  | (?P<number>-?\d+(?:\.\d+)?(?![\w.]))
  | (?P<word>[A-Za-z_][\w.-]*)
  | (?P<mark_>[{}\[\],=:])
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_WORDS = {"true": True, "false": False}


def parse(text: str) -> Body:
    """The items at the top of the file, in order. Raises HclError."""
    return _Parser(list(_tokens(text))).body(until="end")


def _tokens(text: str) -> Iterator[_Token]:
    position, line = 0, 1
    while position < len(text):
        match = _LEXICON.match(text, position)
        if match is None:
            raise HclError(f"line {line}: {text[position]!r} is not understood")
        kind, found = match.lastgroup or "", match[0]
        if match["heredoc"] is not None:
            yield _Token("string", match["body"], line)
        elif match["string"] is not None:
            yield _Token("string", _unquoted(found, line), line)
        elif match["space"] is None:
            yield _Token(kind if kind != "mark_" else found, found, line)
        position = match.end()
        line += found.count("\n")
    yield _Token("end", "the end of the text", line)


def _unquoted(literal: str, line: int) -> str:
    def replace(match: re.Match[str]) -> str:
        code = match[1] or match[2] or match[3]
        return chr(int(code, 16)) if code else _ESCAPES.get(match[4], match[4])

    try:
        return _ESCAPE.sub(replace, literal[1:-1])
    except (ValueError, OverflowError) as error:
        raise HclError(f"line {line}: no such character: {literal!r}") from error


class _Parser:
    """Recursive descent over the tokens. The depth is limited because the text is untrusted."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def body(self, *, until: str) -> Body:
        items: Body = []
        while self._peek().kind != until:
            items.append(self._item())
            self._skip(",")
        self._take(until)
        return items

    def _item(self) -> VaultHclItem:
        key = self._take("word", "string").text
        labels: list[str] = []
        while self._peek().kind in ("string", "word"):
            labels.append(self._take("string", "word").text)
        if self._skip("=", ":"):
            return VaultHclItem(key, tuple(labels), self._value())
        self._take("{")
        return VaultHclItem(key, tuple(labels), self._nested_body())

    def _value(self) -> Value:
        token = self._take("string", "number", "word", "[", "{")
        if token.kind == "[":
            return self._list()
        if token.kind == "{":
            return self._nested_body()
        if token.kind == "number":
            return float(token.text)
        return token.text if token.kind == "string" else _WORDS.get(token.text, token.text)

    def _list(self) -> list[Value]:
        self._deeper(token := self._peek())
        values: list[Value] = []
        while not self._skip("]"):
            values.append(self._value())
            if not self._skip(",") and self._peek().kind != "]":
                raise HclError(f"line {token.line}: a list's values are separated by commas")
        self._depth -= 1
        return values

    def _nested_body(self) -> Body:
        self._deeper(self._peek())
        body = self.body(until="}")
        self._depth -= 1
        return body

    def _deeper(self, token: _Token) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise HclError(f"line {token.line}: nested more than {MAX_DEPTH} deep")

    def _peek(self) -> _Token:
        return self._tokens[self._at]

    def _skip(self, *kinds: str) -> bool:
        if self._peek().kind not in kinds:
            return False
        self._at += 1
        return True

    def _take(self, *kinds: str) -> _Token:
        token = self._peek()
        if token.kind not in kinds:
            raise HclError(f"line {token.line}: {' or '.join(kinds)} expected, found {token.text!r}")
        self._at += 1
        return token
