"""The content of messages for all channels: ``muster.notice/1`` (docs/reference/notifications.md)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal, TypeAlias

from msgspec import Struct

from scanner.model import Assessment, BlindSpot, Coverage, Finding, Identity, PrivilegeLevel, ScanInfo, Severity
from scanner.notify.links import finding_page, identity_page
from scanner.rules.next_step import step_of
from scanner.text import counted, cut, without_surrogates

NOTICE = "muster.notice/1"
LONGEST_TEXT = 300
"""Maximum characters of an untrusted text; the report has the whole text."""
LONGEST_NAME = 100
"""Maximum characters of a name, so that the place after it is not cut off."""

Kind: TypeAlias = Literal[
    "appeared", "findings", "setup", "blindness", "nothing_scanned", "failed", "heartbeat", "test", "review"
]


class FindingLine(Struct, frozen=True, kw_only=True):
    """A finding in a message. ``subject``: name and place of its subject.

    ``was``: its severity in the last scan, if it has worsened since; ``cause``: why.
    """

    fingerprint: str
    rule: str
    severity: Severity
    title: str
    subject: str
    identity: str | None
    credential: str | None
    entry: str | None
    remediation: str
    next_step: str = ""
    """Empty in messages of earlier versions."""
    was: Severity | None = None
    cause: str | None = None
    url: str | None = None
    """Of the served page."""


class IdentityLine(Struct, frozen=True, kw_only=True):
    """An identity that appeared, in a message. ``subject``: its name and place."""

    key: str
    subject: str
    provider: str
    scope: str
    kind: str
    privilege: PrivilegeLevel
    created_at: datetime | None
    created_by: str | None
    url: str | None = None


class PlaceLine(Struct, frozen=True, kw_only=True):
    """A section that can no longer be read in full, or can be again (``status`` is ``complete``)."""

    source: str
    scope: str
    section: str
    status: str
    detail: str | None = None
    permission: str | None = None


class ReviewLine(Struct, frozen=True, kw_only=True):
    """An access review in a message. ``left``: items of ``reviewer`` without a decision. ``overdue``: past ``due``."""

    review: str
    reviewer: str
    left: int
    due: date
    overdue: bool = False
    url: str | None = None


class ScanLine(Struct, frozen=True, kw_only=True):
    """The scan in a message, without its inputs such as the config."""

    id: str
    started_at: datetime
    finished_at: datetime
    version: str


class Notice(Struct, frozen=True, kw_only=True):
    """One message. Retries keep the ``id``. ``recipient``: the owner; None for orphaned identities.

    ``identities``: those that appeared. ``setup``: the changes of version, policy or sources that caused the rest.
    ``errors``: why there is no result. ``reviews``: access reviews to decide on. ``more``: items beyond those that are
    listed. ``page_url``: the start of the served page, None without ``public_url``.
    """

    schema: str = NOTICE
    id: str
    kind: Kind
    title: str
    recipient: str | None = None
    scan: ScanLine | None = None
    created_at: datetime
    counts: dict[Severity, int] = {}
    findings: tuple[FindingLine, ...] = ()
    lost: tuple[PlaceLine, ...] = ()
    regained: tuple[PlaceLine, ...] = ()
    errors: tuple[str, ...] = ()
    reviews: tuple[ReviewLine, ...] = ()
    identities: tuple[IdentityLine, ...] = ()
    setup: tuple[str, ...] = ()
    more: int = 0
    report_url: str | None = None
    page_url: str | None = None

    @property
    def page_label(self) -> str:
        """The words of the link to the served page."""
        if self.kind != "findings" or self.recipient is None:
            return "Open the page"
        return f"{counted(sum(self.counts.values()), 'thing needs', 'things need')} you"


class Outgoing(Struct, frozen=True, kw_only=True):
    """A notice with its channel. ``to``: e-mail addresses; empty for web addresses."""

    channel: str
    to: tuple[str, ...] = ()
    notice: Notice


class Item(Struct, frozen=True):
    """One item of a message as texts. All of them may come from an attacker, but the address of its page."""

    mark: str
    title: str
    subject: str
    detail: str
    url: str | None = None


def line_of(
    finding: Finding, subject: str, about: Assessment | None = None, public_url: str | None = None
) -> FindingLine:
    """The finding for a message. ``about``: its identity. ``public_url``: the served page's."""
    return FindingLine(
        fingerprint=finding.fingerprint,
        rule=finding.rule,
        severity=finding.severity,
        title=shortened(finding.title),
        subject=shortened(subject),
        identity=_whole(finding.identity),
        credential=_whole(finding.credential),
        entry=_whole(finding.entry),
        remediation=shortened(finding.remediation),
        was=finding.was,
        cause=None if finding.cause is None else shortened(finding.cause),
        next_step=shortened(step_of(finding, about)),
        url=finding_page(public_url, finding.fingerprint),
    )


