"""A small estate that has one of everything, and how it becomes a page."""

from __future__ import annotations

import io
from datetime import date

from msgspec.structs import replace

from reports.base import Screen, View
from reports.html.report import HtmlReport
from scanner.model import (
    AgentVerdict,
    Drift,
    EntryAssessment,
    Grant,
    IdentityCandidate,
    Link,
    MatchCandidate,
    OwnerCandidate,
    OwnershipVerdict,
    Privilege,
    RegistryVerdict,
    ScanPoint,
    ScanResult,
    Signal,
    StoredSecret,
    Summary,
    Trust,
    UsageVerdict,
)
from tests.factories import (
    ACCOUNT,
    days_ago,
    make_assessment,
    make_coverage,
    make_credential,
    make_entry,
    make_exposure,
    make_finding,
    make_identity,
    make_result,
)


def written(result: ScanResult, view: View = "all") -> bytes:
    """The report as bytes."""
    out = io.BytesIO()
    HtmlReport().write(result, view, out, Screen())
    return out.getvalue()


def small_estate() -> ScanResult:
    """Five identities: an owned one, an orphan, an abandoned admin, an AI agent that was not re-checked, a bot."""
    billing = make_identity(
        "svc-billing",
        created_by="arn:aws:iam::123456789012:user/ada",
        tags={"team": "finance"},
        aliases=("billing@example.com",),
    )
    deployer = make_identity(
        "deployer",
        kind="role",
        grants=(Grant(name="AdministratorAccess", via="group:ops", admin=True),),
        links=(Link(relation="can_assume", target=billing.key, evidence="its policy allows sts:AssumeRole"),),
        trusts=(Trust(principal="*", kind="anyone", external=True, evidence="the trust policy's first statement"),),
    )
    legacy_key = make_credential("legacy-export", "AKIALEGACY", created_at=days_ago(900))
    legacy = make_identity(
        "legacy-export", description="nightly export", attributes={"path": "/old/"}, credentials=(legacy_key,)
    )
    agent = make_identity("triage-agent", provider="vault", source="vault", scope="root", kind="approle")
    bot = make_identity("build-bot", kind="role")
    assessments = (
        make_assessment(
            billing,
            registry=RegistryVerdict(
                state="registered",
                entry="NHI-1",
                rung="key",
                evidence="registry.csv:2 names it",
                agreeing=("component:default/billing",),
                contradictions=("NHI-2",),
            ),
            ownership=OwnershipVerdict(
                state="owned",
                owner="ada@example.com",
                evidence="active on the roster",
                leaving=("ada@example.com",),
                last_day=date(2026, 12, 31),
            ),
            drift=(Drift(aspect="environment", declared="staging", found="prod"),),
        ),
        make_assessment(
            bot,
            registry=RegistryVerdict(
                state="ambiguous", candidates=(MatchCandidate(entry="NHI-1", score=1, evidence="its name"),)
            ),
            ownership=OwnershipVerdict(state="orphaned", reason="ambiguous"),
        ),
        make_assessment(
            deployer,
            ownership=OwnershipVerdict(
                state="orphaned",
                reason="unregistered",
                candidates=(OwnerCandidate(person="bo@example.com", score=0.8, evidence="created it on 2024-03-01"),),
            ),
            privilege=Privilege(level="admin", evidence=("AdministratorAccess allows * on *",)),
            findings=("f-admin",),
        ),
        make_assessment(
            legacy,
            usage=UsageVerdict(state="dormant", window_days=90, evidence="last used 2025-02-01"),
            findings=("f-old-key",),
        ),
        make_assessment(
            agent,
            agent=AgentVerdict(
                is_agent=True, signals=(Signal(says="agent", sort="name", evidence="its name says agent"),)
            ),
            rechecked=False,
        ),
    )
    return make_result(
        *assessments,
        summary=Summary(identities=5, unregistered=3, orphaned=4, abandoned=1, admins=1, agents=1, not_found=1, gaps=1),
        coverage=(
            make_coverage(identities=4),
            make_coverage(section="iam.roles", status="denied", permission="iam:ListRoles", detail="AccessDenied"),
        ),
        exposures=(
            make_exposure(legacy_key, identity=legacy.key, credential=legacy_key.key),
            make_exposure(key="exposure:leaks:2", key_id="AKIANOBODY"),
        ),
        secrets=(StoredSecret(key="arn:secret/db", provider="aws", source="prod", scope=ACCOUNT, name="db-password"),),
        entries=(
            EntryAssessment(entry=make_entry(billing.key, name="Billing"), state="found", identities=(billing.key,)),
            EntryAssessment(
                entry=make_entry("ghost", id="NHI-2", name="Ghost"),
                state="not_found",
                evidence="iam.users was read",
                candidates=(
                    IdentityCandidate(identity=bot.key, score=0.7, evidence="both say bot"),
                    IdentityCandidate(identity="arn:elsewhere", score=0.5, evidence="it was renamed"),
                ),
            ),
        ),
        findings=(
            make_finding(
                fingerprint="f-admin",
                rule="admin",
                severity="critical",
                identity=deployer.key,
                title="It can do everything",
            ),
            make_finding(
                fingerprint="f-old-key",
                rule="key_too_old",
                severity="medium",
                identity=legacy.key,
                credential=legacy_key.key,
                title="A key is too old",
                evidence={"created": "2024-06-08"},
                controls=("owasp-nhi-2025:NHI7",),
                new=True,
            ),
        ),
    )


def with_history(result: ScanResult) -> ScanResult:
    """The result after a scan a month before, in which it looked worse, and nothing could be said of the registry."""
    before = Summary(owned=1, orphaned=9, findings={"critical": 1, "high": 2})
    now = Summary(owned=1, orphaned=4, registered=1, unregistered=3, findings={"critical": 1})
    return replace(
        result,
        trend=(
            ScanPoint(id="before", started_at=days_ago(30), counts=before),
            ScanPoint(id=result.scan.id, started_at=result.scan.started_at, counts=now, resolved={10: 2, 30: 1}),
        ),
    )
