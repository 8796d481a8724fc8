"""Plans for the tests of the gate: a role of AWS, unless a test says otherwise."""

from __future__ import annotations

from typing import Any

from scanner.judging.pipeline import Declared
from scanner.lifecycle.gate.judging import Surroundings, judge_plans
from scanner.model import Credential, Identity, Privilege, ScanInfo, ScanResult, credential_key
from scanner.model.planned import Plan, PlannedIdentity, PlannedPlace
from tests.factories import ACCOUNT, NOW, make_entry, make_person

ADMIN = Privilege(level="admin", evidence=("* on *",))
NORMAL = Privilege(level="normal")
NOTHING = Surroundings()
INFO = ScanInfo(id="check", started_at=NOW, finished_at=NOW, version="1.0")


def role(name: str = "deploy", /, account: str | None = ACCOUNT, **facts: Any) -> Identity:
    """A planned role; without an account, its key is made from its resource."""
    key = f"planned:aws_iam_role.{name}" if account is None else f"arn:aws:iam::{account}:role/{name}"
    place = {"provider": "aws", "source": "plan", "scope": account or "unknown", "kind": "role", "name": name}
    return Identity(**{"key": key, **place, "privilege": NORMAL, **facts})


def planned(identity: Identity, effect: Any = "created", /, **facts: Any) -> PlannedIdentity:
    """The identity, created at a place called after it."""
    place = PlannedPlace(file="plan.json", resource=f"aws_iam_role.{identity.name}")
    known = not identity.key.startswith("planned:")
    return PlannedIdentity(
        **{"identity": identity, "effect": effect, "places": (place,), "account_known": known, **facts}
    )


def with_credential(identity: Identity, kind: Any = "access_key", /, **facts: Any) -> PlannedIdentity:
    """The identity, with a credential that the change creates at a place of its own."""
    key = credential_key(identity.key, kind, "new")
    held = Credential(key=key, kind=kind, id="new", **facts)
    named = role(identity.name, credentials=(held,))
    return planned(named, credentials_at={key: PlannedPlace(file="plan.json", resource="aws_iam_access_key.new")})


def plan(*identities: PlannedIdentity, **facts: Any) -> Plan:
    """A Terraform plan that brings these."""
    shown: dict[str, Any] = {"file": "plan.json", "format": "terraform", "resources": len(identities)}
    return Plan(**{**shown, "identities": identities, **facts})


def declared(*entries: Any, **facts: Any) -> Declared:
    """A registry with these entries (by default one of the role ``deploy``, of an active person)."""
    given = entries or (make_entry(f"arn:aws:iam::{ACCOUNT}:role/deploy"),)
    return Declared(**{"entries": given, "people": (make_person(),), **facts})


def judged(
    *identities: PlannedIdentity, by: Declared | None = None, around: Surroundings = NOTHING, **facts: Any
) -> ScanResult:
    """What one plan with these identities comes to."""
    return judge_plans([plan(*identities, **facts)], by or declared(), around, INFO)


def rules(result: ScanResult) -> list[str]:
    """The rules of its findings."""
    return sorted(finding.rule for finding in result.findings)
