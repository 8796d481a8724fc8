"""How the HTML report holds up in Chromium: file size, time to the first rows, and time for a keystroke.

python benchmarks/html_report.py [IDENTITIES]…       10,000 and 100,000 by default
"""

from __future__ import annotations

import io
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from reports.base import Screen
from reports.html.report import HtmlReport
from scanner.model import (
    AgentVerdict,
    Assessment,
    Coverage,
    Credential,
    Entry,
    EntryAssessment,
    EntryState,
    Finding,
    Grant,
    Identity,
    Link,
    MatchCandidate,
    NatureVerdict,
    Origin,
    OwnerCandidate,
    OwnershipState,
    OwnershipVerdict,
    Privilege,
    PrivilegeLevel,
    RegistryState,
    RegistryVerdict,
    ScanInfo,
    ScanResult,
    Severity,
    Signal,
    Summary,
    UsageState,
    UsageVerdict,
    credential_key,
)

CHROMIUM = "/usr/bin/chromium"
TYPED = "billing prod"
NOW = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)

TEAMS = ("billing", "search", "payments", "etl", "observability", "identity", "checkout", "ml", "mobile", "backoffice")
ROLES = ("deployer", "reader", "worker", "exporter", "agent", "sync", "backup", "runner", "ingest", "notifier")
STAGES = ("prod", "staging", "dev")
PEOPLE = tuple(f"{first}.{last}@example.com" for first in ("ada", "bo", "cy", "di", "eli", "fay") for last in TEAMS)
REGISTRY: tuple[RegistryState, ...] = ("registered", "unregistered", "ambiguous", "exempt")
USAGES: tuple[UsageState, ...] = ("active", "dormant", "never_used", "disabled", "unknown")
LEVELS: tuple[PrivilegeLevel, ...] = ("admin", "escalation", "high", "normal", "unknown")
RULES: tuple[tuple[str, Severity, str], ...] = (
    ("unregistered", "high", "Nobody has declared this identity"),
    ("dormant", "medium", "It has not been used for the whole window"),
    ("key_too_old", "medium", "An access key is older than the rotation period"),
    ("admin", "critical", "It could do effectively everything"),
    ("external_trust", "high", "Somebody outside may become it, without a condition"),
    ("two_active_keys", "low", "It has two active keys"),
)


