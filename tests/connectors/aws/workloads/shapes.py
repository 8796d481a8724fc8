"""The SDK's models of services, asked what stands where: what declarations and made-up answers are held against."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from connectors.aws.workloads.declarations import ResourceType

_STEP = re.compile(r"(?P<name>[^.\[\]]+)(?P<each>\[(?:\?(?P<member>\w+)==[^\]]*)?\])?")


@cache
def model(service: str) -> Any:
    """The SDK's model of a service."""
    return _session().get_service_model(service)


@cache
def _session() -> Any:
    import botocore.session

    return botocore.session.Session()


def answer(service: str, operation: str) -> Any:
    """The shape of an operation's answer."""
    return model(service).operation_model(operation).output_shape


def at(shape: Any, path: str) -> list[Any]:
    """The shapes that a path leads to, as JMESPath follows it; none where the model has nothing there.

    Through a list it leads only with ``[]``; without, it ends there.
    """
    reached = [shape]
    for step in _STEP.finditer(path):
        reached = [found for one in reached for found in _after(one, step["name"])]
        if step["each"]:
            reached = [one.member for one in reached if one.type_name == "list"]
        if step["member"]:
            reached = [one for one in reached if step["member"] in one.members]
    return reached


def rows_at(shape: Any, path: str) -> list[Any]:
    """As :func:`at`, for rows, which are taken one by one."""
    return [_flat(one) for one in at(shape, path)]


def row_shapes(one: ResourceType) -> list[Any]:
    """What a row is made of: the listing's, and each detail's answer."""
    shapes = rows_at(answer(one.service, one.listing.operation), one.listing.rows)
    for detail in one.details:
        found = rows_at(answer(one.service, detail.operation), detail.at)
        shapes = found if detail.batch else [*shapes, *found]
    return shapes


def _flat(shape: Any) -> Any:
    while shape.type_name == "list":
        shape = shape.member
    return shape


def _after(shape: Any, name: str) -> Iterator[Any]:
    if shape.type_name == "map":
        yield shape.value
    elif shape.type_name == "structure":
        names = shape.members if name == "*" else {name} & set(shape.members)
        yield from (shape.members[each] for each in names)
