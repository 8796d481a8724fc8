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
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qs, urlencode

from tests.servers.proxy import Answer, Proxy, Request
from tests.servers.wire import rest_operation, written

FaultKind = Literal[
    "denied",
    "throttled",
    "error",
    "close",
    "truncated",
    "malformed",
    "portal",
    "not_offered",
    "gone",
    "expired",
    "not_ready",
    "not_taken",
    "feature_off",
]

_XMLNS = "https://iam.amazonaws.com/doc/2010-05-08/"
# Paged Query-protocol answers: the lists that the pages are cut from, in order. The emulator gives them whole.
_XML_LISTS = {
    "iam:GetAccountAuthorizationDetails": ("UserDetailList", "RoleDetailList", "GroupDetailList", "Policies"),
    "iam:ListUsers": ("Users",),
    "iam:ListRoles": ("Roles",),
}
_ALL_OF_IT = "100000"
_XML_SERVICES = ("iam:", "sts:", "ec2:")
_ACTION = b"Action="
_CBOR_PATH = re.compile(r"/service/\w+/operation/(\w+)")
_READS = ("AssumeRole", "Describe", "Get", "List", "Lookup")
# What these give, another request has begun: it changes without the version.
_BEGUN = frozenset({"iam:GetCredentialReport", "iam:GetServiceLastAccessedDetails"})
# Permissions begin with the name that requests are signed for, but for this one.
_PREFIXES = {"tagging": "tag"}
_CODES: Mapping[FaultKind, tuple[int, str, str]] = {
    "denied": (403, "AccessDenied", "User: arn:aws:iam::123456789012:user/x is not authorized to perform: {operation}"),
    "throttled": (400, "Throttling", "Rate exceeded"),
    "error": (500, "InternalFailure", "An error of the proxy's making"),
    "gone": (404, "NoSuchEntity", "The user cannot be found"),
    "expired": (403, "ExpiredToken", "The security token included in the request is expired"),
    "not_ready": (410, "ReportInProgress", "Credential report is still being generated"),
    "not_taken": (400, "InvalidInput", "The input is invalid"),
    "feature_off": (404, "FeatureDisabled", "The feature is not enabled for this account"),
    "not_offered": (501, "NotImplemented", "There is no such operation here"),
}
# Answers that come from something else than the provider: one that parses, and one that does not.
_PAGES: Mapping[FaultKind, bytes] = {
    "portal": b"<html><body>Please log in</body></html>",
    "malformed": b"<html><body>Please log in<br></html>",
}
_CREDENTIAL = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request")


@dataclass(frozen=True)
class Fault:
    """How an operation fails. ``times``: only so often, then it works. ``from_page``: pages before it still work.

    ``user``: only when it asks about that one; ``where``: only with these parameters.
    """

    kind: FaultKind
    times: int | None = None
    from_page: int = 1
    user: str | None = None
    message: str | None = None
    where: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """One request that came through: the operation, where it was meant for, its parameters, and whose key signed it."""

    operation: str
    region: str
    parameters: Mapping[str, str]
    access_key: str = ""


Made = Callable[[Mapping[str, str]], Mapping[str, Any] | Fault]
"""An answer to a request with these parameters, or how it fails."""


