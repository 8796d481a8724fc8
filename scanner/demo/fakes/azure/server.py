"""The server: TLS, audiences of tokens, batches, faults, and a log of every request.

One address replaces all of Azure's, with their paths: vaults below ``/vault/NAME``, the others at the root. The setting
``endpoint_url`` of a source expects that.
"""

from __future__ import annotations

import itertools
import json
import ssl
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Self
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from msgspec import Struct, structs

from scanner.demo.fakes.azure import audit_logs, directory, resource_graph, resources, vaults
from scanner.demo.fakes.azure.faults import Faults
from scanner.demo.fakes.azure.login import Login
from scanner.demo.fakes.azure.tenant import Row, Tenant
from scanner.demo.fakes.azure.wire import Call, Listing, Reply, Route, Service, refusal

ROUTES: tuple[Route, ...] = (
    *audit_logs.ROUTES,
    *directory.ROUTES,
    *resources.ROUTES,
    *resource_graph.ROUTES,
    *vaults.ROUTES,
)
BATCH_AT_MOST = 20
_SERVICES: dict[str, Service] = {
    "v1.0": "graph",
    "beta": "graph",
    "subscriptions": "arm",
    "providers": "arm",
    "vault": "vault",
}
"""The service of a path, by its first segment; other paths are for sign-in."""


class Exchange(Struct, frozen=True, kw_only=True):
    """A request and its response as they were sent. ``url``: path and query as in that service.

    ``planned``: the response, or one within a batch, is a planned fault.
    """

    call: Call
    url: str
    sent: bytes
    status: int
    answer: bytes
    planned: bool


