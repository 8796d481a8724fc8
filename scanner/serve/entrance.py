"""Sign-in and sign-out: by a token in the address, with OpenID Connect, and the cookies of sessions."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from html import escape
from typing import Literal, ParamSpec, TypeVar
from urllib.parse import parse_qsl

from litestar import Response
from litestar.datastructures import Cookie

from scanner.errors import StoreError
from scanner.serve.answers import Refusal, page, redirect
from scanner.serve.audit import note
from scanner.serve.calls import ServeCall
from scanner.serve.limits import Rates
from scanner.serve.oidc import CALLBACK, OpenId, SignInFailed
from scanner.serve.signin import ServerAccess, SignIn, Visit

log = logging.getLogger(__name__)

SIGN_OUT = "/sign-out"
ISSUER_THREADS = 4
STORED_WITHIN = 2.0
"""Seconds that signing out waits for the store, which a scan may be writing to."""

P = ParamSpec("P")
T = TypeVar("T")


class Entrance:
    """Answers the requests that start or end a session."""

    def __init__(self, access: ServerAccess, sign_in: SignIn, rates: Rates) -> None:
        self._access = access
        self._sign_in = sign_in
        self._rates = rates
        oidc = access.settings.oidc
        self._open_id = OpenId(oidc, access.public, access.keys) if oidc else None
        self._threads = ThreadPoolExecutor(ISSUER_THREADS, "sign-in")

    async def enter(self, call: ServeCall) -> Response[bytes] | None:
        """Answer a sign-in, by the token in the address or the issuer's redirect."""
        if call.token is not None:
            if call.writes or not self._access.local or not self._sign_in.is_token(call.token):
                raise self.wrong_token(call)
            note("signed in by token", call.client)
            return await self._with_session(redirect(call.address), call, None)
        if call.route == CALLBACK and self._open_id is not None:
            return await self._finish(self._open_id, call)
        return None

    async def invite(self, call: ServeCall) -> Response[bytes]:
        """Answer a person who is not signed in and opens an address."""
        if call.is_foreign:
            # A browser sends no strict cookie with a link from another site. Opened again from here, it does.
            return page("Muster", status=401, head=_go_on(call.address))
        if self._open_id is None:
            where = (
                "through its usual address" if self._access.settings.user_header else "by the address that it printed"
            )
            return page("Sign in", f"Open Muster {where}.", status=401)
        self._rates.limit("sign-in", call.client)
        browser = call.cookie(self._flow_name(call)) or secrets.token_urlsafe(32)
        try:
            address = await self._apart(self._open_id.start, browser, call.address)
        except SignInFailed as failed:
            raise self._failed(call, failed) from failed
        answer = redirect(address)
        # Lax: the issuer sends the browser back from its own site.
        answer.cookies.append(self._cookie(call, self._flow_name(call), browser, "lax"))
        return answer

    async def leave(self, call: ServeCall, visit: Visit) -> Response[bytes] | None:
        """Answer a request that signs out."""
        if call.route != SIGN_OUT:
            return None
        if call.method != "POST":
            raise Refusal(405, "signing out is a POST", headers={"allow": "POST"})
        if visit.session is not None:
            await self._end(visit.session, visit.viewer.person)
        note("signed out", call.client, visit.viewer.person)
        answer = page("Signed out", "You are signed out.")
        answer.cookies.append(self._cookie(call, self.cookie_name(call), "", "strict", lasts=0))
        return answer

    def wrong_token(self, call: ServeCall) -> Refusal:
        """The refusal of a token. Raises another Refusal after too many of them."""
        self._rates.limit("guess", call.client)
        note("sign-in refused: wrong token", call.client)
        hint = "`muster serve` prints the right one when it starts" if self._access.local else None
        return Refusal(401, "the token is wrong", hint=hint, headers={"www-authenticate": "Bearer"})

    async def _finish(self, open_id: OpenId, call: ServeCall) -> Response[bytes]:
        try:
            query = dict(parse_qsl(call.query))
            claim, to = await self._apart(open_id.finish, call.cookie(self._flow_name(call)), query)
        except SignInFailed as failed:
            self._rates.limit("guess", call.client)
            raise self._failed(call, failed) from failed
        try:
            viewer = self._sign_in.viewer(claim)
        except Refusal as refused:
            note(f"sign-in of {claim} refused: {refused}", call.client)
            raise
        note("signed in with OpenID Connect", call.client, viewer.person)
        # A page, because a browser sends no strict cookie with a redirect that another site began.
        return await self._with_session(page("Signed in", head=_go_on(to)), call, claim)

    async def _apart(self, send: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Wait for issuer or store in separate threads, so that slow ones do not block reads of the store."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(send, *arguments, **named))

    def _failed(self, call: ServeCall, failed: SignInFailed) -> Refusal:
        note(f"sign-in failed: {failed}", call.client)
        return Refusal(401, "the sign-in failed", hint="try again; the server's log says why")

    async def _with_session(self, answer: Response[bytes], call: ServeCall, claim: str | None) -> Response[bytes]:
        """Start a session, and end an earlier session of the same browser."""
        name = self.cookie_name(call)
        if before := call.cookie(name):
            await self._end(before, claim)
        session = self._sign_in.sessions.start(claim, self._sign_in.bound if claim is None else "")
        answer.cookies.append(self._cookie(call, name, session, "strict"))
        return answer

    async def _end(self, session: str, person: str | None) -> None:
        """End a session here at once, and for others once it is stored, which is awaited for a moment."""
        self._sign_in.sessions.end(session, person)
        try:
            await asyncio.wait_for(self._apart(self._sign_in.sessions.save), STORED_WITHIN)
        except (StoreError, TimeoutError) as error:
            log.warning("who signed out is not stored yet: %s", str(error) or "a scan is being saved")

    # --- Cookies ---

    def cookie_name(self, call: ServeCall) -> str:
        """``__Host-`` binds a cookie to https and this host; a port is for several servers on the same machine."""
        return "__Host-muster" if self.is_secure(call) else f"muster-{self._access.port}"

    def _flow_name(self, call: ServeCall) -> str:
        return f"{self.cookie_name(call)}-sign-in"

    def is_secure(self, call: ServeCall) -> bool:
        """Whether the browser sends the request by https."""
        return call.secure or self._access.public.startswith("https:")

    def _cookie(
        self, call: ServeCall, name: str, value: str, same_site: Literal["strict", "lax"], *, lasts: int | None = None
    ) -> Cookie:
        return Cookie(
            key=name,
            value=value,
            path="/",
            httponly=True,
            secure=self.is_secure(call),
            samesite=same_site,
            max_age=self._access.settings.session_hours * 3600 if lasts is None else lasts,
        )


def _go_on(address: str) -> str:
    """A page that opens an address of this site."""
    return f'<meta http-equiv="refresh" content="0;url={escape(address)}">'
