"""What every request passes before the application sees it, and every answer after it.

A request needs an accepted host, a person, and, to write, a token against forged requests. What is not let in here
reaches no route, so a new route is closed until its path is in ``OPEN``.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlsplit

from litestar import Litestar, Request, Response
from litestar.datastructures import Cookie, MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import HTTPScope, LifeSpanScope, Message, Receive, Scope, Send

from scanner.serve.answers import Refusal, page, redirect, refusal
from scanner.serve.calls import Call, read_call
from scanner.serve.limits import Kind, Rates, in_time
from scanner.serve.people import Lists
from scanner.serve.sessions import Seal, Session
from scanner.serve.signin import Door, SignIn, Visit, WrongToken

audit = logging.getLogger("muster.audit")
"""Sign-ins, writes, and reads if ``log_reads`` is set."""

OPEN = frozenset({"/healthz"})
"""Paths that need no sign-in."""
METRICS = "/metrics"
SIGN_OUT = "/sign-out"
CSRF = "x-csrf-token"
_POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Mapping[str, str] = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}
"""Of every answer, unless its route sets another."""
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


class Gate:
    """The application behind all checks: an ASGI application itself."""

    def __init__(self, app: Litestar, door: Door, sign_in: SignIn, lists: Lists) -> None:
        self._app = app
        self._door = door
        self._sign_in = sign_in
        self._lists = lists
        self._rates = Rates()
        self._seal = Seal()
        self._public = urlsplit(door.settings.public_url or "")

    async def __call__(self, scope: Scope | LifeSpanScope, receive: Any, send: Any) -> None:
        """Answer a request; there are no websockets."""
        if scope["type"] == ScopeType.HTTP:
            await self._answer(cast("HTTPScope", scope), receive, send)
        elif scope["type"] == "lifespan":
            await self._app(scope, receive, send)

    async def _answer(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        state = scope.setdefault("state", {})
        state["nonce"] = secrets.token_urlsafe(16)
        status = 0

        async def dressed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableScopeHeaders.from_message(message)
                headers.setdefault("content-security-policy", _POLICY.format(nonce=state["nonce"]))
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        call, visit, answer = None, None, None
        try:
            call = read_call(scope, self._sign_in)
            if self._lists.may_have_changed:
                await asyncio.to_thread(self._lists.refresh)
            self._check_host(call, scope)
            answer = self._sign_in_by_token(call)
            if answer is None and call.path not in OPEN:
                visit = self._admit(call)
                answer = self._own_page(call, visit)
        except Refusal as error:
            answer = refusal(scope["path"], error)
        if answer is None:
            scope["user"] = visit and visit.viewer
            state["csrf"] = self._seal.of(visit.seal) if visit and visit.seal else ""
            await self._app(scope, in_time(receive), dressed)
        else:
            await answer.to_asgi_response(None, Request(scope))(scope, receive, dressed)
        if call is not None:
            self._log(call, visit, status)

    # --- Who may ---

    def _check_host(self, call: Call, scope: HTTPScope) -> None:
        """Refuse names that are not this server's: a page of another site could have had one resolve to here."""
        name = call.host.rpartition(":")[0] if not call.host.endswith("]") and ":" in call.host else call.host
        here = (scope["server"] or ("", None))[0]  # an address cannot be made to mean another one
        if name in _LOCAL_NAMES or name.strip("[]") == here or call.host == self._public.netloc.lower() != "":
            return
        raise Refusal(400, "this host is not served here", hint="[serve] public_url names the host that people use")

    def _limit(self, kind: Kind, client: str) -> None:
        if not self._rates.take(kind, client):
            raise Refusal(429, "too many requests", headers={"retry-after": "60"})

    def _sign_in_by_token(self, call: Call) -> Response[bytes] | None:
        """Move the token of an address into a session's cookie."""
        if call.token is None or not self._door.local or call.method != "GET":
            return None
        if not self._sign_in.is_token(call.token):
            self._limit("sign-in", call.client)
            audit.warning("sign-in refused from %s: wrong token", call.client)
            raise Refusal(401, "the token is wrong", hint="`muster serve` prints the right one when it starts")
        answer = redirect(call.address)
        answer.cookies.append(self._cookie(call, self._sign_in.sessions.add(Session(None))))
        audit.info("signed in by token from %s", call.client)
        return answer

    def _admit(self, call: Call) -> Visit:
        """Who sends the request. Raises Refusal."""
        self._limit("read", call.client)
        if call.is_foreign and not call.navigates:
            raise Refusal(403, "the request comes from a page of another site")
        try:
            if call.path == METRICS and self._sign_in.is_metrics(call.headers):
                return Visit(viewer=self._door.acts, seal=None)
            visit = self._sign_in.visit(call.peer, call.headers, call.cookie(self._cookie_name(call)))
        except WrongToken:
            self._limit("sign-in", call.client)
            audit.warning("sign-in refused from %s: wrong token", call.client)
            raise Refusal(401, "the token is wrong", headers={"www-authenticate": "Bearer"}) from None
        if visit is None:
            raise Refusal(401, "sign in first", headers={"www-authenticate": "Bearer"})
        if call.path == METRICS and not visit.viewer.sees_all:
            raise Refusal(403, "the metrics count what only viewers see")
        if call.writes:
            self._check_write(call, visit)
            if visit.viewer.person is None and call.path != SIGN_OUT:
                hint = "start `muster serve` with --as PERSON"
                raise Refusal(403, "a change needs a person, and the token names none", hint=hint)
        return visit

    def _check_write(self, call: Call, visit: Visit) -> None:
        """Refuse writes that a page of another site may have caused."""
        origin = call.headers.get("origin")
        if call.is_foreign or (origin is not None and urlsplit(origin).netloc.lower() != call.host):
            raise Refusal(403, "the request comes from a page of another site")
        if visit.seal is not None and not self._seal.fits(visit.seal, call.headers.get(CSRF, "")):
            raise Refusal(403, "the request lacks the token of its page", hint="reload the page")
        self._limit("write", visit.viewer.person or call.client)

    # --- Answers of its own ---

    def _own_page(self, call: Call, visit: Visit) -> Response[bytes] | None:
        if call.path != SIGN_OUT:
            return None
        if call.method != "POST":
            raise Refusal(405, "signing out is a POST", headers={"allow": "POST"})
        if visit.session is not None:
            self._sign_in.sessions.pop(visit.session)
        answer = page("Signed out", "You are signed out.")
        answer.delete_cookie(self._cookie_name(call))
        return answer

    def _cookie_name(self, call: Call) -> str:
        """``__Host-`` binds a cookie to https and this host; the port tells servers on one machine apart."""
        return "__Host-muster" if self._secure(call) else f"muster-{self._door.port}"

    def _secure(self, call: Call) -> bool:
        return call.secure or self._public.scheme == "https"

    def _cookie(self, call: Call, value: str) -> Cookie:
        return Cookie(
            key=self._cookie_name(call),
            value=value,
            path="/",
            httponly=True,
            secure=self._secure(call),
            samesite="strict",
            max_age=self._door.settings.session_hours * 3600,
        )

    def _log(self, call: Call, visit: Visit | None, status: int) -> None:
        who = (visit and (visit.viewer.person or visit.viewer.name)) or "nobody"
        level = logging.INFO if call.writes or (visit and self._door.settings.log_reads) else logging.DEBUG
        shown = call.address if self._door.settings.log_reads else call.path
        audit.log(level, "%s %s by %s from %s: %d", call.method, shown, who, call.client, status)
