"""The addresses of the page: its markup, its static files, and the data for its script."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from litestar import Response, Router
from litestar.concurrency import sync_to_thread
from litestar.handlers import HTTPRouteHandler

from reports.json import encoded
from scanner.serve.answers import Refusal
from scanner.serve.api.lists import index_of
from scanner.serve.api.operations import OperationCall
from scanner.serve.context import Serving, Visit, csrf_of
from scanner.serve.graphs import GRAPHS
from scanner.serve.index.reading import ScanIndex
from scanner.serve.page import changed, lists, shell
from scanner.serve.page.overview import overview
from scanner.serve.page.panels import panel

PLACES = (
    "identities", "agents", "findings", "registry", "credentials", "exposed", "changes", "coverage", "new", "paths",
    "owners", "activity", "reviews", "retirements", "trends", "decisions", "scans", "you",
)  # fmt: skip
"""First path segments of the page: lists, subjects, and other pages."""


async def page(request: Visit, serving: Serving) -> Response[bytes]:
    """The page, at any of its addresses; the script decides what to show. Before the first index, how far that is."""
    if serving.catalog.latest() is None:
        return shell.waiting(serving.catalog.underway)
    return shell.page(csrf_of(request))


async def static(request: Visit, name: str) -> Response[bytes]:
    """The script or the style."""
    return shell.static_file(name, request.headers.get("accept-encoding", ""))


async def data(request: Visit, serving: Serving, rest: str) -> Response[bytes]:
    """Data for the script, as JSON."""
    what, *more = rest.strip("/").split("/")
    answer = DATA.get((what, len(more)))
    if answer is None:
        raise Refusal(404, "there is nothing at this address")
    call = _call(request, serving)
    query = request.scope["query_string"].decode("ascii", "replace")
    body = await sync_to_thread(partial(_encoded, answer, call, query, *more))
    return Response(body, media_type="application/json")


def _encoded(answer: Callable[..., Any], *given: Any) -> bytes:
    return encoded(answer(*given))


async def visited(request: Visit, serving: Serving) -> None:
    """Record that the viewer opened the page."""
    latest = serving.catalog.latest()
    if latest is not None:
        await sync_to_thread(changed.visit, _call(request, serving), latest.scan)


def _call(request: Visit, serving: Serving) -> OperationCall:
    return OperationCall(serving=serving, viewer=request.user, path={}, query=None, csrf=csrf_of(request))


# --- data ---


def _index(call: OperationCall, query: str) -> ScanIndex:
    return index_of(call, dict(lists.fields_of(query)).get("scan"))


def _rows(call: OperationCall, query: str, name: str) -> Any:
    return lists.rows(call, lists.asked_of(call, name, query))


def _counts(call: OperationCall, query: str, name: str) -> Any:
    return lists.counts(lists.asked_of(call, name, query))


def _groups(call: OperationCall, query: str, name: str) -> Any:
    return lists.groups(lists.asked_of(call, name, query))


def _panel(call: OperationCall, query: str, kind: str) -> Any:
    return panel(call, kind, dict(lists.fields_of(query)).get("key", ""), _index(call, query))


def _overview(call: OperationCall, query: str) -> Any:
    index = _index(call, query)
    if index is call.serving.catalog.latest():
        GRAPHS.begin(call.serving.store, index.scan)  # the first panel will need it
    return overview(call, index)


def _news(call: OperationCall, query: str) -> Any:
    return changed.news(call, _index(call, query))


def _compare(call: OperationCall, query: str) -> Any:
    fields = dict(lists.fields_of(query))
    return changed.between(call, fields.get("old", ""), fields.get("new", ""))


def _latest(call: OperationCall, _query: str) -> Any:
    latest = call.serving.catalog.latest()
    return {"scan": None if latest is None else latest.scan}


DATA: dict[tuple[str, int], Callable[..., Any]] = {
    ("list", 1): _rows,
    ("counts", 1): _counts,
    ("groups", 1): _groups,
    ("panel", 1): _panel,
    ("overview", 0): _overview,
    ("news", 0): _news,
    ("compare", 0): _compare,
    ("latest", 0): _latest,
}
"""Functions by the first path segment, with the number of further segments."""

ROUTER = Router(
    "/",
    route_handlers=[
        HTTPRouteHandler(
            ["/", *(f"/{place}" for place in PLACES), *(f"/{place}/{{_:path}}" for place in PLACES)],
            http_method="GET",
        )(page),
        HTTPRouteHandler(f"{shell.STATIC}{{name:str}}", http_method="GET")(static),
        HTTPRouteHandler("/page/visits", http_method="POST", status_code=204)(visited),
        HTTPRouteHandler("/page/{rest:path}", http_method="GET")(data),
    ],
)
