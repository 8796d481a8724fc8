"""A directory from files in LDIF (RFC 2849), as ``ldapsearch`` and ``ldifde`` write them, instead of a server."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from connectors.core.offline import MAX_BYTES, NotExported, Unreadable, content_of, looking_into, named_files, text_of
from connectors.ldap.client.messages import LdapEntry
from connectors.ldap.place import IS_ACTIVE_DIRECTORY
from connectors.ldap.values import compared, is_below
from scanner.errors import SourceError
from scanner.text import printable

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


class LdifDirectory:
    """All entries of files. ``as_of``: when the oldest file was written. Raises SourceError."""

    def __init__(self, path: Path) -> None:
        with looking_into(path):
            files = named_files(path, lambda one: one.suffix.lower() in (".ldif", ".ldf"))
            if not files:
                raise SourceError(f"{printable(str(path))} is no file in LDIF, and has none", hint=_HINT)
            self.as_of = datetime.fromtimestamp(min(one.stat().st_mtime for one in files), UTC)
        entries: dict[str, LdapEntry] = {}
        for file in files:
            try:
                entries |= {compared(one.dn): one for one in parse_ldif(text_of(content_of(file, MAX_BYTES)))}
            except Unreadable as error:
                raise SourceError(f"{printable(file.name)}: {error}", hint=_HINT) from None
        self._entries = entries

    def entry(self, dn: str, attributes: Sequence[str]) -> LdapEntry:
        """An entry; the root entry follows from the others if it was not exported. Raises SourceError."""
        del attributes
        found = self._entries.get(compared(dn))
        if found is not None:
            return found
        if not dn:
            return self._root()
        if any(is_below(one, compared(dn)) for one in self._entries):
            return LdapEntry(dn, {})
        raise NotExported("no exported entry is in the base", hint="check base_dn")

    def _root(self) -> LdapEntry:
        is_ad = any("objectsid" in entry.values for entry in self._entries.values())
        contexts = sorted({_context(entry.dn) for entry in self._entries.values() if entry.dn})
        values = {"namingcontexts": [one.encode() for one in contexts]}
        if is_ad:
            values["supportedcapabilities"] = [IS_ACTIVE_DIRECTORY.encode()]
        return LdapEntry("", values)

    def below(
        self, base: str, classes: Sequence[str], attributes: Sequence[str], *, descriptors: bool = False
    ) -> Iterator[LdapEntry]:
        """The entries of the classes. Raises NotExported if there is none: the files may lack them."""
        del attributes, descriptors
        wanted = {one.lower().encode() for one in classes}
        found = False
        for dn, entry in self._entries.items():
            its = {one.lower() for one in entry.values.get("objectclass", ())}
            if not wanted.isdisjoint(its) and is_below(dn, compared(base)):
                found = True
                yield entry
        if not found:
            raise NotExported(f"the files have no entry of the class {' or '.join(classes)}", hint=_HINT)

    def close(self) -> None:
        """Nothing is open."""


def _context(dn: str) -> str:
    """The naming context of an entry: what its name has of a domain, else its last part."""
    parts = [part.strip().lower() for part in dn.split(",")]
    domain = [part for part in parts if part.startswith("dc=")]
    return ",".join(domain) if domain else parts[-1]
