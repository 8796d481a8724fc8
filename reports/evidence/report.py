"""The evidence report: a zip of one folder, written part by part, with the hash of each in ``SHA256SUMS``."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, cast

import msgspec

from reports.base import Screen, View
from reports.columns import TABLES
from reports.csv import CsvReport
from reports.json import JsonReport, encoded
from reports.json_schema import scan_schema_text
from reports.phrases import ORPHANED_MEANS
from reports.summary import Digest
from scanner.model import SCHEMA, SEVERITIES, ScanResult
from scanner.rules.catalog import RULES
from scanner.rules.controls.frameworks import controls_of
from scanner.rules.wording import iso, words
from scanner.text import markdown_code

if TYPE_CHECKING:
    from typing_extensions import Buffer

FOLDER = "muster-evidence"
_EARLIEST = 1980
"""The earliest year of dates in a zip."""
_READABLE_BY_ALL = 0o100644 << 16


class EvidenceReport:
    """Results, tables, coverage, and the basis of the verdicts."""

    name: ClassVar[str] = "evidence"
    title: ClassVar[str] = "a zip for auditors, to check offline"
    default_view: ClassVar[View] = "all"
    extra: ClassVar[str | None] = None

    def write(self, result: ScanResult, view: View, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
        """Write the pack; nothing is left out, so there are no notices. Its dates are the scan's."""
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            pack = Pack(archive, result.scan.finished_at)
            with pack.part("result.json") as part:
                JsonReport().write(result, view, part, screen)
            # The view's tables, and always the coverage: no number without its gaps.
            for table in TABLES if view == "all" else dict.fromkeys((view, "coverage")):
                with pack.part(f"tables/{table}.csv") as part:
                    CsvReport().write(result, table, part, screen)
            for name, text in TEXTS.items():
                with pack.part(name) as part:
                    part.write(text(result).encode())
            pack.write_sums()
        return ()


class Pack:
    """A zip of one folder. ``at``: the date of its parts, so that the same content gives the same bytes."""

    def __init__(self, archive: zipfile.ZipFile, at: datetime, folder: str = FOLDER) -> None:
        date = at.astimezone(UTC)
        self._date = (max(date.year, _EARLIEST), *date.timetuple()[1:6])
        self._folder = folder
        self._archive = archive
        self._sums: list[str] = []

    @contextmanager
    def part(self, name: str) -> Iterator[BinaryIO]:
        """A part to be written to, hashed on the way."""
        with self._archive.open(self._entry(name), "w", force_zip64=True) as file:
            hashed = _Hashed(cast("BinaryIO", file))
            yield cast("BinaryIO", hashed)
        self._sums.append(f"{hashed.hexdigest()}  {name}\n")

    def write_sums(self) -> None:
        """The list that ``sha256sum -c`` reads; it comes last and does not list itself."""
        self._archive.writestr(self._entry("SHA256SUMS"), "".join(self._sums))

    def _entry(self, name: str) -> zipfile.ZipInfo:
        entry = zipfile.ZipInfo(f"{self._folder}/{name}", self._date)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = _READABLE_BY_ALL
        return entry


class _Hashed(io.BufferedIOBase):
    """A stream that hashes everything written to it."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self._sha256 = hashlib.sha256()

    def write(self, data: Buffer, /) -> int:
        self._sha256.update(data)
        return self._file.write(data)

    def hexdigest(self) -> str:
        return self._sha256.hexdigest()


# --- Parts that are not reports, as text ---

_README = """\
# Evidence of a Muster scan

Scan {scan}, from {started} to {finished}, by Muster {version}.{decided}

{headline}

{caveats}

| | |
|---|---|
| identities | {identities} |
| registry | {registry} |
| ownership | {ownership} |
| usage | {usage} |
| findings | {findings} |
| sections that could not be read in full | {gaps} |

{orphaned}

## What is in it

