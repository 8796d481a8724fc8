"""Answers calls from files: a client that finds the documents that answer a call, by its parameters."""

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

from connectors.aws.client.errors import NotExported, translated
from connectors.aws.offline.export import Document, Export
from connectors.aws.offline.operations import MORE, PAGING, TOKENS, Operation, batches, operation_of, service_model
from connectors.exported import Unreadable

Keeps: TypeAlias = Callable[[Mapping[str, Any], Mapping[str, Any]], bool]
"""Whether a row is one that a call with these parameters gives."""

# The members by which answers name what they are about, besides those named as the parameter is.
_NAMING = re.compile(r"(?:.*(?:name|id|identifier|arn|url)|[a-z]+(?<!statu)s)", re.IGNORECASE)
_ARNS = ("Arn", "ARN", "arn")
# An ARN may be that of something else: two targets of a rule, with ids of their own, can be one function.
_IDS = ("Id", "id")
_NUMBERS = ("SerialNumber", "VersionNumber")
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
    """Whether an answer, or else the path of its file, names every resource that a call asks about."""
    return all(_names(named, parameter, value) for parameter, value in asked_of.items())


def tail(name: str) -> str:
    """The last part of a name or an ARN."""
    return _PARTS.split(name)[-1]


def _names(named: Named, parameter: str, value: str) -> bool:
    reported = named.texts.get(parameter.lower())
    if reported:
        return any(_same(one, value) for one in reported)
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
    """By what a row is the same in two documents: its ARN and id, else all the texts that name it, else all of it."""
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
    """The answer with just the rows that were requested by name; for each that is missing, an empty one.

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


# --- Offline clients: calls served from files ---

_MISSING = "the page that no file holds"
_ORDER = "GenerateCredentialReport"
"""Nothing needs to be ordered: the report is there, or it is not."""
_FEW = 5
"""So many values of a parameter are written out."""

_Ends: TypeAlias = Mapping[str, Sequence[tuple[Document, Named]]]


class FileClients:
    """Clients by service and region for one account of an export. Safe to share between threads."""

    ask_aws = False
    home_region = "any"
    """Where services without regions are asked; it makes no difference."""

    def __init__(self, export: Export, account: str | None = None) -> None:
        """``account``: None for requests about the organization."""
        self._export = export
        self._lock = threading.Lock()
        self._by_end: dict[tuple[str, str, str], _Ends] = {}
        self._documents: defaultdict[tuple[str, str], list[Document]] = defaultdict(list)
        for one in export.of_account(account):
            self._documents[one.operation.service, one.operation.name].append(one)

    def get(self, service: str, region: str) -> FileClient:
        """The client. Raises NotOffered if the installed SDK lacks the service."""
        with translated(f"{service} client"):
            return FileClient(service_model(service), region, self)

    def pages(self, operation: Operation, region: str, parameters: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """An answer, document by document, the newest first; a row that a newer one has is left out.

        Raises NotExported where no file holds any, and at the end where none holds the last page.
        """
        asked_of = operation.asked_of(parameters)
        documents = self._answering(operation, region, asked_of)
        if not documents:
            missing = _words(operation, region, asked_of)
            raise NotExported(f"no file holds {missing}", hint=_command(operation, region, asked_of, parameters))
        seen: set[Any] = set()
        for document in documents[:1] if operation.is_single(asked_of) else documents:
            answer = asked_for(self._content(document), operation, parameters, asked_of)
            yield {name: _unseen(value, seen) for name, value in answer.items() if name not in PAGING}
            seen.update(name_of(row) for rows in answer.values() if isinstance(rows, list) for row in rows)
        if all(document.goes_on for document in documents):
            raise NotExported(
                f"the last page of {_words(operation, region, asked_of)} is in no file",
                hint="write it again without --max-items and --no-paginate",
            )

    def _answering(self, operation: Operation, region: str, asked_of: Mapping[str, str]) -> Sequence[Document]:
        """The documents that answer a call, the newest first."""
        of_all = self._documents[operation.service, operation.name]
        here = [one for one in of_all if operation.is_global or one.place.region == region]
        if asked_of:
            ends = self._ends(operation, region, here)
            first = tail(next(iter(asked_of.values())))
            here = [one for one, named in ends.get(first, ()) if is_about(named, asked_of)]
        return sorted(here, key=lambda one: one.written_at, reverse=True)

    def _ends(self, operation: Operation, region: str, documents: Sequence[Document]) -> _Ends:
        """The documents by every part of what they name, made once: there may be one for each user."""
        key = operation.service, operation.name, region
        with self._lock:
            if key not in self._by_end:
                ends: defaultdict[str, list[tuple[Document, Named]]] = defaultdict(list)
                for one in documents:
                    named = named_by(self._content(one), one.path.relative_to(self._export.folder))
                    for part in named.parts:
                        ends[part].append((one, named))
                self._by_end[key] = ends
            return self._by_end[key]

    def _content(self, document: Document) -> dict[str, Any]:
        try:
            return self._export.answer(document)
        except Unreadable as error:
            raise NotExported(f"{self._export.name(document.path)}: {error}") from error


class FileClient:
    """One service in one region as files have it, with those of the SDK's methods that readers call."""

    def __init__(self, model: Any, region: str, clients: FileClients) -> None:
        from botocore import xform_name

        self._model = model
        self._region = region
        self._clients = clients
        methods = {xform_name(name): name for name in model.operation_names}
        self.meta = SimpleNamespace(service_model=model, method_to_api_mapping=methods)

    def can_paginate(self, method: str) -> bool:
        """Every listing comes in as many pages as there are documents."""
        return method in self.meta.method_to_api_mapping

    def get_paginator(self, method: str) -> SimpleNamespace:
        """What gives the pages of a listing: ``paginate(**parameters)``."""
        return SimpleNamespace(paginate=partial(self._pages, method))

    def __getattr__(self, method: str) -> Any:
        """An operation by its Python name. Raises AttributeError where the service has none of that name."""
        if method.startswith("_") or method not in self.meta.method_to_api_mapping:
            raise AttributeError(method)
        return partial(self._answer, method)

    def _operation(self, method: str) -> Operation:
        return operation_of(self._model, self.meta.method_to_api_mapping[method])

    def _pages(self, method: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        return self._clients.pages(self._operation(method), self._region, parameters)

    def _answer(self, method: str, **parameters: Any) -> dict[str, Any]:
        """All pages as one; where the last is missing, with word of it, and the next call fails."""
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
    return [row for row in value if name_of(row) not in seen]


def _words(operation: Operation, region: str, asked_of: Mapping[str, str]) -> str:
    of = f" of {', '.join(asked_of.values())}" if asked_of else ""
    return f"{operation.command}{of}{'' if operation.is_global else f' in {region}'}"


def _command(operation: Operation, region: str, asked_of: Mapping[str, str], parameters: Mapping[str, Any]) -> str:
    """What writes such a file."""
    from botocore import xform_name

    words = {name: _option(value) for name, value in {**parameters, **dict.fromkeys(asked_of, ())}.items()}
    options = "".join(f" --{xform_name(name, '-')}{word}" for name, word in words.items() if word is not None)
    if not operation.is_global:
        options += f" --region {region}"
    of_region = "" if operation.is_global else f"-{region}"
    return f"`aws {operation.command}{options} > {operation.command.replace(' ', '-')}{of_region}.json` writes it"


def _option(value: Any) -> str | None:
    """A parameter's value on the command line; ``…`` where each thing has its own; None where it can do without."""
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
