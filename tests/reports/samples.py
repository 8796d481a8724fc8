"""Results that the report tests share: a small believable estate, its variants, and hostile text."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from msgspec.structs import replace

from scanner.model import (
    SEVERITIES,
    AgentVerdict,
    Assessment,
    EntryAssessment,
    Exposure,
    Finding,
    Grant,
    Identity,
    Input,
    Link,
    MatchCandidate,
    NatureVerdict,
    Origin,
    OwnerCandidate,
    OwnershipVerdict,
    Privilege,
    RegistryVerdict,
    ScanInfo,
    ScanResult,
    Signal,
    StoredSecret,
    Summary,
    Trust,
    UsageVerdict,
    Workload,
)
from scanner.model.activity import Activity, Deviation, ServiceUse
from scanner.rules.activity import evidence_of
from tests.factories import (
    NOW,
    days_ago,
    make_assessment,
    make_assignment,
    make_coverage,
    make_credential,
    make_entry,
    make_exposure,
    make_finding,
    make_identity,
    make_result,
)

DORMANT = UsageVerdict(state="dormant", last_used_at=days_ago(300), window_days=90, evidence="last used 2026-01-29")
NEVER = UsageVerdict(state="never_used", window_days=90, evidence="no use since 2025-10-21")


def _owned_pipeline() -> Assessment:
    identity = make_identity(
        "deploy-pipeline",
        kind="role",
        key="arn:aws:iam::123456789012:role/ci/deploy-pipeline",
        last_used_at=days_ago(1),
        environment="prod",
        tags={"team": "platform"},
        grants=(Grant(name="AdministratorAccess", via="direct", admin=True),),
        links=(Link(relation="can_assume", target="arn:aws:iam::123456789012:role/prod", evidence="trust policy"),),
        trusts=(Trust(principal="repo:example/app", kind="federated", restriction="exact", evidence="sub is exact"),),
    )
    return make_assessment(
        identity,
        registry=RegistryVerdict(state="registered", entry="NHI-7", rung="key", evidence="equals its key"),
        ownership=OwnershipVerdict(state="owned", owner="ada@example.com", evidence="active on the roster"),
        usage=UsageVerdict(state="active", last_used_at=days_ago(1), window_days=90, evidence="used 2026-11-24"),
        privilege=Privilege(level="admin", evidence=("AdministratorAccess allows * on *",)),
        findings=("ad" * 16,),
    )


def _abandoned_admin() -> Assessment:
    identity = make_identity("legacy-admin", last_used_at=days_ago(300), enabled=True)
    identity = make_identity(
        "legacy-admin",
        last_used_at=days_ago(300),
        enabled=True,
        credentials=(make_credential(identity, "AKIALEGACY", last_used_at=days_ago(300)),),
    )
    return make_assessment(
        identity,
        ownership=OwnershipVerdict(
            state="orphaned",
            reason="unregistered",
            candidates=(OwnerCandidate(person="grace@example.com", score=0.8, evidence="created it 2025-10-21"),),
        ),
        usage=DORMANT,
        privilege=Privilege(level="admin", evidence=("iam:* on *",)),
        findings=("aa" * 16, "ab" * 16),
    )


def _agent() -> Assessment:
    signal = Signal(says="agent", sort="name", evidence="name holds the word agent", strength="weak")
    identity = make_identity(
        "support-agent",
        links=(Link(relation="runs_as", target="arn:aws:iam::123456789012:role/support", evidence="its setup"),),
        attributes={
            "tools": ["refund", "search"],
            "mcp_servers": [{"name": "tickets", "host": "mcp.example.com", "variables": ["TOKEN"]}],
            "sponsors": [{"id": "7", "name": "Ada", "email": "ada@example.com"}],
            "human_in_the_loop": False,
        },
    )
    return make_assessment(
        identity,
        agent=AgentVerdict(is_agent=True, signals=(signal,)),
        registry=RegistryVerdict(
            state="unregistered",
            candidates=(MatchCandidate(entry="NHI-9", score=0.7, evidence="support-agnet is one letter away"),),
        ),
        findings=("ac" * 16,),
    )


def _departed() -> Assessment:
    return make_assessment(
        make_identity("approle/billing", key="vault:root:auth/approle/role/billing", provider="vault", scope="root"),
        registry=RegistryVerdict(state="registered", entry="NHI-3", rung="name", evidence="equal but for case"),
        ownership=OwnershipVerdict(state="orphaned", reason="departed", owner="bob@example.com"),
        usage=NEVER,
        privilege=Privilege(level="high", evidence=("update on secret/prod/*",)),
        findings=("ae" * 16,),
    )


def _person() -> Assessment:
    return make_assessment(
        "ada",
        nature=NatureVerdict(verdict="human", signals=(Signal(says="human", sort="roster", evidence="is on it"),)),
        registry=RegistryVerdict(state="exempt", evidence="a person"),
        ownership=OwnershipVerdict(state="not_applicable"),
        usage=UsageVerdict(state="unknown", window_days=90, evidence="sign-ins are not recorded"),
    )


def _findings(*assessments: Assessment) -> tuple[Finding, ...]:
    admin, agent, departed, pipeline = assessments
    found = (
        make_finding(
            fingerprint="aa" * 16,
            severity="critical",
            identity=admin.identity.key,
            evidence={"created_at": days_ago(400), "provisional": False},
            remediation="Ask the best owner candidate what it is for.",
            controls=("owasp-nhi-2025:NHI1",),
            new=True,
        ),
        make_finding(
            fingerprint="ab" * 16,
            rule="credential_too_old",
            severity="medium",
            identity=admin.identity.key,
            credential=admin.identity.credentials[0].key,
            title="A credential is older than the policy allows",
            evidence={"created_at": days_ago(400), "limit_days": 90},
            remediation="Rotate it.",
        ),
        make_finding(fingerprint="ac" * 16, identity=agent.identity.key, new=True),
        make_finding(
            fingerprint="ad" * 16,
            rule="admin",
            identity=pipeline.identity.key,
            title="It can do everything",
            evidence={"grant": "AdministratorAccess"},
            remediation="Grant what it uses, and no more.",
            owner="ada@example.com",
        ),
        make_finding(
            fingerprint="ae" * 16,
            rule="orphaned",
            identity=departed.identity.key,
            entry="NHI-3",
            title="Identity is unowned",
            evidence={"owner": "bob@example.com", "left_on": date(2026, 6, 30)},
            remediation="Name a new owner.",
        ),
        make_finding(
            fingerprint="af" * 16,
            rule="entry_not_found",
            severity="low",
            identity=None,
            entry="NHI-8",
            title="A declared identity is not there",
            remediation="Retire the entry.",
        ),
    )
    return tuple(sorted(found, key=lambda finding: (SEVERITIES.index(finding.severity), finding.rule)))


def _leaks(admin: Identity) -> tuple[Exposure, ...]:
    """The administrator's key, which a scanner tried, and one that opens nothing known."""
    (key,) = admin.credentials
    return (
        make_exposure(key, identity=admin.key, credential=key.key, verified=True, link="https://git.example.com/1"),
        make_exposure(key="exposure:leaks:2", key_id="AKIANOBODY", file="old.env", line=None, committer=None),
    )


