"""Messages for tests: small, large, and hostile."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from scanner.notify.links import finding_page, identity_page, start_page
from scanner.notify.notices import FindingLine, IdentityLine, Notice, PlaceLine, ScanLine
from tests.factories import NOW

HOSTILE = "<!channel> <https://evil.example|click> @here *b* `c` [x](https://evil.example) <script>x()</script> &amp;"


def make_line(**facts: Any) -> FindingLine:
    """A finding on a user."""
    defaults: dict[str, Any] = {
        "fingerprint": "0f" * 16,
        "rule": "unregistered",
        "severity": "high",
        "title": "Identity is unregistered",
        "subject": "svc-billing (aws 123456789012 user)",
        "identity": "arn:aws:iam::123456789012:user/svc-billing",
        "credential": None,
        "entry": None,
        "remediation": "Ask the likely owner.",
    }
    return FindingLine(**{**defaults, **facts})


def make_notice(**facts: Any) -> Notice:
    """A message about one finding."""
    defaults: dict[str, Any] = {
        "id": "ab" * 16,
        "kind": "findings",
        "title": "1 new finding for ada@example.com (1 high)",
        "recipient": "ada@example.com",
        "scan": ScanLine(id="20261125T080000Z-1", started_at=NOW, finished_at=NOW, version="1"),
        "created_at": NOW,
        "counts": {"high": 1},
        "findings": (make_line(),),
    }
    return Notice(**{**defaults, **facts})


def large() -> Notice:
    """As long as a message can get."""
    text = "&" * 300
    lines = tuple(make_line(title=text, subject=text, remediation=text, identity="k" * 2000) for _ in range(40))
    return make_notice(findings=lines, title=text, more=60, report_url="https://reports.example/latest?a=1&b=2")


def hostile() -> Notice:
    """From attackers, in every field that they may fill."""
    line = make_line(title=HOSTILE, subject=HOSTILE, remediation=HOSTILE)
    place = PlaceLine(source=HOSTILE, scope=HOSTILE, section=HOSTILE, status="denied", detail=HOSTILE)
    return make_notice(findings=(line,), lost=(place,), title=HOSTILE, recipient=HOSTILE)


PAGE = "https://muster.example/"


def linked() -> Notice:
    """With links to the served page."""
    arrived = IdentityLine(
        key="arn", subject="bot", provider="aws", scope="1", kind="role", privilege="normal", created_at=None,
        created_by=None, url=identity_page(PAGE, """arn:aws::<"'>)| &x"""),
    )  # fmt: skip
    line = make_line()
    found = replace(line, url=finding_page(PAGE, line.fingerprint))
    return make_notice(
        identities=(arrived,), findings=(found,), counts={"high": 2, "low": 1}, page_url=start_page(PAGE)
    )