class FaultProxy(Proxy):
    """A running proxy; a context manager. Every attempt counts, also those that are made to fail."""

    def __init__(self, upstream: str, version: Callable[[], object] | None = None) -> None:
        """``version``: of what the emulator holds; while it stays, what was answered is answered again."""
        super().__init__(upstream)
        self._version = version
        self._answered: tuple[object, dict[object, Answer]] = (None, {})
        self._lock = threading.Lock()
        self._faults: dict[str, Fault] = {}
        self._failed: Counter[str] = Counter()
        self.page_size = 1000
        """At most so many rows a page, whatever the client asks for."""
        self.latency = 0.0
        """Seconds each answer is held back."""
        self.log: list[Call] = []
        self.most_at_once = 0
        """The most requests that were being answered at the same time."""
        self._out: set[object] = set()
        self.made: dict[str, Made] = {}
        """Answers by operation, in place of the emulator's."""

    def fail(self, operation: str, fault: Fault) -> None:
        """Make an operation fail from now on."""
        self._faults[operation] = fault

    def reset(self) -> None:
        """Forget calls and faults, and page as AWS does."""
        with self._lock:
            self._faults.clear()
            self._failed.clear()
            self.log.clear()
            self.made.clear()
        self.page_size, self.latency, self.most_at_once = 1000, 0.0, 0
        self._out = set()  # what no one waits for any more is not counted against the next

    @property
    def calls(self) -> Counter[str]:
        """Requests by operation."""
        with self._lock:
            return Counter(call.operation for call in self.log)

    def answer(self, request: Request) -> Answer | None:
        """The fault that is due, else the emulator's answer, paged as AWS pages it."""
        one = object()
        with self._lock:
            out = self._out
            out.add(one)
            self.most_at_once = max(self.most_at_once, len(out))
        try:
            return self._answer(request)
        finally:
            with self._lock:
                out.remove(one)

    def _answer(self, request: Request) -> Answer | None:
        call = call_of(request)
        fault = self._due(call)
        time.sleep(self.latency)
        if fault is not None:
            return failure(fault, call.operation)
        if call.operation in self.made:
            made = self.made[call.operation](call.parameters)
            return failure(made, call.operation) if isinstance(made, Fault) else written(call.operation, made)
        if call.operation in _XML_LISTS:
            return self._xml_page(call, request)
        if call.operation == "secretsmanager:ListSecrets":
            return self._json_page(request)
        return self.forward(request)

    def forward(self, request: Request) -> Answer:
        """The emulator's answer; the same as before to what only reads, while nothing was changed."""
        call = call_of(request)
        is_same = call.operation.partition(":")[2].startswith(_READS) and call.operation not in _BEGUN
        if self._version is None or not is_same:
            return super().forward(request)
        version = self._version()
        if self._answered[0] != version:
            self._answered = (version, {})
        known = self._answered[1]
        asked = (call.operation, call.region, call.access_key, request.method, request.path, request.body)
        if asked not in known:
            known[asked] = super().forward(request)
        return known[asked]

    def _due(self, call: Call) -> Fault | None:
        with self._lock:
            self.log.append(call)
            fault = self._faults.get(call.operation)
            if fault is None or self._page(call.parameters) < fault.from_page:
                return None
            about = fault.where if fault.user is None else {**fault.where, "UserName": fault.user}
            if about.items() - call.parameters.items():
                return None
            self._failed[call.operation] += 1
            return fault if fault.times is None or self._failed[call.operation] <= fault.times else None

    def _page(self, parameters: Mapping[str, str]) -> int:
        """Its number; of pages that the emulator makes itself, only whether it is the first."""
        marker = parameters.get("Marker") or parameters.get("NextToken") or parameters.get("nextToken")
        if not marker:
            return 1
        return int(marker) // self._size(parameters) + 1 if marker.isdigit() else 2

    def _size(self, parameters: Mapping[str, str]) -> int:
        return min(int(parameters.get("MaxItems") or parameters.get("MaxResults") or 100), self.page_size)

    def _xml_page(self, call: Call, request: Request) -> Answer:
        parameters = dict(call.parameters)
        start = int(parameters.pop("Marker", "0"))
        whole = self.forward(request._replace(body=urlencode({**parameters, "MaxItems": _ALL_OF_IT}).encode()))
        if whole.status != http.client.OK:
            return whole
        page = _cut_xml(whole.body, _XML_LISTS[call.operation], start, self._size(call.parameters))
        return whole._replace(body=page)

    def _json_page(self, request: Request) -> Answer:
        asked: dict[str, Any] = json.loads(request.body)
        start, size = int(asked.pop("NextToken", "0")), min(asked.pop("MaxResults", 100), self.page_size)
        whole = self.forward(request._replace(body=json.dumps(asked).encode()))
        if whole.status != http.client.OK:
            return whole
        page: dict[str, Any] = json.loads(whole.body)
        rows = page["SecretList"]
        page["SecretList"] = rows[start : start + size]
        page["NextToken"] = str(start + size) if start + size < len(rows) else None
        return whole._replace(body=json.dumps(page).encode())


def call_of(request: Request) -> Call:
    """What a request of the SDK asks for."""
    lowered = {name.lower(): value for name, value in request.headers.items()}
    signed = _CREDENTIAL.search(lowered.get("authorization", ""))
    access_key, region, signed_for = signed.groups() if signed else ("", "", "")
    service = _PREFIXES.get(signed_for, signed_for)
    target = lowered.get("x-amz-target")
    if target is not None:
        parameters = {name: str(value) for name, value in json.loads(request.body or b"{}").items()}
        return Call(f"{service}:{target.rpartition('.')[2]}", region, parameters, access_key)
    if _ACTION not in request.body:
        query = parse_qs(request.path.partition("?")[2])
        parameters = {name: values[0] for name, values in query.items()}
        cbor = _CBOR_PATH.fullmatch(request.path)
        operation = cbor[1] if cbor else rest_operation(service, request.method, request.path)
        return Call(f"{service}:{operation}", region, parameters, access_key)
    parameters = {name: values[0] for name, values in parse_qs(request.body.decode(), keep_blank_values=True).items()}
    return Call(f"{service}:{parameters.get('Action', '')}", region, parameters, access_key)


def failure(fault: Fault, operation: str) -> Answer | None:
    """How that operation's service says it; None: it says nothing and hangs up."""
    if fault.kind == "close":
        return None
    if fault.kind == "truncated":
        return Answer(200, {"Content-Type": "text/xml"}, b"<", promised=1000)
    if fault.kind in _PAGES:
        return Answer(200, {"Content-Type": "text/html"}, _PAGES[fault.kind])
    status, code, message = _CODES[fault.kind]
    text = (fault.message or message).format(operation=operation)
    if not operation.startswith(_XML_SERVICES):
        refusal = json.dumps({"__type": code, "message": text}).encode()
        return Answer(status, {"Content-Type": "application/x-amz-json-1.1"}, refusal)
    root = ET.Element("ErrorResponse")
    error = ET.SubElement(root, "Error")
    ET.SubElement(error, "Code").text = code
    ET.SubElement(error, "Message").text = text
    return Answer(status, {"Content-Type": "text/xml"}, ET.tostring(root))


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
