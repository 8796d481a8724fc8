"""A reverse proxy between the AWS SDK and the emulator: it counts calls, pages as AWS does, and fails on request.

::

    with FaultProxy(moto.url) as proxy:
        proxy.page_size = 2
        proxy.fail("iam:ListAccessKeys", Fault("denied"))
        proxy.fail("iam:GetAccountAuthorizationDetails", Fault("throttled", from_page=2))
        …                                    # endpoint_url = proxy.url
        assert proxy.calls["iam:ListUsers"] == 1

Operations are named as IAM permissions are, ``service:Operation``.
"""

from __future__ import annotations

import http.client
import json
import re
import threading
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal
from urllib.parse import parse_qs, urlencode, urlsplit

FaultKind = Literal[
    "denied", "throttled", "error", "close", "malformed", "portal", "not_offered", "gone", "expired", "not_ready"
]

_XMLNS = "https://iam.amazonaws.com/doc/2010-05-08/"
# Paged Query-protocol answers: the lists that the pages are cut from, in order. The emulator gives them whole.
_XML_LISTS = {
    "iam:GetAccountAuthorizationDetails": ("UserDetailList", "RoleDetailList", "GroupDetailList", "Policies"),
    "iam:ListUsers": ("Users",),
    "iam:ListRoles": ("Roles",),
}
_ALL_OF_IT = "100000"
_CODES: Mapping[FaultKind, tuple[int, str, str]] = {
    "denied": (403, "AccessDenied", "User: arn:aws:iam::123456789012:user/x is not authorized to perform: {operation}"),
    "throttled": (400, "Throttling", "Rate exceeded"),
    "error": (500, "InternalFailure", "An error of the proxy's making"),
    "gone": (404, "NoSuchEntity", "The user cannot be found"),
    "expired": (403, "ExpiredToken", "The security token included in the request is expired"),
    "not_ready": (410, "ReportInProgress", "Credential report is still being generated"),
    "not_offered": (501, "NotImplemented", "There is no such operation here"),
}
# Answers that come from something else than the provider: one that parses, and one that does not.
_PAGES: Mapping[FaultKind, bytes] = {
    "portal": b"<html><body>Please log in</body></html>",
    "malformed": b"<html><body>Please log in<br></html>",
}
_CREDENTIAL = re.compile(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/aws4_request")


@dataclass(frozen=True)
class Fault:
    """How an operation fails. ``times``: only so often, then it works. ``from_page``: pages before it still work."""

    kind: FaultKind
    times: int | None = None
    from_page: int = 1
    message: str | None = None


@dataclass(frozen=True)
class Call:
    """One request that came through: the operation, where it was meant for, and its parameters."""

    operation: str
    region: str
    parameters: Mapping[str, str]


class FaultProxy:
    """A running proxy; a context manager. Every attempt counts, also those that are made to fail."""

    def __init__(self, upstream: str) -> None:
        self._upstream = urlsplit(upstream)
        self._lock = threading.Lock()
        self._faults: dict[str, Fault] = {}
        self._failed: Counter[str] = Counter()
        self.page_size = 1000
        """At most so many rows a page, whatever the client asks for."""
        self.latency = 0.0
        """Seconds each answer is held back."""
        self.log: list[Call] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> FaultProxy:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def fail(self, operation: str, fault: Fault) -> None:
        """Make an operation fail from now on."""
        self._faults[operation] = fault

    def reset(self) -> None:
        """Forget calls and faults, and page as AWS does."""
        with self._lock:
            self._faults.clear()
            self._failed.clear()
            self.log.clear()
        self.page_size, self.latency = 1000, 0.0

    @property
    def calls(self) -> Counter[str]:
        """Requests by operation."""
        with self._lock:
            return Counter(call.operation for call in self.log)

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, str, bytes] | None:
        """Status, content type and body for a request; None: close the connection without an answer."""
        call = _call(headers, body)
        fault = self._due(call)
        time.sleep(self.latency)
        if fault is not None:
            return _failure(fault, call.operation)
        if call.operation in _XML_LISTS:
            return self._xml_page(call, headers)
        if call.operation == "secretsmanager:ListSecrets":
            return self._json_page(headers, body)
        return self._forward(method, path, headers, body)

    def _due(self, call: Call) -> Fault | None:
        with self._lock:
            self.log.append(call)
            fault = self._faults.get(call.operation)
            if fault is None or self._page(call.parameters) < fault.from_page:
                return None
            self._failed[call.operation] += 1
            return fault if fault.times is None or self._failed[call.operation] <= fault.times else None

    def _page(self, parameters: Mapping[str, str]) -> int:
        marker = parameters.get("Marker") or parameters.get("NextToken")
        return int(marker) // self._size(parameters) + 1 if marker else 1

    def _size(self, parameters: Mapping[str, str]) -> int:
        return min(int(parameters.get("MaxItems") or parameters.get("MaxResults") or 100), self.page_size)

    def _xml_page(self, call: Call, headers: dict[str, str]) -> tuple[int, str, bytes]:
        parameters = dict(call.parameters)
        start = int(parameters.pop("Marker", "0"))
        whole = urlencode({**parameters, "MaxItems": _ALL_OF_IT}).encode()
        status, kind, content = self._forward("POST", "/", headers, whole)
        if status != http.client.OK:
            return status, kind, content
        return status, kind, _cut_xml(content, _XML_LISTS[call.operation], start, self._size(call.parameters))

    def _json_page(self, headers: dict[str, str], body: bytes) -> tuple[int, str, bytes]:
        asked: dict[str, Any] = json.loads(body)
        start, size = int(asked.pop("NextToken", "0")), min(asked.pop("MaxResults", 100), self.page_size)
        status, kind, content = self._forward("POST", "/", headers, json.dumps(asked).encode())
        if status != http.client.OK:
            return status, kind, content
        answer: dict[str, Any] = json.loads(content)
        rows = answer["SecretList"]
        answer["SecretList"] = rows[start : start + size]
        answer["NextToken"] = str(start + size) if start + size < len(rows) else None
        return status, kind, json.dumps(answer).encode()

    def _forward(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, str, bytes]:
        connection = http.client.HTTPConnection(self._upstream.hostname or "", self._upstream.port, timeout=60)
        try:
            passed = {name: value for name, value in headers.items() if name.lower() != "content-length"}
            connection.request(method, path, body, passed)
            response = connection.getresponse()
            return response.status, response.getheader("Content-Type", ""), response.read()
        finally:
            connection.close()


