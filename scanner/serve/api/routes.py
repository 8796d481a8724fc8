"""The router of the API: finds the operation, validates the request, and answers from a thread."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from litestar import Response, Router
from litestar.concurrency import sync_to_thread
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream

from reports.json import encoded
from scanner.serve.answers import Refusal
from scanner.serve.api.catalog import API, METRICS, OPERATIONS
from scanner.serve.api.description import description
from scanner.serve.api.operations import Method, Operation, OperationCall, Reply, find
from scanner.serve.api.reading import body_of, query_of
from scanner.serve.context import Serving, Visit, csrf_of
from scanner.serve.meters import ROUTE

_JSON = "application/json"


async def answer(request: Visit, serving: Serving) -> Response[Any]:
    """Answer a request by the operation at its address."""
    path = request.scope["raw_path"].decode("ascii").partition("?")[0]
    operation, parts = find(OPERATIONS, request.method, path)
    request.scope["state"][ROUTE] = operation.path
    call = OperationCall(
        serving=serving,
        viewer=request.user,
        csrf=csrf_of(request),
        path=parts,
        query=query_of(request.scope["query_string"], operation.query),
        body=await _body(request, operation),
    )
    return _response(await sync_to_thread(operation.answer, call), operation.status)


async def _body(request: Visit, operation: Operation) -> Any:
    """The body as a record. Raises Refusal if it is not JSON."""
    if operation.body is None:
        return None
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _JSON:
        raise Refusal(415, "the body is not declared as JSON", hint=f"send it with Content-Type: {_JSON}")
    return body_of(await request.body(), operation.body)


def _response(reply: Reply, status: int) -> Response[Any]:
    headers = {"content-disposition": f'attachment; filename="{reply.file}"'} if reply.file else {}
    if isinstance(reply.body, bytes):
        return Response(reply.body, status_code=status, media_type=reply.media_type, headers=headers)
    return Stream(reply.body, status_code=status, media_type=reply.media_type, headers=headers)


async def describe(serving: Serving) -> Response[bytes]:
    """The description of the API."""
    return Response(await sync_to_thread(_described, serving.url), media_type=_JSON)


@cache
def _described(url: str) -> bytes:
    return encoded(description(OPERATIONS, url))


_METHODS: Sequence[Method] = ("GET", "POST", "DELETE")

ROUTER = Router(
    "/",
    route_handlers=[
        HTTPRouteHandler(f"{API}/openapi.json", http_method="GET")(describe),
        HTTPRouteHandler([f"{API}/{{rest:path}}", "/export/{rest:path}", METRICS.path], http_method=_METHODS)(answer),
    ],
)
