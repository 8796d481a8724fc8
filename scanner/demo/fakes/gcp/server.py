"""The fake cloud over HTTP, with all APIs at one address."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeAlias
from urllib.parse import parse_qs, unquote, urlsplit

from scanner.demo.fakes.gcp import assets, compute, iam, listings, logs, resource_manager, roles, usage
from scanner.demo.fakes.gcp.call import Call, FakeRoute
from scanner.demo.fakes.gcp.cloud import Cloud, Row
from scanner.demo.fakes.gcp.faults import Refused

_PARTS = (resource_manager, iam, roles, assets, compute, usage, logs, listings)
ROUTES: tuple[FakeRoute, ...] = tuple(route for part in _PARTS for route in part.ROUTES)
_VERSION = re.compile(r"\A/(?:\w+/)?v\d/")


def answer(cloud: Cloud, method: str, target: str, body: Any) -> Row:
    """The response to a request. Raises Refused."""
    parts = urlsplit(target)
    path = unquote(parts.path)
    for route in ROUTES:
        match = route.pattern.fullmatch(path) if route.method == method else None
        if match is None:
            continue
        short = cloud.canonical(_VERSION.sub("", path))
        places = match.groupdict()
        if "project" in places or path.startswith("/v3/projects/"):
            project = short.split("/")[1].partition(":")[0]
            places |= {name: project for name in ("project", "name") if name in places}
        cloud.faults.meet(route.api, short)
        query = parse_qs(parts.query, keep_blank_values=True)
        if "project" in places and places["project"] not in cloud.projects:
            raise Refused(403, f"Permission denied on resource project {places['project']}.", reason="CONSUMER_INVALID")
        found = route.answer(Call(cloud=cloud, path=short, places=places, query=query, body=body))
        return partial(found, query["fields"][0]) if "fields" in query else found
    raise Refused(404, "The requested URL was not found on this server.")


def _check_token(header: str) -> None:
    if not header.startswith("Bearer "):
        raise Refused(401, "Request is missing required authentication credential.")


def _handler(cloud: Cloud) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # send headers and body in one packet, otherwise each response waits for an acknowledgement

        def do_GET(self) -> None:
            self._answer(None)

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            self._answer(json.loads(self.rfile.read(length) or b"null"))

        def _answer(self, body: Any) -> None:
            cloud.log.append(f"{self.command} {self.path}")
            code, found, headers = 200, {}, {}
            try:
                _check_token(self.headers.get("Authorization", ""))
                found = answer(cloud, self.command, self.path, body)
            except Refused as refused:
                code, found, headers = refused.code, refused.body(), refused.headers
            content = json.dumps(found).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json; charset=UTF-8")
            self.send_header("Content-Length", str(len(content)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Print nothing: the cloud has a log of its own."""

    return Handler


@contextmanager
def rest_server(cloud: Cloud) -> Iterator[str]:
    """Run the server and yield its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(cloud))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# --- Partial responses: only the fields in the parameter ``fields``, as in Google's APIs ---

Tree: TypeAlias = "dict[str, Tree]"
_TOKEN = re.compile(r"[(),/]|[^(),/]+")


def partial(value: Any, fields: str) -> Any:
    """The value with only these fields. Raises Refused if the selection is invalid."""
    return _kept(value, fields_in(fields))


def fields_in(text: str) -> Tree:
    """The selection as a tree; a leaf includes everything below it."""
    tokens = _TOKEN.findall(text)
    tree = _selection(tokens)
    if tokens:
        raise Refused(400, f"Invalid field selection {text}")
    return tree


def _selection(tokens: list[str]) -> Tree:
    tree: Tree = {}
    while tokens and tokens[0] != ")":
        here = tree
        name = tokens.pop(0)
        here = here.setdefault(name, {})
        while tokens and tokens[0] == "/":
            tokens.pop(0)
            here = here.setdefault(tokens.pop(0), {})
        if tokens and tokens[0] == "(":
            tokens.pop(0)
            here.update(_selection(tokens))
            if not tokens or tokens.pop(0) != ")":
                raise Refused(400, "Invalid field selection: a parenthesis is open")
        if tokens and tokens[0] == ",":
            tokens.pop(0)
    return tree


def _kept(value: Any, tree: Tree) -> Any:
    if not tree:
        return value
    if isinstance(value, list):
        return [_kept(one, tree) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _kept(one, tree.get(name, tree.get("*", {})))
        for name, one in value.items()
        if name in tree or "*" in tree
    }
