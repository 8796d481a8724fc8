"""Resources, parts of documents and ids as the shape that they should have; another shape counts as empty."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Struct

from connectors.planned import UNKNOWN, Resource

_GOOGLE = re.compile(r"(?P<name>[^@\s]+)@(?P<project>[a-z0-9-]+)\.iam\.gserviceaccount\.com")


def mapping(value: Any) -> dict[str, Any]:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def listed(value: Any) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def text(value: Any) -> str:
    """The value if it is a text, else an empty one."""
    return value if isinstance(value, str) else ""


def walk(value: Any, path: str, within: tuple[str, ...] = ()) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """The values at a path, each with the path that leads to it. ``*`` goes through the items of a list."""
    if not path:
        if within:
            yield value, within
        return
    step, _, rest = path.partition(".")
    if value is UNKNOWN:
        yield UNKNOWN, within
    elif step == "*" and isinstance(value, list):
        for number, each in enumerate(value):
            yield from walk(each, rest, (*within, str(number)))
    elif isinstance(value, dict) and step in value:
        yield from walk(value[step], rest, (*within, step))


class PlannedDeclared(Struct, frozen=True, kw_only=True, gc=False):
    """A resource with its arguments at one moment."""

    resource: Resource
    values: Mapping[str, Any]

    @property
    def at(self) -> str:
        """Its address."""
        return self.resource.place.resource

    @property
    def type(self) -> str:
        """Its type, of a data source as well."""
        return self.resource.type.removeprefix("data.")

    @property
    def is_data(self) -> bool:
        """Whether it is a data source: it describes what is declared elsewhere."""
        return self.resource.type.startswith("data.")

    def text(self, name: str) -> str:
        """An argument that is a known text, else an empty one."""
        return text(self.values.get(name))

    def refers(self, name: str) -> tuple[str, ...]:
        """The resources that an unknown argument comes from."""
        return self.resource.refers.get(name, ())


def key_of(named: str) -> str:
    """Return the key of an ARN or a Google service account's address; any other id as it is."""
    if found := _GOOGLE.fullmatch(named):
        return f"//iam.googleapis.com/projects/{found['project']}/serviceAccounts/{named}"
    return named


def moment(text: str) -> datetime | None:
    """A time in RFC 3339, in UTC; None for anything else."""
    try:
        return msgspec.convert(text, datetime).astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        return None
