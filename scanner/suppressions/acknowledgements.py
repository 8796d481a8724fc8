"""Findings that somebody lets be, with the reason, until a day: they stay in every report and alarm nobody."""

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
from scanner.redaction.gate import cleared_with_warning
from scanner.redaction.shapes import without_secrets
from scanner.registry.tables.parsing import parse_toml
from scanner.strict import Document, decode, line_of, read_settings
from scanner.suppressions.exemptions import names_exactly
from scanner.text import printable


class _Scoped(Struct, frozen=True):
    """An acknowledgement of a rule's findings. ``globs``: its match, by whether case is ignored."""

    one: Acknowledgement
    match: str
    globs: Mapping[bool, re.Pattern[str]]

    def fits(self, finding: Finding, identity: Identity | None) -> bool:
        if identity is not None and names_exactly(self.match, identity):
            return True
        glob = self.globs[identity is not None and habits(identity.provider).ids == "any_case"]
        return any(map(glob.fullmatch, finding.subjects))


class Acknowledgements:
    """The acknowledgements as of one day; it remembers which were of use, and which would have been.

    Of several that cover a finding, the one that holds longest speaks for it.
    """

    def __init__(self, acknowledgements: Iterable[Acknowledgement], today: date) -> None:
        self._today = today
        self._all = sorted(acknowledgements, key=lambda one: one.given.until, reverse=True)
        self._by_fingerprint: dict[str, list[Acknowledgement]] = defaultdict(list)
        self._by_rule: dict[str, list[_Scoped]] = defaultdict(list)
        for one in self._all:
            if one.finding is not None:
                self._by_fingerprint[one.finding].append(one)
            if one.rule is not None and one.match is not None:
                globs = {case: compile_glob(one.match, ignore_case=case) for case in (False, True)}
                self._by_rule[one.rule].append(_Scoped(one, one.match, globs))
        self._used: set[Acknowledgement] = set()
        self._lapsed: set[Acknowledgement] = set()

    def marked(self, findings: Iterable[Finding], identities: Mapping[str, Identity]) -> Iterator[Finding]:
        """The findings as they stand today: an acknowledged one is not new, and one no longer acknowledged is."""
        for finding in findings:
            given = self.of(finding, identities.get(finding.identity or "")) if self._all else None
            if given is not None:
                yield replace(finding, acknowledged=given, new=False, held_back=False)
            elif finding.acknowledged is not None:
                yield replace(finding, acknowledged=None, new=True)
            else:
                yield finding

    def of(self, finding: Finding, identity: Identity | None) -> Acknowledged | None:
        """Who lets the finding be today, and why; ``identity`` is the one it is about."""
        covering = tuple(self.covering(finding, identity))
        holding = [one for one in covering if one.given.until >= self._today]
        self._used.update(holding)
        if holding:
            return max(holding, key=lambda one: one.given.until).given
        self._lapsed.update(covering[:1])
        return None

    def covering(self, finding: Finding, identity: Identity | None) -> Iterator[Acknowledgement]:
        """All that cover the finding, ended ones included."""
        yield from self._by_fingerprint.get(finding.fingerprint, ())
        if finding.rule in self._by_rule:
            yield from (scoped.one for scoped in self._by_rule[finding.rule] if scoped.fits(finding, identity))

    @property
    def notices(self) -> list[str]:
        """What the keeper of the list should know: which ones ended, and which are of no use."""
        ended = [
            f"{one.origin}: the acknowledgement by {one.given.by} ended on {one.given.until}: its findings alarm again"
            for one in self._all
            if one in self._lapsed
        ]
        idle = [
            f"{one.origin}: the acknowledgement by {one.given.by} covers no finding: it can be removed"
            for one in self._all
            if one.given.until >= self._today and one not in self._used
        ]
        return sorted(ended) + sorted(idle)


# --- The list of acknowledged findings: a TOML file that lives in git beside the registry, read and added to ---

