"""Operations that write: acknowledgements, proposed owners, decisions and saved queries. Each adds a record."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from reports.json import encoded
from scanner.app.acknowledging import checked_day, checked_text
from scanner.errors import UsageError
from scanner.lifecycle.reviews.reviewers import People
from scanner.model import Person
from scanner.model.served import FindingAcknowledged, OwnerProposed, QueryDeleted, QuerySaved
from scanner.redaction.redact import redact
from scanner.serve.answers import Refusal
from scanner.serve.api.answers import Acknowledge, ProposeOwner, SaveQuery
from scanner.serve.api.details import NO_SUCH, find_finding, find_identity, finding_body
from scanner.serve.api.operations import Call, Reply
from scanner.text import printable


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
    """Suppress a finding."""
    body: Acknowledge = call.body
    by, now = writer(call), call.serving.clock()
    found = find_finding(call, call.path["fingerprint"])
    with about("reason"):
        reason = printable(checked_text("reason", body.reason))
    with about("until"):
        until = checked_day("until", None if body.until is None else str(body.until), now.date())
    record = FindingAcknowledged(finding=found.fingerprint, reason=reason, until=until, by=by, at=now)
    call.serving.store.served.append(record)
    return Reply(body=finding_body(call, found))


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
    call.serving.store.served.append(record)
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
