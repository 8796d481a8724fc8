"""Plan the messages of a scan: changes in coverage, and findings by owner. Pure."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from msgspec import Struct

from scanner.model import (
    SEVERITIES,
    Assessment,
    Coverage,
    Finding,
    ScanInfo,
    ScanResult,
    Severity,
)
from scanner.notify.blindness import CoverageChanges
from scanner.notify.notices import (
    LONGEST_NAME,
    FindingLine,
    Kind,
    Notice,
    Outgoing,
    PlaceLine,
    ReviewLine,
    line_of,
    place_again,
    place_of,
    scan_of,
    shortened,
)
from scanner.notify.settings import Channel, EmailChannel, is_address
from scanner.registry.roster import Roster
from scanner.text import counted, cut

# --- Messages from a result; none if there is nothing new ---

Recipient: TypeAlias = tuple[str | None, tuple[str, ...]]
"""The owner's name on the roster (None: orphaned) and the e-mail addresses."""


def messages(
    channels: Sequence[Channel], result: ScanResult, changes: CoverageChanges, roster: Roster | None
) -> list[Outgoing]:
    """All messages of a scan, grouped by owner, highest severity first."""
    identities = _by_key(result) if channels else {}
    found = [one for channel in channels for one in _for_channel(channel, result, changes, identities, roster)]
    silent = {channel.name for channel in channels} - {one.channel for one in found}
    beats = [channel for channel in channels if channel.heartbeat and channel.name in silent]
    nothing = _Content(kind="heartbeat", title="Nothing new")
    return [*found, *(_outgoing(one, _reserve(one), result.scan, nothing) for one in beats)]


def between_scans(
    channels: Sequence[Channel], latest: ScanResult, changes: CoverageChanges, roster: Roster | None, now: datetime
) -> list[Outgoing]:
    """All messages of a reading of logs, grouped as those of a scan.

    ``latest``: the latest scan, with the new findings instead of its own. No heartbeat, which shows that scans run.
    """
    identities = _by_key(latest) if channels else {}
    return [one for channel in channels for one in _for_channel(channel, latest, changes, identities, roster, now)]


def _by_key(result: ScanResult) -> dict[str, Assessment]:
    return {assessment.identity.key: assessment for assessment in result.identities}


def nothing_scanned(channels: Sequence[Channel], coverage: Sequence[Coverage], scan: ScanInfo) -> list[Outgoing]:
    """The alert for a scan that read nothing. Sent each time, since there is no report."""
    return [
        _outgoing(
            channel,
            _reserve(channel),
            scan,
            _Content(
                kind="nothing_scanned",
                title="Nothing could be scanned",
                lost=tuple(place_of(record) for record in coverage if record.is_gap),
            ),
        )
        for channel in channels
        if channel.blindness
    ]


def failed(channels: Sequence[Channel], errors: Sequence[str], now: datetime) -> list[Outgoing]:
    """The alert for a scan that ended with an error. Sent each time, since there is no report."""
    texts = tuple(shortened(error) for error in errors)
    content = _Content(kind="failed", title="The scan ended with an error", errors=texts)
    return [_outgoing(channel, _reserve(channel), now, content) for channel in channels if channel.blindness]


def trial(channels: Sequence[Channel], now: datetime) -> list[Outgoing]:
    """A test message to each channel."""
    return [_outgoing(one, _reserve(one), now, _Content(kind="test", title="A test")) for one in channels]


def review_messages(
    channels: Sequence[Channel], asked: Sequence[tuple[str, ReviewLine]], roster: Roster | None, now: datetime
) -> list[Outgoing]:
    """The messages of access reviews. ``asked``: who is asked, and about which review."""
    found = []
    for channel in channels:
        groups: dict[Recipient, list[ReviewLine]] = {}
        for person, line in asked:
            groups.setdefault(_addressed(channel, person, roster), []).append(line)
        for recipient, lines in groups.items():
            left = sum(line.left for line in lines)
            content = _Content(
                kind="review",
                title=f"Access review: {counted(left, 'identity', 'identities')} to decide on",
                reviews=tuple(lines),
            )
            found.append(_outgoing(channel, recipient, now, content))
    return found


def _for_channel(
    channel: Channel,
    result: ScanResult,
    changes: CoverageChanges,
    identities: Mapping[str, Assessment],
    roster: Roster | None,
    at: datetime | None = None,
) -> Iterator[Outgoing]:
    about = at or result.scan
    for recipient, findings in _grouped(channel, result.findings, identities, roster).items():
        yield _outgoing(
            channel,
            recipient,
            about,
            _Content(
                kind="findings",
                title=_title(channel, recipient[0], findings),
                findings=tuple(
                    line_of(one, subject_of(one, identities), identities.get(one.identity or ""))
                    for one in rules_in_turn(findings)
                ),
                counts=dict(Counter(finding.severity for finding in findings)),
            ),
        )
    if channel.blindness and (changes.lost or changes.regained):
        lost, regained = tuple(map(place_of, changes.lost)), len(changes.regained)
        texts = [f"{counted(len(lost), 'place', 'places')} can no longer be read in full" if lost else None]
        texts += [f"{counted(regained, 'place', 'places')} can be read again" if regained else None]
        yield _outgoing(
            channel,
            _reserve(channel),
            about,
            _Content(
                kind="blindness",
                title="; ".join(filter(None, texts)),
                lost=lost,
                regained=tuple(map(place_again, changes.regained)),
            ),
        )


