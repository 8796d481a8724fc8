"""Values of a workflow, with expressions resolved from the file, variables and inputs. Nothing is run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice, product
from typing import Any

from msgspec import Struct

from connectors.planned.shapes import listed

_EXPRESSION = re.compile(r"\$\{\{([^{}]*)\}\}")
_INDEX = re.compile(r"\[\s*'([\w-]+)'\s*\]", re.ASCII)
_OPENING = "${{"
_REFERENCE = re.compile(
    r"(?P<context>env|inputs|matrix|vars|github(?:\.event\.inputs)?)\.(?P<name>[\w.-]+)", re.IGNORECASE
)
_INPUTS = ("inputs", "github.event.inputs")
_LITERAL = re.compile(r"'((?:[^']|'')*)'")
_DEEPEST, _LONGEST = 2, 8
"""The depth to which references between values are followed, and the most references in one value."""
_LARGEST_MATRIX = 256
"""GitHub's limit of jobs for a matrix. A longer list is not read: those that it excludes could hide the others."""
MOST = 64
"""The most texts of a value; with more, it is unresolved."""


class Value(Struct, frozen=True):
    """A value in the file. ``texts``: the texts it can have, as far as known; ``is_whole``: these are all."""

    written: str
    texts: tuple[str, ...] = ()
    is_whole: bool = True

    @property
    def is_secret(self) -> bool:
        """Whether it comes from a secret."""
        return "secrets." in self.written

    @property
    def stored_as(self) -> str | None:
        """The expression that it comes from, such as ``secrets.KEY``; None for a literal."""
        found = _EXPRESSION.search(self.written)
        return found[1].strip() if found else None


