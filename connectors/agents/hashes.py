"""Hashes of the definitions of tools, which show a change after approval (pure). Definitions are not stored."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any


def hashes_of(definitions: Iterable[tuple[str | None, Mapping[str, Any]]]) -> dict[str, str]:
    """Return the hash of each tool by its name, ``sha256:HEX``.

    ``definitions``: names with what a model reads of a tool, such as its description and the schema of its input, as
    JSON. The order of members and members without a value do not count. What nothing is known of has no hash.
    """
    by_name: defaultdict[str, set[str]] = defaultdict(set)
    for name, definition in definitions:
        known = {member: value for member, value in definition.items() if value not in (None, "", {}, [])}
        if name and known:
            by_name[name].add(_canonical(known))
    return {
        name: "sha256:" + sha256("\n".join(sorted(texts)).encode("utf-8", "surrogatepass")).hexdigest()
        for name, texts in sorted(by_name.items())
    }


def _canonical(value: Any) -> str:
    try:
        return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)
    except RecursionError:  # as deep as a parser allows, and deeper than a writer does
        return "too deep"
