"""A request before its admission: its headers, and which of them are trusted."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, urlencode

from litestar.datastructures import Headers
from litestar.types import HTTPScope
from msgspec import Struct

from scanner.serve.answers import FOR_PROGRAMS, Refusal
from scanner.serve.signin import SignIn

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_FROM_US = frozenset({"same-origin", "none"})
TOKEN = "token"  # noqa: S105  # the name of the parameter


class ServeCall(Struct, frozen=True, kw_only=True):
    """A request. ``peer``: the other end of the connection. ``client``: the address behind the trusted proxies.

    ``query``: without the token, which is in ``token``.
    """

    method: str
    path: str
    query: str
    token: str | None
    headers: Headers
    peer: str
    client: str
    host: str
    secure: bool

    @property
    def route(self) -> str:
        """The path for the router: trailing and repeated slashes are merged."""
        return "/" + "/".join(filter(None, self.path.split("/")))

    @property
    def writes(self) -> bool:
        """Whether it may change something."""
        return self.method not in _SAFE

    @property
    def is_program(self) -> bool:
        """Whether a program or the page's script sent it."""
        return self.route.startswith(FOR_PROGRAMS)

    @property
    def navigates(self) -> bool:
        """Whether a person opens an address."""
        return (
            self.method == "GET"
            and not self.is_program
            and self.headers.get("sec-fetch-mode", "navigate") == "navigate"
        )

    @property
    def is_foreign(self) -> bool:
        """Whether a browser sent it for another site."""
        return self.headers.get("sec-fetch-site", "none") not in _FROM_US

    @property
    def address(self) -> str:
        """Path and query to redirect to, always on this site."""
        path = "/" + quote(self.path.lstrip("/\\"), safe="/:@!$&'()*+,;=~")
        return f"{path}?{self.query}" if self.query else path

    def cookie(self, name: str) -> str | None:
        """A cookie's value; None if it is missing or occurs twice."""
        found = [
            part.strip()[len(name) + 1 :]
            for line in self.headers.getall("cookie", [])
            for part in line.split(";")
            if part.strip().startswith(f"{name}=")
        ]
        return found[0] if len(found) == 1 else None


def read_call(scope: HTTPScope, sign_in: SignIn) -> ServeCall:
    """The request. Raises Refusal if it is malformed."""
    headers = Headers.from_scope(scope)
    query = scope["query_string"].decode("latin-1")
    if "\0" in scope["path"] or "%00" in query:
        raise Refusal(400, "an address has no null characters")
    pairs = parse_qsl(query, keep_blank_values=True)
    tokens = [value for name, value in pairs if name == TOKEN]
    if len(tokens) > 1 or len(headers.getall("host", [])) != 1:
        raise Refusal(400, "the request says something twice that can be there once only")
    peer = (scope["client"] or ("", 0))[0]
    forwarded = sign_in.is_proxy(peer)
    return ServeCall(
        method=scope["method"],
        path=scope["path"],
        query=urlencode([pair for pair in pairs if pair[0] != TOKEN]) if tokens else query,
        token=tokens[0] if tokens else None,
        headers=headers,
        peer=peer,
        client=sign_in.client(peer, headers.getall("x-forwarded-for", [])),
        host=headers["host"].strip().lower(),
        secure=forwarded and headers.get("x-forwarded-proto", "").strip().lower() == "https",
    )
