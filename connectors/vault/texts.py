"""Free text that people put beside an identity, cut down to what can be kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from scanner.redact import redact

MAX_ENTRIES = 32
_SIMPLE = re.compile(r"[\w .,:@+/-]{1,200}")
_SECRETIVE = re.compile(r"(?i)secret|passw|token|api_?key|private|credential|role_?id")


def simple_strings(metadata: Mapping[str, Any] | None) -> dict[str, str]:
    """The entries that are plain words, sorted: an owner, a team, an e-mail; nothing that looks like a secret."""
    kept = {
        key: value
        for key, value in sorted((metadata or {}).items())
        if _is_simple(key) and isinstance(value, str) and _is_simple(value) and not _SECRETIVE.search(key)
    }
    return dict(list(kept.items())[:MAX_ENTRIES])


def _is_simple(text: str) -> bool:
    return _SIMPLE.fullmatch(text) is not None and redact(text) == text and text == text.strip()