def _call(headers: Mapping[str, str], body: bytes) -> Call:
    lowered = {name.lower(): value for name, value in headers.items()}
    signed = _CREDENTIAL.search(lowered.get("authorization", ""))
    region, service = (signed[1], signed[2]) if signed else ("", "")
    target = lowered.get("x-amz-target")
    if target is not None:
        parameters = {name: str(value) for name, value in json.loads(body or b"{}").items()}
        return Call(f"{service}:{target.rpartition('.')[2]}", region, parameters)
    parameters = {name: values[0] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()}
    return Call(f"{service}:{parameters.get('Action', '')}", region, parameters)


def _failure(fault: Fault, operation: str) -> tuple[int, str, bytes] | None:
    if fault.kind == "close":
        return None
    if fault.kind in _PAGES:
        return 200, "text/html", _PAGES[fault.kind]
    status, code, message = _CODES[fault.kind]
    text = (fault.message or message).format(operation=operation)
    if operation.startswith("secretsmanager:"):
        return status, "application/x-amz-json-1.1", json.dumps({"__type": code, "message": text}).encode()
    root = ET.Element("ErrorResponse")
    error = ET.SubElement(root, "Error")
    ET.SubElement(error, "Code").text = code
    ET.SubElement(error, "Message").text = text
    return status, "text/xml", ET.tostring(root)


def _cut_xml(content: bytes, lists: tuple[str, ...], start: int, size: int) -> bytes:
    """The answer with only rows ``start`` to ``start + size`` of its lists, taken as one after the other."""
    root = ET.fromstring(content)  # noqa: S314  # the emulator's own answer
    namespace = root.tag.rpartition("}")[0] + "}" if "}" in root.tag else ""
    result = root[0]
    seen = 0
    for name in lists:
        container = result.find(f"{namespace}{name}")
        if container is None:
            continue
        rows = list(container)
        for place, row in enumerate(rows, start=seen):
            if not start <= place < start + size:
                container.remove(row)
        seen += len(rows)
    for old in ("IsTruncated", "Marker"):
        for element in result.findall(f"{namespace}{old}"):
            result.remove(element)
    more = start + size < seen
    ET.SubElement(result, f"{namespace}IsTruncated").text = str(more).lower()
    if more:
        ET.SubElement(result, f"{namespace}Marker").text = str(start + size)
    ET.register_namespace("", _XMLNS)
    return ET.tostring(root)


def _handler(proxy: FaultProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self._serve()

        def do_GET(self) -> None:
            self._serve()

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = proxy.answer(self.command, self.path, dict(self.headers.items()), body)
            if answer is None:
                self.close_connection = True
                return
            status, kind, content = answer
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class calls it so
            """Nothing: what matters is in the proxy's log."""

    return Handler
