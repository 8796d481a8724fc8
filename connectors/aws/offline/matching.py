"""Which documents answer a call, as its parameters go (pure)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import Any, TypeAlias

from msgspec import Struct

from connectors.aws.offline.operations import Operation, batches

Keeps: TypeAlias = Callable[[Mapping[str, Any], Mapping[str, Any]], bool]
"""Whether a row is one that a call with these parameters gives."""

# The members by which answers name what they are about, besides those named as the parameter is.
_NAMING = re.compile(r"(?:.*(?:name|id|identifier|arn|url)|[a-z]+(?<!statu)s)", re.IGNORECASE)
_ARNS = ("Arn", "ARN", "arn")
_PARTS = re.compile(r"[:/]")
_SEPARATOR = re.compile(r"[-_.= ]")
# As deep as a policy's id in its summary.
_DEPTH = 3


class Named(Struct, frozen=True, kw_only=True):
    """What an answer names: ``texts`` by member, in small letters; ``path``: what its file may be named by."""

    texts: Mapping[str, frozenset[str]]
    path: frozenset[str]

    @property
    def parts(self) -> frozenset[str]:
        """All that the end of a name is looked up in."""
        return self.path.union(*(_PARTS.split(text) for texts in self.texts.values() for text in texts))


def named_by(answer: Mapping[str, Any], path: PurePath) -> Named:
    """What an answer, and the path of its file in the folder, name."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for member, text in _texts(answer, "", 0):
        if _NAMING.fullmatch(member):
            found[member.lower()].add(text)
    folders = (*path.parts[:-1], path.stem)
    ends = {part[at:] for part in folders for at in (0, *(match.end() for match in _SEPARATOR.finditer(part)))}
    return Named(texts={member: frozenset(texts) for member, texts in found.items()}, path=frozenset(ends))


def is_about(named: Named, asked_of: Mapping[str, str]) -> bool:
    """Whether an answer, or else the path of its file, names each of the things that a call asks about."""
    return all(_names(named, parameter, value) for parameter, value in asked_of.items())


def tail(name: str) -> str:
    """The last part of a name or an ARN."""
    return _PARTS.split(name)[-1]


def _names(named: Named, parameter: str, value: str) -> bool:
    told = named.texts.get(parameter.lower())
    if told:
        return any(_same(one, value) for one in told)
    everything = (one for texts in named.texts.values() for one in texts)
    return any(_same(one, value) or tail(value) in _inner(one) for one in everything) or tail(value) in named.path


def _same(one: str, other: str) -> bool:
    """Whether both name the same: an ARN, and what stands at its end."""
    return one == other or (bool(one) and bool(other) and (_ends(one, other) or _ends(other, one)))


def _ends(arn: str, name: str) -> bool:
    return arn.startswith("arn:") and arn.endswith((f"/{name}", f":{name}"))


def _inner(arn: str) -> Sequence[str]:
    """What stands within an ARN, the cluster of a service for instance."""
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


def _all(_row: Mapping[str, Any], _parameters: Mapping[str, Any]) -> bool:
    return True


def _member(name: str, value: str) -> Keeps:
    return lambda row, _: bool(row.get(name) == value)


def _event(row: Mapping[str, Any], parameters: Mapping[str, Any]) -> bool:
    return row.get("EventName") in [one.get("AttributeValue") for one in parameters.get("LookupAttributes", ())]


def _running(row: Mapping[str, Any], parameters: Mapping[str, Any]) -> bool:
    return (row.get("Status") or {}).get("State") in parameters.get("ClusterStates", ())


# What a call asks to be left out, and a file may hold nevertheless.
_KEEPS: Mapping[tuple[str, str], Keeps] = {
    ("ssm", "DescribeParameters"): _member("Type", "SecureString"),
    ("organizations", "ListPolicies"): _member("Type", "SERVICE_CONTROL_POLICY"),
    ("batch", "DescribeJobDefinitions"): _member("status", "ACTIVE"),
    ("cloudtrail", "LookupEvents"): _event,
    ("emr", "ListClusters"): _running,
}


def asked_for(
    answer: Mapping[str, Any], operation: Operation, parameters: Mapping[str, Any], asked_of: Mapping[str, str]
) -> dict[str, Any]:
    """The answer without rows that the call would not have given."""
    keeps = _KEEPS.get((operation.service, operation.name), _all)

    def is_meant(row: Any) -> bool:
        if not isinstance(row, Mapping):
            return True
        is_others = any(row.get(name, value) != value for name, value in asked_of.items())
        return not is_others and keeps(row, parameters)

    return {
        name: [row for row in value if is_meant(row)] if isinstance(value, list) else value
        for name, value in answer.items()
    }


def name_of(row: Any) -> Any:
    """By what a row is the same in two documents: its ARN, else all the texts that name it."""
    if not isinstance(row, Mapping):
        return str(row)
    arn = next((row[name] for name in _ARNS if isinstance(row.get(name), str)), None)
    return arn or tuple(sorted((name, str(text)) for name, text in row.items() if _NAMING.fullmatch(name)))


def with_batch(answer: dict[str, Any], operation: Operation, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The answer with just the rows that were asked for by name; for each that is not there, an empty one.

    An empty row is counted as one that cannot be read.
    """
    ids, member = batches().get((operation.service, operation.name), (None, ""))
    if ids is None:
        return answer
    rows: list[Any] = []
    for wanted in parameters.get(ids, ()):
        named = (row for row in answer.get(member, ()) if any(_same(text, wanted) for text in _named_first(row)))
        rows.append(next(named, {}))
    return {**answer, member: rows}


def _named_first(row: Any) -> Iterator[str]:
    """The texts that name a row itself."""
    return (text for name, text in _texts(row, "", _DEPTH - 1) if _NAMING.fullmatch(name))
