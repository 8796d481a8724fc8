"""Rows of reports with secrets in them, as each scanner writes them, and what reads them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from connectors.core.contract import Scope
from connectors.secrets_report.connector import ReportConnector, ReportSettings
from scanner.model import Coverage, Exposure

KEY_ID = "AKIAQYLPMN5HHHFPZAM2"
GCP_ID = "0123456789abcdef0123456789abcdef01234567"
ACCOUNT = "deploy@acme-prod.iam.gserviceaccount.com"
ARN = "arn:aws:iam::123456789012:user/deploy"
COMMIT = "1a5905257dcedbd1ef4b9cd2a773b44ee7e7ae56"
VALUE = "wJalrXUtnFEMIK7MDENGbPxRfiCYzzzzzzzzKEY1"
"""The secret beside the key's id, which must be found nowhere."""
TOKEN = "ghp_1234567890abcdefghijklmnopqrstuvwx12"
TOKEN_HASH = "sha256:VU/52SIgbxbkk6RWukM8lP2+F50kMwPVMz10EI1l9eU="
SERVICE_ACCOUNT = json.dumps(
    {"type": "service_account", "private_key_id": GCP_ID, "private_key": VALUE, "client_email": ACCOUNT}
)


def gitleaks(**facts: Any) -> dict[str, Any]:
    """A finding of gitleaks 8.16."""
    usual = {
        "Description": "AWS", "StartLine": 3, "EndLine": 3, "StartColumn": 19, "EndColumn": 38,
        "Match": f"{KEY_ID} {VALUE}", "Secret": KEY_ID, "File": "prod.env", "SymlinkFile": "", "Commit": COMMIT,
        "Entropy": 3.6, "Author": "Ada", "Email": "ada@example.com", "Date": "2026-11-01T10:00:00Z", "Message": VALUE,
        "Tags": [], "RuleID": "aws-access-token", "Fingerprint": f"{COMMIT}:prod.env:aws-access-token:3",
    }  # fmt: skip
    return {**usual, **facts}


def trufflehog(where: Mapping[str, Any] | None = None, **facts: Any) -> dict[str, Any]:
    """A finding of TruffleHog 3, of a git repository unless ``where`` is given."""
    git = {
        "Git": {
            "commit": COMMIT, "file": "prod.env", "email": "Ada Lovelace <ada@example.com>", "line": 3,
            "repository": f"https://ci:{VALUE}@github.com/acme/shop", "timestamp": "2026-11-01 10:00:00 +0000",
        }
    }  # fmt: skip
    usual = {
        "SourceMetadata": {"Data": where or git}, "SourceID": 1, "SourceType": 16, "SourceName": "trufflehog - git",
        "DetectorType": 2, "DetectorName": "AWS", "DecoderName": "PLAIN", "Verified": True, "Raw": KEY_ID,
        "RawV2": f"{KEY_ID}:{VALUE}", "Redacted": KEY_ID, "SecretParts": {"secret": VALUE}, "StructuredData": None,
        "ExtraData": {"account": "123456789012", "arn": ARN, "user_id": "AIDAQYLPMN5HHHFPZAM2"},
    }  # fmt: skip
    return {**usual, **facts}


def alert(**facts: Any) -> dict[str, Any]:
    """An alert of GitHub's secret scanning, as the organization's list has it."""
    usual = {
        "number": 7, "created_at": "2026-11-01T10:00:00Z", "state": "open", "resolution": None,
        "secret_type": "aws_access_key_id", "secret_type_display_name": "Amazon AWS Access Key ID", "secret": KEY_ID,
        "validity": "active", "publicly_leaked": False, "multi_repo": False,
        "html_url": "https://github.com/acme/shop/security/secret-scanning/7",
        "repository": {"full_name": "acme/shop", "private": True},
        "first_location_detected": {"path": "prod.env", "start_line": 3, "commit_sha": COMMIT},
    }  # fmt: skip
    return {**usual, **facts}


def betterleaks(**facts: Any) -> dict[str, Any]:
    """A finding of Betterleaks 2 in a git repository, as it was recorded; the values are ours."""
    component = {
        "rule_hash": "cd7d", "rule_id": "aws-secret-access-key",
        "match": {"full": f"SECRET={VALUE}", "value": VALUE, "fingerprint": "1776"},
        "location": {"path": "prod.env", "start_line": 4, "end_line": 4, "start_column": 5, "end_column": 62},
    }  # fmt: skip
    usual = {
        "rule_id": "aws-access-token", "rule_hash": "8839", "description": "AWS", "confidence": "high",
        "match": {"full": f"{KEY_ID} {VALUE}", "value": KEY_ID, "fingerprint": "0a69"},
        "attributes": {
            "git.author_email": "ada@example.com", "git.author_name": "Ada", "git.date": "2026-11-01T10:00:00Z",
            "git.message": VALUE, "git.sha": COMMIT, "resource": "git.patch_content",
        },
        "location": {"path": "prod.env", "start_line": 3, "end_line": 3, "start_column": 19, "end_column": 38},
        "component_sets": [{"components": [component]}],
    }  # fmt: skip
    return {**usual, **facts}


