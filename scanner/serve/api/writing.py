"""Operations that write: acknowledgements, proposed owners, decisions and saved queries. Each adds a record."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import msgspec

from reports.json import encoded
from scanner.app.acknowledging import checked_day, checked_text
from scanner.errors import UsageError
from scanner.lifecycle.reviews.reviewers import People
from scanner.model import Asked, Finding, Person
from scanner.model.served import (
    AcknowledgementAsked,
    FindingAcknowledged,
    OwnerProposed,
    PageRecord,
    QueryDeleted,
    QuerySaved,
)
from scanner.redaction.redact import redact
from scanner.serve.answers import Refusal
from scanner.serve.api.answers import Acknowledge, Approve, ProposeOwner, SaveQuery
from scanner.serve.api.details import NO_SUCH, find_finding, find_identity, finding_body
from scanner.serve.api.lists import page_of
from scanner.serve.api.operations import Call, Reply
from scanner.text import printable

_HIGH = frozenset({"critical", "high"})


def writer(call: Call) -> str:
    """The person who writes. Raises Refusal for a token without a person."""
    if call.viewer.person is None:
        raise Refusal(403, "this needs a person", hint="start `muster serve` with --as PERSON")
    return call.viewer.person


@contextmanager
def about(field: str) -> Iterator[None]:
    """Within the context, errors are reported for this field."""
    try:
        yield
    except UsageError as error:
        raise Refusal(400, str(error), field=field, hint=error.hint) from None


def acknowledge(call: Call) -> Reply:
    """Suppress a finding, or ask a reviewer to."""
    body: Acknowledge = call.body
    by, now = writer(call), call.serving.clock()
    found = find_finding(call, call.path["fingerprint"])
    with about("reason"):
        reason = printable(checked_text("reason", body.reason))
    with about("until"):
        until = checked_day("until", None if body.until is None else str(body.until), now.date())
    kind = AcknowledgementAsked if must_ask(call, found) else FindingAcknowledged
    record = kind(finding=found.fingerprint, reason=reason, until=until, by=by, at=now)
    _add(call, record, about=_about(found), before=_before(found))
    return Reply(body=finding_body(call, found))


def must_ask(call: Call, found: Finding) -> bool:
    """Whether an acknowledgement by the viewer waits for a reviewer: it is of high severity, and the viewer owns it.

    A reviewer who owns it as well may acknowledge what another person asked for.
    """
    if call.serving.lists.config.serve.acknowledge_high == "owner" or found.severity not in _HIGH:
        return False
    return bool(call.visible.owned((found,))) and not may_approve(call, found)


def may_approve(call: Call, found: Finding) -> bool:
    """Whether the viewer is a reviewer, and another person asked to acknowledge the finding."""
    asked = _asked(call, found)
    return call.viewer.is_reviewer and asked is not None and asked.by != call.viewer.person


def _asked(call: Call, found: Finding) -> Asked | None:
    return next((one.asked for one in call.visible.waiting() if one.finding == found.fingerprint), None)


def approve(call: Call) -> Reply:
    """Approve what an owner asked for; from then on it suppresses the finding."""
    body: Approve = call.body
    by, now = writer(call), call.serving.clock()
    found = find_finding(call, call.path["fingerprint"])
    asked = _asked(call, found)
    if asked is None:
        raise Refusal(409, "no acknowledgement of this finding was asked for, or it was decided already")
    if not call.viewer.is_reviewer:
        raise Refusal(403, "reviewers approve this", hint="[serve] reviewers names them")
    if asked.by == by:
        raise Refusal(403, "another person approves what you asked for")
    if body.asked_at not in (None, msgspec.to_builtins(asked.at)):
        raise Refusal(409, "something else was asked for since", field="asked_at", hint="read the finding again")
    record = FindingAcknowledged(
        finding=found.fingerprint, reason=asked.reason, until=asked.until, by=by, at=now, asked_by=asked.by
    )
    _add(call, record, about=_about(found), before=f"asked for until {asked.until}")
    return Reply(body=finding_body(call, found))


def _add(call: Call, record: PageRecord, *, about: Mapping[str, str], before: str | None) -> None:
    """Store a decision, and log it."""
    call.serving.store.served.append(record, known_by=call.viewer.known_by, about=about, before=before)


def _about(found: Finding) -> dict[str, str]:
    """What the log says of a finding besides its fingerprint."""
    named = {"rule": found.rule, "identity": found.identity, "entry": found.entry}
    return {name: value for name, value in named.items() if value}


def _before(found: Finding) -> str | None:
    return None if found.acknowledged is None else f"until {found.acknowledged.until} by {found.acknowledged.by}"


def waiting(call: Call) -> Reply:
    """The latest scan's findings with an acknowledgement that waits for a reviewer, as the viewer may see them."""
    prints = [one.finding for one in call.visible.waiting() if one.finding]
    with call.serving.store.records() as records:
        found = call.visible.findings(records.findings(prints))
    return Reply(body=page_of((finding_body(call, one) for one in found), total=len(found)))


