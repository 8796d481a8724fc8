"""Access reviews: the workbook of a reviewer, the state of campaigns, and the result of a closed one."""

from __future__ import annotations

import zipfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, BinaryIO, TypeAlias

import msgspec
from msgspec import Struct

from reports.base import Screen
from reports.evidence.report import Pack
from reports.json import encoded
from reports.phrases import joined
from reports.review_grants import granted, granted_last_used, granted_used
from reports.review_oscal import assessment_results
from reports.tables import Column, write_csv
from reports.terminal_page import TerminalPage
from reports.xlsx.workbook import WorkbookCounts, new_workbook
from scanner.lifecycle.reviews.campaign import ItemState, is_overdue, outcome_of, progress, states
from scanner.model.reviews import DECISIONS, Campaign
from scanner.rules.wording import words
from scanner.text import counted

SCHEMA = "muster.review/1"
SHEET = "Review"

_Item: TypeAlias = Column[ItemState]

_WHAT: tuple[_Item, ...] = (
    Column("item", lambda r: r.item.id, "Leave as it is: it names this item.", 18, folded=True),
    Column("reviewer", lambda r: r.reviewer, "Leave as it is: who reviews it.", 26, folded=True),
    Column("key", lambda r: r.item.key, "Leave as it is: the identity's full id.", 52, folded=True),
    Column("name", lambda r: r.item.facts.name, "The identity.", 28, frozen=True),
    Column("provider", lambda r: r.item.facts.provider, "The system it lives in.", 10),
    Column("scope", lambda r: r.item.facts.scope, "Account, project, cluster or namespace."),
    Column("what", lambda r: r.item.facts.what, "Kind and purpose.", 34),
    Column("permissions", lambda r: r.item.facts.may, "What it may do. Empty: unknown.", 44),
    Column("granted", lambda r: granted(r.item.facts), "Grants, and what each allows. Empty: none known.", 52, "lines"),
    Column("granted_used", lambda r: granted_used(r.item.facts), "What of each grant was used.", 52, "lines"),
    Column("granted_last_used", lambda r: granted_last_used(r.item.facts), "When each was last used.", 36, "lines"),
    Column("worst_case", lambda r: r.item.facts.worst, "The worst it could do, as far as is known.", 44),
    Column("used", lambda r: r.item.facts.used, "Its use, and what it never used. Empty: unknown.", 40),
    Column("created", lambda r: r.item.facts.since, "The date of creation, and the creator.", 26),
    Column("others", lambda r: r.item.facts.who_else, "Other owners, and who can become it.", 34),
    Column("findings", lambda r: joined(map(words, r.item.facts.findings)), "Open findings.", 30),
    Column("not_read", lambda r: joined(r.item.facts.unread), "What could not be read of it.", 20),
)
_ANSWER: tuple[_Item, ...] = (
    Column(
        "decision",
        lambda r: r.decision.decision if r.decision else None,
        "Fill in. keep: still needed. reduce: needs less. revoke: not needed. reassign: needs another owner. "
        "not_mine: someone else must decide. Empty means undecided.",
        14,
        fill_in=True,
        choices=DECISIONS,
    ),
    Column("reason", lambda r: r.decision.reason if r.decision else None, "Fill in. Why.", 40, fill_in=True),
    Column(
        "new_owner",
        lambda r: r.decision.new_owner if r.decision else None,
        "Fill in for reassign: the new owner's e-mail.",
        26,
        fill_in=True,
        people=True,
    ),
)
WORKBOOK: tuple[_Item, ...] = (*_WHAT, *_ANSWER)
"""Columns of a reviewer's workbook. The first three, and the yellow ones, are read back."""


def write_workbook(
    campaign: Campaign,
    items: Sequence[ItemState],
    out: BinaryIO,
    people: Sequence[tuple[str, str, str]] = (),
) -> tuple[str, ...]:
    """Write the workbook of one reviewer. ``people``: new owners to choose from, as e-mail, name and team."""
    review = campaign.review
    lines = [
        (f"Access review {review.name}", "title"),
        (f"{counted(len(items), 'identity', 'identities')} to decide on by {review.due}", "lead"),
        ("Fill in the yellow columns and send this file back. A row without a decision is not approved.", "plain"),
        *((f"{name}: {meaning}", "plain") for name, meaning in _MEANINGS.items()),
        (f"Facts as of scan {review.scan}", "plain"),
    ]
    with new_workbook(out, title=f"Access review {review.name}", created=review.opened_at, people=people) as workbook:
        workbook.add_table(SHEET, WORKBOOK, lambda: items)
        workbook.add_summary(lines, ())
    return workbook.notices


