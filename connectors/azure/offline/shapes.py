"""Converts rows of the command line and PowerShell into the form of the services (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from connectors.azure.client.payloads import moment
from connectors.azure.offline.recognise import Row

# ConvertTo-Json of Windows PowerShell writes dates as milliseconds since 1970.
_MILLISECONDS = re.compile(r"/Date\((-?\d{1,15})\)/")
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_TIMES = {"created": "created", "updated": "updated", "expires": "exp", "notBefore": "nbf"}
"""The command line's names for the times of vault items, and the vault's."""
# Members with a date in the past, not an expiry.
_PAST = re.compile(r"creat|start|updat|lastsignin|changed", re.IGNORECASE)
_DEPTH = 4
VAULT = "microsoft.keyvault/vaults"


def in_camel_case(value: Any, depth: int = _DEPTH) -> Any:
    """Convert the member names of PowerShell to camel case, and its dates to ISO form."""
    match value:
        case Mapping() if depth:
            return {name[:1].lower() + name[1:]: in_camel_case(each, depth - 1) for name, each in value.items()}
        case list() if depth:
            return [in_camel_case(each, depth) for each in value]
        case str() if (reported := _MILLISECONDS.fullmatch(value)) is not None:
            at = _moment(int(reported[1]) / 1000)
            return at.isoformat() if at else value
        case _:
            return value


def is_powershell(row: Row) -> bool:
    """Whether PowerShell wrote it."""
    return "Id" in row and "id" not in row


def model(row: Row, *, type_as: str = "type") -> SimpleNamespace:
    """A role assignment or definition as the SDK's models are: flat, and named in snake case.

    ``type_as``: what the ``type`` among the properties is called there.
    """
    inner = row.get("properties")
    nested = dict(inner) if isinstance(inner, Mapping) else {}
    if "type" in nested:
        nested[type_as] = nested.pop("type")
    return SimpleNamespace(**_snake({**{name: each for name, each in row.items() if name != "properties"}, **nested}))


def _snake(row: Row) -> dict[str, Any]:
    permissions = row.get("permissions")
    kept = {_WORDS.sub("_", name).lower(): each for name, each in row.items()}
    if isinstance(permissions, list):
        kept["permissions"] = [
            {_WORDS.sub("_", name).lower(): each for name, each in one.items()} if isinstance(one, Mapping) else one
            for one in permissions
        ]
    return kept


def vault_item(row: Row) -> Row:
    """An item of a vault, with times in seconds since 1970. Keys have ``kid``, others ``id``."""
    address = row.get("kid") or row.get("id")
    times = row.get("attributes")
    return {**row, "id": address, "kid": address, "attributes": _seconds(times) if isinstance(times, Mapping) else None}


def _seconds(times: Row) -> dict[str, Any]:
    kept = {"enabled": times.get("enabled")}
    for reported, wire in _TIMES.items():
        value = times.get(wire, times.get(reported))
        at = moment(value) if isinstance(value, str) else None
        kept[wire] = int(at.timestamp()) if at else value if isinstance(value, int) else None
    return kept


def federation(row: Row) -> Row:
    """A federated credential of a managed identity, whose terms the command line writes beside its name."""
    if isinstance(row.get("properties"), Mapping):
        return row
    terms = {name: row.get(name) for name in ("issuer", "subject", "audiences", "claimsMatchingExpression")}
    return {"id": row.get("id"), "name": row.get("name"), "properties": terms}


def resource(row: Row, vault_suffix: str) -> Row:
    """A resource. A vault is mostly listed without properties; its address follows from its name."""
    if not is_vault(row) or has_policies(row):
        return row
    return {**row, "properties": {"vaultUri": f"https://{row.get('name')}.{vault_suffix}/"}}


def is_vault(row: Row) -> bool:
    """Whether it is a key vault."""
    return str(row.get("type")).lower() == VAULT


def has_policies(row: Row) -> bool:
    """Whether a vault's properties are there."""
    properties = row.get("properties")
    return isinstance(properties, Mapping) and bool(properties.get("vaultUri"))


def merged(older: Row, newer: Row) -> Row:
    """An object that two files describe. A null in one is ignored."""
    return {**older, **{name: each for name, each in newer.items() if each is not None}}


def moments(thing: Any, name: str = "", depth: int = _DEPTH) -> Iterator[datetime]:
    """The dates in it that lie in the past of its writing."""
    match thing:
        case str() if _PAST.search(name) and (at := moment(thing)) is not None:
            yield at
        case list() if depth:
            for each in thing[:50]:
                yield from moments(each, name, depth - 1)
        case Mapping() if depth:
            for member, each in thing.items():
                yield from moments(each, member, depth - 1)


def _moment(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
