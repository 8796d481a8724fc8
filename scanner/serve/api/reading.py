"""Parses the parameters and the body of a request into records, and refuses invalid ones."""

from __future__ import annotations

import re
from typing import Annotated, Any, TypeVar, get_args, get_origin
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct, ValidationError

from scanner.errors import did_you_mean
from scanner.serve.answers import Refusal
from scanner.text import printable

MOST_PARAMETERS = 200
_PLACE = re.compile(r" - at `\$\.?(?P<field>[^`]*)`$")
_NAMED = re.compile(r"^Object (?:missing required|contains unknown) field `(?P<field>.*)`$")

Record = TypeVar("Record", bound=Struct)


def query_of(query: bytes, record: type[Record]) -> Record:
    """The parameters as a record.

    A field with several values takes a repeated parameter; any other parameter occurs once.
    """
    try:
        pairs = parse_qsl(
            query.decode("ascii"), keep_blank_values=True, strict_parsing=bool(query), max_num_fields=MOST_PARAMETERS,
            errors="strict",
        )  # fmt: skip
    except ValueError:
        raise Refusal(400, "the parameters cannot be read", hint="name=value, percent-encoded UTF-8") from None
    names = {field.encode_name: _is_list(field.type) for field in msgspec.structs.fields(record)}
    given: dict[str, Any] = {}
    for name, value in pairs:
        if name not in names:
            raise Refusal(
                400,
                f"there is no parameter {printable(name)[:100]}",
                field=printable(name)[:100],
                hint=did_you_mean(name, tuple(names)) or f"there are: {', '.join(names) or 'none'}",
            )
        if names[name]:
            given.setdefault(name, []).append(value)
        elif name in given:
            raise Refusal(400, f"{name} is given twice", field=name, hint="give it once")
        else:
            given[name] = value
    try:
        return msgspec.convert(given, record, strict=False)
    except ValidationError as error:
        raise refusal(error) from None


def _is_list(annotation: Any) -> bool:
    plain = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    return get_origin(plain) is tuple


def body_of(body: bytes, record: type[Record]) -> Record:
    """The JSON body as a record."""
    try:
        return msgspec.json.decode(body, type=record)
    except ValidationError as error:
        raise refusal(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refusal(400, "the body is not JSON", hint="send a JSON object") from None
    except RecursionError:
        raise Refusal(400, "the body is nested too deeply") from None


def refusal(error: ValidationError) -> Refusal:
    """A record's own message, with the field that it names."""
    text = printable(str(error))
    if place := _PLACE.search(text):
        return Refusal(400, text[: place.start()], field=place["field"].partition("[")[0] or None)
    named = _NAMED.search(text)
    return Refusal(400, text, field=named["field"][:100] if named else None)