USUAL = "acknowledged.toml"
LONGEST = timedelta(days=366)
"""How far ahead an acknowledgement may end: what nobody looks at again is not acknowledged, but forgotten."""


class AlarmSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[alarms]``. ``acknowledged``: one file, or several, that list findings which alarm nobody for now.

    Where nothing is said, it is ``acknowledged.toml`` beside the config, once there is one.
    """

    acknowledged: str | tuple[str, ...] | None = None

    def paths(self, base: Path) -> tuple[Path, ...]:
        """The files, where they are relative taken from the config's folder."""
        if self.acknowledged is None:
            return (base / USUAL,) if (base / USUAL).exists() else ()
        texts = (self.acknowledged,) if isinstance(self.acknowledged, str) else self.acknowledged
        return tuple(base / Path(text).expanduser() for text in texts)


class _Line(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[[acknowledged]]``."""

    reason: str
    by: str
    until: date
    finding: str | None = None
    rule: str | None = None
    match: str | None = None

    def __post_init__(self) -> None:
        if not self.reason.strip() or not self.by.strip():
            raise ValueError("an acknowledgement needs a reason, and in by the person who answers for it")
        by_rule = (self.rule, self.match)
        if (self.finding is None) == (by_rule == (None, None)) or (self.finding is None and None in by_rule):
            raise ValueError("name either a finding by its fingerprint, or a rule with a match")
        if self.match is not None and is_pattern(self.match) and not names_something(self.match):
            raise ValueError(f"match {self.match!r} names nothing: it would cover everything, or nothing")


class _File(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    acknowledged: tuple[_Line, ...] = ()


def load_acknowledgements(paths: Sequence[Path], rules: Sequence[str], today: date) -> tuple[Acknowledgement, ...]:
    """All that these files acknowledge, secrets masked. ``rules``: the ids there are.

    Raises ConfigError naming file, line and key.
    """
    parsed = (one for path in paths for one in parse(read(path), str(path), rules, today))
    return tuple(cleared_with_warning(one, str(one.origin)) for one in parsed)


def with_later(result: ScanResult, paths: Sequence[Path], rules: Sequence[str], today: date) -> ScanResult:
    """A stored scan with what these files have acknowledged since; what it shows as acknowledged stays so.

    Raises ConfigError, as ``load_acknowledgements`` does.
    """
    book = Acknowledgements(load_acknowledgements(paths, rules, today), today)
    identities = {one.identity.key: one.identity for one in result.identities}
    marked = zip(result.findings, book.marked(result.findings, identities), strict=True)
    findings = tuple(before if now.acknowledged is None else now for before, now in marked)
    summary = replace(
        result.summary,
        new_findings=sum(one.new for one in findings),
        acknowledged=sum(one.acknowledged is not None for one in findings),
    )
    return replace(result, findings=findings, summary=summary)


def read(path: Path) -> str:
    """The file's text. Raises ConfigError."""
    return read_settings(path, "`muster acknowledge` starts it, or create an empty one")


def parse(text: str, file: str, rules: Sequence[str], today: date) -> tuple[Acknowledgement, ...]:
    """What a list acknowledges; ``file`` is its name for messages. Raises ConfigError."""
    data = parse_toml(file, text, ConfigError)
    document = Document(file=file, text=text)
    lines = decode(data, _File, document).acknowledged
    for index, line in enumerate(lines):
        if line.until > today + LONGEST:
            raise document.problem(
                f"{line.until} is more than a year ahead",
                ("acknowledged", index, "until"),
                f"choose a day up to {today + LONGEST}, and look again then",
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
    """The list with these findings acknowledged: those that it has are changed in place, others come at its end.

    ``findings``: what a reader should know of each, by fingerprint. ``text``: a list that ``parse`` takes.
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
    """What changed, as a unified diff, safe to show."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), file, file, n=1, lineterm="")
    return without_secrets("".join(f"{printable(line)}\n" for line in lines))
