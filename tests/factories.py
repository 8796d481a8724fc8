"""Records for tests: everything has a believable default, a test names what it is about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from scanner.model import (
    AgentVerdict,
    Assessment,
    Assignment,
    Coverage,
    Credential,
    Entry,
    Exposure,
    Finding,
    Grant,
    Identity,
    NatureVerdict,
    Origin,
    OwnershipVerdict,
    Person,
    Privilege,
    RegistryVerdict,
    ScanInfo,
    ScanResult,
    Summary,
    UsageVerdict,
    credential_key,
)

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
ACCOUNT = "123456789012"


def days_ago(days: float) -> datetime:
    """A moment before ``NOW``."""
    return NOW - timedelta(days=days)


def make_identity(name: str = "svc-billing", /, **facts: Any) -> Identity:
    """An AWS user; an ARN is made up from its name unless a key is given."""
    defaults: dict[str, Any] = {
        "key": f"arn:aws:iam::{ACCOUNT}:user/{name}",
        "provider": "aws",
        "source": "prod",
        "scope": ACCOUNT,
        "kind": "user",
        "name": name,
        "created_at": days_ago(400),
        "use_tracked_days": 3650,
    }
    return Identity(**{**defaults, **facts})


def make_credential(identity: Identity | str = "svc-billing", id: str = "AKIAEXAMPLE1", /, **facts: Any) -> Credential:  # noqa: A002
    """An active access key."""
    key = identity.key if isinstance(identity, Identity) else make_identity(identity).key
    kind = facts.get("kind", "access_key")
    defaults: dict[str, Any] = {
        "key": credential_key(key, kind, id),
        "kind": kind,
        "id": id,
        "enabled": True,
        "created_at": days_ago(400),
        "use_tracked_days": 3650,
    }
    return Credential(**{**defaults, **facts})


def make_entry(*identities: str, **facts: Any) -> Entry:
    """An active registry entry representing these identities."""
    defaults: dict[str, Any] = {
        "id": "NHI-1",
        "origin": Origin(file="registry.csv", row=2),
        "identities": identities,
        "owner": ("ada@example.com",),
    }
    return Entry(**{**defaults, **facts})


def make_person(email: str = "ada@example.com", /, **facts: Any) -> Person:
    """An active person."""
    return Person(**{"email": email, "origin": Origin(file="people.csv", row=2), **facts})


def make_coverage(**facts: Any) -> Coverage:
    """Complete coverage of the account's users."""
    defaults: dict[str, Any] = {
        "source": "prod",
        "provider": "aws",
        "scope": ACCOUNT,
        "section": "iam.users",
        "status": "complete",
        "kinds": ("user",),
    }
    return Coverage(**{**defaults, **facts})


def make_assignment(holder: str = "holder-id", /, **facts: Any) -> Assignment:
    """A role on an Azure subscription that some principal holds."""
    defaults: dict[str, Any] = {
        "key": "/subscriptions/s/providers/microsoft.authorization/roleassignments/1",
        "provider": "azure",
        "source": "prod",
        "scope": "s",
        "holder": holder,
        "grant": Grant(name="Reader", via="direct", resource="/subscriptions/s"),
    }
    return Assignment(**{**defaults, **facts})


def make_exposure(credential: Credential | None = None, /, **facts: Any) -> Exposure:
    """A key in a file of a repository; that of the credential, if one is given."""
    defaults: dict[str, Any] = {
        "key": "exposure:leaks:1",
        "provider": "aws",
        "source": "leaks",
        "scope": "leaks",
        "detector": "aws-access-token",
        "key_id": "AKIAEXAMPLE1" if credential is None else credential.id,
        "repository": "acme/shop",
        "file": "prod.env",
        "line": 3,
        "commit": "1a5905257dcedbd1ef4b9cd2a773b44ee7e7ae56",
        "committer": "ada@example.com",
        "exposed_at": days_ago(30),
    }
    return Exposure(**{**defaults, **facts})


def make_assessment(identity: Identity | str = "svc-billing", /, **verdicts: Any) -> Assessment:
    """An unregistered, orphaned, active identity."""
    subject = identity if isinstance(identity, Identity) else make_identity(identity)
    defaults: dict[str, Any] = {
        "identity": subject,
        "nature": NatureVerdict(verdict="non_human"),
        "agent": AgentVerdict(),
        "registry": RegistryVerdict(state="unregistered"),
        "ownership": OwnershipVerdict(state="orphaned", reason="unregistered"),
        "usage": UsageVerdict(
            state="active", last_used_at=subject.last_used_at, window_days=90, evidence="used 2026-11-20"
        ),
        "privilege": Privilege(level="normal"),
    }
    return Assessment(**{**defaults, **verdicts})


def make_finding(**facts: Any) -> Finding:
    """A high finding on an identity."""
    defaults: dict[str, Any] = {
        "fingerprint": "0f" * 16,
        "rule": "unregistered",
        "severity": "high",
        "identity": make_identity().key,
        "title": "Identity is unregistered",
        "remediation": "Ask the likely owner.",
    }
    return Finding(**{**defaults, **facts})


def make_result(*assessments: Assessment, **facts: Any) -> ScanResult:
    """A finished scan of these identities."""
    defaults: dict[str, Any] = {
        "scan": ScanInfo(id="20261125T080000Z-1", started_at=NOW, finished_at=NOW, version="0.1.0"),
        "summary": Summary(identities=len(assessments)),
        "coverage": (make_coverage(identities=len(assessments)),),
        "identities": assessments,
    }
    return ScanResult(**{**defaults, **facts})