def arrival_of(judged: Assessment, public_url: str | None = None) -> IdentityLine:
    """An identity that appeared, for a message. ``public_url``: the served page's."""
    identity = judged.identity
    return IdentityLine(
        key=without_surrogates(identity.key),
        subject=shortened(named(identity)),
        provider=shortened(identity.provider),
        scope=shortened(identity.scope),
        kind=shortened(identity.kind),
        privilege=judged.privilege.level,
        created_at=identity.created_at,
        created_by=None if identity.created_by is None else shortened(identity.created_by),
        url=identity_page(public_url, identity.key),
    )


def named(identity: Identity) -> str:
    """Name and place of an identity."""
    return f"{cut(identity.shown_name, LONGEST_NAME)} ({identity.provider} {identity.scope} {identity.kind})"


def scan_of(scan: ScanInfo) -> ScanLine:
    """The scan for a message."""
    return ScanLine(id=scan.id, started_at=scan.started_at, finished_at=scan.finished_at, version=scan.version)


def place_of(gap: Coverage) -> PlaceLine:
    """A gap for a message."""
    return PlaceLine(
        source=shortened(gap.source),
        scope=shortened(gap.scope),
        section=shortened(gap.section),
        status=gap.status,
        detail=None if gap.detail is None else shortened(gap.detail),
        permission=_whole(gap.permission),
    )


def place_again(spot: BlindSpot) -> PlaceLine:
    """A section that can be read again, for a message."""
    return PlaceLine(
        source=shortened(spot.source), scope=shortened(spot.scope), section=shortened(spot.section), status="complete"
    )


def _whole(key: str | None) -> str | None:
    return None if key is None else without_surrogates(key)


def shortened(text: str) -> str:
    """A text of a notice on one line, cut to the maximum."""
    return cut(text, LONGEST_TEXT)


def items(notice: Notice) -> list[Item]:
    """The items of a message, in order."""
    come = [
        Item("appeared", f"Privilege {one.privilege}", one.subject, _origin(one), one.url) for one in notice.identities
    ]
    found = [
        Item(
            one.severity,
            f"{one.title}{_was(one)}",
            one.subject,
            " ".join(
                filter(None, (f"Because of: {one.cause}." if one.cause else None, one.next_step or one.remediation))
            ),
            one.url,
        )
        for one in notice.findings
    ]
    lost = [Item(one.status, "Can no longer be read in full", _place(one), _why(one)) for one in notice.lost]
    regained = [Item("ok", "Can be read again", _place(one), "") for one in notice.regained]
    errors = [Item("error", "Ended with an error", error, "") for error in notice.errors]
    return [*come, *found, *lost, *regained, *errors, *map(_review_item, notice.reviews)]


def _origin(line: IdentityLine) -> str:
    created = f"created on {line.created_at:%Y-%m-%d}" if line.created_at else ""
    text = " ".join(filter(None, (created, f"by {line.created_by}" if line.created_by else "")))
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _was(line: FindingLine) -> str:
    return f" (was {line.was})" if line.was else ""


def _review_item(line: ReviewLine) -> Item:
    mark, due = ("overdue", f"Was due on {line.due}") if line.overdue else ("review", f"Due on {line.due}")
    title = f"{counted(line.left, 'identity', 'identities')} to decide on"
    return Item(mark, title, f"Access review {line.review} by {line.reviewer}", f"{due}.", line.url)


def closing(notice: Notice) -> str | None:
    """The text below the items, if any."""
    text = {
        "appeared": "No entry declares them. Whatever grace lowers their finding to, this is said once.",
        "findings": None,
        "setup": "Nothing in the estate caused this: the version of Muster, its policy or its sources changed.",
        "blindness": "The last known results are kept until it can be read again; nothing in it is reported as gone.",
        "nothing_scanned": "Nothing was evaluated or stored. `muster doctor` shows what is missing.",
        "failed": "The store still has the results of earlier scans. No new findings are reported until this is fixed.",
        "heartbeat": "The scan is done. There are no new findings.",
        "review": "Fill in the decision column of the review's workbook and send it back.",
        "test": "Sent by `muster notify --test`: this channel works.",
    }[notice.kind]
    more = f"And {counted(notice.more, 'more', 'more')} in the report." if notice.more else None
    return " ".join(filter(None, (more, text))) or None


def _place(line: PlaceLine) -> str:
    parts = (line.source, *(part for part in (line.scope, line.section) if part != "*"))
    return shortened(" ".join(parts))


def _why(line: PlaceLine) -> str:
    missing = f"missing permission {line.permission}" if line.permission else None
    return shortened(": ".join(filter(None, (missing, line.detail))))
