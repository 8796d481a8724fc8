"""Reads files as text; refuses files that are irregular, of an unknown encoding, or too large."""

from __future__ import annotations

import codecs
from collections.abc import Generator, Iterator
from io import StringIO
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

NUL = "\0"

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
    text = _decode_utf_16(path, data) if data.startswith(UTF_16) else _decode(path, data.removeprefix(codecs.BOM_UTF8))
    if not text.strip():
        raise EmptyTable(Problem(file=str(path), message="is empty"))
    return text


class BrokenLines:
    """Lines of a file that cannot be read, each with its problem. Each costs its row, and never the file.

    Such a line is read with the mark ``NUL`` in it, and with as many quotation marks as it has, so that it is part of
    the same row as in the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._problems: dict[int, Problem] = {}

    def too_long(self, number: int, quotation_marks: int) -> str:
        """Note a line of more than ``MAX_LINE`` bytes; returns it without its content."""
        message = f"is longer than {MAX_LINE // 2**20} MiB"
        self._problems[number] = Problem(file=str(self._path), line=number, message=message, fix="shorten its cells")
        return '"' * (quotation_marks % 2) + NUL + "\n"

    def undecodable(self, number: int, line: bytes, encoding: Encoding) -> str:
        """Note a line of another encoding than the lines before it."""
        self._problems[number] = _no_text(self._path, number, encoding)
        return line.decode(encoding.codec, "replace").replace("\ufffd", NUL)

    def problem(self, begins: int, ends: int) -> Problem:
        """Return the problem of the row on these lines, which holds a NUL."""
        found = next((self._problems[line] for line in range(begins, ends + 1) if line in self._problems), None)
        return found or nul_byte(self._path, begins)


def nul_byte(path: Path, line: int) -> Problem:
    """Return the problem of a line that holds a NUL byte."""
    return Problem(file=str(path), line=line, message="holds a NUL byte; is it text?", fix=_AS_UTF_8)


def read_lines(path: Path, broken: BrokenLines, others: list[Problem] | None = None) -> Generator[str, None, None]:
    """Yield a file line by line, with line ends. Raises RegistryError if the file is no text.

    ``broken``: receives the lines that cannot be read. ``others``: receives a warning if the file is not UTF-8, but
    Windows-1252 or Shift_JIS for certain; without it, such a file is refused.
    """
    try:
        with path.open("rb") as file:
            line = file.readline(MAX_LINE + 1)
            _refuse_other_formats(path, line)
            if line.startswith(UTF_16):
                yield from _utf_16_lines(path, broken)
                return
            line = line.removeprefix(codecs.BOM_UTF8)
            if b"\0" in line:
                raise RegistryError(nul_byte(path, 1))
            number, encoding, is_proven = 1, _UTF_8, False
            while line:
                if len(line) > MAX_LINE:
                    yield broken.too_long(number, line.count(b'"') + _rest_of_line(file, line))
                elif line.isascii():
                    yield line.decode("ascii")
                else:
                    if not is_proven:
                        encoding, is_proven = _encoding_from(path, number, line, file, others), True
                    yield _decoded(line, encoding) or broken.undecodable(number, line, encoding)
                line = file.readline(MAX_LINE + 1)
                number += 1
    except OSError as error:
        raise unreadable(path, error) from error


def _utf_16_lines(path: Path, broken: BrokenLines) -> Iterator[str]:
    # Only a line feed ends a line, as in other encodings.
    for number, line in enumerate(StringIO(read_text(path), newline="\n"), start=1):
        yield line if len(line) <= MAX_LINE else broken.too_long(number, line.count('"'))


def _rest_of_line(file: BinaryIO, line: bytes) -> int:
    """Skip a line to its end; returns the quotation marks in what was skipped."""
    found = 0
    while line and not line.endswith(b"\n"):
        line = file.readline(MAX_LINE + 1)
        found += line.count(b'"')
    return found


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
    """Return the encoding of a file from its first line that is not ASCII. Raises RegistryError if it is not certain.

    If most lines behind it that are not ASCII are UTF-8, only this line is broken.
    """
    begins = file.tell()
    sample = b"" if _decoded(line, _UTF_8) is not None else file.read(SAMPLE)
    file.seek(begins)
    foreign = [_decoded(one, _UTF_8) is None for one in (line, *sample.split(b"\n")) if not one.isascii()]
    if 2 * sum(foreign) <= len(foreign):
        return _UTF_8
    if others is None or (found := encoding_of(line + sample)) is None:
        raise RegistryError(_no_text(path, number, _UTF_8))
    message = f"is not UTF-8 text, and was read as {found.title}"
    others.append(Problem(file=str(path), line=number, message=message, fix=_AS_UTF_8))
    return found


def _no_text(path: Path, line: int, encoding: Encoding) -> Problem:
    return Problem(file=str(path), line=line, message=f"is not {encoding.title} text", fix=_AS_UTF_8)


def _decoded(line: bytes, encoding: Encoding) -> str | None:
    try:
        return line.decode(encoding.codec)
    except UnicodeDecodeError:
        return None


def _decode(path: Path, data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise RegistryError(_no_text(path, 1 + data.count(b"\n", 0, error.start), _UTF_8)) from error
    nul = text.find(NUL)
    if nul >= 0:
        raise RegistryError(nul_byte(path, 1 + text.count("\n", 0, nul)))
    return text