def estate(**facts: Any) -> ScanResult:
    """Five identities, one of each sort that a reader meets; ``facts`` replace parts of the result."""
    admin, agent, departed, pipeline, person = (
        _abandoned_admin(),
        _agent(),
        _departed(),
        _owned_pipeline(),
        _person(),
    )
    entries = (
        EntryAssessment(
            entry=make_entry("billing", id="NHI-3", name="billing", owner=("bob@example.com",)),
            state="found",
            identities=(departed.identity.key,),
        ),
        EntryAssessment(
            entry=make_entry(pipeline.identity.key, id="NHI-7", expires=date(2027, 1, 31)),
            state="found",
            identities=(pipeline.identity.key,),
        ),
        EntryAssessment(entry=make_entry("etl", "reports", id="NHI-8"), state="not_found", evidence="prod was read"),
    )
    secret = StoredSecret(
        key="vault:root:secret/data/billing",
        provider="vault",
        source="vault",
        scope="root",
        name="secret/billing",
        rotated_at=days_ago(700),
    )
    workload = Workload(
        key="arn:aws:lambda:eu-west-1:123456789012:function:triage",
        provider="aws",
        source="prod",
        scope="123456789012",
        kind="lambda_function",
        name="triage",
        runs_as=(agent.identity.key,),
        uses=(secret.key,),
    )
    agent = replace(agent, consumers=(workload.key,))
    defaults: dict[str, Any] = {
        "summary": Summary(
            identities=5,
            registered=2,
            unregistered=2,
            exempt=1,
            owned=1,
            orphaned=3,
            dormant=1,
            never_used=1,
            abandoned=2,
            admins=2,
            agents=1,
            credentials=1,
            secrets=1,
            workloads=1,
            assignments=1,
            findings={"critical": 1, "high": 3, "medium": 1, "low": 1, "info": 0},
            new_findings=2,
            registry_entries=3,
            not_found=1,
        ),
        "coverage": (
            make_coverage(identities=4, calls=6),
            make_coverage(
                provider="vault", source="vault", scope="root", section="auth.approle", identities=1, calls=9
            ),
        ),
        "secrets": (secret,),
        "workloads": (workload,),
        "assignments": (make_assignment(pipeline.identity.key, provider="aws"),),
        "exposures": _leaks(admin.identity),
        "entries": entries,
        "findings": _findings(admin, agent, departed, pipeline),
    }
    people = sorted((admin, agent, departed, pipeline, person), key=lambda judged: judged.identity.key)
    return make_result(*people, **{**defaults, **facts})