_MEANINGS: Mapping[str, str] = {
    "keep": "it is needed as it is",
    "reduce": "it is needed, with fewer permissions",
    "revoke": "it is not needed: disable and delete it",
    "reassign": "it is needed, and new_owner is its owner from now on",
    "not_mine": "someone else must decide",
}


# --- The state of campaigns ---


def write_list(campaigns: Sequence[Campaign], today: date, out: BinaryIO, screen: Screen) -> None:
    """List campaigns, the open ones first, by reviewer for each open one."""
    page = TerminalPage(screen)
    if not campaigns:
        page.line("No access review was opened. `muster review open NAME --due DAY` opens one.")
    for campaign in sorted(campaigns, key=lambda one: (one.closed_at is not None, one.review.due)):
        _write_state(page, campaign, today, with_reviewers=campaign.closed_at is None)
    out.write(page.text.encode())


def write_status(campaign: Campaign, today: date, out: BinaryIO, screen: Screen) -> None:
    """Describe one campaign: reviewers, decisions, and what is left."""
    page = TerminalPage(screen)
    found = states(campaign)
    _write_state(page, campaign, today, with_reviewers=True)
    decisions = Counter(state.decision.decision for state in found if state.decision is not None)
    if decisions:
        page.line()
        page.counts("Decisions", (f"{decisions[name]:,} {words(name)}" for name in DECISIONS if decisions[name]))
    if reviewed := sum(state.decision is not None and state.decision.self_review for state in found):
        page.counts("Of them", [counted(reviewed, "self-review", "self-reviews")])
    out.write(page.text.encode())


def _write_state(page: TerminalPage, campaign: Campaign, today: date, *, with_reviewers: bool) -> None:
    review, found = campaign.review, states(campaign)
    decided = sum(state.decision is not None for state in found)
    page.line(f"{review.name}: {_when(campaign, today)}", "bold")
    page.line(f"  {decided:,} of {counted(len(found), 'identity', 'identities')} decided")
    if not with_reviewers:
        return
    left = "left" if campaign.closed_at is None else "undecided"
    for one in progress(found):
        late = ", overdue" if one.left and is_overdue(campaign, today) else ""
        page.line(f"  {one.reviewer}: {one.decided:,} decided, {one.left:,} {left}{late}", "yellow" if late else "")


def _when(campaign: Campaign, today: date) -> str:
    if campaign.closed_at is not None:
        return _closed(campaign)
    due = campaign.review.due
    return f"overdue since {due}" if is_overdue(campaign, today) else f"open, due on {due}"


def _closed(campaign: Campaign) -> str:
    return "not closed" if campaign.closed_at is None else f"closed on {campaign.closed_at:%Y-%m-%d}"


# --- The result of a campaign ---

_RESULT: tuple[_Item, ...] = (
    *_WHAT,
    Column("because", lambda r: words(r.because), "Why this reviewer."),
    Column("decision", lambda r: r.decision.decision if r.decision else "undecided", "What was decided.", 14),
    Column("reason", lambda r: r.decision.reason if r.decision else None, "Why.", 40),
    Column("new_owner", lambda r: r.decision.new_owner if r.decision else None, "For reassign.", 26),
    Column("decided_by", lambda r: r.decision.by if r.decision else None, "Who decided.", 26),
    Column("decided_at", lambda r: r.decision.at if r.decision else None, "When, UTC.", 19, "datetime"),
    Column(
        "self_review",
        lambda r: r.decision.self_review if r.decision else None,
        "The only beneficiary decided.",
        10,
        "bool",
    ),
    Column("facts_hash", lambda r: r.item.facts_hash, "SHA-256 of the facts that the reviewer saw.", 20),
)


class _ResultItem(Struct, frozen=True, kw_only=True):
    """One item in JSON. Published: fields are added, never renamed."""

    key: str
    decision: str
    decided_by: str | None
    self_review: bool
    reason: str | None
    new_owner: str | None
    decided_at: datetime | None
    item: str
    reviewer: str
    because: str
    facts: Any
    facts_hash: str


