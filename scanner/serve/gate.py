"""What every request passes before the application sees it, and every answer after it.

A request needs an accepted host, a person, and, to write, a token against forged requests. What is not let in here
reaches no route, so a new route is closed until its path is in ``OPEN``.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Mapping
from html import escape
from typing import Any, Literal, cast
from urllib.parse import parse_qsl, urlsplit

from litestar import Litestar, Request, Response
from litestar.datastructures import Cookie, MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import HTTPScope, LifeSpanScope, Message, Receive, Scope, Send

from scanner.serve.answers import Refusal, page, redirect, refusal
from scanner.serve.calls import Call, read_call
from scanner.serve.limits import Kind, Rates, in_time
from scanner.serve.oidc import CALLBACK, OpenId, SignInFailed
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
        self._public = _origin(door.settings.public_url)
        oidc = door.settings.oidc
        self._open_id = OpenId(oidc, self._public) if oidc else None

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
            answer = await self._sign_in_page(call)
            if answer is None and call.path not in OPEN:
                visit = self._admit(call)
                answer = self._sign_out(call, visit) if visit else await self._invite(call)
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
        if name in _LOCAL_NAMES or name.strip("[]") == here or call.host == self._public.partition("://")[2] != "":
            return
        raise Refusal(400, "this host is not served here", hint="[serve] public_url names the host that people use")

    def _limit(self, kind: Kind, client: str) -> None:
        if not self._rates.take(kind, client):
            raise Refusal(429, "too many requests", headers={"retry-after": "60"})

    def _admit(self, call: Call) -> Visit | None:
        """Who sends the request; None for a person who is to sign in. Raises Refusal."""
        self._limit("read", call.client)
        if call.is_foreign and not call.navigates:
            raise Refusal(403, "the request comes from a page of another site")
        if call.path == METRICS and self._sign_in.is_metrics(call.headers):
            return Visit(viewer=self._door.acts, seal=None)
        try:
            visit = self._sign_in.visit(call.peer, call.headers, call.cookie(self._cookie_name(call)))
        except WrongToken:
            raise self._wrong_token(call) from None
        if visit is None and not call.navigates:
            raise Refusal(401, "sign in first", headers={"www-authenticate": "Bearer"})
        if visit is not None:
            self._check_rights(call, visit)
        return visit

    def _check_rights(self, call: Call, visit: Visit) -> None:
        if call.path == METRICS and not visit.viewer.sees_all:
            raise Refusal(403, "the metrics count what only viewers see")
        if not call.writes:
            return
        origin = call.headers.get("origin")
        ours = (f"{'https' if self._secure(call) else 'http'}://{call.host}", self._public)
        if call.is_foreign or (origin is not None and origin.lower() not in ours):
            raise Refusal(403, "the request comes from a page of another site")
        if visit.seal is not None and not self._seal.fits(visit.seal, call.headers.get(CSRF, "")):
            raise Refusal(403, "the request lacks the token of its page", hint="reload the page")
        if visit.viewer.person is None and call.path != SIGN_OUT:
            hint = "start `muster serve` with --as PERSON"
            raise Refusal(403, "a change needs a person, and the token names none", hint=hint)
        self._limit("write", visit.viewer.person or call.client)

    def _wrong_token(self, call: Call) -> Refusal:
        self._limit("sign-in", call.client)
        _note(logging.WARNING, "sign-in refused: wrong token", call)
        hint = "`muster serve` prints the right one when it starts" if self._door.local else None
        return Refusal(401, "the token is wrong", hint=hint, headers={"www-authenticate": "Bearer"})

    # --- Signing in and out ---

    async def _sign_in_page(self, call: Call) -> Response[bytes] | None:
        """Answer a request that signs in, by the token in its address or the answer of the issuer."""
        if call.token is not None:
            if call.writes or not self._door.local or not self._sign_in.is_token(call.token):
                raise self._wrong_token(call)
            _note(logging.INFO, "signed in by token", call)
            return self._with_session(redirect(call.address), call, None)
        if call.path == CALLBACK and self._open_id is not None:
            return await self._finish(self._open_id, call)
        return None

    async def _invite(self, call: Call) -> Response[bytes]:
        """Answer a person who is not signed in and opens an address."""
        if call.is_foreign:
            # A browser sends no strict cookie with a link from another site. Opened again from here, it does.
            again = f'<meta http-equiv="refresh" content="0;url={escape(call.address)}">'
            return page("Muster", status=401, head=again)
        if self._open_id is None:
            where = "through its usual address" if self._door.settings.user_header else "by the address that it printed"
            return page("Sign in", f"Open Muster {where}.", status=401)
        self._limit("sign-in", call.client)
        browser = call.cookie(self._flow_name(call)) or secrets.token_urlsafe(32)
        try:
            address = await asyncio.to_thread(self._open_id.start, browser, call.address)
        except SignInFailed as failed:
            raise self._failed(call, failed) from failed
        answer = redirect(address)
        # Lax: the issuer sends the browser back from its own site.
        answer.cookies.append(self._cookie(call, self._flow_name(call), browser, "lax"))
        return answer

    async def _finish(self, open_id: OpenId, call: Call) -> Response[bytes]:
        try:
            query = dict(parse_qsl(call.query))
            claim, to = await asyncio.to_thread(open_id.finish, call.cookie(self._flow_name(call)), query)
            viewer = self._sign_in.viewer(claim)
        except SignInFailed as failed:
            self._limit("sign-in", call.client)
            raise self._failed(call, failed) from failed
        _note(logging.INFO, "signed in by OpenID Connect", call, viewer.person)
        # A page, because a browser sends no strict cookie with a redirect that another site began.
        answer = page("Signed in", head=f'<meta http-equiv="refresh" content="0;url={escape(to)}">')
        return self._with_session(answer, call, claim)

    def _failed(self, call: Call, failed: SignInFailed) -> Refusal:
        _note(logging.WARNING, f"sign-in failed: {failed}", call)
        return Refusal(401, "the sign-in failed", hint="try again; the server's log says why")

    def _with_session(self, answer: Response[bytes], call: Call, claim: str | None) -> Response[bytes]:
        """Begin a session, and end the one that the browser may have had."""
        if before := call.cookie(self._cookie_name(call)):
            self._sign_in.sessions.pop(before)
        key = self._sign_in.sessions.add(Session(claim))
        answer.cookies.append(self._cookie(call, self._cookie_name(call), key, "strict"))
        return answer

    def _sign_out(self, call: Call, visit: Visit) -> Response[bytes] | None:
        if call.path != SIGN_OUT:
            return None
        if call.method != "POST":
            raise Refusal(405, "signing out is a POST", headers={"allow": "POST"})
        if visit.session is not None:
            self._sign_in.sessions.pop(visit.session)
        _note(logging.INFO, "signed out", call, visit.viewer.person)
        answer = page("Signed out", "You are signed out.")
        answer.delete_cookie(self._cookie_name(call))
        return answer

    # --- Cookies ---

    def _cookie_name(self, call: Call) -> str:
        """``__Host-`` binds a cookie to https and this host; the port tells servers on one machine apart."""
        return "__Host-muster" if self._secure(call) else f"muster-{self._door.port}"

    def _flow_name(self, call: Call) -> str:
        return f"{self._cookie_name(call)}-sign-in"

    def _secure(self, call: Call) -> bool:
        return call.secure or self._public.startswith("https:")

    def _cookie(self, call: Call, name: str, value: str, same_site: Literal["strict", "lax"]) -> Cookie:
        return Cookie(
            key=name,
            value=value,
            path="/",
            httponly=True,
            secure=self._secure(call),
            samesite=same_site,
            max_age=self._door.settings.session_hours * 3600,
        )

    def _log(self, call: Call, visit: Visit | None, status: int) -> None:
        if call.writes or self._door.settings.log_reads:
            address = call.address if self._door.settings.log_reads else call.path
            _note(logging.INFO, f"{call.method} {address}: {status}", call, visit.viewer.person if visit else None)


def _note(level: int, what: str, call: Call, person: str | None = None) -> None:
    """A line of the audit log."""
    who = f" by {person}" if person else ""
    audit.log(level, "%s%s from %s", what, who, call.client, extra={"person": person, "client": call.client})


def _origin(url: str | None) -> str:
    """Scheme and host as a browser writes them in ``Origin``."""
    parts = urlsplit(url or "")
    usual = {"https": ":443", "http": ":80"}.get(parts.scheme, "")
    return f"{parts.scheme}://{parts.netloc.lower().removesuffix(usual)}" if url else ""
