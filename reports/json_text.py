"""Records as JSON that is safe to look at: UTF-8, and nothing in it that a terminal or an editor would act on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, TypeAlias

import msgspec
from msgspec import Struct

from scanner.text import without_surrogates

# What JSON lets through raw, but a terminal or an editor acts on, in UTF-8: DEL, C1 controls, zero-width and
# bidirectional marks, line and paragraph separators, the byte order mark. JSON has an escape for each.
_ACTIVE = re.compile(
    rb"\x7f|\xc2[\x80-\x9f\xad]|\xd8\x9c|\xe2\x80[\x8b-\x8f\xa8-\xae]|\xe2\x81[\xa0-\xaf]|\xef\xbb\xbf"
)

_Order: TypeAlias = Literal["deterministic"] | None


def encoded(value: Any) -> bytes:
    """The value on one line, in the order given; a lone surrogate, which no UTF-8 holds, is replaced."""
    return _encoded(value, None)


def encoded_record(fields: Mapping[str, Any]) -> bytes:
    """The same of a record: its fields in the order given, what its fields map in the order of the names.

    Providers list tags and the like in any order, and a store gives them back in its own.
    """
    return _encoded(_record(tuple(fields))(*fields.values()), "deterministic")


@cache
def _record(fields: tuple[str, ...]) -> type[Struct]:
    """The encoder keeps the order of a struct's fields, and sorts the rest."""
    return msgspec.defstruct("Record", fields, frozen=True, gc=False)


def _encoded(value: Any, order: _Order) -> bytes:
    try:
        text = msgspec.json.encode(value, order=order)
    except UnicodeEncodeError:
        text = msgspec.json.encode(_encodable(msgspec.to_builtins(value, order=order)))
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
