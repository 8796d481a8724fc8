"""What a file holds, as the SDK would have given it (pure).

The command line writes dates as text and bytes as base64. Only members that the operation's model knows are kept.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def answer_of(document: Mapping[str, Any], shape: Any) -> dict[str, Any]:
    """A document as an answer of that output shape (botocore's).

    What has the wrong type stays as it is, so that its row is named as one that cannot be read; but what stands for
    itself, outside of rows, is left out, and so is a count that is no number.
    """
    answer = {name: _read(document[name], member) for name, member in shape.members.items() if name in document}
    return {name: value for name, value in answer.items() if _fits(value, shape.members[name])}


def _fits(value: Any, shape: Any) -> bool:
    match shape.type_name:
        case "timestamp":
            return isinstance(value, datetime)
        case "blob":
            return isinstance(value, bytes)
        case _:
            return True


def _read(value: Any, shape: Any) -> Any:
    match shape.type_name:
        case "structure" if isinstance(value, Mapping):
            return {name: _read(value[name], member) for name, member in shape.members.items() if name in value}
        case "list" if isinstance(value, list):
            return [_read(_row(each, shape.member), shape.member) for each in value]
        case "map" if isinstance(value, Mapping):
            pairs = ((name, _read(each, shape.value)) for name, each in value.items())
            return {name: each for name, each in pairs if shape.value.type_name != "integer" or isinstance(each, int)}
        case "timestamp":
            return moment(value)
        case "blob":
            return _bytes(value)
        case _:
            return value


def _row(row: Any, shape: Any) -> Any:
    """A row; one that is no structure where one belongs is an empty one."""
    return {} if shape.type_name == "structure" and not isinstance(row, Mapping) else row


def moment(value: Any) -> Any:
    """A date as the command line writes it: ISO text, or seconds since 1970; anything else as it is."""
    try:
        if isinstance(value, str):
            read = datetime.fromisoformat(value)
            return read.replace(tzinfo=UTC) if read.tzinfo is None else read
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return value


def _bytes(value: Any) -> Any:
    """Base64 as bytes, and text that is none as it is written."""
    if not isinstance(value, str):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return value.encode()
