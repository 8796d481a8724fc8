"""Google's JSON as records: what is null is as good as left out.

Source: the JSON mapping of protocol buffers, by which null stands for any field's default. Google leaves them out;
others that answer in its place write them.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw


def decoded(content: bytes | Raw, payload: Any) -> Any:
    """The content as ``payload``. Raises MsgspecError, UnicodeDecodeError and RecursionError."""
    try:
        return msgspec.json.decode(content, type=payload)
    except msgspec.ValidationError:
        if b"null" not in bytes(content):
            raise
        try:
            told = msgspec.json.encode(_without_nulls(msgspec.json.decode(content)))
        except OverflowError:  # a number that no field of Google's can hold
            told = bytes(content)
        return msgspec.json.decode(told, type=payload)


def _without_nulls(value: Any) -> Any:
    match value:
        case dict():
            return {name: _without_nulls(each) for name, each in value.items() if each is not None}
        case list():
            return [_without_nulls(each) for each in value]
        case _:
            return value
