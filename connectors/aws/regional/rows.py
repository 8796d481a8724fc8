"""Rows of AWS's answers, cut down to what their declaration names: nothing else gets past here (pure)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from connectors.aws.identities import iso
from connectors.aws.payloads import utc
from connectors.aws.regional.declarations import Fields, Where
from connectors.aws.regional.paths import filled, found, many, texts
from connectors.aws.regional.references import parameter_key, role_key, secret_key, stored_arn

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
    inherits: str | None = None
    unique_id: str | None = None
    description: str | None = None
    acts_as: tuple[str, ...] = ()


def cut_down(row: Any, fields: Fields, where: Where) -> Row:
    """What the fields name of a row. Raises ValueError saying what is wrong with it."""
    return Row(
        key=filled(fields.key, row, where.names),
        name=filled(fields.name, row, where.names),
        roles=_sorted(role_key(each, where) for each in _all_texts(row, fields.roles)),
        profiles=_sorted(_all_texts(row, fields.profiles)),
        secrets=_sorted(_secrets(row, fields, where)),
        created_at=moment(row, fields.created_at),
        created_by=_first(row, fields.created_by),
        tags=tags_in(row, fields.tags) if fields.tags else {},
        facts={name: told for name, path in fields.facts.items() if (told := fact(row, path)) is not None},
        inherits=_first(row, fields.inherits[1]) if fields.inherits else None,
        unique_id=_first(row, fields.unique_id),
        description=_first(row, fields.description),
        acts_as=_sorted(_all_texts(row, fields.acts_as)),
    )


def tags_in(row: Any, path: str) -> dict[str, str]:
    """Tags by key: from a list of keys and values where the path is one to several, else from a mapping."""
    told: Any = _pairs(found(row, path)) if many(path) else next(found(row, path), {})
    if isinstance(told, Mapping):
        told = told.items()
    elif not many(path):
        raise ValueError(_BAD_TAGS)
    pairs = list(told)
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
    """The date that a path leads to. Raises ValueError where something else stands there."""
    match None if path is None else next(found(row, path), None):
        case datetime() | None as moment:
            return utc(moment)
        case _:
            raise ValueError(f"{path} is no date")


def fact(row: Any, path: str) -> Any:
    """A fact as JSON can hold it; a list where the path leads to several."""
    facts = [_plain(each, path) for each in found(row, path)]
    if many(path):
        return sorted({str(fact) for fact in facts}) or None
    return facts[0] if facts else None


def _plain(fact: Any, path: str) -> str | int | float | bool:
    if isinstance(fact, datetime):
        return iso(utc(fact)) or ""
    if isinstance(fact, str | int | float):
        return fact
    raise ValueError(f"{path} is no text, number or date")


def _sorted(keys: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(keys)))
