"""Records as JSON that is safe to look at: UTF-8, and nothing in it that a terminal or an editor would act on."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from scanner.text import without_surrogates

# What JSON lets through raw, but a terminal or an editor acts on, in UTF-8: DEL, C1 controls, zero-width and
# bidirectional marks, line and paragraph separators, the byte order mark. JSON has an escape for each.
_ACTIVE = re.compile(
    rb"\x7f|\xc2[\x80-\x9f\xad]|\xd8\x9c|\xe2\x80[\x8b-\x8f\xa8-\xae]|\xe2\x81[\xa0-\xaf]|\xef\xbb\xbf"
)


def encoded(value: Any) -> bytes:
    """The value on one line; a lone surrogate, which no UTF-8 holds, is replaced."""
    try:
        text = msgspec.json.encode(value)
    except UnicodeEncodeError:
        text = msgspec.json.encode(_encodable(msgspec.to_builtins(value)))
    return _ACTIVE.sub(_escaped, text)


def _encodable(value: Any) -> Any:
    match value:
        case str():
            return without_surrogates(value)
        case dict():
            return {without_surrogates(name): _encodable(member) for name, member in value.items()}
        case list() | tuple():
            return [_encodable(member) for member in value]
        case _:
            return value


def _escaped(match: re.Match[bytes]) -> bytes:
    return b"\\u%04x" % ord(match[0].decode())
