"""Acknowledged findings, with the reason, until a day: reports show them, but they raise no alarm."""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from scanner.errors import ConfigError, did_you_mean
from scanner.matching.globs import compile_glob, is_pattern, names_something
from scanner.matching.keys import habits
from scanner.model import Acknowledged, Acknowledgement, Finding, Identity, Origin, ScanResult
from scanner.model.stored import finding_counts, findings_named
from scanner.redaction.masking import mask_with_warning
from scanner.redaction.shapes import without_secrets
from scanner.registry.tables.parsing import parse_toml
from scanner.strict import Document, decode, line_of, read_settings
from scanner.suppressions.exemptions import names_exactly
from scanner.text import printable


class _Scoped(Struct, frozen=True):
    """An acknowledgement of a rule's findings. ``globs``: the compiled match, by whether case is ignored."""

    acknowledgement: Acknowledgement
    match: str
    globs: Mapping[bool, re.Pattern[str]]

    def fits(self, finding: Finding, identity: Identity | None) -> bool:
        if identity is not None and names_exactly(self.match, identity):
            return True
        glob = self.globs[identity is not None and habits(identity.provider).ids == "any_case"]
        return any(map(glob.fullmatch, finding.subjects))


class Acknowledgements:
    """The acknowledgements as of one day. It records which covered a finding, and which expired ones would have.

    If several cover a finding, the one with the latest end counts.
    """

    def __init__(self, acknowledgements: Iterable[Acknowledgement], today: date) -> None:
        self._today = today
        every = sorted(acknowledgements, key=lambda item: item.given.until, reverse=True)
        self._all = [item for item in every if item.asked is None]
        self._asked = {item.finding: item.asked for item in every if item.asked and item.given.until >= today}
        self._by_fingerprint: dict[str, list[Acknowledgement]] = defaultdict(list)
        self._by_rule: dict[str, list[_Scoped]] = defaultdict(list)
        for item in self._all:
            if item.finding is not None:
                self._by_fingerprint[item.finding].append(item)
            if item.rule is not None and item.match is not None:
                globs = {
                    ignore_case: compile_glob(item.match, ignore_case=ignore_case) for ignore_case in (False, True)
                }
                self._by_rule[item.rule].append(_Scoped(item, item.match, globs))
        self._used: set[Acknowledgement] = set()
        self._expired: set[Acknowledgement] = set()

    def marked(self, findings: Iterable[Finding], identities: Mapping[str, Identity]) -> Iterator[Finding]:
        """Yield the findings as of today. An acknowledged finding is not new; it is new again once that has ended.

        What was asked for is noted, and changes nothing else.
        """
        for before in findings:
            asked = self._asked.get(before.fingerprint)
            finding = before if before.asked == asked else replace(before, asked=asked)
            given = self.of(finding, identities.get(finding.identity or "")) if self._all else None
            if given is not None:
                yield replace(
                    finding, acknowledged=given, new=False, held_back=False, was=None, cause=None, by_setup=False
                )
            elif finding.acknowledged is not None:
                yield replace(finding, acknowledged=None, new=True)
            else:
                yield finding

    def of(self, finding: Finding, identity: Identity | None) -> Acknowledged | None:
        """Return the valid acknowledgement of a finding, else None. ``identity``: the identity that it is about."""
        covering = tuple(self.covering(finding, identity))
        valid = [item for item in covering if item.given.until >= self._today]
        self._used.update(valid)
        if valid:
            return max(valid, key=lambda item: item.given.until).given
        self._expired.update(covering[:1])
        return None

    def covering(self, finding: Finding, identity: Identity | None) -> Iterator[Acknowledgement]:
        """Yield all acknowledgements that cover the finding, including expired ones."""
        yield from self._by_fingerprint.get(finding.fingerprint, ())
        if finding.rule in self._by_rule:
            scoped = self._by_rule[finding.rule]
            yield from (item.acknowledgement for item in scoped if item.fits(finding, identity))

    @property
    def notices(self) -> list[str]:
        """Messages about acknowledgements that have expired, and about those that cover nothing."""
        expired = [
            f"{item.origin}: the acknowledgement by {item.given.by} ended on {item.given.until}: "
            "its findings raise alarms again"
            for item in self._all
            if item in self._expired
        ]
        unused = [
            f"{item.origin}: the acknowledgement by {item.given.by} covers no finding: it can be removed"
            for item in self._all
            if item.given.until >= self._today and item not in self._used
        ]
        return sorted(expired) + sorted(unused)


# --- The list of acknowledged findings: a TOML file, kept in git beside the registry ---

USUAL = "acknowledged.toml"
LONGEST = timedelta(days=366)
"""The furthest end of an acknowledgement, so that each is reviewed at least once a year."""


class AlarmSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[alarms]``. ``acknowledged``: the file, or files, that list acknowledged findings.

    The default is ``acknowledged.toml`` beside the configuration, if it exists.
    """

    acknowledged: str | tuple[str, ...] | None = None

    def paths(self, base: Path) -> tuple[Path, ...]:
        """Return the files. Relative paths are relative to the configuration's folder, ``base``."""
        if self.acknowledged is None:
            return (base / USUAL,) if (base / USUAL).exists() else ()
        texts = (self.acknowledged,) if isinstance(self.acknowledged, str) else self.acknowledged
        return tuple(base / Path(text).expanduser() for text in texts)


