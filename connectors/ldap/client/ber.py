"""The part of BER (ITU-T X.690) that LDAP uses: definite lengths, tags of one byte. Pure.

Values are read in place: :func:`element` gives the bounds of one, never a copy, and nothing nests by recursion.
"""

from __future__ import annotations

from collections.abc import Iterator

from connectors.core.contract import Malformed

INTEGER, OCTETS, ENUMERATED, SEQUENCE, SET = 0x02, 0x04, 0x0A, 0x30, 0x31
_LONG = 0x80
_SHORTEST = 2
"""Bytes of the shortest header: a tag and a length."""
_MOST_LENGTH_BYTES, _MOST_NUMBER_BYTES = 4, 8


def tlv(tag: int, *parts: bytes) -> bytes:
    """Encode a value from its parts."""
    content = b"".join(parts)
    size = len(content)
    if size < _LONG:
        return bytes((tag, size)) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, _LONG | len(length))) + length + content


def integer(value: int, tag: int = INTEGER) -> bytes:
    """Encode a whole number that is not negative."""
    return tlv(tag, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def octets(value: str | bytes, tag: int = OCTETS) -> bytes:
    """Encode a text or bytes."""
    return tlv(tag, value.encode() if isinstance(value, str) else value)


def boolean(*, value: bool) -> bytes:
    """Encode a truth value."""
    return tlv(0x01, b"\xff" if value else b"\x00")


def header(data: bytes | bytearray, at: int) -> tuple[int, int, int] | None:
    """The tag of the value at ``at``, and where its content begins and ends; None if its header is incomplete.

    Raises Malformed for a header that LDAP does not have.
    """
    have = len(data) - at
    if have < _SHORTEST:
        return None
    tag, size = data[at], data[at + 1]
    begin = at + _SHORTEST
    if size >= _LONG:
        number = size - _LONG
        if not 0 < number <= _MOST_LENGTH_BYTES:
            raise Malformed("a response is not LDAP: a length has an invalid form")
        if have < _SHORTEST + number:
            return None
        size, begin = int.from_bytes(data[begin : begin + number], "big"), begin + number
    return tag, begin, begin + size


def element(data: bytes, at: int, end: int) -> tuple[int, int, int]:
    """The tag of the value at ``at``, and where its content begins and ends. Raises Malformed if it passes ``end``."""
    found = header(data, at)
    if found is None or found[2] > end:
        raise Malformed("a response is not LDAP: a value is cut off")
    return found


def expect(data: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    """Where the content of a value with this tag begins and ends. Raises Malformed."""
    found, begin, stop = element(data, at, end)
    if found != tag:
        raise Malformed(f"a response is not LDAP: tag {found} instead of {tag}")
    return begin, stop


def elements(data: bytes, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """The values in a row: tag, and where the content begins and ends. Raises Malformed."""
    while at < end:
        found = element(data, at, end)
        yield found
        at = found[2]


def number(data: bytes, begin: int, end: int) -> int:
    """A whole number. Raises Malformed for one of more than 64 bits, which nothing in LDAP needs."""
    if not 0 < end - begin <= _MOST_NUMBER_BYTES:
        raise Malformed("a response is not LDAP: a number has an invalid length")
    return int.from_bytes(data[begin:end], "big", signed=True)