| file | what it is |
|---|---|
| `result.json` | the whole result: every identity with its verdicts and the evidence for each, every finding |
| `muster.scan-1.schema.json` | the JSON Schema of `result.json` |
| `tables/*.csv` | the same as tables; `coverage.csv` says for each section of each scope how completely it was read |
| `policy.json` | the thresholds that it was judged by, in days |
| `rules.json` | every rule: why it matters, its thresholds and controls, as the version that wrote this pack has it |
| `inputs.json` | the config, registry, roster and exported files that the scan went by, with the SHA-256 of each file |
| `config.toml` | the config with every secret masked; empty where the scan had no config file |
| `versions.json` | versions of the program and of the formats |
| `SHA256SUMS` | the SHA-256 of every other file |

## How to check it

1. Nothing was changed since: `sha256sum -c SHA256SUMS` in this folder. Anyone could write another list, so have the
   list itself, or the zip, signed or time-stamped by a means of your own when you receive it.
2. The registry is the one that was judged by: compare `sha256sum registry.csv` with `inputs.json`. The hash is that of
   the file's bytes right after it was read; a query to a database has none. An audit from exports (`from_files`) has
   one for each file with the role `export`, of its bytes right before it was read.
3. The result has the form it claims: validate `result.json` against `muster.scan-1.schema.json` with any validator.
4. The counts are those of the records: count the rows of `tables/inventory.csv` by `registry_state`,
   `ownership_state` and `usage_state`, and of `tables/findings.csv` by `severity`.
5. It says what it does not know: each row of `tables/coverage.csv` whose `gap` is `yes` was not read in full. Nothing
   under a gap is called gone, unused or clean.
6. It can be made again: `muster report --scan ID -o evidence:again.zip`, with the same version of Muster and from the
   store that the scan went into, gives the same records, and each time the same bytes.
"""


def _readme(result: ScanResult) -> str:
    digest, scan, summary = Digest(result), result.scan, result.summary
    states = {
        axis: ", ".join(f"{count:,} {words(state)}" for state, count in counts.items() if count) or "none"
        for axis, counts in digest.states.items()
    }
    return _README.format(
        scan=markdown_code(scan.id),
        started=iso(scan.started_at),
        finished=iso(scan.finished_at),
        version=markdown_code(scan.version),
        decided="" if summary.decisions is None or not summary.decisions.count else f" Log of {summary.decisions}.",
        headline=digest.headline,
        caveats="\n".join(f"- {caveat}" for caveat in digest.caveats) or "Everything that was tried was read in full.",
        identities=f"{summary.identities:,}",
        findings=", ".join(f"{summary.findings.get(severity, 0):,} {severity}" for severity in SEVERITIES),
        gaps=f"{len(digest.gaps):,}",
        orphaned=ORPHANED_MEANS,
        **states,
    )


@cache
def _rules() -> str:
    facts = ("id", "severity", "severity_note", "title", "why", "remediation", "thresholds")
    described = ({fact: getattr(rule, fact) for fact in facts} | {"controls": controls_of(rule.id)} for rule in RULES)
    return _pretty(list(described))


def _pretty(value: Any) -> str:
    return msgspec.json.format(encoded(value), indent=2).decode() + "\n"


TEXTS: Mapping[str, Callable[[ScanResult], str]] = {
    "README.md": _readme,
    "policy.json": lambda result: _pretty(result.policy),
    "rules.json": lambda _: _rules(),
    "inputs.json": lambda result: _pretty(
        [{"role": one.role, "name": one.name, "sha256": one.sha256} for one in result.scan.inputs]
    ),
    "config.toml": lambda result: "".join(one.text or "" for one in result.scan.inputs if one.role == "config"),
    "versions.json": lambda result: _pretty({"muster": result.scan.version, "schema": SCHEMA}),
    "muster.scan-1.schema.json": lambda _: scan_schema_text(),
}
"""By the name of the part."""
