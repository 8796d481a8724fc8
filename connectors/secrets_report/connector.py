"""Places of leaked keys, from reports of secret scanners in files. They never create an identity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from msgspec import Struct
from msgspec.structs import asdict, replace

from connectors.core.contract import Check, DiscoveredRecord, Malformed, Scope, Section, SectionReading, Spec, own_words
from connectors.core.offline import file_checks, named_files
from connectors.exposed import NAMELESS, Leak, exposure_of
from connectors.secrets_report.documents import read_report, rows_of
from connectors.secrets_report.rows import NoLeak
from scanner.errors import SourceError
from scanner.model import EXPOSURE_KIND, Coverage, Exposure

SECTION = "secrets_report.exposures"
ENDINGS = (".json", ".jsonl", ".ndjson", ".sarif")
"""Suffixes of files that are read in a folder, also followed by ``.gz``."""


class ReportSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A source of type ``secrets_report``. ``path``: a file, a folder or a glob.

    ``repository``: what was scanned, for reports that do not name it.
    """

    path: Path
    repository: str | None = None


class ReportConnector:
    """Reads all files as one scope."""

    spec: ClassVar[Spec] = Spec(
        name="secrets_report",
        title="Reports of secret scanners",
        settings=ReportSettings,
        kinds=(),
        sections=(
            Section(
                name=SECTION,
                title="Leaked keys: gitleaks, Betterleaks, TruffleHog, Kingfisher, detect-secrets, GitHub alerts",
                permissions=("read access to the files",),
                without="leaked keys are not matched with the identities that they open",
                kinds=(EXPOSURE_KIND,),
            ),
        ),
    )

    def __init__(self, source: str, settings: ReportSettings) -> None:
        self._source = source
        self._settings = settings

    def scopes(self) -> Iterator[Scope | Coverage]:
        """One unit of work: all files."""
        yield Scope(source=self._source, spec=self.spec, id=self._source)

    def discover(self, scope: Scope) -> Iterator[DiscoveredRecord]:
        """The exposures of all files, each once, then the coverage."""
        with scope.section(SECTION) as reading:
            collected = _Collected(scope, reading, self._settings.repository)
            for path in self._files():
                collected.add(path)
            yield from collected.exposures.values()
            collected.add_notes()
        yield reading.coverage

    def check(self) -> Iterator[Check]:
        """Yield a check for each file: whether it can be read, and its format."""
        yield from file_checks(self._settings.path, self._files, _checked)

    def _files(self) -> list[Path]:
        """The files, by name. Raises SourceError if there is none: a missing report is no clean one."""
        path = self._settings.path
        files = named_files(path, lambda one: one.name.lower().removesuffix(".gz").endswith(ENDINGS))
        if not files:
            raise SourceError(f"there is no report at {path}", hint="let the scanner write one, or correct the path")
        return files


def _checked(path: Path) -> Check:
    formats: Counter[str] = Counter()
    wrong = ""
    for row in rows_of(read_report(path)):
        if row.format is not None:
            formats[row.format.name] += 1
        elif not wrong:
            wrong = f"line {row.line}: {row.wrong}"
    if wrong:
        return Check(name=str(path), ok=False, detail=wrong, fix="let the scanner write the report again")
    rows = ", ".join(f"{number:,} of {name}" for name, number in sorted(formats.items()))
    return Check(name=str(path), ok=True, detail=f"findings: {rows or 'none'}")


class _Collected:
    """The rows of all files."""

    def __init__(self, scope: Scope, reading: SectionReading, repository: str | None) -> None:
        self.exposures: dict[str, Exposure] = {}
        self._scope = scope
        self._reading = reading
        self._repository = repository
        self._left_out: Counter[str] = Counter()
        self._redacted: Counter[str] = Counter()

    def add(self, path: Path) -> None:
        """Read a file; what cannot be read is a gap."""
        try:
            rows = rows_of(read_report(path))
        except SourceError as error:
            self._reading.lost(error, partial=True)
            return
        for row in rows:
            try:
                found = row.read()
            except Malformed as error:
                self._reading.malformed(f"{path.name} line {row.line}", str(error))
                continue
            if isinstance(found, NoLeak):
                self._left_out[found.why or ""] += 1
            else:
                self._keep(found, path)

    def _keep(self, leak: Leak, path: Path) -> None:
        if leak.is_redacted:
            self._redacted[path.name] += 1
        if not leak.is_kept:
            self._left_out[NAMELESS] += 1
            return
        if leak.repository is None and self._repository is not None:
            leak = replace(leak, repository=self._repository)
        exposure = exposure_of(leak, self._scope.source, self._scope.id)
        known = self.exposures.get(exposure.key)
        self.exposures[exposure.key] = exposure if known is None else _merged(known, exposure)

    def add_notes(self) -> None:
        """Note counts, and keys that the scanner masked."""
        self._reading.found(len(self.exposures))
        for why, number in sorted(self._left_out.items()):
            self._reading.note(f"findings left out: {number:,} {why}")
        for name, number in sorted(self._redacted.items()):
            many = f"{own_words(name)} is redacted: {number:,} of its findings cannot be matched with a key"
            self._reading.lost(
                SourceError(many, hint="write it without redaction; Muster keeps no secret"), partial=True
            )


def _merged(one: Exposure, other: Exposure) -> Exposure:
    """Two scanners' findings of one key in one place. One that signed in with it decides."""
    facts = {name: mine if mine is not None else asdict(other)[name] for name, mine in asdict(one).items()}
    verified = {one.verified, other.verified} - {None}
    return Exposure(**{**facts, "verified": any(verified) if verified else None})
