"""Values of attributes as Python has them. Pure. What is not as documented is None, never an exception."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import IntFlag
from uuid import UUID

from connectors.ldap.client.messages import LdapEntry, text

_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_SECONDS_BEFORE_1970 = 11_644_473_600
NEVER = 0x7FFF_FFFF_FFFF_FFFF
"""What Active Directory writes for a time that never comes."""
_GENERALIZED = re.compile(r"(\d{4})(\d{2})(\d{2})(\d{2})(?:(\d{2})(?:(\d{2}))?)?(?:[.,]\d+)?(Z|[+-]\d{2}(?:\d{2})?)")
_MOST_DIGITS = 20
"""Of a number of 64 bits, with its sign."""
_GUID_BYTES = 16
_SID_HEAD = 8
_MOST_SUB_AUTHORITIES = 15
_NUMBERS = re.compile(r"[0-9]{1,15}(?:-[0-9]{1,10}){1,15}")
LEVEL = "msDS-Behavior-Version"
"""Of a domain: its functional level, a number."""
_DOMAIN_PART = re.compile(r"\s*dc\s*=\s*([a-z0-9_-]+)\s*", re.IGNORECASE)
_SPLIT = re.compile(r"(?<!\\),")


class Uac(IntFlag):
    """The flags of userAccountControl (MS-ADTS, 2.2.16) that say something of an account."""

    DISABLED = 0x2
    NO_PASSWORD_NEEDED = 0x20
    REVERSIBLE_ENCRYPTION = 0x80
    DOMAIN_CONTROLLER = 0x2000
    NEVER_EXPIRES = 0x10000
    SMART_CARD_REQUIRED = 0x40000
    UNCONSTRAINED = 0x80000
    NOT_DELEGATED = 0x100000
    DES_ONLY = 0x200000
    NO_PRE_AUTHENTICATION = 0x400000
    ANY_PROTOCOL = 0x1000000


_SHOWN: Mapping[Uac, str] = {
    Uac.NO_PASSWORD_NEEDED: "password_not_required",
    Uac.REVERSIBLE_ENCRYPTION: "reversible_encryption",
    Uac.NEVER_EXPIRES: "password_never_expires",
    Uac.SMART_CARD_REQUIRED: "smart_card_required",
    Uac.UNCONSTRAINED: "trusted_for_delegation",
    Uac.NOT_DELEGATED: "not_delegated",
    Uac.DES_ONLY: "des_only",
    Uac.NO_PRE_AUTHENTICATION: "no_pre_authentication",
    Uac.ANY_PROTOCOL: "trusted_to_authenticate_for_delegation",
}


def shown_flags(uac: int) -> list[str]:
    """The flags that are set, by their names among an identity's attributes."""
    return [name for flag, name in _SHOWN.items() if uac & flag]


class LdapFacts:
    """The attributes of an entry by name, in any case."""

    def __init__(self, entry: LdapEntry) -> None:
        self.dn = entry.dn
        self._values = entry.values

    def has(self, name: str) -> bool:
        """Whether the server sent it."""
        return name.lower() in self._values

    def raw(self, name: str) -> bytes | None:
        """The first value."""
        found = self._values.get(name.lower())
        return found[0] if found else None

    def each(self, name: str) -> Iterable[bytes]:
        """All values."""
        return self._values.get(name.lower(), ())

    def text(self, name: str) -> str | None:
        """The first value as a text; None if it is empty."""
        found = self.raw(name)
        return None if found is None else text(found).strip() or None

    def texts(self, name: str) -> tuple[str, ...]:
        """All values as texts, sorted."""
        return tuple(sorted(filter(None, (text(one).strip() for one in self.each(name)))))

    def number(self, name: str) -> int | None:
        """The first value as a whole number."""
        return _number(self.raw(name))

    def filetime(self, name: str) -> datetime | None:
        """A time that Active Directory counts in 100 nanoseconds since 1601; None for zero and never."""
        return filetime(self.number(name))

    def moment(self, name: str) -> datetime | None:
        """A time in generalized form (RFC 4517, 3.3.13)."""
        return generalized(self.text(name) or "")


def _number(value: bytes | None) -> int | None:
    try:
        return None if value is None or len(value) > _MOST_DIGITS else int(value)
    except ValueError:
        return None


def filetime(value: int | None) -> datetime | None:
    """See ``LdapFacts.filetime``."""
    if value is None or not 0 < value < NEVER:
        return None
    try:
        return (_EPOCH + timedelta(microseconds=value // 10)).replace(microsecond=0)
    except OverflowError:
        return None


def filetime_of(seconds: int) -> int:
    """Seconds since 1970 as Active Directory counts them; zero stays zero, which is a time that never was."""
    return (seconds + _SECONDS_BEFORE_1970) * 10_000_000 if seconds else 0


def generalized(value: str) -> datetime | None:
    """See ``LdapFacts.moment``."""
    found = _GENERALIZED.fullmatch(value)
    if found is None:
        return None
    year, month, day, hour, minute, second, zone = found.groups()
    try:
        moment = datetime(int(year), int(month), int(day), int(hour), int(minute or 0), int(second or 0), tzinfo=UTC)
        if zone != "Z":
            offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:5] or 0))
            moment += offset if zone[0] == "-" else -offset
    except (ValueError, OverflowError):
        return None
    return moment


def guid(value: bytes | None) -> str | None:
    """A GUID as Microsoft's tools write it."""
    return None if value is None or len(value) != _GUID_BYTES else str(UUID(bytes_le=value))


def sid(value: bytes | None, at: int = 0) -> str | None:
    """A security identifier in text, from ``at`` on (MS-DTYP, 2.4.2)."""
    if value is None or len(value) < at + _SID_HEAD or value[at] != 1 or value[at + 1] > _MOST_SUB_AUTHORITIES:
        return None
    end = at + _SID_HEAD + 4 * value[at + 1]
    if len(value) < end:
        return None
    authority = int.from_bytes(value[at + 2 : at + _SID_HEAD], "big")
    parts = (int.from_bytes(value[one : one + 4], "little") for one in range(at + _SID_HEAD, end, 4))
    return "-".join(("S-1", str(authority), *map(str, parts)))


def sid_of(text: str) -> bytes | None:
    """The binary form of a security identifier in text; None for what is none."""
    head, _, parts = text.partition("-1-")
    authority, *numbers = map(int, parts.split("-")) if head == "S" and _NUMBERS.fullmatch(parts) else (-1,)
    try:
        return struct.pack(f"<BB6s{len(numbers)}I", 1, len(numbers), authority.to_bytes(6, "big"), *numbers)
    except (struct.error, OverflowError):
        return None


def dns_name(dn: str) -> str | None:
    """The DNS name of a naming context such as ``DC=corp,DC=example,DC=com``; None for one of another form."""
    parts = [_DOMAIN_PART.fullmatch(part) for part in dn.split(",")]
    return ".".join(part[1].lower() for part in parts if part) if dn and all(parts) else None


def relative_name(dn: str) -> str:
    """The value of the first part of a distinguished name, as people read it."""
    first = _SPLIT.split(dn, maxsplit=1)[0].partition("=")[2]
    return re.sub(r"\\([,+\"\\<>;=# ])", r"\1", first).strip() or dn


def compared(dn: str) -> str:
    """A distinguished name in the form that those of one server are compared in."""
    return dn.lower()


def is_below(dn: str, base: str) -> bool:
    """Whether an entry is the base or lies below it. Both: see :func:`compared`."""
    return dn == base or dn.endswith("," + base)
