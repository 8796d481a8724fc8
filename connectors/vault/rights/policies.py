"""A reader for the part of HCL 1 that Vault policies are written in. JSON is the parser's other dialect, not ours.

Blocks with labels, attributes, strings, heredocs, numbers, booleans, lists, objects, the three kinds of comment, and
several attributes on a line. A body is a list of pairs, because HCL means something by repeating a key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from msgspec import Struct

MAX_DEPTH = 32

Value: TypeAlias = "str | float | bool | Sequence[Value] | Sequence[Item]"
Body: TypeAlias = "list[Item]"


class HclError(ValueError):
    """The text is not HCL, or nests too deeply; the message has the line."""


class Item(Struct, frozen=True):
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
    """Recursive descent over the tokens; ``depth`` is checked because a policy's text is anyone's."""

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

    def _item(self) -> Item:
        key = self._take("word", "string").text
        labels: list[str] = []
        while self._peek().kind in ("string", "word"):
            labels.append(self._take("string", "word").text)
        if self._skip("=", ":"):
            return Item(key, tuple(labels), self._value())
        self._take("{")
        return Item(key, tuple(labels), self._nested_body())

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


# ---
# What a set of Vault policies allows on a path: parsing into rules, and the server's way of choosing one of them.
#
# Only a single rule counts for a path, the most specific one; ``deny`` therefore protects nothing from a rule that is
# more specific than its own. Source: "Policies" in Vault's documentation, and ``vault/acl.go``; the tests compare
# with a running server.

Capabilities: TypeAlias = frozenset[str]
Rules: TypeAlias = Mapping[str, Capabilities]
"""Path pattern to capabilities. ``+`` represents one whole segment, ``*`` at the end for any rest."""

DENY: Capabilities = frozenset({"deny"})
NOTHING: Capabilities = frozenset()
_LIST = ("read", "list")
_WRITE = ("create", "read", "update", "delete", "list")
_LEGACY = {"read": _LIST, "write": _WRITE, "sudo": (*_WRITE, "sudo"), "deny": ("deny",)}


class PolicyError(ValueError):
    """A policy's text is neither JSON nor HCL of a policy's shape."""


def parse_policy(text: str) -> Rules:
    """The rules of one policy; path blocks with the same pattern are united. Raises PolicyError."""
    try:
        body = _from_json(json.loads(text))
    except (ValueError, RecursionError):
        body = _from_hcl(text)
    return united(_rule(item) for item in body if item.key == "path")


def united(rules: Iterable[Rules]) -> Rules:
    """All rules together, as for a token that holds several policies."""
    together: dict[str, Capabilities] = {}
    for some in rules:
        for pattern, capabilities in some.items():
            together[pattern] = together.get(pattern, NOTHING) | capabilities
    return together


def capabilities(rules: Rules, path: str) -> Capabilities:
    """What is allowed on a path that does not end in a slash; ``{"deny"}`` where nothing is."""
    winner = path if path in rules else max((p for p in rules if _matches(p, path)), key=_precision, default=None)
    allowed = rules[winner] if winner is not None else DENY
    return DENY if "deny" in allowed or not allowed else allowed


def is_templated(pattern: str) -> bool:
    """Whether the server fills in parts of the pattern for each entity."""
    return "{{" in pattern


def split_pattern(pattern: str) -> tuple[list[str], bool]:
    """Its segments, and whether the last one is only a beginning."""
    return pattern.removesuffix("*").split("/"), pattern.endswith("*")


def _matches(pattern: str, path: str) -> bool:
    """Whether a pattern with wildcards takes in the path. One without matches only itself."""
    segments, open_ended = split_pattern(pattern)
    if not open_ended and "+" not in segments:
        return False
    parts = path.split("/")
    if len(parts) < len(segments) or (len(parts) > len(segments) and not open_ended):
        return False
    *firsts, last = segments
    if any(segment not in ("+", part) for segment, part in zip(firsts, parts, strict=False)):
        return False
    part = parts[len(firsts)]
    return last in ("+", part) or (open_ended and part.startswith(last))


def _precision(pattern: str) -> tuple[int, bool, int, int, str]:
    """Sorts patterns that match the same path; the greatest is the one the server goes by."""
    segments, open_ended = split_pattern(pattern)
    first_wildcard = pattern.find("+")
    if first_wildcard < 0:
        first_wildcard = len(pattern) - 1
    return first_wildcard, not open_ended, -segments.count("+"), len(pattern), pattern


def _from_hcl(text: str) -> Body:
    try:
        return parse(text)
    except HclError as error:
        raise PolicyError(str(error)) from error


def _from_json(document: Any) -> Body:
    """JSON is the same tree: ``{"path": {"kv/*": {…}}}``, and wherever an object stands, a list of them may."""
    if not isinstance(document, dict):
        raise PolicyError("a policy is a JSON object")
    return [
        Item("path", (pattern,), [Item(key, (), value) for block in _objects(blocks) for key, value in block.items()])
        for paths in _objects(document.get("path", []))
        for pattern, blocks in paths.items()
    ]


def _objects(value: Any) -> list[dict[str, Any]]:
    some = value if isinstance(value, list) else [value]
    if not all(isinstance(one, dict) for one in some):
        raise PolicyError("an object is expected for each path")
    return some


def _rule(item: Item) -> Rules:
    if len(item.labels) != 1 or not isinstance(item.value, list):
        raise PolicyError("a path block has one path and a body")
    allowed: set[str] = set()
    for attribute in item.value:
        if not isinstance(attribute, Item):
            raise PolicyError("a path block has a body of attributes")
        if attribute.key == "capabilities":
            allowed.update(_capability_names(attribute.value))
        elif attribute.key == "policy":
            allowed.update(_LEGACY.get(str(attribute.value), ()))
    return {item.labels[0].removeprefix("/"): frozenset(allowed)}


def _capability_names(value: Any) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise PolicyError("capabilities is a list of names")
    return value
