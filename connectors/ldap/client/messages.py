"""LDAP's requests and responses (RFC 4511), and the controls that Muster sends. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from connectors.core.contract import Malformed, own_words
from connectors.ldap.client import ber
from scanner.errors import Denied, NotOffered, SourceError, Throttled, Unreachable

BIND, BOUND, UNBIND, SEARCH, ENTRY, DONE, REFERENCE = 0x60, 0x61, 0x42, 0x63, 0x64, 0x65, 0x73
EXTENDED, EXTENDED_DONE = 0x77, 0x78
_SIMPLE, _SASL, _MATCHED, _CONTROLS, _NAME = 0x80, 0xA3, 0x87, 0xA0, 0x80
START_TLS: Final = "1.3.6.1.4.1.1466.20037"
PAGED: Final = "1.2.840.113556.1.4.319"
DESCRIPTORS: Final = "1.2.840.113556.1.4.801"
OWNER_GROUP_AND_DACL: Final = 7
"""Flags of the control DESCRIPTORS: all of a security descriptor but its SACL, which takes more rights."""
_MOST_CONTROLS = 20

SearchScope: TypeAlias = Literal["base", "below"]
_SCOPES: Mapping[SearchScope, int] = {"base": 0, "below": 2}


class LdapEntry(Struct, frozen=True, gc=False):
    """An entry as the server sent it. ``values``: by the attribute's name in lower case, with its options."""

    dn: str
    values: Mapping[str, list[bytes]]


class Result(Struct, frozen=True, gc=False):
    """How an operation ended. ``controls``: their values by OID."""

    code: int
    message: str
    controls: Mapping[str, bytes] = {}


# --- Filters ---


def present(attribute: str) -> bytes:
    """``(attribute=*)``."""
    return ber.octets(attribute, _MATCHED)


def equal(attribute: str, value: str) -> bytes:
    """``(attribute=value)``."""
    return ber.tlv(0xA3, ber.octets(attribute), ber.octets(value))


def every(*filters: bytes) -> bytes:
    """``(&…)``."""
    return ber.tlv(0xA0, *filters)


def either(*filters: bytes) -> bytes:
    """``(|…)``."""
    return filters[0] if len(filters) == 1 else ber.tlv(0xA1, *filters)


# --- Requests ---


def message(number: int, operation: bytes, controls: Sequence[bytes] = ()) -> bytes:
    """Encode a request."""
    return ber.tlv(ber.SEQUENCE, ber.integer(number), operation, ber.tlv(_CONTROLS, *controls) if controls else b"")


def simple_bind(name: str, password: str) -> bytes:
    """Sign in with a name and a password, both empty: anonymously."""
    return ber.tlv(BIND, ber.integer(3), ber.octets(name), ber.octets(password, _SIMPLE))


def sasl_bind(mechanism: str, credentials: bytes = b"") -> bytes:
    """Sign in by a SASL mechanism of one step."""
    return ber.tlv(BIND, ber.integer(3), ber.octets(""), ber.tlv(_SASL, ber.octets(mechanism), ber.octets(credentials)))


def start_tls() -> bytes:
    """Ask for TLS on this connection."""
    return ber.tlv(EXTENDED, ber.octets(START_TLS, _NAME))


def search(base: str, scope: SearchScope, filter_: bytes, attributes: Sequence[str]) -> bytes:
    """Search, without following aliases."""
    return ber.tlv(
        SEARCH,
        ber.octets(base),
        ber.integer(_SCOPES[scope], ber.ENUMERATED),
        ber.integer(0, ber.ENUMERATED),
        ber.integer(0),
        ber.integer(0),
        ber.boolean(value=False),
        filter_,
        ber.tlv(ber.SEQUENCE, *map(ber.octets, attributes)),
    )


def control(oid: str, value: bytes, *, critical: bool) -> bytes:
    """Encode a control."""
    return ber.tlv(ber.SEQUENCE, ber.octets(oid), ber.boolean(value=critical), ber.octets(value))


def paged(size: int, cookie: bytes) -> bytes:
    """The control that asks for a page (RFC 2696)."""
    return control(PAGED, ber.tlv(ber.SEQUENCE, ber.integer(size), ber.octets(cookie)), critical=True)


def descriptors() -> bytes:
    """The control that asks for security descriptors without their SACL."""
    value = ber.tlv(ber.SEQUENCE, ber.integer(OWNER_GROUP_AND_DACL))
    return control(DESCRIPTORS, value, critical=False)


# --- Responses ---


def text(data: bytes) -> str:
    """A text of a directory. What is no UTF-8 is shown escaped."""
    return data.decode("utf-8", "backslashreplace")


