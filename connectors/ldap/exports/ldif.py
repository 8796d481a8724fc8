"""A directory from files in LDIF (RFC 2849), as ``ldapsearch`` and ``ldifde`` write them, instead of a server."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from connectors.core.offline import MAX_BYTES, Unreadable, content_of, text_of
from connectors.ldap.client.messages import LdapEntry
from connectors.ldap.exports.directory import ExportedDirectory, written_at
from connectors.ldap.values import compared
from scanner.errors import SourceError
from scanner.text import printable

LDIF_SUFFIXES = (".ldif", ".ldf")
_HINT = "export it with ldapsearch, or with ldifde"


def parse_ldif(text: str) -> Iterator[LdapEntry]:
    """The entries. Raises Unreadable, with the line, for what is no LDIF; changes are none."""
    dn: str | None = None
    values: dict[str, list[bytes]] = {}
    for number, line in _unfolded(text):
        if not line:
            if dn is not None:
                yield LdapEntry(dn, values)
            dn, values = None, {}
            continue
        name, value = _parted(number, line)
        match name:
            case "version" | "search" | "result" if dn is None:
                continue
            case "dn":
                if dn is not None:
                    raise Unreadable(f"line {number}: an entry has two names")
                dn = value.decode("utf-8", "backslashreplace")
            case "changetype":
                raise Unreadable(f"line {number}: it has changes, and not entries")
            case _ if dn is None:
                raise Unreadable(f"line {number}: an attribute before the name of its entry")
            case _:
                values.setdefault(name, []).append(value)
    if dn is not None:
        yield LdapEntry(dn, values)


def _unfolded(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their numbers; those that go on are joined, comments are left out."""
    begun: list[str] = []
    at = 0
    for number, line in enumerate(re.split("\r?\n", text), start=1):
        if line.startswith(" ") and begun:
            begun.append(line[1:])
            continue
        if begun and not begun[0].startswith("#"):
            yield at, "".join(begun)
        begun, at = [line], number
    if begun and not begun[0].startswith("#"):
        yield at, "".join(begun)


def _parted(number: int, line: str) -> tuple[str, bytes]:
    name, colon, value = line.partition(":")
    if not colon:
        raise Unreadable(f"line {number}: it is no LDIF")
    if value.startswith(":"):
        try:
            return name.strip().lower(), base64.b64decode(value[1:].strip(), validate=True)
        except (binascii.Error, ValueError):
            raise Unreadable(f"line {number}: its base64 is damaged") from None
    if value.startswith("<"):
        return name.strip().lower(), b""  # a file elsewhere, which is not followed
    return name.strip().lower(), value.strip().encode()


def read_ldif(files: Sequence[Path]) -> ExportedDirectory:
    """The entries of files. Raises SourceError."""
    entries: dict[str, LdapEntry] = {}
    for file in files:
        try:
            entries |= {compared(one.dn): one for one in parse_ldif(text_of(content_of(file, MAX_BYTES)))}
        except Unreadable as error:
            raise SourceError(f"{printable(file.name)}: {error}", hint=_HINT) from None
    return ExportedDirectory(entries=entries, as_of=written_at(files), hint=_HINT)
