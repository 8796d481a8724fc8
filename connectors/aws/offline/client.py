"""Clients that answer calls from exported documents, as those of the SDK would."""

from __future__ import annotations

import shlex
import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any, TypeAlias

from connectors.aws.client.errors import translated
from connectors.aws.offline.export import AwsDocument, Export
from connectors.aws.offline.operations import MORE, PAGING, TOKENS, Operation, operation_of, service_model
from connectors.aws.offline.selecting import Names, is_about, names_in, requested_rows, row_identity, tail, with_batch
from connectors.core.offline import NotExported, Unreadable

_MISSING = "the page that no file holds"
_ORDER = "GenerateCredentialReport"
"""Not sent: the report is in a file, or missing."""
_FEW = 5
"""Maximum number of values of a parameter that are written out."""

_ByPart: TypeAlias = Mapping[str, Sequence[tuple[AwsDocument, Names]]]


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
        self._documents: defaultdict[tuple[str, str], list[AwsDocument]] = defaultdict(list)
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

    def _answering(self, operation: Operation, region: str, resources: Mapping[str, str]) -> Sequence[AwsDocument]:
        """The documents that answer a call, the newest first."""
        of_all = self._documents[operation.service, operation.name]
        here = [one for one in of_all if operation.is_global or one.place.region == region]
        if resources:
            by_part = self._by_part(operation, region, here)
            first = tail(next(iter(resources.values())))
            here = [one for one, names in by_part.get(first, ()) if is_about(names, resources)]
        return sorted(here, key=lambda one: one.written_at, reverse=True)

    def _by_part(self, operation: Operation, region: str, documents: Sequence[AwsDocument]) -> _ByPart:
        """The documents by every part of their names. Built once, because there may be a document for each user."""
        key = operation.service, operation.name, region
        with self._lock:
            if key not in self._indexes:
                by_part: defaultdict[str, list[tuple[AwsDocument, Names]]] = defaultdict(list)
                for one in documents:
                    names = names_in(self._content(one), one.path.relative_to(self._export.folder))
                    for part in names.parts:
                        by_part[part].append((one, names))
                self._indexes[key] = by_part
            return self._indexes[key]

    def _content(self, document: AwsDocument) -> dict[str, Any]:
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
