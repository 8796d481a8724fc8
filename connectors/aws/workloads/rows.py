"""Rows of responses, reduced to the declared fields, with references to roles and secrets as keys (pure)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from connectors.agents.hashes import hashes_of
from connectors.aws.client.payloads import iso, utc
from connectors.aws.workloads.declarations import Fields, Where
from connectors.aws.workloads.paths import filled, found, many, texts
from scanner.model.attributes import RUNS_IN

_ROLE = re.compile(r"arn:[\w-]+:iam::\d{12}:(?:role|user)/\S+", re.ASCII)
_NAME = re.compile(r"[\w+=,.@/-]{1,576}", re.ASCII)
# Suffix of a secret's name in a reference: member of its JSON, stage and version.
_SECRET = re.compile(r"(arn:[\w-]+:secretsmanager:[\w-]+:\d{12}:secret:[^:\s]+)(?::[^:\s]*){0,3}", re.ASCII)
_PARAMETER = re.compile(r"(arn:[\w-]+:ssm:[\w-]+:\d{12}:parameter/[^:\s]+)(?::\d+)?", re.ASCII)


def role_key(reference: str, where: Where) -> str:
    """The ARN of a role (or user) in a reference by ARN, or of a role by name. Raises ValueError.

    A name lacks the path of the role, so the ARN has none.
    """
    if _ROLE.fullmatch(reference):
        return reference
    if reference.startswith("arn:") or not _NAME.fullmatch(reference):
        raise ValueError("not a role ARN")
    return f"arn:{where.partition}:iam::{where.account}:role/{reference.lstrip('/')}"


def secret_key(reference: str, where: Where) -> str | None:
    """The ARN of the secret or parameter in a reference; partial if only its name is known.

    None for any other reference.
    """
    arn, name = stored_arn(reference), _name(reference)
    if arn is not None or name is None:
        return arn
    return f"arn:{where.partition}:secretsmanager:{where.region}:{where.account}:secret:{name}"


def parameter_key(reference: str, where: Where) -> str | None:
    """The ARN of the parameter in a reference by name, or the ARN itself. None for any other reference."""
    arn, name = stored_arn(reference), _name(reference)
    return arn if arn is not None or name is None else parameter_arn(name, where)


def _name(reference: str) -> str | None:
    """The name in a reference, without part or version; None for an ARN and any other text."""
    name = reference.partition(":")[0]
    return name if _NAME.fullmatch(name) and not reference.startswith("arn:") else None


def parameter_arn(name: str, where: Where) -> str:
    """The ARN of a parameter of this region."""
    return f"arn:{where.partition}:ssm:{where.region}:{where.account}:parameter/{name.removeprefix('/')}"


def stored_arn(text: str) -> str | None:
    """The ARN of the secret or parameter that the text is, without what picks a part or version of it; else None."""
    match = _SECRET.fullmatch(text) or _PARAMETER.fullmatch(text)
    return match[1] if match else None


# --- Rows of responses, reduced to the declared fields (pure) ---

_BAD_TAGS = "its tags cannot be read"
_TAG_MEMBERS = (("Key", "Value"), ("key", "value"))


class Row(Struct, frozen=True, kw_only=True):
    """The facts of one resource. ``inherits``: the key of the row whose roles and secrets are its own, too."""

    key: str
    name: str
    roles: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    created_at: datetime | None = None
    created_by: str | None = None
    tags: Mapping[str, str] = {}
    facts: Mapping[str, Any] = {}
    joined: Mapping[str, Any] = {}
    tool_hashes: Mapping[str, str] = {}
    inherits: str | None = None
    unique_id: str | None = None
    description: str | None = None
    acts_as: tuple[str, ...] = ()


def cut_down(row: Any, fields: Fields, where: Where) -> Row:
    """Reduce a row to the declared fields. Raises ValueError with the reason if it is malformed."""
    return Row(
        key=filled(fields.key, row, where.names),
        name=filled(fields.name, row, where.names),
        roles=_sorted(role_key(each, where) for each in _all_texts(row, fields.roles)),
        profiles=_sorted(_all_texts(row, fields.profiles)),
        secrets=_sorted(_secrets(row, fields, where)),
        created_at=moment(row, fields.created_at),
        created_by=_first(row, fields.created_by),
        tags=tags_in(row, fields.tags) if fields.tags else {},
        facts={
            **_facts(row, fields.facts),
            **{name: True for name, path in fields.present.items() if any(found(row, path))},
            **({RUNS_IN: filled(fields.runs_in, row, where.names)} if fields.runs_in else {}),
        },
        joined=_facts(row, fields.joined),
        tool_hashes=hashes_of(_definitions(row, fields.tools)) if fields.tools else {},
        inherits=_first(row, fields.inherits[1]) if fields.inherits else None,
        unique_id=_first(row, fields.unique_id),
        description=_first(row, fields.description),
        acts_as=_sorted(_all_texts(row, fields.acts_as)),
    )


def _definitions(row: Any, paths: Iterable[str]) -> Iterator[tuple[str | None, Mapping[str, Any]]]:
    """Yield the tools at these paths by name; ``*`` for all that a schema defines, which has no name."""
    for one in (one for path in paths for one in found(row, path)):
        if isinstance(one, Mapping):
            name = one.get("name", "*")
            facts = {member: value for member, value in one.items() if member != "name"}
            yield name if isinstance(name, str) else None, facts


def _facts(row: Any, paths: Mapping[str, str]) -> dict[str, Any]:
    return {name: reported for name, path in paths.items() if (reported := fact(row, path)) is not None}


def tags_in(row: Any, path: str) -> dict[str, str]:
    """Tags by key: from a list of keys and values if the path has several values, otherwise from a mapping."""
    reported: Any = _pairs(found(row, path)) if many(path) else next(found(row, path), {})
    if isinstance(reported, Mapping):
        reported = reported.items()
    elif not many(path):
        raise ValueError(_BAD_TAGS)
    pairs = list(reported)
    if not all(isinstance(text, str) for tag in pairs for text in tag):
        raise ValueError(_BAD_TAGS)
    return dict(sorted(pairs))


def _pairs(listed: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    for tag in listed:
        members = next((pair for pair in _TAG_MEMBERS if isinstance(tag, Mapping) and pair[0] in tag), None)
        if members is None:
            raise ValueError(_BAD_TAGS)
        yield tag[members[0]], tag.get(members[1], "")


def _secrets(row: Any, fields: Fields, where: Where) -> Iterator[str]:
    ways: tuple[tuple[tuple[str, ...], Callable[[str], str | None]], ...] = (
        (fields.secrets, lambda text: secret_key(text, where)),
        (fields.parameters, lambda text: parameter_key(text, where)),
        (fields.texts, stored_arn),
    )
    for paths, key_of in ways:
        for text in _all_texts(row, paths):
            key = key_of(text)
            if key is not None:
                yield key


def _all_texts(row: Any, paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        yield from texts(row, path)


def _first(row: Any, path: str | None) -> str | None:
    return None if path is None else next(texts(row, path), None)


def moment(row: Any, path: str | None) -> datetime | None:
    """The date at a path. Raises ValueError for any other value."""
    match None if path is None else next(found(row, path), None):
        case datetime() | None as moment:
            return utc(moment)
        case _:
            raise ValueError(f"{path} is not a date")


def fact(row: Any, path: str) -> Any:
    """A fact as JSON; a list if the path has several values."""
    facts = [_plain(each, path) for each in found(row, path)]
    if many(path):
        return sorted({str(fact) for fact in facts}) or None
    return facts[0] if facts else None


def _plain(fact: Any, path: str) -> str | int | float | bool:
    if isinstance(fact, datetime):
        return iso(utc(fact)) or ""
    if isinstance(fact, str | int | float):
        return fact
    raise ValueError(f"{path} is not text, a number or a date")


def _sorted(keys: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(keys)))
