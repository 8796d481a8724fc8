"""When X.509 certificates end, read from their text; nothing else of them is looked at (pure).

Only the way to ``Validity`` is walked (RFC 5280, section 4.1), in DER's own lengths; signatures are not checked.
"""

from __future__ import annotations

import binascii
import re
from datetime import UTC, datetime

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]{1,65536})-----END CERTIFICATE-----")
_SEQUENCE, _VERSION, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0xA0, 0x17, 0x18
_BEFORE_VALIDITY = 3  # serial number, signature algorithm, issuer
_LONG_FORM, _LONGEST = 0x80, 4
_CENTURY_TURNS = 50  # RFC 5280: a two-digit year from 50 on is of the 20th century


def ends_at(text: str | None) -> datetime | None:
    """When the last of these PEM certificates ends, in UTC; None where there is none, or one cannot be read."""
    try:
        ends = [_not_after(binascii.a2b_base64(body)) for body in _PEM.findall(text or "")]
    except (ValueError, IndexError):
        return None
    return max(ends, default=None)


def _not_after(der: bytes) -> datetime:
    """Raises ValueError or IndexError."""
    certificate, _ = _content(der, _SEQUENCE)
    rest, _ = _content(certificate, _SEQUENCE)
    if rest[0] == _VERSION:
        _, rest = _content(rest, _VERSION)
    for _ in range(_BEFORE_VALIDITY):
        _, rest = _content(rest, rest[0])
    validity, _ = _content(rest, _SEQUENCE)
    _, after = _content(validity, validity[0])
    return _moment(after)


def _content(der: bytes, tag: int) -> tuple[bytes, bytes]:
    """The content of the element at the beginning, which must have that tag, and what follows it."""
    length, start = der[1], 2
    if length >= _LONG_FORM:
        count = length - _LONG_FORM
        if not 1 <= count <= _LONGEST:
            raise ValueError("not DER")
        start += count
        length = int.from_bytes(der[2:start], "big")
    if der[0] != tag or start + length > len(der):
        raise ValueError("not a certificate")
    return der[start : start + length], der[start + length :]


def _moment(der: bytes) -> datetime:
    tag = der[0]
    if tag not in (_UTC_TIME, _GENERALIZED_TIME):
        raise ValueError("not a time")
    digits = _content(der, tag)[0].decode("ascii")
    if tag == _UTC_TIME:
        digits = ("19" if int(digits[:2]) >= _CENTURY_TURNS else "20") + digits
    return datetime.strptime(digits, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)
