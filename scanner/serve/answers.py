"""Error answers: problem details (RFC 9457), or a plain page."""

from __future__ import annotations

from html import escape
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import MediaType, Response
from msgspec import Struct

from scanner.redaction.redact import redact
from scanner.text import printable

FOR_PROGRAMS = ("/api/", "/page/")
"""Prefixes of paths for programs and the page's script, not people."""
PROBLEM = "application/problem+json"


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error of the API. ``field``: the parameter or member that is wrong. ``hint``: what to do next."""

    title: str
    status: int
    detail: str
    field: str | None = None
    hint: str | None = None


class Refusal(Exception):
    """Raised to end a request with a status."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        field: str | None = None,
        hint: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.field = field
        self.hint = hint
        self.headers = headers or {}


def refusal(path: str, error: Refusal) -> Response[bytes]:
    """The answer to a refused request: JSON for programs, otherwise a page."""
    title = HTTPStatus(error.status).phrase
    detail, hint = _plain(str(error)), error.hint and _plain(error.hint)
    headers: dict[str, Any] = {**error.headers}
    if path.startswith(FOR_PROGRAMS):
        problem = Problem(title=title, status=error.status, detail=detail, field=error.field, hint=hint)
        return Response(msgspec.json.encode(problem), status_code=error.status, media_type=PROBLEM, headers=headers)
    return page(title, detail, hint or "", status=error.status, headers=headers)


def page(
    title: str, *paragraphs: str, status: int = 200, head: str = "", headers: dict[str, Any] | None = None
) -> Response[bytes]:
    """A page of a few sentences. ``head``: trusted markup."""
    text = "".join(f"<p>{escape(one)}</p>" for one in paragraphs if one)
    html = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"{head}<title>{escape(title)} · Muster</title><main><h1>{escape(title)}</h1>{text}"
        '<p><a href="/">Muster</a></p></main></html>'
    )
    return Response(html.encode(), status_code=status, media_type=MediaType.HTML, headers=headers)


def redirect(address: str) -> Response[bytes]:
    """A redirect to an address of this site."""
    return Response(b"", status_code=303, media_type=MediaType.TEXT, headers={"location": address})


def _plain(text: str) -> str:
    return "\n".join(map(printable, redact(text).splitlines()))
