"""Answers calls from files: selects the exported documents that answer a call."""

from __future__ import annotations

import re
import shlex
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import PurePath
from types import SimpleNamespace
from typing import Any, TypeAlias

import msgspec
from msgspec import Struct

from connectors.aws.client.errors import translated
from connectors.aws.offline.export import Document, Export
from connectors.aws.offline.operations import MORE, PAGING, TOKENS, Operation, batches, operation_of, service_model
from connectors.core.offline import NotExported, Unreadable

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


def _all(_row: Mapping[str, Any], _parameters: Mapping[str, Any]) -> bool:
    return True


def _member(name: str, value: str) -> Keeps:
    return lambda row, _: bool(row.get(name) == value)


def _event(row: Mapping[str, Any], parameters: Mapping[str, Any]) -> bool:
    return row.get("EventName") in [one.get("AttributeValue") for one in parameters.get("LookupAttributes", ())]


def _running(row: Mapping[str, Any], parameters: Mapping[str, Any]) -> bool:
    return (row.get("Status") or {}).get("State") in parameters.get("ClusterStates", ())


# Rows that a call leaves out by its parameters, but that a file may contain.
_KEEPS: Mapping[tuple[str, str], Keeps] = {
    ("ssm", "DescribeParameters"): _member("Type", "SecureString"),
    ("organizations", "ListPolicies"): _member("Type", "SERVICE_CONTROL_POLICY"),
    ("batch", "DescribeJobDefinitions"): _member("status", "ACTIVE"),
    ("cloudtrail", "LookupEvents"): _event,
    ("emr", "ListClusters"): _running,
}


def requested_rows(
    answer: Mapping[str, Any], operation: Operation, parameters: Mapping[str, Any], resources: Mapping[str, str]
) -> dict[str, Any]:
    """The answer without rows that the call would not have returned."""
    keeps = _KEEPS.get((operation.service, operation.name), _all)

    def is_meant(row: Any) -> bool:
        if not isinstance(row, Mapping):
            return True
        is_others = any(row.get(name, value) != value for name, value in resources.items())
        return not is_others and keeps(row, parameters)

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


# --- Offline clients: calls served from files ---

_MISSING = "the page that no file holds"
_ORDER = "GenerateCredentialReport"
"""Not sent: the report is in a file, or missing."""
_FEW = 5
"""Maximum number of values of a parameter that are written out."""

_ByPart: TypeAlias = Mapping[str, Sequence[tuple[Document, Names]]]


