"""The application: its routes, and errors as answers. ``admission.py`` admits requests."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from litestar import Litestar, Request, Response, Router, get
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException

from scanner.errors import InputError, MusterError, StoreError
from scanner.serve.answers import Refusal, refusal
from scanner.serve.api.answers import Me
from scanner.serve.api.routes import ROUTER as API
from scanner.serve.context import Serving, Visit, csrf_of
from scanner.serve.page.routes import ROUTER as PAGE

log = logging.getLogger(__name__)

LARGEST_BODY = 64 * 1024
"""Maximum bytes of a request's body; an acknowledgement has a few hundred."""

ROUTERS: Sequence[Router] = (API, PAGE)
"""The routers of all parts."""


def create_app(serving: Serving) -> Litestar:
    """The application without the checks of ``admission.py``, which every request passes first."""
    return Litestar(
        [healthz, session, *ROUTERS],
        dependencies={"serving": Provide(lambda: serving, sync_to_thread=False)},
        exception_handlers={HTTPException: _http, Refusal: _refused, MusterError: _foreseen, Exception: _unforeseen},
        logging_config=None,
        openapi_config=None,
        request_max_body_size=LARGEST_BODY,
    )


@get("/healthz", media_type="text/plain", sync_to_thread=False)
def healthz(serving: Serving) -> str:
    """Report that the process runs, and how far an index is. Needs no sign-in."""
    underway = serving.catalog.underway
    return "ok\n" if underway is None else f"ok\n{underway}\n"


@get("/session", sync_to_thread=False)
def session(request: Visit) -> Me:
    """Who is signed in, for the page."""
    user = request.user
    return Me(
        person=user.person,
        name=user.name,
        sees_all=user.sees_all,
        is_reviewer=user.is_reviewer,
        csrf=csrf_of(request),
    )


_Any = Request[object, object, State]


def _http(request: _Any, error: HTTPException) -> Response[bytes]:
    extra = error.extra if isinstance(error.extra, list) else ()
    wrong = "; ".join(f"{one.get('key')}: {one.get('message')}" for one in extra if isinstance(one, dict))
    detail = wrong or error.detail
    return refusal(request.url.path, Refusal(error.status_code, detail, headers=dict(error.headers or {})))


def _refused(request: _Any, error: Refusal) -> Response[bytes]:
    return refusal(request.url.path, error)


def _foreseen(request: _Any, error: MusterError) -> Response[bytes]:
    """Turn expected errors into answers.

    An invalid parameter is the caller's error; faults of the store or a list are only logged.
    """
    if isinstance(error, StoreError | InputError):
        log.error("%s: %s", request.url.path, error)
        return refusal(request.url.path, Refusal(503, "the store cannot be read", hint="the server's log says why"))
    return refusal(request.url.path, Refusal(400, str(error), hint=error.hint))


def _unforeseen(request: _Any, error: Exception) -> Response[bytes]:
    log.error("internal error at %s: %s: %s", request.url.path, type(error).__name__, error)
    log.info("unforeseen", exc_info=error)
    return refusal(request.url.path, Refusal(500, "an internal error", hint="the server's log has more"))