class AzureServer:
    """A running server; a context manager. ``url`` and ``ca_file`` are a source's settings.

    ``tls``: or plain http.
    """

    def __init__(self, tenant: Tenant | None = None, *, tls: bool = True) -> None:
        self.tenant = tenant or Tenant()
        self.faults = Faults()
        self.pages = Pages()
        self.login = Login(self.tenant)
        self.log: list[Call] = []
        """All requests except sign-ins, including those inside a batch."""
        self.watchers: list[Callable[[Exchange], None]] = []
        """Called with every exchange except sign-ins."""
        self._folder = TemporaryDirectory(prefix="muster-azure-")
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.azure = self
        self.ca_file = Path(self._folder.name) / "ca.pem"
        self._tls = tls
        self.url = f"{'https' if tls else 'http'}://localhost:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        if self._tls:
            self._server.socket = _tls(self.ca_file).wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._folder.cleanup()

    def asked(self, service: Service) -> list[str]:
        """Method and path of each logged request of a service."""
        return [f"{call.method} {call.path}" for call in self.log if call.service == service]

    def answer(self, call: Call, token: str) -> Reply | None:
        """The response to one request; None: drop the connection."""
        if call.service == "login":
            return self.login.reply(call, self.url)
        self.log.append(call)
        if not self.login.is_for(token, call.service, self.url):
            said = refusal(call.service, 401, "InvalidAuthenticationToken", "The audience is invalid.")
            return structs.replace(said, headers={"WWW-Authenticate": 'Bearer authorization_uri="unused"'})
        return self._routed(call)

    def _routed(self, call: Call) -> Reply | None:
        fault = self.faults.take(call)
        if fault is not None:
            return fault.reply
        if (call.service, call.method, call.path) == ("graph", "POST", "/v1.0/$batch"):
            return self._batch(call)
        for route in ROUTES:
            places = route.places(call)
            if places is not None:
                answer = route.handler(self.tenant, structs.replace(call, places=places))
                base = f"{self.url}/vault" if call.service == "vault" else self.url
                return self.pages.reply(call, answer, base) if isinstance(answer, Listing) else answer
        return refusal(call.service, 404, "NotFound", f"{call.method} {call.path}: the fake has no such thing.")

    def _batch(self, call: Call) -> Reply:
        """The responses to the requests in a batch, in another order than the requests."""
        questions = call.body["requests"]
        if len(questions) > BATCH_AT_MOST:
            return refusal("graph", 400, "BadRequest", "Number of batch request steps exceeds the maximum of 20.")
        answers = []
        for question in reversed(questions):
            parts = urlsplit(question["url"])
            inner = Call(
                service="graph",
                method=question["method"],
                path=f"/v1.0/{unquote(parts.path).lstrip('/')}",
                query=dict(parse_qsl(parts.query)),
                headers={name.lower(): value for name, value in question.get("headers", {}).items()},
                inner=True,
            )
            self.log.append(inner)
            reply = self._routed(inner) or Reply(status=502)
            answers.append(
                {"id": question["id"], "status": reply.status, "headers": dict(reply.headers), "body": reply.body}
            )
        return Reply(body={"responses": answers})


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    azure: AzureServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that disconnect."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    disable_nagle_algorithm: ClassVar[bool] = True

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def log_message(self, *_: object) -> None:
        """Print nothing: the server has a log of its own."""

    def _handle(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        azure, call = self.server.azure, self._call(content)
        taken = azure.faults.taken
        reply = azure.answer(call, token)
        if reply is None:
            self.close_connection = True
            return
        body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        if call.service != "login":
            self._notify(call, content, reply.status, body, planned=azure.faults.taken != taken)
        self.send_response(reply.status)
        for name, value in {"Content-Type": "application/json", **reply.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _notify(self, call: Call, sent: bytes, status: int, answer: bytes, *, planned: bool) -> None:
        path = call.path if call.service != "vault" else "/" + call.path.split("/", 2)[-1]
        url = f"{quote(path)}?{urlsplit(self.path).query}"
        exchange = Exchange(call=call, url=url, sent=sent, status=status, answer=answer, planned=planned)
        for watcher in self.server.azure.watchers:
            watcher(exchange)

    def _call(self, content: bytes) -> Call:
        parts = urlsplit(self.path)
        first, _, rest = parts.path.lstrip("/").partition("/")
        service = _SERVICES.get(first.lower(), "login")
        is_login = service == "login"
        path = rest if service == "vault" else parts.path
        return Call(
            service=service,
            method=self.command,
            path="/" + unquote(path).lstrip("/"),
            query=dict(parse_qsl(parts.query)),
            body=content if is_login else json.loads(content or b"null"),
            headers={name.lower(): value for name, value in self.headers.items()},
        )


def _tls(ca_file: Path) -> ssl.SSLContext:
    """A certificate for this machine. Its temporary authority is written to a file."""
    import trustme

    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    return context


# --- Paginated lists with opaque tokens that can expire; ``$select`` is checked against the known fields ---

_SIZES = {"graph": "$top", "arm": "$top", "vault": "maxresults"}
_NEXT = {"graph": "@odata.nextLink", "arm": "nextLink", "vault": "nextLink"}
_TOKENS = {"graph": "$skiptoken", "arm": "$skiptoken", "vault": "$skiptoken"}


class Pages:
    """Paginates listings. ``largest``: a page limit for all lists."""

    def __init__(self) -> None:
        self.largest: int | None = None
        self.foreign_host: str | None = None
        """Scheme and host for links to the next page, in place of this server's."""
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._open: dict[str, tuple[list[Row], int]] = {}

    def expire(self) -> None:
        """Expire all tokens."""
        with self._lock:
            self._open.clear()

    def reply(self, call: Call, listing: Listing, base: str) -> Reply:
        """A page of a listing. ``base``: the address of the service."""
        token = call.query.get(_TOKENS[call.service])
        if token is not None:
            with self._lock:
                if token not in self._open:
                    return refusal(
                        call.service,
                        400,
                        "Directory_ExpiredPageToken" if call.service == "graph" else "InvalidSkipToken",
                    )
                rows, size = self._open[token]
        else:
            asked = call.query.get(_SIZES[call.service])
            if asked is not None and not (asked.isdigit() and 0 < int(asked) <= listing.cap):
                return refusal(call.service, 400, "Request_UnsupportedQuery", f"Invalid page size {asked}.")
            selected = _selected(call, listing)
            if isinstance(selected, Reply):
                return selected
            caps = (self.largest or listing.cap, listing.at_most or listing.cap)
            rows, size = selected, min(int(asked or listing.usual), *caps)
        return Reply(body={"value": rows[:size], **self._onwards(call, rows[size:], size, base)})

    def _onwards(self, call: Call, rest: list[Row], size: int, base: str) -> Mapping[str, str]:
        if not rest:
            return {}
        with self._lock:
            token = f"opaque~{next(self._numbers)}"
            self._open[token] = (rest, size)
        kept = {name: value for name, value in call.query.items() if name != _TOKENS[call.service]}
        query = "&".join(f"{name}={quote(value)}" for name, value in {**kept, _TOKENS[call.service]: token}.items())
        return {_NEXT[call.service]: f"{self.foreign_host or base}{call.path}?{query}"}


def _selected(call: Call, listing: Listing) -> list[Row] | Reply:
    """The rows with only the fields in ``$select``, which must exist."""
    names = [name for name in call.query.get("$select", "").split(",") if name]
    if not names:
        return list(listing.rows)
    unknown = [name for name in names if listing.fields is not None and name not in listing.fields]
    if unknown:
        return refusal("graph", 400, "Request_BadRequest", f"Could not find a property named '{unknown[0]}'.")
    kept = {*names, "@odata.type", call.query.get("$expand", "").partition("(")[0]}
    return [{name: value for name, value in row.items() if name in kept} for row in listing.rows]