def _result_item(campaign: Campaign, state: ItemState) -> _ResultItem:
    outcome, decision = outcome_of(campaign, state), state.decision
    return _ResultItem(
        key=state.item.key,
        decision=outcome.outcome,
        decided_by=None if decision is None else decision.by,
        self_review=outcome.self_review,
        reason=outcome.reason,
        new_owner=outcome.new_owner,
        decided_at=None if decision is None else decision.at,
        item=state.item.id,
        reviewer=state.reviewer,
        because=state.because,
        facts=state.item.facts,
        facts_hash=state.item.facts_hash,
    )


def _write_json(campaign: Campaign, out: BinaryIO) -> tuple[str, ...]:
    head = {"schema": SCHEMA, "review": campaign.review, "closed_at": campaign.closed_at}
    out.write(b"{\n" + b"".join(encoded(name) + b": " + encoded(value) + b",\n" for name, value in head.items()))
    items = (encoded(_result_item(campaign, state)) for state in states(campaign))
    out.write(b'"items": [' + b",".join(b"\n" + item for item in items) + b"\n]\n}\n")
    return ()


def _write_csv(campaign: Campaign, out: BinaryIO) -> tuple[str, ...]:
    write_csv(_RESULT, states(campaign), out)
    return ()


def _write_xlsx(campaign: Campaign, out: BinaryIO) -> tuple[str, ...]:
    review, found = campaign.review, states(campaign)
    decisions = Counter(state.decision.decision if state.decision else "undecided" for state in found)
    counts = WorkbookCounts(
        "Decisions", ("", "decision", "items"), [("items", words(name), n) for name, n in decisions.items()]
    )
    at = campaign.closed_at or review.opened_at
    with new_workbook(out, title=f"Access review {review.name}", created=at) as workbook:
        workbook.add_summary([(f"Access review {review.name}", "title"), (_closing_line(campaign), "lead")], [counts])
        workbook.add_table(SHEET, _RESULT, lambda: found)
    return workbook.notices


def _closing_line(campaign: Campaign) -> str:
    found = states(campaign)
    undecided = sum(state.decision is None for state in found)
    return f"{counted(len(found), 'identity', 'identities')}, {undecided:,} undecided; {_closed(campaign)}"


_README = """\
# Evidence of an access review

Review `{name}`, opened on {opened}, due on {due}, {closed}. Facts are those of scan `{scan}`.

| file | what it is |
|---|---|
| `review.json` | every item: who was asked and why, the facts that they saw, what was decided, when and by whom |
| `records.ndjson` | everything that happened, in order: decisions, reassignments, reminders, the closing |
| `items.csv` | the items as a table |
| `oscal-assessment-results.json` | the decisions as OSCAL assessment results |
| `SHA256SUMS` | the SHA-256 of every other file |

`facts_hash` is the SHA-256 of an item's `facts` as JSON with sorted keys, without blanks between them. Each decision
repeats it: it proves which facts the reviewer saw.
"""


def _write_evidence(campaign: Campaign, out: BinaryIO) -> tuple[str, ...]:
    review = campaign.review
    at = campaign.closed_at or review.opened_at
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        pack = Pack(archive, at, "muster-review")
        for name, write in (("review.json", _write_json), ("items.csv", _write_csv)):
            with pack.part(name) as part:
                write(campaign, part)
        texts = {
            "records.ndjson": b"".join(encoded(record) + b"\n" for record in campaign.records),
            "oscal-assessment-results.json": msgspec.json.format(encoded(assessment_results(campaign)), indent=2),
            "README.md": _README.format(
                name=review.name.replace("`", "'"),
                opened=f"{review.opened_at:%Y-%m-%d}",
                due=review.due,
                closed=_closed(campaign),
                scan=review.scan,
            ).encode(),
        }
        for name, text in texts.items():
            with pack.part(name) as part:
                part.write(text)
        pack.write_sums()
    return ()


Writer: TypeAlias = Callable[[Campaign, BinaryIO], tuple[str, ...]]
"""Writes a closed campaign; returns notices about content that was cut."""

WRITERS: Mapping[str, Writer] = {
    "csv": _write_csv,
    "xlsx": _write_xlsx,
    "json": _write_json,
    "evidence": _write_evidence,
}
"""By format."""