EVENT_IDS = tuple(f"0a1b2c3d-0000-4000-8000-{number:012}" for number in range(5))

ACTIVITY = Activity(
    covered_from=date(2026, 8, 27),
    covered_to=date(2026, 11, 24),
    covered_days=90,
    first_event_at=days_ago(89),
    last_event_at=days_ago(1),
    events=12_345,
    denied=12,
    services=(
        ServiceUse(service="iam", actions=(), events=12, first_at=days_ago(1), last_at=days_ago(1)),
        ServiceUse(
            service="s3",
            actions=("GetBucketPolicy", "ListAllMyBuckets"),
            events=12_333,
            first_at=days_ago(89),
            last_at=days_ago(1),
        ),
    ),
    networks=("10.0.3.0/24", "office"),
    clients=("boto3", "terraform"),
    regions=("eu-west-1",),
    assumed_by=("arn:aws:iam::123456789012:role/ci/deploy-pipeline", "arn:aws:iam::210987654321:role/unknown"),
    tools=("bedrock model anthropic.claude-v4",),
    hours=(0, 0, 88, 90, 40, *(0 for _ in range(9)), 1, *(0 for _ in range(9))),
    granted_services=("dynamodb", "ec2", "iam", "kms", "s3"),
    used_services=("s3",),
    unlogged_services=("dynamodb",),
)
"""What a nightly job did."""

SILENT = Activity(
    covered_from=date(2026, 8, 27),
    covered_to=date(2026, 11, 24),
    covered_days=90,
    granted_services=("sqs", "ssm"),
)
"""Logs cover it, and have nothing."""