def kingfisher(**facts: Any) -> dict[str, Any]:
    """A finding of Kingfisher 2.14 in a git repository, as it was recorded; the values are ours."""
    command = f"--rule 'betterleaks.aws-access-token' --var AWS_SECRET_ACCESS_KEY='{VALUE}' '{KEY_ID}'"
    ada = {"name": "Ada", "email": "ada@example.com"}
    usual = {
        "dependent_captures": {"AWS_SECRET_ACCESS_KEY": VALUE}, "snippet": f"{KEY_ID} {VALUE}", "fingerprint": "1510",
        "confidence": "high", "entropy": "3.92",
        "validation": {"outcome": "not_attempted", "status": "Not Attempted", "response": VALUE},
        "language": "Unknown", "line": 3, "column_start": 18, "column_end": 37, "path": "./prod.env",
        "git_metadata": {
            "repository_url": f"https://ci:{VALUE}@github.com/acme/shop.git",
            "commit": {"id": COMMIT, "date": "2026-11-01T10:00:00Z", "committer": ada, "author": ada},
            "file": {"path": "prod.env", "git_command": f"git show {COMMIT}:prod.env"},
        },
        "validate_command": f"kingfisher validate {command}",
        "blast_radius_command": f"kingfisher blast-radius {command}",
    }  # fmt: skip
    rule = {"title": "AWS", "name": "aws-access-token", "id": "betterleaks.aws-access-token", "description": "AWS"}
    return {"rule": rule, "finding": {**usual, **facts}}


def scanned(state: str = "complete") -> dict[str, Any]:
    """What Betterleaks says of a whole scan."""
    return {"state": state, "source": {"type": "git", "targets": ["."]}, "betterleaks_version": "2.0.0"}


def audited(**counts: int) -> dict[str, Any]:
    """What Kingfisher says of a whole scan."""
    summary = {"discovered": 1, "fetch_failed": 0, "scan_succeeded": 1, "scan_partial": 0, "scan_failed": 0}
    return {"schema": "kingfisher.repository-audit.v1", "summary": {**summary, "pending": 0, **counts}}


def baseline(**facts: Any) -> dict[str, Any]:
    """A baseline of detect-secrets with one finding. The hash is that of KEY_ID."""
    found = {
        "type": "AWS Access Key", "filename": "prod.env", "is_verified": False, "line_number": 3,
        "hashed_secret": "d32bd8966e6f6c9e17a014c2a9de143998be9f56",
    }  # fmt: skip
    return {"version": "1.5.0", "plugins_used": [], "results": {"prod.env": [{**found, **facts}]}}


def sarif(**region: Any) -> dict[str, Any]:
    """The SARIF of gitleaks with one result."""
    at = {"startLine": 3, "snippet": {"text": f"{KEY_ID} {VALUE}"}, **region}
    result = {
        "message": {"text": "aws-access-token has detected secret for file prod.env"},
        "ruleId": "aws-access-token",
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": "prod.env"}, "region": at}}],
        "partialFingerprints": {
            "commitSha": COMMIT, "email": "ada@example.com", "author": "Ada", "date": "2026-11-01T10:00:00Z",
            "commitMessage": VALUE,
        },
    }  # fmt: skip
    return {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "gitleaks"}}, "results": [result]}]}


def lines(*rows: Any) -> str:
    """Rows as NDJSON; texts as they are."""
    return "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)


def written(folder: Path, content: Any, name: str = "report.json") -> Path:
    """A report in a file: text or bytes as they are, anything else as indented JSON."""
    path = folder / name
    if not isinstance(content, str | bytes):
        content = json.dumps(content, indent=1)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def discover(path: Path, **settings: Any) -> tuple[list[Exposure], Coverage]:
    """What the source ``leaks`` yields from that file, folder or glob."""
    connector = ReportConnector("leaks", ReportSettings(path=path, **settings))
    (scope,) = connector.scopes()
    assert isinstance(scope, Scope)
    *exposures, coverage = connector.discover(scope)
    assert isinstance(coverage, Coverage)
    return [one for one in exposures if isinstance(one, Exposure)], coverage
