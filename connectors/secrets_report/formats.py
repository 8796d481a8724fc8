"""The rows of each scanner's report. Fields that could hold a secret are only decoded as public ids."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec import UNSET, Raw, Struct, UnsetType, field

from connectors.core.contract import Malformed
from connectors.exposed import ExportedAlert, Ids, Leak, decoder, leak_of_alert, moment_of, repository_in
from connectors.secrets_report.findings import BETTERLEAKS, BETTERLEAKS_LINES, KINGFISHER, KINGFISHER_TRIED, ending_of
from connectors.secrets_report.rows import Format, NoLeak, path_of, repository_of

# --- gitleaks: report/finding.go; JSON ---


class _Gitleaks(Struct, frozen=True, kw_only=True):
    rule: str = field(name="RuleID")
    file: str | None = field(default=None, name="File")
    line: int | None = field(default=None, name="StartLine")
    commit: str | None = field(default=None, name="Commit")
    author: str | None = field(default=None, name="Author")
    email: str | None = field(default=None, name="Email")
    date: str | None = field(default=None, name="Date")
    link: str | None = field(default=None, name="Link")
    secret: Ids = field(default=None, name="Secret")
    match: Ids = field(default=None, name="Match")


def _of_gitleaks(row: _Gitleaks) -> Leak:
    return Leak(
        detector=row.rule,
        ids=(row.secret, row.match),
        repository=repository_in(row.link),
        file=row.file or None,
        line=row.line,
        commit=row.commit or None,
        committer=row.email or row.author or None,
        exposed_at=moment_of(row.date),
        link=row.link or None,
    )


# --- SARIF 2.1.0, as gitleaks and Kingfisher write it ---


class _Text(Struct, frozen=True):
    text: Ids = None


class _Region(Struct, frozen=True, rename="camel"):
    start_line: int | None = None
    snippet: _Text | None = None


class _Artifact(Struct, frozen=True):
    uri: str | None = None


class _Physical(Struct, frozen=True, rename="camel"):
    artifact_location: _Artifact | None = None
    region: _Region | None = None


class _OfKingfisher(Struct, frozen=True):
    validation_outcome: str | None = None


class _Place(Struct, frozen=True, rename="camel"):
    physical_location: _Physical | None = None
    properties: _OfKingfisher | None = None


class _Commit(Struct, frozen=True, rename="camel"):
    commit_sha: str | None = None
    email: str | None = None
    author: str | None = None
    date: str | None = None


class _Result(Struct, frozen=True, kw_only=True, rename="camel"):
    rule_id: str
    message: _Text | None = None
    locations: tuple[_Place, ...] = ()
    partial_fingerprints: _Commit | None = None


def _of_sarif(row: _Result) -> Leak:
    first = row.locations[0] if row.locations else _Place()
    place, tried = first.physical_location, first.properties or _OfKingfisher()
    region = (place and place.region) or _Region()
    artifact = (place and place.artifact_location) or _Artifact()
    commit = row.partial_fingerprints or _Commit()
    texts = (region.snippet, row.message)
    return Leak(
        detector=row.rule_id,
        ids=tuple(each.text for each in texts if each is not None),
        file=path_of(artifact.uri),
        line=region.start_line,
        commit=commit.commit_sha or None,
        committer=commit.email or commit.author or None,
        exposed_at=moment_of(commit.date),
        verified=KINGFISHER_TRIED.get(tried.validation_outcome or ""),
    )


# --- TruffleHog: pkg/output/json.go, and source_metadata.proto ---


class _Data(Struct, frozen=True):
    """Fields of all sources; each has some of them: Git, Github, Gitlab, Filesystem, S3 and so on."""

    repository: str | None = None
    file: str | None = None
    line: int | None = None
    commit: str | None = None
    email: str | None = None
    timestamp: str | None = None
    link: str | None = None
    path: str | None = None
    bucket: str | None = None
    image: str | None = None


class _FormatMetadata(Struct, frozen=True):
    data: Mapping[str, _Data] = field(default={}, name="Data")  # msgspec copies it for each


class _Extra(Struct, frozen=True):
    arn: str | None = None
    user_id: str | None = None
    is_canary: str | bool | None = None


class _Trufflehog(Struct, frozen=True, kw_only=True):
    detector: str = field(name="DetectorName")
    metadata: _FormatMetadata | None = field(default=None, name="SourceMetadata")
    verified: bool | None = field(default=None, name="Verified")
    error: Ids = field(default=None, name="VerificationError")
    redacted: Ids = field(default=None, name="Redacted")
    raw: Ids = field(default=None, name="Raw")
    raw_v2: Ids = field(default=None, name="RawV2")
    extra: _Extra | None = field(default=None, name="ExtraData")


def _of_trufflehog(row: _Trufflehog) -> Leak | NoLeak:
    extra = row.extra or _Extra()
    if str(extra.is_canary).lower() == "true":
        return NoLeak("canary")
    data = next(iter(row.metadata.data.values()), _Data()) if row.metadata else _Data()
    # A key that could not be tried is not known to be dead.
    verified = None if row.error is not None and not row.verified else row.verified
    return Leak(
        detector=row.detector,
        ids=(row.redacted, row.raw, row.raw_v2),
        holder=extra.arn or extra.user_id or None,
        repository=repository_of(data.repository) or data.bucket or data.image or None,
        file=data.file or data.path or None,
        line=data.line,
        commit=data.commit or None,
        committer=data.email or None,
        exposed_at=moment_of(data.timestamp),
        verified=verified,
        link=data.link or None,
    )


# --- detect-secrets: a baseline, by file; secrets are SHA-1 hashes ---

_SHA1 = re.compile("[0-9a-f]{40}")
_HASHED_IDS = "AWS Access Key"
"""The only detector that hashes public ids: of all others, a hash is that of a secret, and is dropped."""


class _Potential(Struct, frozen=True, kw_only=True):
    type: str
    hashed_secret: str
    filename: str | None = None
    line_number: int | None = None
    is_verified: bool | None = None
    is_secret: bool | None = None


def _of_detect_secrets(row: _Potential) -> Leak | NoLeak:
    if row.is_secret is False:
        return NoLeak("audited as no secret")
    is_id = row.type == _HASHED_IDS
    return Leak(
        detector=row.type,
        key_id=f"sha1:{row.hashed_secret}" if is_id and _SHA1.fullmatch(row.hashed_secret) else None,
        file=row.filename,
        line=row.line_number,
        verified=True if row.is_verified else None,
    )


# --- All of them ---


def _of_github(row: ExportedAlert) -> Leak | NoLeak:
    return leak_of_alert(row) if row.is_leak else NoLeak("closed as no leak")


FORMATS: tuple[Format[Any], ...] = (
    Format(name="gitleaks", mark="RuleID", decode=decoder(_Gitleaks), leak=_of_gitleaks),
    Format(name="TruffleHog", mark="DetectorName", decode=decoder(_Trufflehog), leak=_of_trufflehog),
    Format(name="GitHub secret scanning", mark="secret_type", decode=decoder(ExportedAlert), leak=_of_github),
    BETTERLEAKS,
)
SARIF = Format(name="SARIF", mark="ruleId", decode=decoder(_Result), leak=_of_sarif)
DETECT_SECRETS = Format(
    name="detect-secrets", mark="hashed_secret", decode=decoder(_Potential), leak=_of_detect_secrets
)


class _Marks(Struct, frozen=True):
    """The keys that tell rows apart. Their values are not looked at."""

    RuleID: Raw | UnsetType = UNSET
    DetectorName: Raw | UnsetType = UNSET
    secret_type: Raw | UnsetType = UNSET
    rule_id: Raw | UnsetType = UNSET
    schema_version: Raw | UnsetType = UNSET
    finding: Raw | UnsetType = UNSET
    findings: Raw | UnsetType = UNSET
    scan: Raw | UnsetType = UNSET
    audit: Raw | UnsetType = UNSET
    level: Raw | UnsetType = UNSET
    msg: Raw | UnsetType = UNSET


_marks = decoder(_Marks)


def format_of(row: bytes | Raw) -> Format[Any] | None:
    """Return the format of a row; None for a line of a log. Raises Malformed for anything else."""
    marks = _marks(row)
    for known in FORMATS:
        if getattr(marks, known.mark) is not UNSET:
            return known
    if marks.finding is not UNSET:
        return KINGFISHER if marks.schema_version is UNSET else BETTERLEAKS_LINES
    if marks.findings is UNSET and not (marks.scan is UNSET and marks.audit is UNSET):
        if wrong := ending_of(row).wrong:
            raise Malformed(wrong)
        return None
    if marks.level is not UNSET and marks.msg is not UNSET:
        return None
    raise Malformed(
        "it is not a row of gitleaks, TruffleHog, detect-secrets, GitHub secret scanning, Betterleaks or Kingfisher"
    )