def changed(key: str, fingerprint: str, explained: bool | None, **facts: Any) -> Finding:
    """A finding about a day on which an identity behaved differently."""
    deviation = Deviation(
        rule="behaviour_changed",
        day=date(2026, 11, 24),
        reasons=("denied_burst", "new_action", "new_network"),
        facts={
            "actions": {"iam:CreateAccessKey": 2, "iam:ListUsers": 1},
            "more_actions": 9,
            "events": 12,
            "first_at": days_ago(1),
            "last_at": days_ago(1) + timedelta(minutes=90),
            "new": {"new_action": ["iam:CreateAccessKey"], "new_network": ["203.0.113.0/24"]},
        }
        | facts,
        event_ids=EVENT_IDS,
        explained=explained,
        explained_by="permissions changed between the scans of 2026-11-23 04:00 and 2026-11-24 04:00"
        if explained
        else None,
    )
    return make_finding(
        fingerprint=fingerprint,
        rule="behaviour_changed",
        severity="info" if explained else "medium",
        identity=key,
        title="Identity behaves differently from before",
        evidence=evidence_of(deviation),
        remediation="Compare the reasons with what was deployed on that day.",
        owner="ada@example.com",
        new=explained is False,
    )


def estate_with_activity() -> ScanResult:
    """The same with audit logs: a job that did something new on three days, one that did nothing, others without a log.

    Of the three findings one is unexplained, one explained, and of one that is unknown.
    """
    owned = OwnershipVerdict(state="owned", owner="ada@example.com", evidence="active on the roster")
    registered = RegistryVerdict(state="registered", entry="NHI-7", rung="key", evidence="equals its key")
    key = "arn:aws:iam::123456789012:role/nightly"
    found = tuple(
        changed(key, fingerprint * 16, state) for fingerprint, state in (("b1", False), ("b2", None), ("b3", True))
    )
    nightly = make_assessment(
        make_identity("nightly", kind="role", key=key),
        registry=registered,
        ownership=owned,
        activity=ACTIVITY,
        findings=tuple(finding.fingerprint for finding in found),
    )
    silent = make_assessment("silent", registry=registered, ownership=owned, activity=SILENT)
    before = estate()
    logs = (
        make_coverage(source="trail", section="activity", detail="90 days read in full, 2026-08-27 to 2026-11-24"),
        *(
            make_coverage(
                source="trail", section=f"activity:2026-11-{day}", status="partial", detail="a file is cut off"
            )
            for day in (20, 21, 24)
        ),
    )
    findings = sorted((*before.findings, *found), key=lambda one: (SEVERITIES.index(one.severity), one.rule))
    return replace(
        before,
        identities=tuple(sorted((*before.identities, nightly, silent), key=lambda judged: judged.identity.key)),
        findings=tuple(findings),
        coverage=(*before.coverage, *logs),
        summary=replace(
            before.summary,
            identities=7,
            registered=4,
            owned=3,
            findings={"critical": 1, "high": 3, "medium": 3, "low": 1, "info": 1},
            new_findings=3,
            unexplained_findings=1,
            gaps=3,
        ),
    )


def estate_with_gaps() -> ScanResult:
    """The same, but two sections could not be read, and one verdict is provisional for it."""
    return provisional(
        estate(
            coverage=(
                make_coverage(identities=4, calls=6),
                make_coverage(
                    section="iam.credential-report", status="denied", permission="iam:GenerateCredentialReport"
                ),
                make_coverage(
                    provider="vault",
                    source="vault",
                    scope="root",
                    section="auth.approle",
                    status="partial",
                    identities=1,
                    calls=9,
                    detail="row 3 could not be read: no name",
                ),
            ),
            notices=("scope 210987654321 is no longer listed by prod; its identities keep their last verdicts",),
        )
    )


def provisional(result: ScanResult) -> ScanResult:
    """The result with its unregistered identities provisional."""
    return replace(
        result,
        identities=tuple(
            replace(judged, registry=replace(judged.registry, provisional=True))
            if judged.registry.state == "unregistered"
            else judged
            for judged in result.identities
        ),
    )


def without_registry() -> ScanResult:
    """What a scan finds when no one has declared anything."""
    judged = tuple(
        replace(
            one, registry=RegistryVerdict(state="unchecked"), ownership=OwnershipVerdict(state="unchecked"), findings=()
        )
        for one in estate().identities
    )
    return make_result(*judged, summary=Summary(identities=len(judged), admins=2, agents=1))


