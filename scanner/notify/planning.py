"""Plan the messages of a scan: changes in coverage, and findings by owner. Pure."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from scanner.model import (
    PRIVILEGES,
    SEVERITIES,
    SEVERITY_RANK,
    Assessment,
    Coverage,
    Finding,
    ScanInfo,
    ScanResult,
    Severity,
)
from scanner.notify.blindness import CoverageChanges
from scanner.notify.links import review_page, start_page
from scanner.notify.notices import (
    FindingLine,
    IdentityLine,
    Kind,
    Notice,
    Outgoing,
    PlaceLine,
    ReviewLine,
    arrival_of,
    line_of,
    named,
    place_again,
    place_of,
    scan_of,
    shortened,
)
from scanner.notify.settings import Channel, EmailChannel, is_address
from scanner.registry.roster import Roster
from scanner.text import counted

# --- Messages from a result; none if there is nothing new ---

Recipient: TypeAlias = tuple[str | None, tuple[str, ...]]
"""The owner's name on the roster (None: orphaned) and the e-mail addresses."""


class Arrivals(Struct, frozen=True, kw_only=True):
    """Identities that appeared: seen for the first time, without an entry.

    ``by_setup``: those that only an added source brought. ``setup``: what changed in the setup, as texts.
    """

    identities: tuple[Assessment, ...] = ()
    by_setup: tuple[Assessment, ...] = ()
    setup: tuple[str, ...] = ()


NOBODY = Arrivals()


def messages(
    channels: Sequence[Channel],
    result: ScanResult,
    changes: CoverageChanges,
    roster: Roster | None,
    arrivals: Arrivals = NOBODY,
) -> list[Outgoing]:
    """All messages of a scan: who appeared, findings by owner with the highest severity first, and the setup's."""
    identities = _by_key(result) if channels else {}
    found: list[Outgoing] = []
    for channel in channels:
        found += _of_arrivals(channel, result, arrivals)
        found += _for_channel(channel, result, changes, identities, roster)
        found += _of_setup(channel, result, arrivals, identities)
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
                reviews=tuple(replace(line, url=review_page(channel.public_url, line.review)) for line in lines),
            )
            found.append(_outgoing(channel, recipient, now, content))
    return found


def _of_arrivals(channel: Channel, result: ScanResult, arrivals: Arrivals) -> Iterator[Outgoing]:
    if channel.appeared and arrivals.identities:
        has = counted(len(arrivals.identities), "identity has", "identities have")
        lines = _arrival_lines(channel, arrivals.identities)
        content = _Content(kind="appeared", title=f"{has} appeared without an entry", identities=lines)
        yield _outgoing(channel, _reserve(channel), result.scan, content)


def _arrival_lines(channel: Channel, identities: Sequence[Assessment]) -> tuple[IdentityLine, ...]:
    return tuple(
        arrival_of(one, channel.public_url)
        for one in sorted(identities, key=lambda one: (PRIVILEGES.index(one.privilege.level), one.identity.key))
    )


def _of_setup(
    channel: Channel, result: ScanResult, arrivals: Arrivals, identities: Mapping[str, Assessment]
) -> Iterator[Outgoing]:
    """One message about what only the setup caused, whoever owns it."""
    findings = [one for one in result.findings if one.by_setup and _is_chosen(channel, one) and channel.only == "new"]
    appeared = arrivals.by_setup if channel.appeared else ()
    if not findings and not appeared:
        return
    parts = [
        counted(sum(one.new for one in findings), "new finding", "new findings"),
        counted(sum(one.worsened for one in findings), "worse", "worse"),
        counted(len(appeared), "identity without an entry", "identities without an entry"),
    ]
    said = ", ".join(part for part in parts if not part.startswith("0 "))
    content = _Content(
        kind="setup",
        title=shortened(f"{said}: {'; '.join(arrivals.setup)}"),
        findings=tuple(
            line_of(one, subject_of(one, identities), public_url=channel.public_url) for one in rules_in_turn(findings)
        ),
        counts=dict(Counter(one.severity for one in findings)),
        identities=_arrival_lines(channel, appeared),
        setup=tuple(map(shortened, arrivals.setup)),
    )
    yield _outgoing(channel, _reserve(channel), result.scan, content)


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
                    line_of(one, subject_of(one, identities), identities.get(one.identity or ""), channel.public_url)
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
    groups: dict[Recipient, list[Finding]] = {}
    for finding in findings:
        if _is_chosen(channel, finding) and (finding.raises_alarm or channel.only == "open"):
            groups.setdefault(_addressed(channel, accountable(finding, identities) or "", roster), []).append(finding)
    return groups


def _is_chosen(channel: Channel, finding: Finding) -> bool:
    return (
        SEVERITY_RANK[finding.severity] <= SEVERITY_RANK[channel.min_severity]
        and finding.acknowledged is None
        and (not channel.rules or finding.rule in channel.rules)
    )


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
    kind, worse = "new" if channel.only == "new" else "open", sum(finding.worsened for finding in findings)
    fresh = len(findings) - worse if kind == "new" else len(findings)
    parts = [counted(fresh, f"{kind} finding", f"{kind} findings")] if fresh else []
    parts += [f"{counted(worse, 'finding', 'findings')} worse" if not parts else f"{worse:,} worse"] if worse else []
    title = ", ".join(parts)
    whose = f"for {recipient}" if recipient else "without an owner" if channel.to == "owners" else ""
    severities = Counter(finding.severity for finding in findings)
    highest = next(severity for severity in SEVERITIES if severities[severity])
    return shortened(f"{title} {whose}".strip() + f" ({severities[highest]} {highest})")


def subject_of(finding: Finding, identities: Mapping[str, Assessment]) -> str:
    """Name and place of the finding's subject."""
    judged = identities.get(finding.identity or "")
    if judged is None:
        return finding.about
    credential = (finding.credential or "").rpartition("#")[2]
    subject = named(judged.identity)
    return f"{subject}, {credential}" if credential else subject


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
    identities: tuple[IdentityLine, ...] = ()
    setup: tuple[str, ...] = ()


def _outgoing(channel: Channel, recipient: Recipient, about: ScanInfo | datetime, content: _Content) -> Outgoing:
    """A message with as many lines as the channel takes. ``about``: the scan, or the time if there is none."""
    name, addresses = recipient
    scan = about if isinstance(about, ScanInfo) else None
    created = about.finished_at if isinstance(about, ScanInfo) else about
    most = channel.max_findings
    findings, lost, errors = content.findings[:most], content.lost[:most], content.errors[:most]
    regained, reviews = content.regained[: most - len(lost)], content.reviews[:most]
    identities = content.identities[: most - len(findings)]
    # Between scans, two messages of one second differ by what they are about.
    about_what = (*(one.fingerprint for one in content.findings), *(one.review for one in content.reviews))
    which = [scan.id] if scan else [created.isoformat(), *about_what]
    lists = (content.findings, content.lost, content.regained, content.errors, content.reviews, content.identities)
    shown = (findings, lost, regained, errors, reviews, identities)
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
        identities=identities,
        setup=content.setup,
        more=sum(map(len, lists)) - sum(map(len, shown)),
        report_url=channel.report_url,
        page_url=start_page(channel.public_url),
    )
    return Outgoing(channel=channel.name, to=addresses, notice=notice)


def _id(*parts: str | None) -> str:
    return hashlib.sha256("\0".join(part or "" for part in parts).encode(errors="replace")).hexdigest()[:32]
