"""Partial responses: only the fields in the parameter ``fields``, as in Google's APIs.

Source: the guides "Working with partial resources" of the APIs: ``a,b/c,d(e,f),g/*/h``.
"""

from __future__ import annotations

import re
from typing import Any, TypeAlias

from scanner.demo.fakes.gcp.faults import Refused

Tree: TypeAlias = "dict[str, Tree]"
_TOKEN = re.compile(r"[(),/]|[^(),/]+")


def partial(value: Any, fields: str) -> Any:
    """The value with only these fields. Raises Refused if the selection is invalid."""
    return _kept(value, fields_in(fields))


def fields_in(text: str) -> Tree:
    """The selection as a tree; a leaf includes everything below it."""
    tokens = _TOKEN.findall(text)
    tree = _selection(tokens)
    if tokens:
        raise Refused(400, f"Invalid field selection {text}")
    return tree


def _selection(tokens: list[str]) -> Tree:
    tree: Tree = {}
    while tokens and tokens[0] != ")":
        here = tree
        name = tokens.pop(0)
        here = here.setdefault(name, {})
        while tokens and tokens[0] == "/":
            tokens.pop(0)
            here = here.setdefault(tokens.pop(0), {})
        if tokens and tokens[0] == "(":
            tokens.pop(0)
            here.update(_selection(tokens))
            if not tokens or tokens.pop(0) != ")":
                raise Refused(400, "Invalid field selection: a parenthesis is open")
        if tokens and tokens[0] == ",":
            tokens.pop(0)
    return tree


def _kept(value: Any, tree: Tree) -> Any:
    if not tree:
        return value
    if isinstance(value, list):
        return [_kept(one, tree) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _kept(one, tree.get(name, tree.get("*", {})))
        for name, one in value.items()
        if name in tree or "*" in tree
    }