def propose_owner(call: Call) -> Reply:
    """Propose an owner of an identity."""
    body: ProposeOwner = call.body
    by, key = writer(call), call.path["key"]
    with call.serving.store.records() as records:
        held = find_identity(call, records, key)
    owner = _owner(call, body.owner)
    if owner.email == held.assessment.ownership.owner and held.assessment.ownership.state == "owned":
        raise Refusal(409, f"{owner.email} is the owner already", field="owner")
    with about("reason"):
        reason = None if body.reason is None else printable(checked_text("reason", body.reason))
    record = OwnerProposed(identity=key, owner=owner.email, by=by, at=call.serving.clock(), reason=reason)
    _add(call, record, about={}, before=held.assessment.ownership.owner)
    return Reply(body=encoded(record))


def _owner(call: Call, text: str) -> Person:
    """The person or group that may own something. Raises Refusal."""
    lists = call.serving.lists
    if not lists.has_people:
        raise Refusal(409, "there is no roster to name an owner from", field="owner", hint="configure [[people]]")
    identities = call.serving.store.find(text).identities
    email = People(lists.roster, lists.config.ownership, identities).reviewer(text)
    person = None if email is None else lists.roster.resolve(email)
    if person is None:
        raise Refusal(
            400,
            f"{printable(text)} is not an active person or group on the roster",
            field="owner",
            hint="give an e-mail",
        )
    return person


# --- Saved queries ---


def queries(call: Call) -> Reply:
    """Saved queries: the viewer's own, and for people who see everything those of all."""
    everyone, kept = call.visible.is_everything, call.serving.store.served.queries()
    return Reply(body=encoded({"items": [one for one in kept if everyone or one.by == call.viewer.person]}))


def save_query(call: Call) -> Reply:
    """Save a query."""
    body: SaveQuery = call.body
    by = writer(call)
    with about("name"):
        name = printable(checked_text("name", body.name))
    if redact(body.address) != body.address:
        raise Refusal(400, "the address contains what looks like a secret", field="address")
    saved = QuerySaved(id=secrets.token_hex(8), name=name, address=body.address, by=by, at=call.serving.clock())
    call.serving.store.served.append(saved)
    return Reply(body=encoded(saved))


def delete_query(call: Call) -> Reply:
    """Delete the viewer's own saved query; the record that it was saved stays."""
    by, wanted = writer(call), call.path["id"]
    if not any(one.id == wanted and one.by == by for one in call.serving.store.served.queries()):
        raise Refusal(404, NO_SUCH.format("saved query"))
    deleted = QueryDeleted(id=wanted, by=by, at=call.serving.clock())
    call.serving.store.served.append(deleted)
    return Reply(body=encoded(deleted))
