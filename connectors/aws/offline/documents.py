"""The documents in the files of a folder, and the operation that each is an answer of."""

from __future__ import annotations

import base64
import binascii
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from connectors.aws.offline.operations import PAGING, Operation, operations
from connectors.core.offline import MAX_BYTES, content_of, json_values, text_of

KEPT_BYTES = 64 * 2**20
"""Files are kept, once read, as long as they come to no more than that together."""
_REPORT = "user,arn,user_creation_time"


class Files:
    """Files as documents; the last ones stay in memory. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bytes = 0
        self._kept: OrderedDict[Path, tuple[int, tuple[Any, ...]]] = OrderedDict()

    def documents(self, path: Path) -> tuple[Any, ...]:
        """The documents of a file. Raises Unreadable."""
        with self._lock:
            if path in self._kept:
                self._kept.move_to_end(path)
                return self._kept[path][1]
            content = content_of(path, MAX_BYTES)
            self._kept[path] = len(content), tuple(parse_documents(content))
            self._bytes += self._kept[path][0]
            while len(self._kept) > 1 and self._bytes > KEPT_BYTES:
                _, (size, _) = self._kept.popitem(last=False)
                self._bytes -= size
            return self._kept[path][1]


def parse_documents(content: bytes) -> Iterator[Any]:
    """The JSON values in it, one behind the other; those in a list singly; of a raw credential report, what AWS sends.

    Raises Unreadable.
    """
    text = text_of(content)
    if text.startswith(_REPORT):
        yield {"Content": text.encode(), "ReportFormat": "text/csv"}
        return
    for value in json_values(text):
        yield from value if isinstance(value, list) else (value,)


# --- Content of a file, as the SDK would return it (pure) ---
#
# The command line writes dates as text and bytes as base64. Only members that the operation's model knows are kept.


def answer_of(document: Mapping[str, Any], shape: Any) -> dict[str, Any]:
    """A document as an answer of that output shape (botocore's).

    What has the wrong type stays as it is, so that its row is named as one that cannot be read; but what represents
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


# --- The operation whose answer a document is, by its members and those of its rows (pure but for the SDK's models) ---

ROWS_LOOKED_AT = 50
_ADDED = frozenset({"ResponseMetadata", *PAGING})
_KNOWN_SHARE = 0.5
"""So much of a row's members the installed SDK has to know: a newer command line writes some that it does not."""

_LEAST_OF_FACTS = 0.25
"""So much of an answer that is facts about one thing has to be there: everything has a name."""

# An answer needs one of these members if its rows alone do not identify it.
_MARKERS: Mapping[str, frozenset[str]] = {
    "GetAccountAuthorizationDetails": frozenset({"UserDetailList", "RoleDetailList", "GroupDetailList"}),
    "GetCallerIdentity": frozenset({"Account"}),
}
# Members that hold a secret, in answers that should never have been written to a file.
_SECRETS = frozenset({"SecretString", "SecretBinary", "SecretAccessKey", "SessionToken"})
_PYTHON: Mapping[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("structure", "map"), dict),
    **dict.fromkeys(("integer", "long"), int),
    "list": list,
    "string": str,
    "boolean": bool,
    "timestamp": (str, int, float),
}


def holds_secrets(document: Mapping[str, Any]) -> bool:
    """Whether it is the answer to a call that hands out a secret."""
    parts = [document, *(value for value in document.values() if isinstance(value, Mapping))]
    parts += [row for value in document.values() if isinstance(value, list) for row in value if isinstance(row, dict)]
    return any(_SECRETS & part.keys() or ("Value" in part and "ARN" in part and "Type" in part) for part in parts)


def recognised(document: Mapping[str, Any], path: str) -> Sequence[Operation]:
    """The operations whose answer it is; several where it makes no difference, none where it could be of several.

    ``path``: the file's. It decides where members do not.
    """
    likeness = {operation: _likeness(document, operation) for operation in operations()}
    best = max(likeness.values())
    hits = [operation for operation, share in likeness.items() if share == best] if best else []
    named = [operation for operation in hits if operation.command.partition(" ")[2] in path]
    is_clear = sum(not operation.resource_parameters for operation in hits) <= 1
    return named or (hits if is_clear else ())


def _likeness(document: Mapping[str, Any], operation: Operation) -> float:
    """From 0, it is not its answer, to 1."""
    members = operation.shape.members
    present = document.keys() - _ADDED
    known = present & members.keys()
    if not known or (operation.name in _MARKERS and not known & _MARKERS[operation.name]):
        return 0
    if operation.is_listing and known != present:
        return 0
    if not all(_is_of_type(document[name], members[name]) for name in known):
        return 0
    rows = (_of_rows(document[name], members[name]) for name in known)
    whole = _likeness_of_row(document, operation.shape)
    return min(whole, *rows) if operation.is_listing or whole >= _LEAST_OF_FACTS else 0


def _of_rows(value: Any, shape: Any) -> float:
    """The average over the rows of a list, the likeness of a structure; 1 where there is nothing to compare."""
    if shape.type_name == "structure":
        return _likeness_of_row(value, shape)
    if shape.type_name != "list" or not value:
        return 1
    rows = value[:ROWS_LOOKED_AT]
    if shape.member.type_name != "structure":
        return sum(_is_of_type(row, shape.member) for row in rows) / len(rows)
    return sum(_likeness_of_row(row, shape.member) for row in rows) / len(rows)


def _likeness_of_row(row: Any, shape: Any) -> float:
    """The share of members that row and shape have in common; 0 if required ones are missing, or most are others."""
    if not isinstance(row, Mapping):
        return 0
    present, members = row.keys() - _ADDED, shape.members.keys() - _ADDED
    known = present & members
    if not set(shape.required_members) - _ADDED <= present or len(known) < _KNOWN_SHARE * len(present):
        return 0
    return (1 + len(known)) / (1 + len(present | members))


def _is_of_type(value: Any, shape: Any) -> bool:
    return isinstance(value, _PYTHON.get(shape.type_name, object))
