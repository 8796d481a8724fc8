"""Identifies the sender of a request: by the loopback token, a proxy's header, OpenID Connect, or a session."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address
from urllib.parse import urlsplit

from litestar.datastructures import Headers
from msgspec import Struct
from msgspec.structs import replace

from scanner.config.serving import ServeSettings
from scanner.serve.answers import Refusal
from scanner.serve.keys import Keys
from scanner.serve.people import TOKEN_ONLY, PersonRefused, ServedLists, Viewer
from scanner.serve.sessions import Sessions, same

_BEARER = "bearer "


class ServerAccess(Struct, frozen=True, kw_only=True):
    """Access to this server. ``local``: it listens on loopback, so its token signs in.

    ``acts``: the person who acts with the token (``--as``). ``keys``: what this server signs with.
    """

    settings: ServeSettings
    token: str
    local: bool
    port: int
    keys: Keys
    acts: Viewer = TOKEN_ONLY

    @property
    def public(self) -> str:
        """The public address as a browser writes it in ``Origin``; empty if there is none."""
        parts = urlsplit(self.settings.public_url or "")
        usual = {"https": ":443", "http": ":80"}.get(parts.scheme, "")
        return f"{parts.scheme}://{parts.netloc.lower().removesuffix(usual)}" if parts.scheme else ""


class Visit(Struct, frozen=True, kw_only=True):
    """A signed-in request. ``seal``: the input of its token against forged requests; None if it needs none."""

    viewer: Viewer
    seal: str | None
    session: str | None = None


class SignIn:
    """Recognises requests."""

    def __init__(self, access: ServerAccess, lists: ServedLists, sessions: Sessions) -> None:
        self._access = access
        self._lists = lists
        self.sessions = sessions
        self._acts = replace(access.acts, known_by="token")
        self._proxies = access.settings.proxy_networks
        self._header = (access.settings.user_header or "").lower()
        kept = access.token if access.settings.token is not None else ""
        self.bound = access.keys.mac("token", f"{access.acts.person or ''}\n{kept}")
        """What sessions by token are bound to: whoever acts, and the token of the config, as long as it is the same."""

    def client(self, peer: str, forwarded: Sequence[str]) -> str:
        """The address of the client: the peer's, or behind trusted proxies the last address that is no proxy's."""
        hops = [hop.strip() for line in forwarded for hop in line.split(",")]
        while hops and self.is_proxy(peer) and _is_address(hops[-1]):
            peer = hops.pop()
        return peer

    def is_proxy(self, address: str) -> bool:
        """Whether it is the address of a trusted proxy."""
        return is_within(self._proxies, address)

    def is_token(self, text: str) -> bool:
        """Whether it is the server's token."""
        return same(self._access.token, text)

    def is_metrics(self, headers: Headers) -> bool:
        """Whether the request has the token, which ``/metrics`` accepts on every address."""
        return (token := self._bearer(headers)) is not None and self.is_token(token)

    def _bearer(self, headers: Headers) -> str | None:
        given = headers.get("authorization", "")
        return given[len(_BEARER) :].strip() if given.lower().startswith(_BEARER) else None

    def visit(self, peer: str, headers: Headers, session: str | None) -> Visit | None:
        """The visit of a request; None without a sign-in. Raises Refusal without access, and WrongToken."""
        if self._header and self.is_proxy(peer) and (named := headers.getall(self._header, [])):
            if len(named) > 1:
                raise Refusal(400, f"the header {self._access.settings.user_header} is there twice")
            viewer = replace(self.viewer(named[0]), known_by="proxy")
            return Visit(viewer=viewer, seal=f"person {viewer.person}")
        if (token := self._bearer(headers)) is not None:
            if not (self._access.local and self.is_token(token)):
                raise WrongToken
            return Visit(viewer=self._acts, seal=None)
        if session is not None and (known := self.sessions.get(session)) is not None:
            if known.claim is not None:
                return Visit(viewer=self.viewer(known.claim), seal=f"session {known.id}", session=session)
            if self._access.local and same(known.bound, self.bound):
                return Visit(viewer=self._acts, seal=f"session {known.id}", session=session)
        return None

    def viewer(self, claim: str) -> Viewer:
        """The person of that name. Raises Refusal without access."""
        try:
            return self._lists.viewer(claim)
        except PersonRefused as refused:
            raise Refusal(403, f"no access: {refused}", hint="the people who run Muster keep its roster") from refused


def is_within(networks: Sequence[IPv4Network | IPv6Network], address: str) -> bool:
    """Whether the text is an address of one of these networks."""
    return _is_address(address) and any(ip_address(address) in network for network in networks)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


class WrongToken(Exception):
    """A token that is not the server's."""
