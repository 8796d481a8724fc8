"""Every error Muster raises on purpose, in one tree.

::

    MusterError                exit code and hint live on the class; only the CLI prints and exits
    ├── UsageError             2    the command line
    ├── InputError             2    a file, with every place that is wrong in it
    │   ├── ConfigError             config.toml
    │   └── RegistryError           registry, people or identity lists
    ├── StoreError             2    the store
    │   ├── MissingStore            it does not exist
    │   ├── LostStore               the connection to it is gone; another may work
    │   ├── DamagedRow              a row does not match its checksum
    │   └── OlderStore              it was only to be looked at, and has the tables of an earlier version
    ├── MissingExtra           2    a pip extra that is not installed
    ├── NothingScanned         4
    ├── ClusterError           4    what reads the scopes cannot be reached, or was lost
    └── SourceError            a gap in the coverage, never the end of a run
        ├── Denied             the permission is missing
        ├── Throttled          the provider refused for load, and retries ran out
        ├── Unreachable        no answer, or one that is not the provider's
        ├── NotOffered         this server or region has no such thing (no gap)
        └── DeadlineExceeded   the scope took longer than it may
"""

from __future__ import annotations

import difflib
import errno
from collections.abc import Sequence
from typing import ClassVar, Literal

from msgspec import Struct


class Problem(Struct, frozen=True, kw_only=True):
    """One error in an input, with its place.

    ``line`` is 1-based and is the row in a spreadsheet; ``field`` is a column or a key's path; ``sheet`` is that of a
    workbook.
    """

    file: str
    message: str
    line: int | None = None
    field: str | None = None
    fix: str | None = None
    sheet: str | None = None

    @property
    def document(self) -> str:
        """The file, with the sheet of a workbook."""
        return self.file if self.sheet is None else f"{self.file}[{self.sheet}]"

    def __str__(self) -> str:
        place = self.document if self.line is None else f"{self.document}:{self.line}"
        field = f" {self.field}:" if self.field else ""
        return with_fix(f"{place}:{field} {self.message}", self.fix)


class CutOff(Problem, frozen=True, kw_only=True):
    """The last row of a file that ends within it."""


def with_fix(message: str, fix: str | None) -> str:
    """The message with its fix, where both are on one line; a fix on a line of its own has an arrow instead."""
    return f"{message.rstrip('.')} ({fix})" if fix else message


def did_you_mean(word: str, known: Sequence[str], *, likeness: float = 0.62) -> str | None:
    """A hint with the most similar known word; None if no similarity, from 0 to 1, reaches the threshold."""
    near = difflib.get_close_matches(word, known, n=1, cutoff=likeness)
    return f"did you mean {near[0]}?" if near else None


_NOT_IN_ALL = frozenset({"demo"})


def install_command(extra: str) -> str:
    """The command that installs an extra, from where Muster itself was installed."""
    from importlib.metadata import PackageNotFoundError, distribution
    from json import loads
    from shlex import quote

    try:
        origin = loads(distribution("nhi-muster").read_text("direct_url.json") or "{}").get("url")
    except (PackageNotFoundError, ValueError, AttributeError):
        origin = None
    return f"pip install {quote(f'nhi-muster[{extra}]' + (f' @ {origin}' if origin else ''))}"


class MusterError(Exception):
    """Base of all; ``hint`` says what to do next."""

    exit_code: ClassVar[int] = 2

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(MusterError):
    """The command line is invalid."""


class InputError(MusterError):
    """A file has errors; all of them are reported at once."""

    def __init__(self, *problems: Problem, hint: str | None = None) -> None:
        super().__init__("\n".join(map(str, problems)), hint=hint)
        self.problems = problems


class ConfigError(InputError):
    """config.toml has errors."""


class RegistryError(InputError):
    """A registry, people or identity file has errors."""


class StoreError(MusterError):
    """The store cannot be opened, read or written."""


class MissingStore(StoreError):
    """There is no store yet."""


class LostStore(StoreError):
    """The connection to the store was lost, or is not available at the moment."""


class DamagedRow(StoreError):
    """A row of the store was changed or damaged outside Muster."""


class OlderStore(StoreError):
    """The store needs a migration to this version's tables, but was opened read-only."""


class MissingExtra(MusterError):
    """A source or format needs a package of an extra that is not installed."""

    def __init__(self, what: str, extra: str) -> None:
        apart = " ('all' does not include it)" if extra in _NOT_IN_ALL else ""
        super().__init__(f"{what} needs the extra '{extra}'{apart}", hint=f"install it: {install_command(extra)}")


class NothingScanned(MusterError):
    """No scope of any source could be read."""

    exit_code = 4


class ClusterError(MusterError):
    """The cluster that reads the scopes cannot be reached, or was lost; nothing was stored."""

    exit_code = 4


class SourceError(MusterError):
    """A connector cannot read something, which becomes a coverage record with this status.

    Raised inside a section, it ends the section; raised outside, it ends the scope.
    """

    status: ClassVar[Literal["failed", "denied", "not_offered", "skipped"]] = "failed"

    def __init__(self, message: str, *, permission: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.permission = permission


class Denied(SourceError):
    """The credentials lack a permission, named by ``permission``."""

    status = "denied"


class Throttled(SourceError):
    """The provider kept throttling."""


class Unreachable(SourceError):
    """No connection, a timeout, or an answer that does not come from the provider."""


class NotOffered(SourceError):
    """The server or region does not have this, which is no gap."""

    status = "not_offered"


class DeadlineExceeded(SourceError):
    """The scope's deadline passed."""


# --- Errors that are none of these ---

MEMORY_HINT = "give it more memory, or share the work between fewer processes: `[engine] processes = 1`"


_FIXES = {
    errno.EACCES: "allow this user to read or write there, or choose another path",
    errno.EPERM: "allow this user to read or write there, or choose another path",
    errno.EROFS: "choose a path on a file system that can be written",
    errno.ENOSPC: "free space, or choose a path on another disk",
    errno.ENOENT: "correct the path, or create its folder",
    errno.ENOTDIR: "correct the path: a part of it is no folder",
    errno.EISDIR: "give the path of a file",
    errno.ENAMETOOLONG: "choose a shorter name",
}


def fix_of(error: OSError) -> str | None:
    """What to do about an error of the system; None if that is unknown."""
    return _FIXES.get(error.errno or 0)


def as_muster_error(error: Exception) -> MusterError:
    """Return the error as one that can be printed. One that Muster did not expect is a bug."""
    match error:
        case MusterError():
            return error
        case OSError():
            return UsageError(f"{error.filename or 'the output'}: {error.strerror or error}", hint=fix_of(error))
        case MemoryError():
            return MusterError("memory ran out", hint=MEMORY_HINT)
        case _:
            return MusterError(
                f"internal error: {type(error).__name__}: {error}", hint="muster -v … shows where; please report it"
            )