def estate(size: int, seed: int = 7) -> ScanResult:
    """A believable estate of ``size`` identities: what a scan of many accounts leaves."""
    dice = random.Random(seed)
    judged, findings = zip(*(_judged(number, dice) for number in range(size)), strict=True)
    flat = tuple(finding for some in findings for finding in some)
    entries = tuple(_entry(number, dice) for number in range(size // 3))
    coverage = tuple(_coverage(size))
    return ScanResult(
        scan=ScanInfo(id="20261125T080000Z-1", started_at=NOW, finished_at=NOW + timedelta(minutes=3), version="0.1.0"),
        summary=_summary(judged, flat, entries, coverage),
        coverage=coverage,
        identities=judged,
        entries=entries,
        findings=flat,
    )


def _moment(dice: random.Random, days: int) -> datetime:
    return NOW - timedelta(minutes=dice.randrange(days * 1440))


def _unique(dice: random.Random, prefix: str) -> str:
    return prefix + "".join(dice.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=16))


def _judged(number: int, dice: random.Random) -> tuple[Assessment, list[Finding]]:
    identity = _identity(number, dice)
    registry = dice.choices(REGISTRY, (60, 25, 3, 12))[0]
    ownership: OwnershipState = {"registered": "owned", "exempt": "not_applicable"}.get(registry, "orphaned")  # type: ignore[assignment]  # the table's values are states
    usage = dice.choices(USAGES, (60, 14, 8, 6, 12))[0]
    level = dice.choices(LEVELS, (2, 3, 10, 75, 10))[0]
    owner = dice.choice(PEOPLE) if ownership == "owned" else None
    found = [_finding(number, rule, identity, dice) for rule in dice.sample(RULES, dice.choice((0, 1, 1, 2, 3)))]
    asked = tuple(
        OwnerCandidate(person=person, score=dice.random(), evidence=f"created it on {_moment(dice, 900):%Y-%m-%d}")
        for person in dice.sample(PEOPLE, 2)
    )
    assessment = Assessment(
        identity=identity,
        nature=NatureVerdict(verdict="non_human"),
        agent=AgentVerdict(
            is_agent="agent" in identity.name,
            signals=(Signal(says="agent", sort="name", evidence="its name says agent"),) * ("agent" in identity.name),
        ),
        registry=RegistryVerdict(
            state=registry,
            entry=f"NHI-{number // 3}" if registry == "registered" else None,
            rung="key" if registry == "registered" else None,
            evidence=f"its full id stands in registry.csv:{number // 3 + 2}" if registry == "registered" else None,
            candidates=(MatchCandidate(entry=f"NHI-{number // 4}", score=0.71, evidence="a similar name"),)
            if registry == "unregistered"
            else (),
        ),
        ownership=OwnershipVerdict(
            state=ownership,
            reason="unregistered" if ownership == "orphaned" else None,
            owner=owner,
            evidence=f"{owner} is active on the roster" if owner else None,
            candidates=asked if ownership == "orphaned" else (),
        ),
        usage=UsageVerdict(
            state=usage,
            last_used_at=identity.last_used_at,
            window_days=90,
            evidence=f"used {identity.last_used_at:%Y-%m-%d}" if identity.last_used_at else "no use on record",
        ),
        privilege=Privilege(level=level, evidence=("AdministratorAccess allows * on *",) if level == "admin" else ()),
        findings=tuple(finding.fingerprint for finding in found),
    )
    return assessment, found


def _identity(number: int, dice: random.Random) -> Identity:
    account = f"{100000000000 + number // 400:012d}"
    team, role, stage = dice.choice(TEAMS), dice.choice(ROLES), dice.choice(STAGES)
    kind = dice.choice(("user", "role", "role"))
    name = f"{team}-{role}-{stage}-{number:06d}"
    key = f"arn:aws:iam::{account}:{kind}/{name}"
    used = _moment(dice, 400) if dice.random() < 0.8 else None
    return Identity(
        key=key,
        provider="aws",
        source="prod",
        scope=account,
        kind=kind,
        name=name,
        unique_id=_unique(dice, "AIDA" if kind == "user" else "AROA"),
        created_at=_moment(dice, 2000),
        last_used_at=used,
        environment=stage,
        tags={"team": team, "stage": stage, "cost-center": str(dice.randrange(100, 180))},
        credentials=tuple(_credential(key, dice) for _ in range(dice.choice((0, 1, 1, 2)) if kind == "user" else 0)),
        grants=tuple(
            Grant(name=f"{team}-{verb}", via="direct" if verb == "read" else f"group:{team}")
            for verb in dice.sample(("read", "write", "deploy", "observe"), 2)
        ),
        links=(Link(relation="can_assume", target=f"arn:aws:iam::{account}:role/{team}-base", evidence="its policy"),),
    )


def _credential(identity: str, dice: random.Random) -> Credential:
    number = _unique(dice, "AKIA")
    return Credential(
        key=credential_key(identity, "access_key", number),
        kind="access_key",
        id=number,
        enabled=dice.random() < 0.85,
        created_at=_moment(dice, 1500),
        last_used_at=_moment(dice, 500) if dice.random() < 0.7 else None,
    )


def _finding(number: int, rule: tuple[str, Severity, str], identity: Identity, dice: random.Random) -> Finding:
    name, severity, title = rule
    credential = identity.credentials[0] if identity.credentials and "key" in name else None
    return Finding(
        fingerprint=f"{number:08x}{name}",
        rule=name,
        severity=severity,
        identity=identity.key,
        credential=credential.key if credential else None,
        title=title,
        evidence={"since": _moment(dice, 700).date().isoformat(), "scope": identity.scope},
        remediation="Ask the likely owner, then declare it with an owner or switch it off.",
        controls=("owasp-nhi-2025:NHI1", "cis-aws-3.0.0:1.12"),
        new=dice.random() < 0.05,
    )


def _entry(number: int, dice: random.Random) -> EntryAssessment:
    states: tuple[EntryState, ...] = ("found", "not_found", "retired_but_alive")
    return EntryAssessment(
        entry=Entry(
            id=f"NHI-{number}",
            origin=Origin(file="registry.csv", row=number + 2),
            name=f"{dice.choice(TEAMS)} {dice.choice(ROLES)}",
            identities=(f"arn:aws:iam::{100000000000 + number // 130:012d}:role/{dice.choice(TEAMS)}-{number:06d}",),
            owner=(dice.choice(PEOPLE),),
        ),
        state=dice.choices(states, (90, 8, 2))[0],
    )


def _coverage(size: int) -> Iterator[Coverage]:
    for account in range(size // 400 + 1):
        yield Coverage(
            source="prod",
            provider="aws",
            scope=f"{100000000000 + account:012d}",
            section="iam.users",
            status="denied" if account % 40 == 1 else "complete",
            identities=400,
            calls=3,
            permission="iam:GetAccountAuthorizationDetails" if account % 40 == 1 else None,
        )


def _summary(
    judged: tuple[Assessment, ...],
    findings: tuple[Finding, ...],
    entries: tuple[EntryAssessment, ...],
    coverage: tuple[Coverage, ...],
) -> Summary:
    severities: dict[Severity, int] = dict.fromkeys(("critical", "high", "medium", "low", "info"), 0)
    for finding in findings:
        severities[finding.severity] += 1
    return Summary(
        identities=len(judged),
        unregistered=sum(a.registry.state == "unregistered" for a in judged),
        orphaned=sum(a.ownership.state == "orphaned" for a in judged),
        abandoned=sum(a.abandoned for a in judged),
        admins=sum(a.privilege.level == "admin" for a in judged),
        agents=sum(a.agent.is_agent for a in judged),
        credentials=sum(len(a.identity.credentials) for a in judged),
        findings=severities,
        registry_entries=len(entries),
        not_found=sum(e.state == "not_found" for e in entries),
        gaps=sum(section.is_gap for section in coverage),
    )


# --- measuring ----------------------------------------------------------------


def measure(size: int, browser: Browser, folder: Path) -> str:
    """One line of numbers for an estate of this size."""
    page_file = folder / f"{size}.html"
    result = estate(size)
    started = time.perf_counter()
    buffer = io.BytesIO()
    HtmlReport().write(result, "all", buffer, Screen())
    written = time.perf_counter() - started
    page_file.write_bytes(buffer.getvalue())
    first_rows = statistics.median(_first_rows(browser, page_file) for _ in range(3))
    keystrokes = _keystrokes(browser, page_file)
    return (
        f"{size:>9,} identities: {page_file.stat().st_size / 1e6:5.2f} MB, written in {written:4.1f} s; "
        f"first rows {first_rows:4.0f} ms; first keystroke {keystrokes[0]:4.0f} ms, "
        f"median {statistics.median(keystrokes[1:]):4.0f} ms, slowest {max(keystrokes[1:]):4.0f} ms"
    )


def _first_rows(browser: Browser, page_file: Path) -> float:
    page = browser.new_page()
    page.goto(page_file.as_uri())
    page.locator("#grid tbody tr[data-at]").first.wait_for()
    mark: float = page.evaluate("performance.getEntriesByName('first-rows')[0].startTime")
    page.close()
    return mark


def _keystrokes(browser: Browser, page_file: Path) -> list[float]:
    """For each key: milliseconds from the input event until the browser has laid the new rows out."""
    page = browser.new_page()
    page.goto(page_file.as_uri())
    page.locator("body[data-ready]").wait_for(timeout=60_000)
    times = [
        page.evaluate(
            """text => {
                const box = document.getElementById("filter");
                box.value = text;
                const from = performance.now();
                box.dispatchEvent(new Event("input"));
                document.body.getBoundingClientRect();
                return performance.now() - from;
            }""",
            TYPED[:length],
        )
        for length in range(1, len(TYPED) + 1)
    ]
    page.close()
    return times


def main() -> None:
    sizes = [int(size) for size in sys.argv[1:]] or [10_000, 100_000]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for size in sizes:
            print(measure(size, browser, Path(folder)), flush=True)
        browser.close()


if __name__ == "__main__":
    main()
