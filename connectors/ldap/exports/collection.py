"""Files that SharpHound writes: its archive, or the JSON in it."""

from __future__ import annotations

import codecs
import json
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from connectors.core.offline import (
    MAX_BYTES,
    Unreadable,
    content_of,
    json_values,
    not_recognised,
    text_of,
)
from connectors.ldap.exports.directory import ExportedDirectory, written_at
from connectors.ldap.exports.sharphound import CLASSES, METHODS, HoundDocument, HoundMeta, Hounds, left_out
from scanner.errors import SourceError
from scanner.text import printable

HOUND_SUFFIXES = (".json", ".zip")
_HINT = "collect it with SharpHound, with --CollectionMethods All, and without a password for the archive"
_VERSIONS = (5, 6)
_MOST_MEMBERS = 1_000
_MOST_UNPACKED = 4 * MAX_BYTES
_ENCRYPTED = 0x1
"""The flag of an encrypted member (APPNOTE.TXT 4.4.4)."""
_GAPS: Final[Mapping[str, tuple[str, str]]] = {
    "Group": ("groups", "memberships of groups"),
    "ACL": ("acls", "permissions of objects"),
    "ObjectProps": ("accounts", "properties of accounts, such as their flags and passwords' dates"),
    "LocalAdmin": ("logon_rights", "administrators of machines"),
    "UserRights": ("logon_rights", "rights to sign in to machines"),
}
"""By collection method: the section that lacks something without it, and what."""
_NOTES: Mapping[str, str] = {
    "acls": "SharpHound writes neither entries that deny nor CreateChild: a right may be denied, and dMSA takeover is "
    "not seen",
    "accounts": "SharpHound writes neither keys, certificates and managedBy, nor constrained delegation without "
    "protocol transition",
}


def read_collection(files: Sequence[Path]) -> ExportedDirectory:
    """The objects of archives, and of files in JSON. Raises SourceError."""
    hounds, methods = Hounds(), []
    for file in files:
        try:
            for kind, document in _documents(file):
                methods.append(document.meta.methods if document.meta else 0)
                for row in document.data or ():
                    hounds.add(kind, row, methods[-1])
        except Unreadable as error:
            raise SourceError(f"{printable(file.name)}: {error}", hint=_HINT) from None
    if not methods:
        raise SourceError(not_recognised([printable(one.name) for one in files]), hint=_HINT)
    hounds.finish()
    lacks: defaultdict[str, list[str]] = defaultdict(list)
    for method in left_out(methods):
        section, what = _GAPS[method]
        lacks[section].append(f"the collection left out {what} (method {method})")
    asks_machines = hounds.asked or any(one & METHODS["UserRights"] for one in methods)
    if asks_machines and hounds.unasked:
        computers = hounds.asked + hounds.unasked
        lacks["logon_rights"].append(f"{hounds.unasked} of {computers} computers did not tell who may sign in")
    return ExportedDirectory(
        entries=hounds.entries,
        as_of=written_at(files),
        hint=_HINT,
        has_guids=False,
        lacks={section: "; ".join(reasons) for section, reasons in lacks.items()},
        notes=_NOTES,
        logon_rights=hounds.logon_rights if asks_machines else None,
    )


def _documents(file: Path) -> Iterator[tuple[str, HoundDocument]]:
    """The files of types that are read, of an archive or the file itself. Raises Unreadable."""
    if file.suffix.lower() != ".zip":
        yield from read_document(content_of(file, MAX_BYTES))
        return
    try:
        packed = file.open("rb")
    except OSError as error:
        raise Unreadable(error.strerror or "it cannot be opened") from error
    with packed:
        with _damage_told():
            archive = zipfile.ZipFile(packed)
        members = [one for one in archive.infolist() if one.filename.lower().endswith(".json")]
        if len(members) > _MOST_MEMBERS:
            raise Unreadable(f"it holds more than {_MOST_MEMBERS:,} files")
        if sum(one.file_size for one in members) > _MOST_UNPACKED:
            raise Unreadable(f"it unpacks to more than {_MOST_UNPACKED // 2**20} MB")
        for one in members:
            if one.flag_bits & _ENCRYPTED:
                raise Unreadable("it is encrypted")
            if one.file_size > MAX_BYTES:
                raise Unreadable(f"{printable(one.filename)} is larger than {MAX_BYTES // 2**20} MB")
            with _damage_told(), archive.open(one) as stream:
                content = stream.read(MAX_BYTES)
            yield from read_document(content)


@contextmanager
def _damage_told() -> Iterator[None]:
    """Within the context, what zipfile raises for a damaged archive becomes Unreadable.

    Besides its own error these are zlib's and EOFError for the content, NotImplementedError for a method of packing or
    a version that it does not know, ValueError for names that are not text, and OSError for places outside the file.
    """
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError) as error:
        raise Unreadable("the archive is damaged") from error


def read_document(content: bytes) -> Iterator[tuple[str, HoundDocument]]:
    """The type and rows of a file; none of another type than those that are read. Raises Unreadable."""
    if content.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        content = text_of(content).encode()
    if b"\\ud" in content or b"\\uD" in content:  # half a pair of them would make the whole file unreadable
        content = json.dumps(next(json_values(text_of(content)))).encode()
    try:
        found = msgspec.json.decode(content, type=HoundDocument)
    except msgspec.ValidationError:
        raise Unreadable("it is no file of SharpHound") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unreadable("it is not JSON, or cut short") from None
    meta = found.meta or HoundMeta()
    if meta.type not in CLASSES:
        return
    if meta.version not in _VERSIONS:
        raise Unreadable(f"it is of version {meta.version}: only {' and '.join(map(str, _VERSIONS))} are read")
    yield meta.type, found