class _Line(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An ``[[acknowledged]]`` table of the file."""

    reason: str
    by: str
    until: date
    finding: str | None = None
    rule: str | None = None
    match: str | None = None

    def __post_init__(self) -> None:
        if not self.reason.strip() or not self.by.strip():
            raise ValueError("an acknowledgement needs a reason, and the person accountable for it as by")
        by_rule = (self.rule, self.match)
        if (self.finding is None) == (by_rule == (None, None)) or (self.finding is None and None in by_rule):
            raise ValueError("name either a finding by its fingerprint, or a rule with a match")
        if self.match is not None and is_pattern(self.match) and not names_something(self.match):
            raise ValueError(f"match {self.match!r} is too broad: it would cover everything, or nothing")


class _AcknowledgementFile(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    acknowledged: tuple[_Line, ...] = ()


def load_acknowledgements(paths: Sequence[Path], rules: Sequence[str], today: date) -> tuple[Acknowledgement, ...]:
    """Return the acknowledgements in the files, with secrets masked. ``rules``: the known rule ids.

    Raises ConfigError with file, line and key.
    """
    parsed = (item for path in paths for item in parse(read(path), str(path), rules, today))
    return tuple(mask_with_warning(item, str(item.origin)) for item in parsed)


def with_later(result: ScanResult, given: Sequence[Acknowledgement], today: date) -> ScanResult:
    """Return a stored scan with the acknowledgements given since. Findings that it has as acknowledged stay so."""
    if not given:
        return result
    acknowledgements = Acknowledgements(given, today)
    identities = {assessment.identity.key: assessment.identity for assessment in result.identities}
    marked = zip(result.findings, acknowledgements.marked(result.findings, identities), strict=True)
    findings = tuple(replace(before, asked=now.asked) if now.acknowledged is None else now for before, now in marked)
    summary = replace(
        result.summary,
        new_findings=sum(finding.new for finding in findings),
        worsened=sum(finding.worsened for finding in findings),
        acknowledged=sum(finding.acknowledged is not None for finding in findings),
    )
    return replace(result, findings=findings, summary=summary)


def has_later(result: ScanResult, given: Sequence[Acknowledgement], today: date) -> bool:
    """Return whether :func:`with_later` may change a scan, by what can be known without reading all findings."""
    valid = [item for item in given if item.given.until >= today]
    counts = finding_counts(result.findings)
    unacknowledged = {
        group.rule for group in counts.groups if group.new.findings or group.worse.findings or group.standing.findings
    }
    named = findings_named(result.findings, frozenset(item.finding for item in valid if item.finding is not None))
    return any(item.rule in unacknowledged for item in valid if item.rule is not None) or any(
        finding.acknowledged is None for finding in named.values()
    )


def read(path: Path) -> str:
    """Return the file's text. Raises ConfigError."""
    return read_settings(path, "`muster acknowledge` creates it, or create an empty file")


def parse(text: str, file: str, rules: Sequence[str], today: date) -> tuple[Acknowledgement, ...]:
    """Return the acknowledgements in the text of a list. ``file``: its name for messages. Raises ConfigError."""
    data = parse_toml(file, text, ConfigError)
    document = Document(file=file, text=text)
    lines = decode(data, _AcknowledgementFile, document).acknowledged
    for index, line in enumerate(lines):
        if line.until > today + LONGEST:
            raise document.problem(
                f"{line.until} is more than a year ahead",
                ("acknowledged", index, "until"),
                f"choose a day up to {today + LONGEST}, and review it then",
            )
        if line.rule is not None and line.rule not in rules:
            place = ("acknowledged", index, "rule")
            raise document.problem(f"there is no rule {line.rule}", place, did_you_mean(line.rule, rules))
    return tuple(
        Acknowledgement(
            origin=Origin(file=file, row=line_of(text, ("acknowledged", index))),
            finding=line.finding,
            rule=line.rule,
            match=line.match,
            given=Acknowledged(reason=line.reason, by=line.by, until=line.until),
        )
        for index, line in enumerate(lines)
    )


def with_findings(text: str, findings: Mapping[str, str], given: Acknowledged) -> str:
    """Return the list with these findings acknowledged: changed in place if it has them, else appended.

    ``findings``: a comment about each, by fingerprint. ``text``: a list that :func:`parse` accepts.
    """
    import tomlkit

    document = tomlkit.parse(text)
    said = {"reason": given.reason, "by": given.by, "until": given.until}
    known = set()
    for block in document.get("acknowledged", ()):
        if (fingerprint := block.get("finding")) in findings:
            known.add(fingerprint)
            block.update({key: value for key, value in said.items() if block[key] != value})
    kept = tomlkit.dumps(document) if known else text
    added = "".join(_table(one, remark, given) for one, remark in findings.items() if one not in known)
    if not added:
        return kept
    return f"{kept.rstrip()}\n{added}" if kept.strip() else added.removeprefix("\n")


def _table(fingerprint: str, remark: str, given: Acknowledged) -> str:
    import tomlkit

    values = {"finding": fingerprint, "reason": given.reason, "by": given.by, "until": given.until}
    lines = [f"{key} = {tomlkit.item(value).as_string()}" for key, value in values.items()]
    return "\n".join(["", f"# {printable(remark)}", "[[acknowledged]]", *lines, ""])


def changed_lines(before: str, after: str, file: str) -> str:
    """Return the changes as a unified diff that is safe to print."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), file, file, n=1, lineterm="")
    return without_secrets("".join(f"{printable(line)}\n" for line in lines))
