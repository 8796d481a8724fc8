"""A store with two scans and an open review, and who may see what of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from msgspec.structs import replace

from scanner.app.reviews import open_review, people_of
from scanner.model import (
    EntryAssessment,
    Grant,
    Link,
    Ownership,
    OwnershipVerdict,
    Privilege,
    RegistryVerdict,
    ScanResult,
    StoredSecret,
)
from scanner.model.reviews import Review
from scanner.model.served import Visited
from scanner.model.summary import summarise
from scanner.registry.roster import Roster
from scanner.store.store import open_store
from tests.factories import (
    ACCOUNT,
    NOW,
    days_ago,
    make_assessment,
    make_coverage,
    make_credential,
    make_entry,
    make_exposure,
    make_finding,
    make_identity,
    make_person,
    make_result,
)

OWNER, ANALYST, RETURNING = "ada@example.com", "cyd@example.com", "eve@example.com"
PEOPLE = f"""email,name,status,team
{OWNER},Ada,active,payments
bo@example.com,Bo,active,payments
{ANALYST},Cyd,active,security
{RETURNING},Eve,active,security
"""
SERVE = f"""
[serve]
user_header = "X-Person"
proxies = ["127.0.0.1"]
viewers = ["{ANALYST}", "{RETURNING}"]
"""
REVIEW = "autumn"
HOSTILE = "<img src=x onerror=alert(1)>"
BILLING = make_identity("svc-billing", tags={"cost": "c-4711"}, grants=(Grant(name="read-invoices", via="direct"),))
DEPLOYER = make_identity(
    "deployer", kind="role", grants=(Grant(name="AdministratorAccess", via="group:ops", admin=True),)
)
INTERN = make_identity(
    "intern-bot", links=(Link(relation="can_assume", target=DEPLOYER.key, evidence="its trust policy names it"),)
)
STRAY = make_identity(HOSTILE, credentials=(make_credential(HOSTILE, "AKIASTRAY", created_at=days_ago(800)),))
NEWCOMER = make_identity("newcomer")
OLD_KEY, ADMIN, ESCALATES, NEW_ONE = ("0a" * 16, "1b" * 16, "2c" * 16, "3d" * 16)


def later() -> ScanResult:
    """A third scan, without the newcomer."""
    _, second = scans()
    return _scan(replace(second, identities=second.identities[:-1], findings=second.findings[:-1]), "third", -1)


def scans() -> tuple[ScanResult, ScanResult]:
    """The scan of yesterday, and the same with a newcomer and its finding."""
    entry = EntryAssessment(
        entry=make_entry(BILLING.key, id="E1", name="Billing", owner=(OWNER,)), state="found", identities=(BILLING.key,)
    )
    orphaned = OwnershipVerdict(state="orphaned", reason="unregistered")
    before = (
        make_assessment(
            BILLING,
            registry=RegistryVerdict(state="registered", entry=entry.entry.id, rung="key", evidence="it is named"),
            ownership=OwnershipVerdict(state="owned", owner=OWNER, evidence="active on the roster"),
        ),
        make_assessment(DEPLOYER, ownership=orphaned, privilege=Privilege(level="admin"), findings=(ADMIN,)),
        make_assessment(
            INTERN,
            ownership=orphaned,
            privilege=Privilege(level="escalation", evidence=("It can become deployer",)),
            findings=(ESCALATES,),
        ),
        make_assessment(STRAY, ownership=orphaned, findings=(OLD_KEY,)),
    )
    findings = (
        make_finding(fingerprint=ADMIN, rule="admin", severity="critical", identity=DEPLOYER.key, title="Full control"),
        make_finding(fingerprint=ESCALATES, rule="escalation", severity="high", identity=INTERN.key, title="Escalates"),
        make_finding(fingerprint=OLD_KEY, rule="key_too_old", severity="medium", identity=STRAY.key, title="Old key"),
    )
    secrets = (StoredSecret(key="arn:secret/db", provider="aws", source="prod", scope=ACCOUNT, name="db-password"),)
    coverage = (make_coverage(identities=4), make_coverage(section="iam.roles", status="denied", detail="AccessDenied"))
    (key,) = STRAY.credentials
    exposures = (
        make_exposure(key, identity=STRAY.key, credential=key.key, repository=HOSTILE),
        make_exposure(key="exposure:leaks:2", key_id="AKIANOBODY"),
    )
    facts = {"entries": (entry,), "secrets": secrets, "exposures": exposures, "coverage": coverage}
    first = make_result(*before, findings=findings, **facts)
    newcomer = make_assessment(NEWCOMER, ownership=orphaned, findings=(NEW_ONE,))
    fresh = make_finding(
        fingerprint=NEW_ONE, rule="unregistered", severity="high", identity=NEWCOMER.key, title="Unregistered", new=True
    )
    second = replace(first, identities=(*before, newcomer), findings=(*findings, fresh))
    return _scan(first, "first", 1), _scan(second, "second", 0)


def _scan(result: ScanResult, name: str, days: int) -> ScanResult:
    at = NOW - timedelta(days=days)
    summary = summarise(result)
    ordered = sorted(result.identities, key=lambda one: one.identity.key)
    scan = replace(result.scan, id=name, started_at=at, finished_at=at)
    return replace(result, scan=scan, identities=tuple(ordered), summary=summary)


def stored(folder: Path) -> Path:
    """The folder, with a store, lists and config."""
    (folder / "people.csv").write_text(PEOPLE)
    with open_store(f"sqlite:///{folder / 'muster.db'}") as store:
        for result in scans():
            store.save(result)
        roster = Roster((make_person(OWNER), make_person("bo@example.com")), NOW.date())
        people = people_of(roster, Ownership(), result)
        review = Review(name=REVIEW, opened_at=NOW, due=NOW.date() + timedelta(days=900), scan=result.scan.id)
        open_review(store, review, result, result.identities, people)
        store.served.append(Visited(scan="first", by=RETURNING, at=days_ago(1)))
    return folder
