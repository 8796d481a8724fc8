"""The checks of every request before the application, and of every answer after it.

A request needs an accepted host, a person, and, to write, a token against forged requests. A request that is not
admitted reaches no route, so a new route needs a sign-in unless its path is in ``OPEN``.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, cast

from litestar import Litestar, Request
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import HTTPScope, LifeSpanScope, Message, Receive, Scope, Send

from scanner.redaction.redact import redact_address
from scanner.serve.answers import Refusal, refusal
from scanner.serve.audit import note
from scanner.serve.calls import ServeCall, read_call
from scanner.serve.entrance import SIGN_OUT, Entrance
from scanner.serve.limits import Rates, in_time
from scanner.serve.people import ServedLists
from scanner.serve.sessions import Seal, Sessions
from scanner.serve.signin import ServerAccess, SignIn, Visit, WrongToken
from scanner.serve.slots import Busy, neighbourhood

OPEN = frozenset({"/healthz"})
"""Paths that need no sign-in."""
METRICS = "/metrics"
FILES, MOST_FILES = "/export/", 4
"""Where the files of lists are, and how many a person may fetch at a time."""
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
"""Headers of every answer, unless its route sets another value."""
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


class Admission:
    """An ASGI application that applies all checks to another."""

    def __init__(self, app: Litestar, access: ServerAccess, lists: ServedLists, sessions: Sessions) -> None:
        self._app = app
        self._access = access
        self._rates = Rates()
        self._busy = Busy(access.settings.connections_per_address)
        self._exporting = Busy(MOST_FILES)
        self._seal = Seal(access.keys)
        self._sign_in = SignIn(access, lists, sessions)
        self._entrance = Entrance(access, self._sign_in, self._rates)

    async def __call__(self, scope: Scope | LifeSpanScope, receive: Any, send: Any) -> None:
        """Answer a request. There are no websockets."""
        if scope["type"] == ScopeType.HTTP:
            with ExitStack() as ended:
                await self._answer(cast("HTTPScope", scope), receive, send, ended)
        elif scope["type"] == "lifespan":
            await self._app(scope, receive, send)

    async def _answer(self, scope: HTTPScope, receive: Receive, send: Send, ended: ExitStack) -> None:
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
            self._check_host(call, scope)
            self._begin(call, ended)
            answer = await self._entrance.enter(call)
            if answer is None and call.route not in OPEN:
                visit = self._admit(call)
                self._begin_file(call, visit, ended)
                answer = await self._entrance.leave(call, visit) if visit else await self._entrance.invite(call)
        except Refusal as error:
            answer = refusal(scope["path"], error)
        if answer is None:
            scope["user"] = visit and visit.viewer
            state["csrf"] = self._seal.of(visit.seal) if visit and visit.seal else ""
            # A HEAD is answered as a GET; the server then sends only the headers.
            asked: HTTPScope = {**scope, "method": "GET"} if scope["method"] == "HEAD" else scope
            await self._app(asked, in_time(receive), dressed)
        else:
            await answer.to_asgi_response(None, Request(scope))(scope, receive, dressed)
        if call is not None and (call.writes or self._access.settings.log_reads):
            address = call.address if self._access.settings.log_reads else call.address.partition("?")[0]
            note(
                f"{call.method} {redact_address(address)}: {status}",
                call.client,
                visit.viewer.person if visit else None,
            )

    def _begin(self, call: ServeCall, ended: ExitStack) -> None:
        """Count a request that came through a trusted proxy, where clients share connections. Raises Refusal."""
        if call.client == call.peer or call.route in OPEN:
            return
        client = neighbourhood(call.client)
        if not self._busy.begin(client):
            raise Refusal(429, "too many requests at a time", headers={"retry-after": "5"})
        ended.callback(self._busy.end, client)

    def _begin_file(self, call: ServeCall, visit: Visit | None, ended: ExitStack) -> None:
        """Count a file of a list, which reads all of it from the store. Raises Refusal."""
        if visit is None or not call.route.startswith(FILES):
            return
        person = visit.viewer.person or neighbourhood(call.client)
        if not self._exporting.begin(person):
            raise Refusal(429, f"{MOST_FILES} files are on their way to you already", headers={"retry-after": "5"})
        ended.callback(self._exporting.end, person)

    def _check_host(self, call: ServeCall, scope: HTTPScope) -> None:
        """Refuse other host names, which an attacker may point to this machine (DNS rebinding)."""
        name = call.host.rpartition(":")[0] if not call.host.endswith("]") and ":" in call.host else call.host
        here = (scope["server"] or ("", None))[0]  # safe: an IP address is not resolved
        if (
            name in _LOCAL_NAMES
            or name.strip("[]") == here
            or call.host == self._access.public.partition("://")[2] != ""
        ):
            return
        raise Refusal(400, "this host is not served here", hint="[serve] public_url names the host that people use")

    def _admit(self, call: ServeCall) -> Visit | None:
        """The visit of the request; None if the person has to sign in. Raises Refusal."""
        self._rates.limit("read", call.client)
        if call.is_foreign and not call.navigates:
            raise Refusal(403, "the request comes from a page of another site")
        if call.route == METRICS and self._sign_in.is_metrics(call.headers):
            return Visit(viewer=self._access.acts, seal=None)
        try:
            visit = self._sign_in.visit(call.peer, call.headers, call.cookie(self._entrance.cookie_name(call)))
        except WrongToken:
            raise self._entrance.wrong_token(call) from None
        if visit is not None:
            self._check_rights(call, visit)
        elif not call.navigates:
            raise Refusal(401, "sign in first", headers={"www-authenticate": "Bearer"})
        return visit

    def _check_rights(self, call: ServeCall, visit: Visit) -> None:
        if call.route == METRICS and not visit.viewer.sees_all:
            raise Refusal(403, "the metrics count what only viewers see")
        if not call.writes:
            return
        origin = call.headers.get("origin")
        here = f"{'https' if self._entrance.is_secure(call) else 'http'}://{call.host}"
        if call.is_foreign or (origin is not None and origin.lower() not in (here, self._access.public)):
            raise Refusal(403, "the request comes from a page of another site")
        if visit.seal is not None and not self._seal.fits(visit.seal, call.headers.get(CSRF, "")):
            raise Refusal(403, "the request lacks the token of its page", hint="reload the page")
        if visit.viewer.person is None and call.route != SIGN_OUT:
            hint = "start `muster serve` with --as PERSON"
            raise Refusal(403, "a change needs a person, and the token names none", hint=hint)
        self._rates.limit("write", visit.viewer.person or call.client)
