"""A directory from exported files, read as a server is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from connectors.core.offline import NotExported, looking_into
from connectors.ldap.client.messages import LdapEntry
from connectors.ldap.place import IS_ACTIVE_DIRECTORY
from connectors.ldap.values import compared, is_below


class ExportedDirectory(Struct, frozen=True, kw_only=True):
    """All entries of files, by their DN in the form for comparison. ``as_of``: when the oldest file was written.

    ``hint``: how to export what is missing. The rest: see ``LdapDirectory``.
    """

    entries: Mapping[str, LdapEntry]
    as_of: datetime
    hint: str
    has_guids: bool = True
    elsewhere: Sequence[str] = ()
    lacks: Mapping[str, str] = {}
    notes: Mapping[str, str] = {}
    logon_rights: Mapping[str, Sequence[str]] | None = None

    def entry(self, dn: str, attributes: Sequence[str]) -> LdapEntry:
        """An entry; the root entry follows from the others if it was not exported. Raises SourceError."""
        del attributes
        found = self.entries.get(compared(dn))
        if found is not None:
            return found
        if not dn:
            return self._root()
        if any(is_below(one, compared(dn)) for one in self.entries):
            return LdapEntry(dn, {})
        raise NotExported("no exported entry is in the base", hint="check base_dn")

    def _root(self) -> LdapEntry:
        is_ad = any("objectsid" in entry.values for entry in self.entries.values())
        contexts = sorted({naming_context(entry.dn) for entry in self.entries.values() if entry.dn})
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
        for dn, entry in self.entries.items():
            its = {one.lower() for one in entry.values.get("objectclass", ())}
            if not wanted.isdisjoint(its) and is_below(dn, compared(base)):
                found = True
                yield entry
        if not found:
            raise NotExported(f"the files have no entry of the class {' or '.join(classes)}", hint=self.hint)

    def close(self) -> None:
        """Nothing is open."""


def naming_context(dn: str) -> str:
    """The naming context of an entry: what its name has of a domain, else its last part."""
    parts = [part.strip().lower() for part in dn.split(",")]
    domain = [part for part in parts if part.startswith("dc=")]
    return ",".join(domain) if domain else parts[-1]


def written_at(files: Sequence[Path]) -> datetime:
    """When the oldest file was written. Raises SourceError."""
    with looking_into(files[0]):
        return datetime.fromtimestamp(min(one.stat().st_mtime for one in files), UTC)
