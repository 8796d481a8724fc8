"""The SDK's models of services, asked what stands where: what declarations and made-up answers are held against."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from connectors.aws.workloads.declarations import ResourceType

_STEP = re.compile(r"(?P<name>[^.\[\]]+)(?:\[(?:\?(?P<member>\w+)==[^\]]*)?\])?")


@cache
def model(service: str) -> Any:
    """The SDK's model of a service."""
    import botocore.session

    return botocore.session.Session().get_service_model(service)


def answer(service: str, operation: str) -> Any:
    """The shape of an operation's answer."""
    return model(service).operation_model(operation).output_shape


def at(shape: Any, path: str) -> list[Any]:
    """The shapes that a path leads to; none where the model has nothing there."""
    reached = [shape]
    for step in _STEP.finditer(path):
        reached = [found for one in reached for found in _after(_flat(one), step["name"], step["member"])]
    return [_flat(one) for one in reached]


def row_shapes(one: ResourceType) -> list[Any]:
    """What a row is made of: the listing's, and each detail's answer."""
    shapes = at(answer(one.service, one.listing.operation), one.listing.rows)
    for detail in one.details:
        found = at(answer(one.service, detail.operation), detail.at)
        shapes = found if detail.batch else [*shapes, *found]
    return shapes


def _flat(shape: Any) -> Any:
    while shape.type_name == "list":
        shape = shape.member
    return shape


def _after(shape: Any, name: str, member: str | None) -> Iterator[Any]:
    if shape.type_name == "map":
        yield shape.value
    elif shape.type_name == "structure":
        names = shape.members if name == "*" else {name} & set(shape.members)
        for each in names:
            found = shape.members[each]
            if member is None or member in _flat(found).members:
                yield found
