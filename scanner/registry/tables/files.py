"""Reads files as text; refuses files that are irregular, of an unknown encoding, or too large."""

from __future__ import annotations

import codecs
from collections.abc import Generator
from pathlib import Path
from typing import BinaryIO

from scanner.errors import Problem, RegistryError
from scanner.registry.tables.encodings import SAMPLE, Encoding, encoding_of
from scanner.registry.tables.rows import EmptyTable

UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
"""The byte order mark of files that Excel saved as Unicode text."""

MAX_DOCUMENT = 64 * 1024 * 1024
"""The most bytes of a file that is read as a whole (JSON, YAML, TOML)."""
SLOW_TO_PARSE = (".yaml", ".yml", ".toml")
MAX_SLOW_DOCUMENT = 16 * 1024 * 1024
"""The most bytes by suffix, for parsers that need fifty times the memory, or much time."""
MAX_LINE = 16 * 1024 * 1024
"""The most bytes in a line of a streamed file."""

_UTF_8 = Encoding("utf-8", "UTF-8")
_AS_UTF_8 = "save it as UTF-8 (in Excel: CSV UTF-8)"

# The first bytes of files in another format than their suffix says.
_OTHER_FORMATS = (
    (b"PK\x03\x04", "is a workbook or an archive, not text", "give it the ending .xlsx, or export it as CSV"),
    (b"\xd0\xcf\x11\xe0", "is an old Excel workbook, not text", "save it as .xlsx, or export it as CSV"),
)


def check_file(path: Path) -> None:
    """Raise RegistryError unless the path is a regular file."""
    try:
        if path.is_dir():
            raise RegistryError(Problem(file=str(path), message="is a folder, not a file"))
        if not path.exists():
            raise RegistryError(Problem(file=str(path), message="no such file"))
        if not path.is_file():
            raise RegistryError(Problem(file=str(path), message="is not an ordinary file"))
    except (OSError, ValueError) as error:  # ValueError: NUL in the path
        raise unreadable(path, error) from error


def unreadable(path: Path, error: Exception) -> RegistryError:
    """Return the error for a file that the system refuses to read."""
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return RegistryError(Problem(file=str(path), message=f"cannot be read: {why}", fix="check its permissions"))


def read_text(path: Path, *, most: int | None = None, instead: str = "split it, or use CSV or NDJSON") -> str:
    """Return a whole file as text. Raises RegistryError; EmptyTable if it is blank.

    ``most``: bytes that it may have, by default the limit for its suffix. ``instead``: what to do with a larger file.
    """
    if most is None:
        most = MAX_SLOW_DOCUMENT if path.suffix.lower() in SLOW_TO_PARSE else MAX_DOCUMENT
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise unreadable(path, error) from error
    if len(data) > most:
        size = f"is larger than {most // 2**20} MiB"
        raise RegistryError(Problem(file=str(path), message=size, fix=instead))
    _refuse_other_formats(path, data)
    if data.startswith(UTF_16):
        text = _decode_utf_16(path, data)
    else:
        text = _decode(path, data.removeprefix(codecs.BOM_UTF8), first_line=1)
    if not text.strip():
        raise EmptyTable(Problem(file=str(path), message="is empty"))
    return text


def read_lines(path: Path, others: list[Problem] | None = None) -> Generator[str, None, None]:
    """Yield a file line by line, with line ends. Raises RegistryError if a line is no text.

    ``others``: receives a warning if the file is not UTF-8, but Windows-1252 or Shift_JIS for certain; without it, such
    a file is refused.
    """
    try:
        with path.open("rb") as file:
            line = file.readline(MAX_LINE + 1)
            _refuse_other_formats(path, line)
            if line.startswith(UTF_16):
                yield from read_text(path).splitlines(keepends=True)
                return
            line = line.removeprefix(codecs.BOM_UTF8)
            number = 1
            encoding, is_ascii = _UTF_8, True
            while line:
                if len(line) > MAX_LINE:
                    raise RegistryError(
                        Problem(file=str(path), line=number, message=f"is longer than {MAX_LINE // 2**20} MiB")
                    )
                if is_ascii and not line.isascii():
                    is_ascii = False
                    encoding = _encoding_from(path, number, line, file, others)
                yield _decode(path, line, first_line=number, encoding=encoding)
                line = file.readline(MAX_LINE + 1)
                number += 1
    except OSError as error:
        raise unreadable(path, error) from error


def _refuse_other_formats(path: Path, start: bytes) -> None:
    for magic, message, fix in _OTHER_FORMATS:
        if start.startswith(magic):
            raise RegistryError(Problem(file=str(path), line=1, message=message, fix=fix))


def _decode_utf_16(path: Path, data: bytes) -> str:
    try:
        return data.decode("utf-16")
    except UnicodeDecodeError as error:
        raise RegistryError(
            Problem(file=str(path), message="is not UTF-16 text, though it begins so", fix=_AS_UTF_8)
        ) from error


def _encoding_from(path: Path, number: int, line: bytes, file: BinaryIO, others: list[Problem] | None) -> Encoding:
    """Return the encoding of a file from its first line that is not ASCII, with which no encoding disagrees so far."""
    try:
        line.decode()
    except UnicodeDecodeError:
        begins = file.tell()
        found = encoding_of(line + file.read(SAMPLE)) if others is not None else None
        file.seek(begins)
        if others is not None and found is not None:
            message = f"is not UTF-8 text, and was read as {found.title}"
            others.append(Problem(file=str(path), line=number, message=message, fix=_AS_UTF_8))
            return found
    return _UTF_8


def _decode(path: Path, data: bytes, *, first_line: int, encoding: Encoding = _UTF_8) -> str:
    try:
        text = data.decode(encoding.codec)
    except UnicodeDecodeError as error:
        line = first_line + data.count(b"\n", 0, error.start)
        message = f"is not {encoding.title} text"
        raise RegistryError(Problem(file=str(path), line=line, message=message, fix=_AS_UTF_8)) from error
    nul = text.find("\0")
    if nul >= 0:
        line = first_line + text.count("\n", 0, nul)
        raise RegistryError(Problem(file=str(path), line=line, message="holds a NUL byte; is it text?", fix=_AS_UTF_8))
    return text
