"""The one gate that every record passes before it is judged or kept: whichever connector made it, no secret is in it.

Nearly every record has none. So its texts are looked through as one, which costs a few microseconds, and only a record
that may have a secret is taken apart field by field; any other comes back as it is, the same object.
"""

from __future__ import annotations

import logging
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from typing import Any, Literal, NamedTuple, TypeVar, get_origin

import msgspec
from msgspec import Struct
from msgspec.structs import fields, replace

from scanner.model import Credential, Identity, credential_key
from scanner.redaction.redact import quotes_resolved, without_resolved
from scanner.redaction.shapes import (
    MASK,
    is_public,
    is_secret_name,
    named_in,
    public_id,
    shapes_in,
    visible,
    without_secrets,
)

log = logging.getLogger(__name__)

R = TypeVar("R", bound=Struct)

_PROSE = frozenset({
    "baseline", "blast_radius", "by", "description", "detail", "display_name", "evidence", "owner", "purpose", "reason",
    "why",
})  # fmt: skip
"""Fields in which people and programs write sentences; any other text is an id, a name or a word."""
_NAMES = ("name", "key", "Name", "Key")
_VALUES = ("value", "values", "default", "plaintext", "Value", "Values", "defaultValue", "plainText")
"""How attributes have a variable: ``{"name": "DB_PASSWORD", "value": …}``, ``{"password": {"value": …}}``."""
_DEEPEST = 50
"""Levels of an attribute that are looked into; what lies deeper was not made by people or tools, and is left out."""
_TEXTS: tuple[Any, ...] = (str, str | None)
_TEXTLESS: tuple[Any, ...] = (
    bool, bool | None, int, int | None, float, datetime, datetime | None, date, date | None,
)  # fmt: skip
_ESCAPED = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)")

_encoder = msgspec.json.Encoder()


def cleared(record: R) -> R:
    """The record with a mask in place of each secret; names stay, and so does every public id.

    A key that holds a token remains a key of its own, and the same in every scan (see ``public_id``).
    """
    return _without_secrets(record) if _may_have_secret(record) else record


def cleared_with_warning(record: R, place: str) -> R:
    """The same for what a person wrote into a file, who should take it out there; ``place``: where it is written."""
    masked = cleared(record)
    if masked is not record:
        log.warning("%s: what looks like a secret is masked; take it out of the file, and replace the secret", place)
    return masked


def line_may_have_secret(line: str) -> bool:
    """Whether a record written as JSON may have a secret; if not, nothing of it needs a mask."""
    line = visible(line)
    if "\\u" in line or "\\/" in line:
        return True  # any letter may be written so, and we write none: nobody can tell before it is decoded
    if "\\" in line:
        # What follows ``\\n`` would seem to be one word with its n.
        line = _ESCAPED.sub(" ", line)
    return any(map(_is_there, shapes_in(line))) or any(map(_is_there, named_in(line))) or quotes_resolved(line)


def _is_there(found: object) -> bool:
    return found is not None


def _may_have_secret(record: Struct) -> bool:
    ids: list[str | None] = []
    prose: list[str | None] = []
    others: list[Any] = []
    try:
        _gather(record, ids, prose, others)
        ids_text, text = visible("\n".join(filter(None, ids))), "\n".join(filter(None, prose))
        if others:
            text = f"{text}\n{_encoder.encode(others).decode()}"
    except (TypeError, ValueError, RecursionError):
        return True  # what a record should not hold is looked at piece by piece
    if text and line_may_have_secret(text):
        return True
    # In an id a colon says nothing: only what is assigned to a name is its value.
    if any(map(_is_there, shapes_in(ids_text))) or quotes_resolved(ids_text):
        return True
    return "=" in ids_text and any(map(_is_there, named_in(ids_text, only_assigned=True)))


def _gather(record: Struct, ids: list[str | None], prose: list[str | None], others: list[Any]) -> None:
    """All texts of the record and of those within, and apart from them what JSON makes a text of."""
    plan = _plan(type(record))
    ids += plan.ids(record)
    prose += plan.prose(record)
    for value, usual, texts in zip(plan.others(record), plan.defaults, plan.are_prose, strict=True):
        if not value or value is usual:
            continue
        if isinstance(value, Mapping):
            others.append(value)
            continue
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, Struct):
                _gather(item, ids, prose, others)
            elif texts:
                prose.append(item)
            else:
                ids.append(item)


