"""Which format files are in."""

from __future__ import annotations

from pathlib import Path

from connectors.core.offline import looking_into, named_files
from connectors.ldap.exports.collection import HOUND_SUFFIXES, read_collection
from connectors.ldap.exports.directory import ExportedDirectory
from connectors.ldap.exports.ldif import LDIF_SUFFIXES, read_ldif
from scanner.errors import SourceError
from scanner.text import printable

_HINT = "export it with ldapsearch or ldifde, or collect it with SharpHound"


def read_export(path: Path) -> ExportedDirectory:
    """A directory from files in LDIF, or from what SharpHound collected, by their suffixes. Raises SourceError."""
    with looking_into(path):
        files = named_files(path, lambda one: one.suffix.lower() in (*LDIF_SUFFIXES, *HOUND_SUFFIXES))
    if not files:
        raise SourceError(f"{printable(str(path))} has no file in LDIF, and none of SharpHound", hint=_HINT)
    are_collected = {one.suffix.lower() in HOUND_SUFFIXES for one in files}
    if len(are_collected) > 1:
        raise SourceError("from_files has LDIF and files of SharpHound, which both describe a domain", hint="name one")
    return read_collection(files) if True in are_collected else read_ldif(files)
