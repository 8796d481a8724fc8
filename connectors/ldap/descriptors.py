"""Security descriptors in their binary form (MS-DTYP, 2.4.4 to 2.4.6): owner, and the entries of the list. Pure.

Only entries that count for the object itself are kept. A domain has millions of entries, and few different ones: each
is parsed once.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from connectors.ldap.values import sid

_HEAD = struct.Struct("<BBHIIII")
_LIST = struct.Struct("<BBHHH")
_ENTRY = struct.Struct("<BBH")
_LIST_PRESENT, _LIST_PROTECTED = 0x0004, 0x1000
_INHERIT_ONLY = 0x08
_OBJECT_TYPE, _INHERITED_TYPE = 1, 2
_PLAIN = {0x00: (False, False), 0x01: (True, False), 0x09: (False, True), 0x0A: (True, True)}
_OF_OBJECTS = {0x05: (False, False), 0x06: (True, False), 0x0B: (False, True), 0x0C: (True, True)}
"""By type of entry: whether it denies, and whether a condition decides. Others are about audit logs."""
_MOST_KNOWN = 200_000


class Ace(NamedTuple):
    """An entry: a trustee is allowed, or denied, the rights of a mask.

    ``about``: the GUID in binary of the property, set of properties or extended right that it is limited to.
    """

    trustee: str
    mask: int
    denies: bool
    conditional: bool
    about: bytes | None


class Descriptor(NamedTuple):
    """``aces``: None if there is no list, so that everybody may do everything. ``protected``: nothing is inherited."""

    owner: str | None
    aces: tuple[Ace, ...] | None
    protected: bool


class Descriptors:
    """Parses descriptors. ``mask``: the rights that count; entries without any of them are left out."""

    def __init__(self, mask: int) -> None:
        self._mask = mask
        self._known: dict[bytes, Ace | None] = {}

    def parse(self, data: bytes) -> Descriptor | None:
        """A descriptor; None for one of another form, or without its list."""
        if len(data) < _HEAD.size:
            return None
        revision, _, control, owner_at, _, _, list_at = _HEAD.unpack_from(data)
        if revision != 1 or not control & _LIST_PRESENT:
            return None
        owner = sid(data, owner_at) if owner_at else None
        protected = bool(control & _LIST_PROTECTED)
        if list_at == 0:
            return Descriptor(owner, None, protected)
        try:
            return Descriptor(owner, tuple(self._aces(data, list_at)), protected)
        except (struct.error, ValueError):
            return None

    def _aces(self, data: bytes, at: int) -> Iterator[Ace]:
        """The entries. Raises ValueError or struct.error for a list that is cut off."""
        _, _, size, count, _ = _LIST.unpack_from(data, at)
        end, at = at + size, at + _LIST.size
        if end > len(data):
            raise ValueError("the list is cut off")
        known = self._known
        for _ in range(count):
            length = data[at + 2] | data[at + 3] << 8 if at + _ENTRY.size <= end else 0
            if length < _ENTRY.size or at + length > end:
                raise ValueError("an entry is cut off")
            entry = data[at : at + length]
            at += length
            try:
                found = known[entry]
            except KeyError:
                if len(known) >= _MOST_KNOWN:
                    known.clear()
                found = known[entry] = self._ace(entry)
            if found is not None:
                yield found

    def _ace(self, entry: bytes) -> Ace | None:
        """An entry; None for one that does not count. Raises ValueError or struct.error for one that is cut off."""
        kind, flags, _ = _ENTRY.unpack_from(entry)
        if flags & _INHERIT_ONLY or not (kind in _PLAIN or kind in _OF_OBJECTS):
            return None
        (mask,) = struct.unpack_from("<I", entry, 4)
        at, about = 8, None
        if kind in _OF_OBJECTS:
            (present,) = struct.unpack_from("<I", entry, at)
            at += 4
            if present & _OBJECT_TYPE:
                about = entry[at : at + 16]
                at += 16
            if present & _INHERITED_TYPE:
                at += 16
        trustee = sid(entry, at)
        if trustee is None:
            raise ValueError("an entry has no trustee")
        denies, conditional = _PLAIN.get(kind) or _OF_OBJECTS[kind]
        return Ace(trustee, mask, denies, conditional, about) if mask & self._mask else None


# --- The other way ---

_ALLOWS, _ALLOWS_ON_OBJECT, _INHERITED = 0x00, 0x05, 0x10
_MOST_IN_LIST = 0xFFFF - _LIST.size
_REVISION, _LIST_REVISION, _SELF_RELATIVE = 1, 4, 0x8000


def ace_of(trustee: bytes, mask: int, about: bytes | None, *, inherited: bool = False) -> bytes:
    """An entry that allows ``trustee``, a SID in binary, the rights of a mask; see ``Ace``."""
    kind, limit = (_ALLOWS, b"") if about is None else (_ALLOWS_ON_OBJECT, struct.pack("<I", _OBJECT_TYPE) + about)
    body = struct.pack("<I", mask) + limit + trustee
    return _ENTRY.pack(kind, _INHERITED if inherited else 0, _ENTRY.size + len(body)) + body


def descriptor_of(owner: bytes | None, aces: Iterable[bytes], *, protected: bool = False) -> bytes:
    """A descriptor of these entries; empty if they are more than one can hold."""
    entries = tuple(aces)
    body = b"".join(entries)
    if len(body) > _MOST_IN_LIST:
        return b""
    listed = _LIST.pack(_LIST_REVISION, 0, _LIST.size + len(body), len(entries), 0) + body
    control = _SELF_RELATIVE | _LIST_PRESENT | (_LIST_PROTECTED if protected else 0)
    owner_at = _HEAD.size + len(listed) if owner else 0
    return _HEAD.pack(_REVISION, 0, control, owner_at, 0, 0, _HEAD.size) + listed + (owner or b"")