Getter = Callable[[Any], tuple[Any, ...]]


class _Plan(NamedTuple):
    """How to get the fields of one type of record: ids, prose, and those with texts within, with their defaults."""

    ids: Getter
    prose: Getter
    others: Getter
    defaults: tuple[Any, ...]
    are_prose: tuple[bool, ...]


@cache
def _plan(kind: type[Struct]) -> _Plan:
    texts = [one.name for one in fields(kind) if one.type in _TEXTS]
    others = [
        one for one in fields(kind) if one.type not in (*_TEXTS, *_TEXTLESS) and get_origin(one.type) is not Literal
    ]
    return _Plan(
        ids=_getter([name for name in texts if name not in _PROSE]),
        prose=_getter([name for name in texts if name in _PROSE]),
        others=_getter([one.name for one in others]),
        defaults=tuple(one.default for one in others),
        are_prose=tuple(one.name in _PROSE for one in others),
    )


def _getter(names: Sequence[str]) -> Getter:
    """As attrgetter, which gives a single attribute bare, and wants one."""
    if len(names) > 1:
        return operator.attrgetter(*names)
    return lambda record: tuple(getattr(record, name) for name in names)


def _without_secrets(record: R) -> R:
    changed = {
        name: now for name in record.__struct_fields__ if (now := _field(was := getattr(record, name), name)) is not was
    }
    if not changed:
        return record
    new = replace(record, **changed)
    if isinstance(record, Identity) and isinstance(new, Identity) and new.credentials:
        # Their keys begin with the identity's: masked as one text they might end with it, and be all the same.
        pairs = zip(record.credentials, new.credentials, strict=True)
        new = replace(new, credentials=tuple(_under(record, old, new.key, one) for old, one in pairs))
    return new


def _under(identity: Identity, old: Credential, key: str, new: Credential) -> Credential:
    if old.key != credential_key(identity.key, old.kind, old.id):
        return new
    return replace(new, key=credential_key(key, new.kind, new.id))


def _field(value: Any, name: str) -> Any:
    match value:
        case str():
            return _same(value, _prose(value) if name in _PROSE else public_id(without_resolved(value)))
        case tuple():
            items = tuple(_field(item, name) for item in value)
            return value if all(map(operator.is_, value, items)) else items
        case Struct():
            return _without_secrets(value)
        case Mapping():
            return _attribute(value, "", 0)
    return value


def _attribute(value: Any, name: str, depth: int) -> Any:
    """What stands under that name, among tags and attributes: masked whole if the name is a secret's."""
    match value:
        case str():
            return _same(value, MASK if is_secret_name(name) and not is_public(value) else _prose(value))
        case Mapping() | list() | tuple() if depth > _DEEPEST:
            return "…"
        case Mapping():
            new = {
                _same(key, public_id(key)) if isinstance(key, str) else key: _attribute(
                    item, _name_of(key, value, name), depth + 1
                )
                for key, item in value.items()
            }
            return value if _unchanged(value, new) else new
        case list() | tuple():
            items = type(value)(_attribute(item, name, depth + 1) for item in value)
            return value if all(map(operator.is_, value, items)) else items
    return value


def _name_of(key: Any, held: Mapping[Any, Any], outer: str) -> str:
    """The name of a value: its key, or where that only says "value", what is beside or around it."""
    if key in _VALUES:
        return next((said for one in _NAMES if isinstance(said := held.get(one), str)), outer)
    return key if isinstance(key, str) else ""


def _unchanged(old: Mapping[Any, Any], new: Mapping[Any, Any]) -> bool:
    return len(old) == len(new) and all(key in old and old[key] is value for key, value in new.items())


def _prose(text: str) -> str:
    return without_secrets(without_resolved(text))


def _same(old: str, new: str) -> str:
    """The old one, where they are equal: whatever did not change is the same object."""
    return old if old == new else new
