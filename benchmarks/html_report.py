"""How the HTML report holds up in Chromium: file size, time to the first rows, and time for a keystroke.

python -m benchmarks.html_report [IDENTITIES]…       10,000 and 100,000 by default

Each size is measured without audit logs, with activity of each identity, and with three findings and two links of each.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from playwright.sync_api import Browser

from benchmarks.judged import judged
from reports.base import Screen
from reports.html.report import HtmlReport
from scanner.model import Assessment, Finding, Link, ScanResult, most_severe_first
from scanner.model.activity import Activity, ServiceUse
from scanner.rules.base import fingerprint
from tests.browser import chromium

TYPED = "payments prod"


def main() -> None:
    """Measure each size and print a line of numbers for it."""
    sizes = [int(size) for size in sys.argv[1:]] or [10_000, 100_000]
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        for size in sizes:
            result = judged(size)
            for name, changed in _ESTATES.items():
                print(measure(changed(result), name, browser, Path(folder, f"{size}.html")), flush=True)


_SERVICES = (
    "dynamodb", "ec2", "ecr", "ecs", "iam", "kms", "lambda", "logs", "rds", "s3", "secretsmanager", "sns", "sqs", "ssm",
    "sts",
)  # fmt: skip
_VERBS = tuple(f"{verb}{thing}" for verb in ("Get", "List", "Put", "Describe") for thing in ("Item", "Policy", "Tags"))


def with_activity(result: ScanResult) -> ScanResult:
    """Each identity uses up to six services in an order of its own, at hours, days and networks of its own."""
    chosen = random.Random(7)
    now = result.scan.started_at
    return replace(result, identities=tuple(replace(one, activity=_activity(chosen, now)) for one in result.identities))


def _activity(chosen: random.Random, now: datetime) -> Activity:
    services = tuple(
        ServiceUse(
            service=service,
            actions=tuple(sorted(chosen.sample(_VERBS, chosen.randint(1, 6)))),
            events=chosen.randint(1, 100_000),
            first_at=now - timedelta(days=chosen.uniform(30, 89)),
            last_at=now - timedelta(days=chosen.uniform(0, 29)),
        )
        for service in sorted(chosen.sample(_SERVICES, chosen.randint(1, 6)))
    )
    at = chosen.randint(0, 20)
    return Activity(
        covered_from=(now - timedelta(days=90)).date(),
        covered_to=(now - timedelta(days=1)).date(),
        covered_days=90,
        first_event_at=min(one.first_at for one in services),
        last_event_at=max(one.last_at for one in services),
        events=sum(one.events for one in services),
        denied=chosen.randint(0, 9),
        services=services,
        networks=tuple(f"10.{chosen.randint(0, 255)}.{chosen.randint(0, 255)}.0/24" for _ in range(3)),
        clients=tuple(sorted(chosen.sample(("aws-cli", "boto3", "go-sdk", "java-sdk", "terraform"), 2))),
        regions=("eu-west-1",),
        hours=tuple(chosen.randint(1, 90) if at <= hour < at + 4 else 0 for hour in range(24)),
        granted_services=_SERVICES,
        used_services=tuple(one.service for one in services),
    )


def rich(result: ScanResult) -> ScanResult:
    """Three findings and two links an identity: one to another identity, one to a role that is not in the estate."""
    chosen = random.Random(7)
    keys = [one.identity.key for one in result.identities]
    known = {finding.fingerprint: finding for finding in result.findings}
    identities, findings = [], []
    for one in result.identities:
        its = sorted([*(known[held] for held in one.findings), *_more_findings(one, chosen)][:3], key=most_severe_first)
        role = f"arn:aws:iam::{one.identity.scope}:role/app-{chosen.randint(0, 999)}"
        links = (
            Link(relation="can_assume", target=chosen.choice(keys), evidence="trust policy, statement 1"),
            Link(relation="runs_as", target=role, evidence="instance profile"),
        )
        identity = replace(one.identity, links=links)
        identities.append(replace(one, identity=identity, findings=tuple(finding.fingerprint for finding in its)))
        findings += its
    return replace(result, identities=tuple(identities), findings=tuple(sorted(findings, key=most_severe_first)))


def _more_findings(one: Assessment, chosen: random.Random) -> Iterator[Finding]:
    key = one.identity.key
    facts: dict[str, dict[str, Any]] = {
        "escalation": {"via": [f"policy-{chosen.randint(0, 300)}"], "level": "escalation"},
        "cross_environment_trust": {"target": chosen.choice(("prod", "staging")), "statement": chosen.randint(1, 9)},
        "open_trust": {"principal": f"{chosen.randrange(10**11, 10**12)}", "statement": chosen.randint(1, 9)},
    }
    for rule, evidence in facts.items():
        yield Finding(
            fingerprint=fingerprint(rule, key),
            rule=rule,
            severity="high",
            identity=key,
            title=f"Title of {rule}",
            remediation=f"Remedy of {rule}.",
            evidence=evidence,
            controls=("owasp-nhi-2025:NHI5",),
            owner=one.contact,
            first_seen=one.identity.created_at,
        )


_ESTATES: Mapping[str, Callable[[ScanResult], ScanResult]] = {
    "": lambda result: result,
    " with activity": with_activity,
    " of a rich estate": rich,
}


def measure(result: ScanResult, name: str, browser: Browser, page_file: Path) -> str:
    """One line of numbers for a result. ``name``: what the line calls it, after the number of identities."""
    size = len(result.identities)
    started = time.perf_counter()
    with page_file.open("wb") as out:
        HtmlReport().write(result, "all", out, Screen())
    written = time.perf_counter() - started
    first_rows = statistics.median(_first_rows(browser, page_file) for _ in range(3))
    first, *others = _keystrokes(browser, page_file)
    return (
        f"{size:>9,} identities{name}: {page_file.stat().st_size / 1e6:5.2f} MB, "
        f"{page_file.stat().st_size / size:.0f} bytes an identity, written in {written:4.1f} s; "
        f"first rows {first_rows:4.0f} ms; first keystroke {first:4.0f} ms, "
        f"median {statistics.median(others):4.0f} ms, slowest {max(others):4.0f} ms"
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
            """async text => {
                const box = document.getElementById("filter");
                box.value = text;
                const from = performance.now();
                box.dispatchEvent(new Event("input"));
                await new Promise((resume) => setTimeout(resume));
                document.body.getBoundingClientRect();
                return performance.now() - from;
            }""",
            TYPED[:length],
        )
        for length in range(1, len(TYPED) + 1)
    ]
    page.close()
    return times


if __name__ == "__main__":
    main()
