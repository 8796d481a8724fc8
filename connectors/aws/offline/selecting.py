"""Which answers and rows in files a call means."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from connectors.aws.offline.operations import Operation, batches

Keeps: TypeAlias = Callable[[Mapping[str, Any], Mapping[str, Any]], bool]
"""Whether a call with these parameters returns a row."""
# Members that may name the resource that an answer describes, besides those with the name of the parameter.
_NAMING = re.compile(r"(?:.*(?:name|id|identifier|arn|url)|[a-z]+(?<!statu)s)", re.IGNORECASE)
_ARNS = ("Arn", "ARN", "arn")
# Rows with one ARN may differ by id: two targets of a rule can be the same function.
_IDS = ("Id", "id")
_NUMBERS = ("SerialNumber", "VersionNumber")
_PARTS = re.compile(r"[:/]")
_SEPARATOR = re.compile(r"[-_.= ]")
# Levels of an answer that are searched for names: enough for a policy's id in its summary.
_DEPTH = 3


class Names(Struct, frozen=True, kw_only=True):
    """The names in an answer: ``texts`` by member, in small letters. ``path``: names in the path of its file."""

    texts: Mapping[str, frozenset[str]]
    path: frozenset[str]

    @property
    def parts(self) -> frozenset[str]:
        """All parts by which an answer is indexed."""
        return self.path.union(*(_PARTS.split(text) for texts in self.texts.values() for text in texts))


def names_in(answer: Mapping[str, Any], path: PurePath) -> Names:
    """The names in an answer and in the path of its file below the folder."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for member, text in _texts(answer, "", 0):
        if _NAMING.fullmatch(member):
            found[member.lower()].add(text)
    folders = (*path.parts[:-1], path.stem)
    ends = {part[at:] for part in folders for at in (0, *(match.end() for match in _SEPARATOR.finditer(part)))}
    return Names(texts={member: frozenset(texts) for member, texts in found.items()}, path=frozenset(ends))


def is_about(names: Names, resources: Mapping[str, str]) -> bool:
    """Whether an answer, or else the path of its file, names all resources of a call."""
    return all(_include(names, parameter, value) for parameter, value in resources.items())


def tail(name: str) -> str:
    """The last part of a name or an ARN."""
    return _PARTS.split(name)[-1]


def _include(names: Names, parameter: str, value: str) -> bool:
    reported = names.texts.get(parameter.lower())
    if reported:
        return any(_same(one, value) for one in reported)
    everything = (one for texts in names.texts.values() for one in texts)
    return any(_same(one, value) or tail(value) in _inner(one) for one in everything) or tail(value) in names.path


def _same(one: str, other: str) -> bool:
    """Whether both are the same name, or an ARN and the name at its end."""
    return one == other or (bool(one) and bool(other) and (_is_arn_of(one, other) or _is_arn_of(other, one)))


def _is_arn_of(arn: str, name: str) -> bool:
    return arn.startswith("arn:") and arn.endswith((f"/{name}", f":{name}"))


def _inner(arn: str) -> Sequence[str]:
    """The parts between type and name of an ARN, such as the cluster of a service."""
    return _PARTS.split(arn)[6:-1] if arn.startswith("arn:") else ()


def _texts(thing: Any, member: str, depth: int) -> Iterator[tuple[str, str]]:
    match thing:
        case str():
            yield member, thing
        case list():
            for each in thing:
                yield from _texts(each, member, depth)
        case Mapping() if depth < _DEPTH:
            for name, each in thing.items():
                yield from _texts(each, name, depth + 1)


# Rows that a call leaves out by its parameters, but that a file may contain.
_KEEPS: Mapping[tuple[str, str], Keeps] = {
    ("ssm", "DescribeParameters"): lambda row, _: row.get("Type") == "SecureString",
    ("organizations", "ListPolicies"): lambda row, _: row.get("Type") == "SERVICE_CONTROL_POLICY",
    ("batch", "DescribeJobDefinitions"): lambda row, _: row.get("status") == "ACTIVE",
    ("cloudtrail", "LookupEvents"): lambda row, parameters: (
        row.get("EventName") in [one.get("AttributeValue") for one in parameters.get("LookupAttributes", ())]
    ),
    ("emr", "ListClusters"): lambda row, parameters: (
        (row.get("Status") or {}).get("State") in parameters.get("ClusterStates", ())
    ),
}


def requested_rows(
    answer: Mapping[str, Any], operation: Operation, parameters: Mapping[str, Any], resources: Mapping[str, str]
) -> dict[str, Any]:
    """The answer without rows that the call would not have returned."""
    keeps = _KEEPS.get((operation.service, operation.name))

    def is_meant(row: Any) -> bool:
        if not isinstance(row, Mapping):
            return True
        is_others = any(row.get(name, value) != value for name, value in resources.items())
        return not is_others and (keeps is None or keeps(row, parameters))

    return {
        name: [row for row in value if is_meant(row)] if isinstance(value, list) else value
        for name, value in answer.items()
    }


def row_identity(row: Any) -> Any:
    """The identity of a row across documents: its ARN and id, else all texts that name it, else the whole row."""
    if not isinstance(row, Mapping):
        return str(row)
    if any(isinstance(row.get(name), str) for name in _ARNS):
        return tuple(str(row[name]) for name in (*_ARNS, *_IDS) if name in row)
    named = {
        name: str(text)
        for name, text in row.items()
        if name in _NUMBERS or (isinstance(text, str) and _NAMING.fullmatch(name))
    }
    return tuple(sorted(named.items())) or msgspec.json.encode(row, order="deterministic")


def with_batch(answer: dict[str, Any], operation: Operation, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The answer with only the rows that were requested by name; an empty row for each that is missing.

    An empty row counts as unreadable.
    """
    ids, member = batches().get((operation.service, operation.name), (None, ""))
    if ids is None:
        return answer
    rows: list[Any] = []
    for wanted in parameters.get(ids, ()):
        named = (row for row in answer.get(member, ()) if any(_same(text, wanted) for text in _own_names(row)))
        rows.append(next(named, {}))
    return {**answer, member: rows}


def _own_names(row: Any) -> Iterator[str]:
    """The names of a row itself, without those in its members."""
    return (text for name, text in _texts(row, "", _DEPTH - 1) if _NAMING.fullmatch(name))
