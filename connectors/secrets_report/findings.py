"""Betterleaks and Kingfisher: findings beside what the scanner says of the whole scan."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field
from msgspec.structs import astuple

from connectors.exposed import Ids, Leak, decoder, moment_of
from connectors.secrets_report.rows import Format, NoLeak, path_of, repository_of

# --- Betterleaks 2: report; JSON, and lines that wrap each finding. Parts of a key (component_sets) are not decoded ---

_BETTERLEAKS_TRIED: Mapping[str, bool] = {"valid": True, "invalid": False, "revoked": False}


class _Match(Struct, frozen=True):
    value: Ids = None
    full: Ids = None


class _At(Struct, frozen=True):
    path: str | None = None
    start_line: int | None = None


class _GitFacts(Struct, frozen=True):
    sha: str | None = field(default=None, name="git.sha")
    email: str | None = field(default=None, name="git.author_email")
    author: str | None = field(default=None, name="git.author_name")
    date: str | None = field(default=None, name="git.date")
    remote: str | None = field(default=None, name="git.remote_url")


class _Analysis(Struct, frozen=True):
    status: str | None = None


class _Betterleaks(Struct, frozen=True, kw_only=True):
    rule_id: str
    match: _Match = _Match()
    attributes: _GitFacts = _GitFacts()
    location: _At = _At()
    analysis: _Analysis = _Analysis()


class _BetterleaksLine(Struct, frozen=True, kw_only=True):
    schema_version: str
    finding: _Betterleaks


def _of_betterleaks(row: _Betterleaks) -> Leak:
    git = row.attributes
    return Leak(
        detector=row.rule_id,
        ids=(row.match.value, row.match.full),
        repository=repository_of(git.remote),
        file=path_of(row.location.path),
        line=row.location.start_line,
        commit=git.sha or None,
        committer=git.email or git.author or None,
        exposed_at=moment_of(git.date),
        verified=_BETTERLEAKS_TRIED.get(row.analysis.status or ""),
    )


# --- Kingfisher 2: JSON and lines. Commands and captures that hold the key are not decoded ---

KINGFISHER_TRIED: Mapping[str, bool] = {"verified_active": True, "verified_inactive": False}
_HERE = "."
"""The repository of a scan of the current folder, which names none."""


class _FindingRule(Struct, frozen=True):
    id: str


class _Person(Struct, frozen=True):
    name: str | None = None
    email: str | None = None


class _KingfisherCommit(Struct, frozen=True):
    id: str | None = None
    date: str | None = None
    author: _Person = _Person()


class _KingfisherGit(Struct, frozen=True):
    repository_url: str | None = None
    commit: _KingfisherCommit = _KingfisherCommit()


class _Validation(Struct, frozen=True):
    outcome: str | None = None
    status: str | None = None


class _KingfisherFinding(Struct, frozen=True):
    snippet: Ids = None
    path: str | None = None
    line: int | None = None
    git_metadata: _KingfisherGit | None = None
    validation: _Validation = _Validation()


class _Kingfisher(Struct, frozen=True, kw_only=True):
    rule: _FindingRule
    finding: _KingfisherFinding


def _of_kingfisher(row: _Kingfisher) -> Leak | NoLeak:
    found = row.finding
    if (found.validation.status or "").startswith("Canary"):
        return NoLeak("canary")
    git = found.git_metadata or _KingfisherGit()
    return Leak(
        detector=row.rule.id,
        ids=(found.snippet,),
        repository=None if git.repository_url == _HERE else repository_of(git.repository_url),
        file=path_of(found.path),
        line=found.line,
        commit=git.commit.id or None,
        committer=git.commit.author.email or git.commit.author.name or None,
        exposed_at=moment_of(git.commit.date),
        verified=KINGFISHER_TRIED.get(found.validation.outcome or ""),
    )


BETTERLEAKS = Format(name="Betterleaks", mark="rule_id", decode=decoder(_Betterleaks), leak=_of_betterleaks)
BETTERLEAKS_LINES = Format(
    name="Betterleaks",
    mark="finding",
    decode=decoder(_BetterleaksLine),
    leak=lambda row: _of_betterleaks(row.finding),
)
KINGFISHER = Format(name="Kingfisher", mark="finding", decode=decoder(_Kingfisher), leak=_of_kingfisher)

# --- Whether the scan ended well ---


class _Scan(Struct, frozen=True):
    state: str | None = None


class _Counts(Struct, frozen=True):
    fetch_failed: int = 0
    scan_failed: int = 0
    scan_partial: int = 0
    pending: int = 0


class _Audit(Struct, frozen=True):
    summary: _Counts = _Counts()


class Ending(Struct, frozen=True):
    """What Betterleaks (``scan``) and Kingfisher (``audit``) say of the whole scan, in the document or a last line."""

    scan: _Scan | None = None
    audit: _Audit | None = None

    @property
    def wrong(self) -> str:
        """Why the scan found less than there is; empty if it ended well."""
        if self.scan is not None and self.scan.state not in (None, "complete"):
            return "the scanner did not scan everything"
        if self.audit is not None and any(astuple(self.audit.summary)):
            return "the scanner did not scan everything"
        return ""


ending_of = decoder(Ending)