HOSTILE: Mapping[str, str] = {
    "formula": '=HYPERLINK("http://evil.example","x")',
    "formula behind blanks": " \t+1+cmd|' /C calc'!A0",
    "formula behind a quote": '"=1+1',
    "formula in full width": "\uff1d1+1",
    "formula after a semicolon": "a;=1+1",
    "html": "</script><svg/onload=alert(1)><img src=x onerror=alert(1)>",
    "spreadsheet markup": '<r><t>x</t></r></is></c><c r="A9"><f>1+1</f></c><c><is><r></r>',
    "rich markup": "[bold red]x[/] [link=http://evil.example]y[/link]",
    "terminal escape": "\x1b]0;owned\x07\x1b[2J\x9b31m",
    "bidirectional": "user\u202egnp.exe\u2066\u200b",
    "surrogate": "lone\ud800surrogate",
    "nul and newlines": "a\x00b\r\nc\u2028d\x85e",
    "noncharacters": "\ufffe\uffff_x0041_",
    "ten thousand long": "n" * 10_000,
    "wide": "名前" * 60,
}
"""Names that try to be more than a name."""


def _hostile_exposure(name: str, /, **matched: str) -> Exposure:
    texts: dict[str, Any] = dict.fromkeys(
        (
            "provider",
            "source",
            "scope",
            "detector",
            "key_id",
            "holder",
            "repository",
            "file",
            "commit",
            "committer",
            "link",
        ),
        name,
    )
    return Exposure(key=f"{name}{len(matched)}", **{**texts, **matched})


def hostile_result(name: str) -> ScanResult:
    """A result in which everything that comes from outside is ``name``."""
    identity = Identity(
        key=f"x:{name}",
        provider="aws",
        source=name,
        scope=name,
        kind=name,
        name=name,
        display_name=name,
        description=name,
        unique_id=name,
        aliases=(name,),
        created_at=days_ago(3),
        tags={name: name},
        attributes={name: [name]},
        credentials=(make_credential("svc", name),),
    )
    judged = make_assessment(
        identity,
        registry=RegistryVerdict(
            state="unregistered", evidence=name, candidates=(MatchCandidate(entry=name, score=0.5, evidence=name),)
        ),
        ownership=OwnershipVerdict(
            state="orphaned",
            reason="departed",
            owner=name,
            candidates=(OwnerCandidate(person=name, score=0.5, evidence=name),),
        ),
        usage=UsageVerdict(state="dormant", window_days=90, evidence=name),
        privilege=Privilege(level="high", evidence=(name,)),
        activity=replace(
            ACTIVITY,
            services=(ServiceUse(service=name, actions=(name,), events=1, first_at=days_ago(1), last_at=days_ago(1)),),
            networks=(name,),
            clients=(name,),
            regions=(name,),
            assumed_by=(name,),
            tools=(name,),
            granted_services=(name,),
            used_services=(name,),
            unlogged_services=(name,),
        ),
        findings=("aa" * 16, "bb" * 16),
    )
    unusual = changed(
        identity.key,
        "bb" * 16,
        explained=True,
        new={"new_action": [name], name: [name]},
        actions={name: 1},
        clients=[name],
    )
    entry = make_entry(name, id=name, name=name, owner=(name,), origin=Origin(file=name, row=2))
    inputs = (Input(role="registry", name=name),)
    return make_result(
        judged,
        scan=ScanInfo(id="20261125T080000Z-1", started_at=NOW, finished_at=NOW, version="0.1.0", inputs=inputs),
        coverage=(make_coverage(source=name, scope=name, section=name, status="denied", detail=name, permission=name),),
        secrets=(StoredSecret(key=name, provider="vault", source=name, scope=name, name=name),),
        exposures=(_hostile_exposure(name), _hostile_exposure(name, identity=identity.key)),
        entries=(EntryAssessment(entry=entry, state="not_found"),),
        findings=(
            make_finding(fingerprint="aa" * 16, identity=identity.key, title=name, evidence={name: name}),
            replace(unusual, evidence={**unusual.evidence, "explained_by": name, "event_ids": [name]}),
        ),
        notices=(name,),
    )
