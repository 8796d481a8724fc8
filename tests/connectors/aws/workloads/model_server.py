"""AWS's services that the emulator lacks, answering over HTTP with what a test says and their models allow.

::

    with ModelServer(moto.url) as server:
        server.say("bedrock-agent", "ListFlows", {"flowSummaries": []})   # AssertionError if AWS could not say so
        server.refuse("bedrock-agent", "GetFlow")
        …                                                                # endpoint_url = server.url
        assert server.calls["bedrock:ListFlows"] == 1

What no one said is the emulator's to answer. Only services that speak JSON can be spoken for; any can be refused.
"""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from botocore.validate import ParamValidator

from connectors.aws.workloads.catalog import TAGS_SERVICE, TYPES
from tests.connectors.aws.workloads.shapes import answer, model
from tests.servers.proxy import Answer, Proxy, Request

_CREDENTIAL = re.compile(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/aws4_request")
_LABEL = re.compile(r"\\\{(\w+)(?:\\\+)?\\\}")
_CBOR = re.compile(r"/operation/(\w+)$")
_XML = (
    "<Response><Errors><Error><Code>{code}</Code><Message>{text}</Message></Error></Errors><Error><Code>{code}</Code>"
)
_XML += "<Message>{text}</Message></Error></Response>"

Said = Mapping[str, Any] | Callable[[Mapping[str, Any]], Mapping[str, Any]]


class ModelServer(Proxy):
    """A running server; a context manager."""

    def __init__(self, upstream: str) -> None:
        super().__init__(upstream)
        self._lock = threading.Lock()
        self._said: dict[tuple[str, str], Said] = {}
        self._refused: dict[tuple[str, str], str] = {}
        self.refuses_all = False
        self.log: list[str] = []

    def say(self, service: str, operation: str, said: Said) -> None:
        """Answer so from now on; a function gets the parameters. AssertionError where the model forbids it."""
        if not callable(said):
            check(service, operation, said)
        self._said[service, operation] = said

    def refuse(self, service: str, operation: str, code: str = "AccessDeniedException") -> None:
        """Refuse an operation from now on."""
        self._refused[service, operation] = code

    @property
    def calls(self) -> Counter[str]:
        """Requests by operation, named as permissions are."""
        with self._lock:
            return Counter(self.log)

    def answer(self, request: Request) -> Answer | None:
        """What was said, a refusal, or the emulator's answer."""
        service, operation, parameters = _operation(request)
        with self._lock:
            self.log.append(f"{model(service).signing_name}:{operation}" if service else operation)
        code = "AccessDeniedException" if self.refuses_all else self._refused.get((service, operation))
        if code is not None:
            return _refusal(request, code, f"not authorized to perform {operation}")
        said = self._said.get((service, operation))
        if said is None:
            return self.forward(request)
        if callable(said):
            said = said(parameters)
            check(service, operation, said)
        body = json.dumps(said, default=_plain).encode()
        return Answer(200, {"Content-Type": "application/x-amz-json-1.1"}, body)


def check(service: str, operation: str, said: Mapping[str, Any]) -> None:
    """AssertionError where the service's model says that it could not answer so."""
    shape = answer(service, operation)
    report = ParamValidator().validate(dict(said), shape)
    assert not report.has_errors(), f"{service} {operation}: {report.generate_report()}"
    assert model(service).metadata["protocol"] in ("json", "rest-json"), f"{service} does not speak JSON"


def _plain(value: Any) -> float:
    assert isinstance(value, datetime)
    return value.timestamp()


def _refusal(request: Request, code: str, text: str) -> Answer:
    kind = request.headers.get("Content-Type", "")
    if "x-www-form-urlencoded" in kind:
        return Answer(403, {"Content-Type": "text/xml"}, _XML.format(code=code, text=text).encode())
    body = json.dumps({"__type": code, "message": text}).encode()
    return Answer(403, {"Content-Type": "application/json", "x-amzn-ErrorType": code}, body)


def _operation(request: Request) -> tuple[str, str, Mapping[str, Any]]:
    """The service, the operation and (of JSON) its parameters."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    signed = _CREDENTIAL.search(headers.get("authorization", ""))
    services = _services().get(signed[1] if signed else "", ())
    url = urlsplit(request.path)
    asked = f"{request.method} {url.path}"
    if target := headers.get("x-amz-target"):
        return services[0], target.rpartition(".")[2], json.loads(request.body or b"{}")
    if cbor := _CBOR.search(url.path):
        return services[0], cbor[1], {}
    if "x-www-form-urlencoded" in headers.get("content-type", ""):
        return next(iter(services), ""), parse_qs(request.body.decode())["Action"][0], {}
    for service in services:
        for operation, route in _routes(service):
            if match := route.fullmatch(asked):
                sent = json.loads(request.body) if request.body else {}
                query = {name: values[0] for name, values in parse_qs(url.query).items()}
                return service, operation, {**query, **sent, **{k: unquote(v) for k, v in match.groupdict().items()}}
    return "", asked, {}


@cache
def _services() -> dict[str, tuple[str, ...]]:
    """The SDK's services by the name that they sign for."""
    services: dict[str, tuple[str, ...]] = {}
    for service in dict.fromkeys((*(one.service for one in TYPES), TAGS_SERVICE, "iam", "sts")):
        signed = model(service).signing_name
        services[signed] = (*services.get(signed, ()), service)
    return services


@cache
def _routes(service: str) -> list[tuple[str, re.Pattern[str]]]:
    """The service's operations and what a request for them looks like, those with the fewest labels first."""
    routes = []
    for operation in model(service).operation_names:
        http = model(service).operation_model(operation).http
        path = _LABEL.sub(r"(?P<\1>[^/]+)", re.escape(http["requestUri"].partition("?")[0]))
        routes.append((operation, re.compile(f"{http['method']} {path}/?")))
    return sorted(routes, key=lambda route: route[1].groups)
