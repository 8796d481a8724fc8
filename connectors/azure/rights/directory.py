"""What the reading of rights is told of the directory: who is there, and which APIs there are permissions of."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct


class Api(Struct, frozen=True, kw_only=True):
    """A service principal that publishes permissions. ``app_roles``: their names by id in lower case."""

    id: str
    app_id: str
    name: str
    app_roles: Mapping[str, str] = {}


class Directory(Struct, frozen=True, kw_only=True):
    """The tenant as it was listed; every id is an object's, in lower case.

    ``keys``: keys of identities by the ids of service principals and of applications. ``names``: of service principals,
    by id. ``left_out``: service principals that are not listed, such as Microsoft's own: neither are their rights.
    ``apis``: by id.
    """

    keys: Mapping[str, str] = {}
    names: Mapping[str, str] = {}
    left_out: frozenset[str] = frozenset()
    apis: Mapping[str, Api] = {}