class FileClients:
    """Clients by service and region for one account of an export. Safe to share between threads."""

    ask_aws = False
    home_region = "any"
    """The region for services without regions; it makes no difference."""

    def __init__(self, export: Export, account: str | None = None) -> None:
        """``account``: None for requests about the organization."""
        self._export = export
        self._lock = threading.Lock()
        self._indexes: dict[tuple[str, str, str], _ByPart] = {}
        self._documents: defaultdict[tuple[str, str], list[Document]] = defaultdict(list)
        for one in export.of_account(account):
            self._documents[one.operation.service, one.operation.name].append(one)

    def get(self, service: str, region: str) -> FileClient:
        """The client. Raises NotOffered if the installed SDK lacks the service."""
        with translated(f"{service} client"):
            return FileClient(service_model(service), region, self)

    def pages(self, operation: Operation, region: str, parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """An answer, document by document, the newest first, without rows that a newer document has.

        Raises NotExported if there is no such file, and at the end if no file has the last page.
        """
        resources = operation.resources_of(parameters)
        documents = self._answering(operation, region, resources)
        if not documents:
            missing = _words(operation, region, resources)
            raise NotExported(f"no file holds {missing}", hint=_command(operation, region, resources, parameters))
        seen: set[Any] = set()
        for document in documents[:1] if operation.is_single(resources) else documents:
            answer = requested_rows(self._content(document), operation, parameters, resources)
            yield {name: _unseen(value, seen) for name, value in answer.items() if name not in PAGING}
            seen.update(row_identity(row) for rows in answer.values() if isinstance(rows, list) for row in rows)
        if all(document.goes_on for document in documents):
            raise NotExported(
                f"the last page of {_words(operation, region, resources)} is in no file",
                hint="write it again without --max-items and --no-paginate",
            )

    def _answering(self, operation: Operation, region: str, resources: Mapping[str, str]) -> Sequence[Document]:
        """The documents that answer a call, the newest first."""
        of_all = self._documents[operation.service, operation.name]
        here = [one for one in of_all if operation.is_global or one.place.region == region]
        if resources:
            by_part = self._by_part(operation, region, here)
            first = tail(next(iter(resources.values())))
            here = [one for one, names in by_part.get(first, ()) if is_about(names, resources)]
        return sorted(here, key=lambda one: one.written_at, reverse=True)

    def _by_part(self, operation: Operation, region: str, documents: Sequence[Document]) -> _ByPart:
        """The documents by every part of their names. Built once, because there may be a document for each user."""
        key = operation.service, operation.name, region
        with self._lock:
            if key not in self._indexes:
                by_part: defaultdict[str, list[tuple[Document, Names]]] = defaultdict(list)
                for one in documents:
                    names = names_in(self._content(one), one.path.relative_to(self._export.folder))
                    for part in names.parts:
                        by_part[part].append((one, names))
                self._indexes[key] = by_part
            return self._indexes[key]

    def _content(self, document: Document) -> dict[str, Any]:
        try:
            return self._export.answer(document)
        except Unreadable as error:
            raise NotExported(f"{self._export.name(document.path)}: {error}") from error


class FileClient:
    """A client of one service in one region, with the SDK methods that readers call."""

    def __init__(self, model: Any, region: str, clients: FileClients) -> None:
        from botocore import xform_name

        self._model = model
        self._region = region
        self._clients = clients
        methods = {xform_name(name): name for name in model.operation_names}
        self.meta = SimpleNamespace(service_model=model, method_to_api_mapping=methods)

    def can_paginate(self, method: str) -> bool:
        """Whether the service has the method: each document is a page."""
        return method in self.meta.method_to_api_mapping

    def get_paginator(self, method: str) -> SimpleNamespace:
        """A paginator: ``paginate(**parameters)`` returns the pages of a listing."""
        return SimpleNamespace(paginate=partial(self._pages, method))

    def __getattr__(self, method: str) -> Any:
        """An operation by its Python name. Raises AttributeError if the service does not have it."""
        if method.startswith("_") or method not in self.meta.method_to_api_mapping:
            raise AttributeError(method)
        return partial(self._answer, method)

    def _operation(self, method: str) -> Operation:
        return operation_of(self._model, self.meta.method_to_api_mapping[method])

    def _pages(self, method: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        return self._clients.pages(self._operation(method), self._region, parameters)

    def _answer(self, method: str, **parameters: Any) -> dict[str, Any]:
        """All pages as one. Without the last page, the answer has a token, and a call for the next page fails."""
        operation = self._operation(method)
        if operation.name == _ORDER:
            return {"State": "COMPLETE"}
        if _MISSING in parameters.values():
            raise NotExported(f"the last page of {operation.command} is in no file")
        answer: dict[str, Any] = {}
        try:
            for page in self._pages(method, **parameters):
                _add(page, answer)
        except NotExported:
            if not answer:
                raise
            answer |= {name: _MISSING for name in TOKENS if name in operation.shape.members}
            answer |= dict.fromkeys((name for name in MORE if name in operation.shape.members), True)
        return with_batch(answer, operation, parameters)


def _add(page: Mapping[str, Any], answer: dict[str, Any]) -> None:
    for name, value in page.items():
        answer[name] = [*answer.get(name, ()), *value] if isinstance(value, list) else answer.get(name, value)


def _unseen(value: Any, seen: set[Any]) -> Any:
    if not seen or not isinstance(value, list):
        return value
    return [row for row in value if row_identity(row) not in seen]


def _words(operation: Operation, region: str, resources: Mapping[str, str]) -> str:
    of = f" of {', '.join(resources.values())}" if resources else ""
    return f"{operation.command}{of}{'' if operation.is_global else f' in {region}'}"


def _command(operation: Operation, region: str, resources: Mapping[str, str], parameters: Mapping[str, Any]) -> str:
    """The AWS CLI command that writes the missing file."""
    from botocore import xform_name

    words = {name: _option(value) for name, value in {**parameters, **dict.fromkeys(resources, ())}.items()}
    options = "".join(f" --{xform_name(name, '-')}{word}" for name, word in words.items() if word is not None)
    if not operation.is_global:
        options += f" --region {region}"
    of_region = "" if operation.is_global else f"-{region}"
    return f"`aws {operation.command}{options} > {operation.command.replace(' ', '-')}{of_region}.json` writes it"


def _option(value: Any) -> str | None:
    """A parameter's value on the command line; ``…`` if it differs by resource; None if it is optional."""
    match value:
        case True:
            return ""
        case str():
            return f" {shlex.quote(value)}"
        case [str(), *more] if len(more) < _FEW:
            return "".join(f" {shlex.quote(each)}" for each in value)
        case () | [str(), *_]:
            return " …"
        case _:
            return None
