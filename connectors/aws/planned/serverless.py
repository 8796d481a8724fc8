"""The policies that SAM gives the role that it makes for a function or state machine without one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec

from connectors.aws.planned.forms import AwsDeclared
from connectors.planned import UNKNOWN
from connectors.planned.shapes import mapping

_PARAMETER = re.compile(r"\$\{(\w+)\}")
_SERVICE_ROLE = "service-role/"
_BASIC = f"{_SERVICE_ROLE}AWSLambdaBasicExecutionRole"
_IN_VPC = f"{_SERVICE_ROLE}AWSLambdaVPCAccessExecutionRole"
_TRACED = "AWSXRayDaemonWriteAccess"
SERVICES: Mapping[str, str] = {
    "AWS::Serverless::Function": "lambda.amazonaws.com",
    "AWS::Serverless::StateMachine": "states.amazonaws.com",
}
"""The service that assumes the role."""


def trusting_service(service: str) -> Any:
    """The trust policy that lets a service assume a role."""
    return {"Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]}


def serverless_policies(declared: AwsDeclared, partition: str) -> tuple[list[tuple[str, Any]], list[str | None]]:
    """Return policy documents by name, and ARNs of managed policies. UNKNOWN, None: what only deploying determines."""
    inline: list[tuple[str, Any]] = []
    attached: list[str | None] = []
    if declared.resource.type == "AWS::Serverless::Function":
        names = [_IN_VPC if declared.values.get("VpcConfig") else _BASIC]
        names += [_TRACED] if declared.values.get("Tracing") else []
        attached += [f"arn:{partition}:iam::aws:policy/{name}" for name in names]
    value = declared.get("policies")
    for number, policy in enumerate(value if isinstance(value, list) else [] if value is None else [value]):
        match policy:
            case str():
                attached.append(policy if policy.startswith("arn:") else f"arn:{partition}:iam::aws:policy/{policy}")
            case {"Statement": _}:
                inline.append((f"{declared.at}RolePolicy{number}", policy))  # as SAM calls it
            case dict() if len(policy) == 1:
                ((name, parameters),) = policy.items()
                inline.append((name, _from_template(name, parameters)))
            case _:
                attached.append(None)
    return inline, attached


@cache
def _templates() -> Mapping[str, list[dict[str, Any]]]:
    """SAM's policy templates: their statements, with parameters in braces."""
    data = files("connectors.aws.planned").joinpath("sam_policies.json").read_bytes()
    return msgspec.json.decode(data, type=dict[str, list[dict[str, Any]]])


def _from_template(name: str, parameters: Any) -> Any:
    """The document that a policy template makes; UNKNOWN if SAM has no such template."""
    statements = _templates().get(name)
    return UNKNOWN if statements is None else {"Statement": _filled(statements, mapping(parameters))}


def _filled(value: Any, parameters: Mapping[str, Any]) -> Any:
    match value:
        case str():
            names = _PARAMETER.findall(value)
            if not all(isinstance(parameters.get(name), str) for name in names):
                return UNKNOWN
            return _PARAMETER.sub(lambda parameter: parameters[parameter[1]], value)
        case list():
            return [_filled(each, parameters) for each in value]
        case dict():
            return {name: _filled(each, parameters) for name, each in value.items()}
        case _:
            return value