# --- recipients -----------------------------------------------------------------


def _grouped(
    channel: Channel, findings: Sequence[Finding], identities: Mapping[str, Assessment], roster: Roster | None
) -> dict[Recipient, list[Finding]]:
    severities = SEVERITIES[: SEVERITIES.index(channel.min_severity) + 1]
    groups: dict[Recipient, list[Finding]] = {}
    for finding in findings:
        if (
            finding.severity in severities
            and finding.acknowledged is None
            and (finding.new or channel.only == "open")
            and (not channel.rules or finding.rule in channel.rules)
        ):
            groups.setdefault(_addressed(channel, accountable(finding, identities) or "", roster), []).append(finding)
    return groups


def _addressed(channel: Channel, text: str, roster: Roster | None) -> Recipient:
    """Only active people on the roster get messages, because anyone can set a tag that names an owner."""
    reserve = _reserve(channel)
    if channel.to != "owners" or roster is None:
        return reserve
    person = roster.resolve(text)
    if person is None or not roster.is_active(person):
        return reserve
    if not isinstance(channel, EmailChannel):
        return person.email, ()
    members = roster.active_members(person) if person.is_group and not is_address(person.email) else (person,)
    addresses = tuple(member.email for member in members if is_address(member.email))
    return (person.email, addresses) if addresses else reserve


def accountable(finding: Finding, identities: Mapping[str, Assessment]) -> str | None:
    """The declared owner of a finding's subject; likely owners get no messages."""
    if finding.identity is None:
        return finding.owner if finding.entry is not None else None
    judged = identities.get(finding.identity)
    return judged.ownership.owner if judged is not None and judged.ownership.state == "owned" else None


def _reserve(channel: Channel) -> Recipient:
    if not isinstance(channel, EmailChannel):
        return None, ()
    return None, channel.to if channel.to != "owners" else tuple(filter(None, (channel.unowned_to,)))


def rules_in_turn(findings: Sequence[Finding]) -> list[Finding]:
    """Highest severity first; within a severity, the rules alternate, so that no rule crowds out the others."""
    seen: Counter[tuple[Severity, str]] = Counter()
    turns = []
    for place, finding in enumerate(findings):
        kind = finding.severity, finding.rule
        turns.append((SEVERITIES.index(finding.severity), seen[kind], place))
        seen[kind] += 1
    return [findings[place] for _, _, place in sorted(turns)]


# --- content -----------------------------------------------------------------


def _title(channel: Channel, recipient: str | None, findings: Sequence[Finding]) -> str:
    kind = "new" if channel.only == "new" else "open"
    title = counted(len(findings), f"{kind} finding", f"{kind} findings")
    whose = f"for {recipient}" if recipient else "without an owner" if channel.to == "owners" else ""
    severities = Counter(finding.severity for finding in findings)
    highest = next(severity for severity in SEVERITIES if severities[severity])
    return shortened(f"{title} {whose}".strip() + f" ({severities[highest]} {highest})")


def subject_of(finding: Finding, identities: Mapping[str, Assessment]) -> str:
    """Name and place of the finding's subject."""
    judged = identities.get(finding.identity or "")
    if judged is None:
        return finding.about
    identity = judged.identity
    name = cut(identity.shown_name, LONGEST_NAME)
    named = f"{name} ({identity.provider} {identity.scope} {identity.kind})"
    credential = (finding.credential or "").rpartition("#")[2]
    return f"{named}, {credential}" if credential else named


class _Content(Struct, frozen=True, kw_only=True):
    """The content of a message, see ``Notice``."""

    kind: Kind
    title: str
    counts: dict[Severity, int] = {}
    findings: tuple[FindingLine, ...] = ()
    lost: tuple[PlaceLine, ...] = ()
    regained: tuple[PlaceLine, ...] = ()
    errors: tuple[str, ...] = ()
    reviews: tuple[ReviewLine, ...] = ()


def _outgoing(channel: Channel, recipient: Recipient, about: ScanInfo | datetime, content: _Content) -> Outgoing:
    """A message with as many lines as the channel takes. ``about``: the scan, or the time if there is none."""
    name, addresses = recipient
    scan = about if isinstance(about, ScanInfo) else None
    created = about.finished_at if isinstance(about, ScanInfo) else about
    most = channel.max_findings
    findings, lost, errors = content.findings[:most], content.lost[:most], content.errors[:most]
    regained, reviews = content.regained[: most - len(lost)], content.reviews[:most]
    # Between scans, two messages of one second differ by what they are about.
    about_what = (*(one.fingerprint for one in content.findings), *(one.review for one in content.reviews))
    which = [scan.id] if scan else [created.isoformat(), *about_what]
    every = sum(map(len, (content.findings, content.lost, content.regained, content.errors, content.reviews)))
    notice = Notice(
        id=_id(channel.name, content.kind, name, *addresses, *which),
        kind=content.kind,
        title=content.title,
        recipient=name,
        scan=None if scan is None else scan_of(scan),
        created_at=created,
        counts=content.counts,
        findings=findings,
        lost=lost,
        regained=regained,
        errors=errors,
        reviews=reviews,
        more=every - len(findings) - len(lost) - len(regained) - len(errors) - len(reviews),
        report_url=channel.report_url,
    )
    return Outgoing(channel=channel.name, to=addresses, notice=notice)


def _id(*parts: str | None) -> str:
    return hashlib.sha256("\0".join(part or "" for part in parts).encode(errors="replace")).hexdigest()[:32]