class GithubContext(Struct, frozen=True, kw_only=True):
    """The contexts of expressions.

    ``inputs``: by name in lower case; ``are_given``: from a calling workflow, so that they are known.
    ``variables``: by name in upper case. ``environments``: those of environments, which take precedence; None if they
    were not read. ``github``: the few properties of the run that are known in advance.
    """

    env: Mapping[str, Any] = {}
    matrix: Mapping[str, Any] = {}
    inputs: Mapping[str, Value] = {}
    are_given: bool = False
    variables: Mapping[str, Value] = {}
    environments: Mapping[str, Mapping[str, str] | None] = {}
    github: Mapping[str, str] = {}

    def value(self, given: Any, depth: int = 0) -> Value:
        """Resolve a value of the file."""
        written = _text(given)
        if _OPENING not in written:
            return Value(written, (written,))
        written = _EXPRESSION.sub(lambda found: _INDEX.sub(r".\1", found[0]), written)  # vars['A'] is vars.A
        parts = _EXPRESSION.split(written)
        match parts:
            case ["", alone, ""] if (handed := self._input(alone.strip())) is not None and not handed.is_whole:
                return handed  # as the caller wrote it, such as a secret
        if any(_OPENING in part for part in parts[::2]) or len(parts) // 2 > (_LONGEST if depth <= _DEEPEST else 0):
            return Value(written, is_whole=False)
        found = [self._options(part, depth) if number % 2 else ((part,), True) for number, part in enumerate(parts)]
        texts = tuple(islice(("".join(each) for each in product(*(options for options, _ in found))), MOST + 1))
        if len(texts) > MOST:
            return Value(written, is_whole=False)
        return Value(written, tuple(dict.fromkeys(texts)), all(is_whole for _, is_whole in found))

    def _options(self, expression: str, depth: int) -> tuple[tuple[str, ...], bool]:
        """The texts of an expression, and whether these are all: references, literals, ``a || b``, ``c && a || b``.

        The first known, non-empty alternative without a condition is the last that counts.
        """
        texts: list[str] = []
        is_whole = True
        alternatives = expression.split("||")
        for number, part in enumerate(alternatives[:_LONGEST], start=1):
            *conditions, last = _within(part).split("&&")
            one = self._operand(last.strip(), depth)
            texts += one.texts
            is_whole &= one.is_whole and bool(one.texts) and not (conditions and number == len(alternatives))
            if not conditions and one.is_whole and all(one.texts) and self._is_sure(last.strip()):
                return tuple(dict.fromkeys(texts)), is_whole
        return tuple(dict.fromkeys(texts)), is_whole and len(alternatives) <= _LONGEST

    def _operand(self, text: str, depth: int) -> Value:
        literal = _LITERAL.fullmatch(text)
        return Value(text, (literal[1].replace("''", "'"),)) if literal else self._referred(text, depth)

    def _is_sure(self, operand: str) -> bool:
        """Whether its value is the same in every run: inputs of a manual run are chosen when it starts."""
        return self.are_given or self._input(operand) is None

    def _referred(self, expression: str, depth: int) -> Value:
        found = _REFERENCE.fullmatch(expression)
        if found is None:
            return Value(expression, is_whole=False)
        context, name = found["context"].lower(), found["name"]
        if context == "env" and name in self.env:
            return self.value(self.env[name], depth + 1)
        if (handed := self._input(expression)) is not None:
            return handed
        texts: Iterable[str] = ()
        if context == "matrix":
            texts = self._of_matrix(name)
        elif context == "vars":
            return self.variables.get(name.upper(), _UNKNOWN)
        elif context == "github":
            texts = filter(None, (self.github.get(name.lower()),))
        known = tuple(dict.fromkeys(texts))
        return Value(expression, known, bool(known))

    def variables_in(self, environment: Value) -> Mapping[str, Value]:
        """The variables of a job with an environment: those of the environment, else of the repository."""
        own = [self.environments.get(name.lower(), {}) for name in environment.texts]
        names = self.variables.keys() | {name for some in own if some is not None for name in some}
        return {name: self._variable_in(own, name, is_whole=environment.is_whole) for name in names}

    def _variable_in(self, environments: Sequence[Mapping[str, str] | None], name: str, *, is_whole: bool) -> Value:
        shared = self.variables.get(name, _UNKNOWN)
        found = [
            shared if own is not None and name not in own else _known((own or {}).get(name)) for own in environments
        ]
        # An environment that is unknown, or whose variables are, may override the repository's variable.
        is_known = is_whole and None not in environments
        texts = [*(text for one in found for text in one.texts), *(() if is_known else shared.texts)]
        return Value("", tuple(dict.fromkeys(texts)), is_known and all(one.is_whole for one in found))

    def _input(self, expression: str) -> Value | None:
        """The value that the caller passes for an input; None if it is not an input, or not passed."""
        found = _REFERENCE.fullmatch(expression)
        is_input = found is not None and found["context"].lower() in _INPUTS
        return self.inputs.get(found["name"].lower()) if found is not None and is_input else None

    def _of_matrix(self, name: str) -> tuple[str, ...]:
        """The values of a matrix property, from its lists and ``include``; empty if any is an expression, or too long.

        ``exclude`` counts if it removes a value from all combinations.
        """
        first, *rest = name.split(".")
        named, included = self.matrix.get(first), self.matrix.get("include")
        if isinstance(named, str) or isinstance(included, str):
            return ()
        values, taken, added = (listed(one) for one in (named, self.matrix.get("exclude"), included))
        if max(map(len, (values, taken, added))) > _LARGEST_MATRIX:
            return ()
        excluded = [row for row in taken if isinstance(row, dict)]
        rows = [row for row in values if {first: row} not in excluded]
        rows += [row[first] for row in added if isinstance(row, dict) and first in row]
        for step in rest:
            rows = [row[step] for row in rows if isinstance(row, dict) and step in row]
        texts = [_text(row) for row in rows if isinstance(row, (str, int, float))]
        return () if any(_OPENING in text for text in texts) else tuple(texts)


_UNKNOWN = Value("", is_whole=False)


def _known(text: str | None) -> Value:
    return Value("", (text,)) if text else _UNKNOWN


def inputs_of(declared: Mapping[str, Any], *, are_given: bool = False) -> Iterator[tuple[str, Value]]:
    """Yield the declared inputs of a trigger or action, each with its options, or else its default.

    ``are_given``: a caller has passed its inputs, so that the others are empty without a default.
    """
    for name, one in declared.items():
        facts = one if isinstance(one, dict) else {}
        options = facts.get("options")
        texts = [_text(option) for option in options] if isinstance(options, list) else []
        default = facts.get("default")
        if not texts and (are_given or default not in (None, "")):
            texts = [_text("" if default is None else default)]
        known = tuple(text for text in texts if _OPENING not in text)
        yield str(name).lower(), Value(_text(default), known, bool(known) and len(known) == len(texts))


def _within(part: str) -> str:
    """A part of an expression without enclosing parentheses."""
    text = part.strip()
    return text[1:-1] if text.startswith("(") and text.endswith(")") else text


def _text(given: Any) -> str:
    return str(given).strip()
