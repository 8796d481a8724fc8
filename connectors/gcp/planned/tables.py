"""What resource types of the Terraform provider ``google`` declare: ``tables.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import msgspec
from msgspec import Struct


class Policy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a kind of policy is on. ``argument`` names it; ``on``: its full resource name, of the argument's value."""

    argument: str
    on: str


class WorkloadType(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A type that runs as service accounts. ``accounts``: paths to their e-mails."""

    kind: str
    accounts: tuple[str, ...]


class Tables(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file. ``roles``: what Google's own roles allow, of what counts."""

    policies: Mapping[str, Policy]
    workloads: Mapping[str, WorkloadType]
    roles: Mapping[str, tuple[str, ...]]


@cache
def tables() -> Tables:
    """The tables, read once."""
    text = files("connectors.gcp.planned").joinpath("tables.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), Tables)