def response(data: bytes) -> tuple[int, int, int, int]:
    """The number of a message, its operation's tag, and where that begins and ends; controls follow."""
    begin, end = ber.expect(data, 0, len(data), ber.SEQUENCE)
    first, after = ber.expect(data, begin, end, ber.INTEGER)
    tag, start, stop = ber.element(data, after, end)
    return ber.number(data, first, after), tag, start, stop


def entry(data: bytes, at: int, end: int) -> LdapEntry:
    """An entry of a search. Raises Malformed."""
    first, after = ber.expect(data, at, end, ber.OCTETS)
    dn = text(data[first:after])
    begin, stop = ber.expect(data, after, end, ber.SEQUENCE)
    values: dict[str, list[bytes]] = {}
    for tag, start, finish in ber.elements(data, begin, stop):
        if tag != ber.SEQUENCE:
            raise Malformed("a response is not LDAP: an attribute has an invalid form")
        one, two = ber.expect(data, start, finish, ber.OCTETS)
        name = text(data[one:two]).lower()
        three, four = ber.expect(data, two, finish, ber.SET)
        found = [data[a:b] for kind, a, b in ber.elements(data, three, four) if kind == ber.OCTETS]
        if found:
            values.setdefault(name, []).extend(found)
    return LdapEntry(dn, values)


def reference(data: bytes, at: int, end: int) -> list[str]:
    """The URLs of a reference to other servers (RFC 4511, 4.5.3). Raises Malformed."""
    return [text(data[a:b]) for kind, a, b in ber.elements(data, at, end) if kind == ber.OCTETS]


def result(data: bytes, at: int, end: int) -> Result:
    """How an operation ended, with the controls that follow it. Raises Malformed."""
    first, after = ber.expect(data, at, end, ber.ENUMERATED)
    code = ber.number(data, first, after)
    _, matched = ber.expect(data, after, end, ber.OCTETS)
    begin, stop = ber.expect(data, matched, end, ber.OCTETS)
    return Result(code, own_words(text(data[begin:stop].strip(b"\x00"))), dict(_controls(data, end)))


def _controls(data: bytes, at: int) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    if at >= len(data):
        return found
    begin, end = ber.expect(data, at, len(data), _CONTROLS)
    for tag, start, stop in ber.elements(data, begin, end):
        if tag != ber.SEQUENCE or len(found) >= _MOST_CONTROLS:
            raise Malformed("a response is not LDAP: a control has an invalid form")
        texts = [data[a:b] for kind, a, b in ber.elements(data, start, stop) if kind == ber.OCTETS]
        if texts:
            found.append((text(texts[0]), texts[1] if len(texts) > 1 else b""))
    return found


def cookie(ended: Result) -> bytes:
    """Where the next page begins; empty after the last one. Raises Malformed."""
    value = ended.controls.get(PAGED, b"")
    if not value:
        return b""
    begin, end = ber.expect(value, 0, len(value), ber.SEQUENCE)
    _, after = ber.expect(value, begin, end, ber.INTEGER)
    first, last = ber.expect(value, after, end, ber.OCTETS)
    return value[first:last]


# --- Results that are errors ---

NOT_FOUND = Result(32, "")

_ENCRYPT = "use ldaps://, or start_tls = true"
_CODES: Mapping[int, tuple[type[SourceError], str, str | None]] = {
    1: (Denied, "the server refuses the operation", "sign in: give bind_dn and password"),
    3: (SourceError, "the server's time limit is reached", "raise the limit for the account of the scan"),
    4: (SourceError, "the server's size limit is reached", "raise the limit for the account of the scan"),
    7: (Denied, "the server does not offer this way to sign in", None),
    8: (Denied, "the server demands a stronger way to sign in", _ENCRYPT),
    10: (Unreachable, "the server refers to another one, and referrals are not followed", "give that server's url"),
    11: (SourceError, "the server's administrative limit is reached", "raise the limit for the account of the scan"),
    12: (NotOffered, "the server lacks a control", None),
    13: (Denied, "the server demands encryption", _ENCRYPT),
    32: (Denied, "no such entry, or no right to see it", "check base_dn"),
    34: (SourceError, "a distinguished name is invalid", "check base_dn and bind_dn"),
    48: (Denied, "the server refuses this way to sign in", None),
    49: (Denied, "the server refuses the credentials", "check bind_dn and password"),
    50: (Denied, "the account may not do this", None),
    51: (Throttled, "the server is busy", None),
    52: (Unreachable, "the server is unavailable", None),
}


def failure(ended: Result) -> SourceError:
    """The error that a result other than success is."""
    kind, says, hint = _CODES.get(ended.code, (SourceError, f"the server answers with result {ended.code}", None))
    return kind(f"{says}: {ended.message}" if ended.message else says, hint=hint)
