"""Answers that the emulator does not have, as AWS's protocols write them; each is held against the SDK's model.

Services and operations are named as in IAM permissions. The writing is done by the emulator's own serializers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from botocore.validate import ParamValidator
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model

from connectors.aws.preflight import services_of
from tests.servers.proxy import Answer

_PLACEHOLDER = re.compile(r"\\\{[^}]+\\\}")


class Wrong(dict[str, Any]):
    """An answer that AWS would not give, to be written as it is."""


def written(operation: str, answer: Mapping[str, Any]) -> Answer:
    """The answer on the wire. Raises AssertionError where AWS could not give it: a name, or a type, is not its own."""
    service, _, name = operation.partition(":")
    model = get_service_model(service).operation_model(name)
    report = ParamValidator().validate(dict(answer), model.output_shape)
    if report.has_errors() and not isinstance(answer, Wrong):
        raise AssertionError(f"{operation}: {report.generate_report()}")
    serialized = get_serializer_class(service, model.service_model.protocol)(model).serialize(dict(answer))
    body = serialized["body"]
    return Answer(
        serialized["status_code"], dict(serialized["headers"]), body.encode() if isinstance(body, str) else body
    )


def rest_operation(service: str, method: str, path: str) -> str:
    """Which operation of a REST service a request is; empty where it is none. ``service`` as in permissions."""
    plain = path.partition("?")[0]
    uris = (each for name in sorted(services_of(service)) for each in _uris(name))
    return next((name for verb, uri, name in uris if verb == method and uri.fullmatch(plain)), "")


@cache
def _uris(service: str) -> list[tuple[str, re.Pattern[str], str]]:
    model = get_service_model(service)
    operations = [model.operation_model(name) for name in model.operation_names]
    return [
        (one.http["method"], re.compile(_PLACEHOLDER.sub("[^/]+", re.escape(one.http["requestUri"]))), one.name)
        for one in operations
    ]
