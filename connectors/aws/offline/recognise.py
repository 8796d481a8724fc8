"""Which operation's answer a document is, by the members that it and its rows have (pure but for the SDK's models)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.aws.offline.operations import PAGING, Operation, operations

ROWS_LOOKED_AT = 50
_ADDED = frozenset({"ResponseMetadata", *PAGING})
_KNOWN_SHARE = 0.5
"""So much of a row's members the installed SDK has to know: a newer command line writes some that it does not."""

_LEAST_OF_FACTS = 0.25
"""So much of an answer that is facts about one thing has to be there: everything has a name."""

# Where rows alone do not tell: one of these members has to be there, too.
_TOLD_BY: Mapping[str, frozenset[str]] = {
    "GetAccountAuthorizationDetails": frozenset({"UserDetailList", "RoleDetailList", "GroupDetailList"}),
    "GetCallerIdentity": frozenset({"Account"}),
}
# Members that hold a secret in answers that nobody should have written to a file.
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

    ``path``: the file's. It tells where members do not.
    """
    likeness = {operation: _likeness(document, operation) for operation in operations()}
    best = max(likeness.values())
    hits = [operation for operation, share in likeness.items() if share == best] if best else []
    named = [operation for operation in hits if operation.command.partition(" ")[2] in path]
    is_clear = sum(not operation.asks_of for operation in hits) <= 1
    return named or (hits if is_clear else ())


def _likeness(document: Mapping[str, Any], operation: Operation) -> float:
    """From 0, it is not its answer, to 1."""
    members = operation.shape.members
    told = document.keys() - _ADDED
    known = told & members.keys()
    if not known or (operation.name in _TOLD_BY and not known & _TOLD_BY[operation.name]):
        return 0
    if operation.is_listing and known != told:
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
    """How much the members have in common with those of the shape, required ones and half of the others at least."""
    if not isinstance(row, Mapping):
        return 0
    told, members = row.keys() - _ADDED, shape.members.keys() - _ADDED
    known = told & members
    if not set(shape.required_members) - _ADDED <= told or len(known) < _KNOWN_SHARE * len(told):
        return 0
    return (1 + len(known)) / (1 + len(told | members))


def _is_of_type(value: Any, shape: Any) -> bool:
    return isinstance(value, _PYTHON.get(shape.type_name, object))
