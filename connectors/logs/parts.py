"""The part of a unit that was not read yet. Pure.

Of each file a *mark* is kept: eight bytes of its name and its version (size, ETag or time of change). A provider
removes files by age, delivers some late, and exports grow. So a unit is compared with what was read of it by its files:

=================================  ====================================================================================
since then                         the unit
=================================  ====================================================================================
nothing, or files are gone         stays as it was read
files came, or others are in them  is read again whole, in place of what was read
files came, and others are gone    keeps what was read; those that came are read as a unit of their own
others are in them, and some gone  keeps what was read, and is a gap: neither reading it again nor adding to it is right
=================================  ====================================================================================
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Collection, Iterator, Mapping

from msgspec.structs import replace

from scanner.model.activity import LogUnit

BEFORE = "before "
"""So begin the files of a unit that are of the day before, and are only looked at."""
MORE = "/+/"
"""So ends the name of a unit with files that came after others of its unit had gone."""
_NAME, _VERSION = 5, 3
_SIZE = _NAME + _VERSION
_LOOKED_AT = 0x80
_BITS = 8 * _VERSION
_OF_BEFORE = 1 << 63
CHANGED_AND_GONE = (
    "files that were read have changed since, and others are gone: what was read before stays; "
    "to read what is there now, forget the log"
)


def mark_of(name: str, version: str, begin: str = "") -> bytes:
    """Of a file, by its name among those of its unit. ``begin``: empty or :data:`BEFORE`."""
    named = bytearray(_hash(name, _NAME))
    named[0] = named[0] | _LOOKED_AT if begin else named[0] & ~_LOOKED_AT
    return bytes(named) + _hash(version, _VERSION)


def _hash(text: str, size: int) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).digest()


def _each(marks: bytes) -> Collection[int]:
    count = len(marks) // _SIZE
    return struct.unpack(f">{count}Q", marks[: count * _SIZE])


def base_of(name: str) -> str:
    """The name of the unit that a unit of more files belongs to."""
    while name.endswith(MORE):
        name = name.removesuffix(MORE)
    return name


def missing(unit: LogUnit, known: Mapping[str, bytes]) -> LogUnit | str | None:
    """What is to be read of a unit whose digest is new; None for nothing, a text where it is a gap.

    ``known``: by name, the marks of the files that a unit was read from. Without them the unit is read again whole.
    """
    stored = known.get(unit.name, b"")
    if not (stored and unit.marks):
        return unit
    more = tuple(_chain(unit.name, known))
    read, listed = set(_each(stored)), _each(unit.marks)
    every = read.union(*(_each(known[name]) for name in more))
    if not _gone(every, listed):
        return replace(unit, replaces=(*unit.replaces, *more))
    names = {one >> _BITS for one in read if not one & _OF_BEFORE}
    new = {one for one in listed if one not in read and not one & _OF_BEFORE}
    if any(one >> _BITS in names for one in new):
        return CHANGED_AND_GONE
    if not new:
        return None
    kept = [place for place, one in enumerate(listed) if one in new or one & _OF_BEFORE]
    name, marks = unit.name + MORE, [unit.marks[place * _SIZE : (place + 1) * _SIZE] for place in kept]
    files = tuple(unit.files[place] for place in kept)
    if name in known and new.issubset(read_then := set(_each(known[name]))) and not _gone(read_then, new):
        return None
    return missing(replace(unit, name=name, files=files, marks=b"".join(marks), replaces=()), known)


def _chain(name: str, known: Mapping[str, bytes]) -> Iterator[str]:
    while (name := name + MORE) in known:
        yield name


def _gone(read: Collection[int], listed: Collection[int]) -> bool:
    """Whether a file that was read is not there any more, in whatever version."""
    names = {one >> _BITS for one in listed}
    return any(one >> _BITS not in names for one in read if not one & _OF_BEFORE)
