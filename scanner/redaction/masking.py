"""Masks secrets in every record before it is judged or stored, whichever connector made it.

Nearly all records contain none. So the texts of a record are first searched as one string, which takes a few
microseconds. Only a record that may contain a secret is searched field by field; all others are returned unchanged.
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
from scanner.redaction.named import is_public, is_secret_name, visible
from scanner.redaction.redact import quotes_resolved, without_resolved
from scanner.redaction.shapes import CUT, LONGEST, MASK, has_secret, public_id, within_bounds, without_secrets

log = logging.getLogger(__name__)

R = TypeVar("R", bound=Struct)

_PROSE = frozenset({
    "baseline", "blast_radius", "by", "description", "detail", "display_name", "evidence", "owner", "purpose", "reason",
    "why",
})  # fmt: skip
"""Fields that contain sentences. All other texts are ids, names or single words."""
_NAMES = ("name", "key", "Name", "Key")
_VALUES = ("value", "values", "default", "plaintext", "Value", "Values", "defaultValue", "plainText")
"""How attributes contain a variable: ``{"name": "DB_PASSWORD", "value": …}``, ``{"password": {"value": …}}``."""
_DEEPEST = 50
"""Levels of an attribute that are searched. No provider nests deeper, so deeper levels are dropped as hostile."""
_TEXTS: tuple[Any, ...] = (str, str | None)
_TEXTLESS: tuple[Any, ...] = (
    bool, bool | None, int, int | None, float, datetime, datetime | None, date, date | None,
)  # fmt: skip
_ESCAPED = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)")

_encoder = msgspec.json.Encoder()


def mask(record: R) -> R:
    """Return the record with each secret masked. Names and public ids stay.

    A text of more than :data:`LONGEST` characters is cut. A key that contains a token stays unique and the same in
    every scan (see ``public_id``).
    """
    return _without_secrets(record) if _may_have_secret(record) else record


def was_cut(record: Struct) -> bool:
    """Return whether a text of a masked record was cut."""
    ids: list[str | None] = []
    others: list[Any] = []
    _gather(record, ids, ids, others)
    texts = [*filter(None, ids), _encoder.encode(others).decode()]
    return any(CUT in text for text in texts)


def mask_with_warning(record: R, place: str) -> R:
    """Like :func:`mask`, for records read from a file: warns to remove the secret there. ``place``: file and row."""
    masked = mask(record)
    if masked is not record:
        log.warning("%s: what looks like a secret is masked; remove it from the file and rotate it", place)
    return masked


def line_may_have_secret(line: str) -> bool:
    """Return whether a record, as a line of JSON, may contain a secret. If not, none of its texts needs a mask."""
    line = visible(line)
    if "\\u" in line or "\\/" in line:
        return True  # any character can be escaped like this; Muster never does, so the line is decoded first
    if "\\" in line:
        # The n of an escaped ``\\n`` would be read as the first letter of the next word.
        line = _ESCAPED.sub(" ", line)
    return has_secret(line) or quotes_resolved(line)


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
        return True  # values of unexpected types are searched one by one
    if len(ids_text) + len(text) > LONGEST:
        return True  # one of them may be too long
    if text and line_may_have_secret(text):
        return True
    return has_secret(ids_text, in_id=True) or quotes_resolved(ids_text)


def _gather(record: Struct, ids: list[str | None], prose: list[str | None], others: list[Any]) -> None:
    """Collect the texts of a record and of the records in it; ``others``: values to encode as JSON."""
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
    """How to read the fields of one record type: ids, prose, and fields that contain texts, with their defaults."""

    ids: Getter
    prose: Getter
    others: Getter
    defaults: tuple[Any, ...]
    are_prose: tuple[bool, ...]


@cache
def _plan(kind: type[Struct]) -> _Plan:
    texts = [field.name for field in fields(kind) if field.type in _TEXTS]
    others = [
        field
        for field in fields(kind)
        if field.type not in (*_TEXTS, *_TEXTLESS) and get_origin(field.type) is not Literal
    ]
    return _Plan(
        ids=_getter([name for name in texts if name not in _PROSE]),
        prose=_getter([name for name in texts if name in _PROSE]),
        others=_getter([field.name for field in others]),
        defaults=tuple(field.default for field in others),
        are_prose=tuple(field.name in _PROSE for field in others),
    )


def _getter(names: Sequence[str]) -> Getter:
    """Like ``attrgetter``, but always returns a tuple, also for one or no attribute."""
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
        # A credential's key begins with the identity's key. If it were masked as one text, a secret in the identity's
        # key could swallow the rest, and all its credentials would have the same key.
        pairs = zip(record.credentials, new.credentials, strict=True)
        new = replace(new, credentials=tuple(_under(record, old, new.key, masked) for old, masked in pairs))
    return new


def _under(identity: Identity, old: Credential, key: str, new: Credential) -> Credential:
    if old.key != credential_key(identity.key, old.kind, old.id):
        return new
    return replace(new, key=credential_key(key, new.kind, new.id))


def _field(value: Any, name: str) -> Any:
    match value:
        case str():
            return _same(value, within_bounds(value, _prose if name in _PROSE else _id))
        case tuple():
            items = tuple(_field(item, name) for item in value)
            return value if all(map(operator.is_, value, items)) else items
        case Struct():
            return _without_secrets(value)
        case Mapping():
            return _attribute(value, "", 0)
    return value


def _attribute(value: Any, name: str, depth: int) -> Any:
    """Return the value of a tag or attribute, masked as a whole if its name is that of a secret."""
    match value:
        case str():
            return _same(value, MASK if is_secret_name(name) and not is_public(value) else within_bounds(value, _prose))
        case Mapping() | list() | tuple() if depth > _DEEPEST:
            return "…"
        case Mapping():
            new = {
                _same(key, within_bounds(key, public_id)) if isinstance(key, str) else key: _attribute(
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
    """Return the name of a value: its key, or for a key like "value", the name beside it or the ``outer`` name."""
    if key in _VALUES:
        return next((name for beside in _NAMES if isinstance(name := held.get(beside), str)), outer)
    return key if isinstance(key, str) else ""


def _unchanged(old: Mapping[Any, Any], new: Mapping[Any, Any]) -> bool:
    return len(old) == len(new) and all(key in old and old[key] is value for key, value in new.items())


def _id(text: str) -> str:
    return public_id(without_resolved(text))


def _prose(text: str) -> str:
    return without_secrets(without_resolved(text))


def _same(old: str, new: str) -> str:
    """Return the old object if both are equal, so that an unchanged record stays the same object."""
    return old if old == new else new
