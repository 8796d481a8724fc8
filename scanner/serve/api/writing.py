"""Operations that write: acknowledgements, proposed owners, decisions and saved queries. Each adds a record."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from operator import attrgetter
from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from msgspec.structs import replace

from reports.json import encoded
from scanner.app.acknowledging import checked_day, checked_text
from scanner.errors import UsageError
from scanner.lifecycle.reviews.reviewers import People
from scanner.model import Asked, Assessment, Finding, Person
from scanner.model.served import (
    AcknowledgementAsked,
    AcknowledgementWithdrawn,
    FindingAcknowledged,
    OwnerDenied,
    OwnerProposed,
    OwnerWithdrawn,
    PageRecord,
    QueryDeleted,
    QuerySaved,
)
from scanner.redaction.masking import mask
from scanner.redaction.redact import redact
from scanner.serve.answers import Refusal
from scanner.serve.api.answers import Acknowledge, Approve, NotMine, PersonFound, ProposeOwner, SaveQuery
from scanner.serve.api.details import (
    NO_SUCH,
    VisibleIdentity,
    find_finding,
    find_identity,
    finding_body,
    same_entry,
)
from scanner.serve.api.lists import page_of
from scanner.serve.api.operations import OperationCall, Reply
from scanner.text import printable

_HIGH = frozenset({"critical", "high"})
USED = "the {} was used already and cannot be taken back"
MOST_PEOPLE = 10
SHORTEST_QUERY = 2


def writer(call: OperationCall) -> str:
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


def acknowledge(call: OperationCall) -> Reply:
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


def must_ask(call: OperationCall, found: Finding) -> bool:
    """Whether an acknowledgement by the viewer waits for a reviewer: it is of high severity, and the viewer owns it.

    A reviewer who owns it as well may acknowledge what another person asked for.
    """
    if call.serving.lists.config.serve.acknowledge_high == "owner" or found.severity not in _HIGH:
        return False
    return bool(call.visible.owned((found,))) and not may_approve(call, found)


def may_approve(call: OperationCall, found: Finding) -> bool:
    """Whether the viewer is a reviewer, and another person asked to acknowledge the finding."""
    asked = _asked(call, found)
    return call.viewer.is_reviewer and asked is not None and asked.by != call.viewer.person


def _asked(call: OperationCall, found: Finding) -> Asked | None:
    return next((one.asked for one in call.visible.waiting() if one.finding == found.fingerprint), None)


def approve(call: OperationCall) -> Reply:
    """Approve what an owner asked for; from then on it suppresses the finding."""
    body: Approve = call.body
    by, now = writer(call), call.serving.clock()
    found = find_finding(call, call.path["fingerprint"])
    asked = _asked(call, found)
    if asked is None:
        raise Refusal(409, "no acknowledgement of this finding was asked for, or it was decided already")
    if not call.viewer.is_reviewer:
        raise Refusal(403, "a reviewer approves this", hint=f"ask {call.visible.keepers} who they are")
    if asked.by == by:
        raise Refusal(403, "another person approves what you asked for")
    if body.asked_at not in (None, msgspec.to_builtins(asked.at)):
        raise Refusal(409, "something else was asked for since", field="asked_at", hint="read the finding again")
    record = FindingAcknowledged(
        finding=found.fingerprint, reason=asked.reason, until=asked.until, by=by, at=now, asked_by=asked.by
    )
    _add(call, record, about=_about(found), before=f"asked for until {asked.until}")
    return Reply(body=finding_body(call, found))


def _add(call: OperationCall, record: PageRecord, *, about: Mapping[str, str], before: str | None) -> None:
    """Store a decision, and log it."""
    call.serving.store.served.append(record, known_by=call.viewer.known_by, about=about, before=before)


def _about(found: Finding) -> dict[str, str]:
    """What the log says of a finding besides its fingerprint."""
    named = {"rule": found.rule, "identity": found.identity, "entry": found.entry}
    return {name: value for name, value in named.items() if value}


def _before(found: Finding) -> str | None:
    return None if found.acknowledged is None else f"until {found.acknowledged.until} by {found.acknowledged.by}"


def waiting(call: OperationCall) -> Reply:
    """The latest scan's findings with an acknowledgement that waits for a reviewer, as the viewer may see them."""
    prints = [one.finding for one in call.visible.waiting() if one.finding]
    with call.serving.store.records() as records:
        found = call.visible.findings(records.findings(prints))
    return Reply(body=page_of((finding_body(call, one) for one in found), total=len(found)))


def take_back(call: OperationCall) -> Reply:
    """Take back what one acknowledged, asked for or approved last about a finding, until a scan has used it."""
    by = writer(call)
    found = find_finding(call, call.path["fingerprint"])
    given = call.serving.store.served.given(found.fingerprint)
    if not given:
        elsewhere = found.acknowledged is not None
        hint = "the list in git has it: remove it there" if elsewhere else None
        raise Refusal(409, "nobody acknowledged this finding on this page", hint=hint)
    last = given[-1]
    if by not in said_by(last):
        raise Refusal(403, f"{last.by} did this, and can take it back")
    if was_used(last, found):
        raise Refusal(409, USED.format("acknowledgement"), hint="acknowledge it until an earlier day: it ends then")
    record = AcknowledgementWithdrawn(finding=found.fingerprint, of=last.at, by=by, at=call.serving.clock())
    _add(call, record, about=_about(found), before=f"until {last.until} by {last.by}")
    return Reply(body=finding_body(call, found))


def said_by(given: FindingAcknowledged | AcknowledgementAsked) -> frozenset[str | None]:
    """Who may take it back: who did it, and of an approval also who asked for it."""
    return frozenset({given.by, getattr(given, "asked_by", None)})


def was_used(given: FindingAcknowledged | AcknowledgementAsked, stored: Finding | None) -> bool:
    """Whether the latest scan, which has the finding so, has used it."""
    if stored is None or not isinstance(given, FindingAcknowledged):
        return False
    return mask(given.acknowledgement).given == stored.acknowledged


# --- Owners ---


def find_to_own(call: OperationCall) -> VisibleIdentity:
    """The identity of the path, which the viewer sees or is suggested for. Raises Refusal."""
    key = call.path["key"]
    with call.serving.store.records() as records:
        found = records.identities([key])
        if found and call.visible.may_claim(found[0]) and not call.visible.identities(found):
            return VisibleIdentity(replace(records.frame, identities=found))
        return find_identity(call, records, key)


def propose_owner(call: OperationCall) -> Reply:
    """Propose an owner of an identity, or of all that its entry stands for."""
    body: ProposeOwner = call.body
    by = writer(call)
    held = find_to_own(call)
    key, ownership = held.assessment.identity.key, held.assessment.ownership
    owner = _owner(call, body.owner)
    if owner.email == ownership.owner and ownership.state == "owned":
        raise Refusal(409, f"{owner.email} is the owner already", field="owner")
    record = OwnerProposed(
        identity=key,
        owner=owner.email,
        by=by,
        at=call.serving.clock(),
        reason=_reason(body.reason),
        identities=_all_of_entry(held) if body.for_all else (),
    )
    _add(call, record, about=_of_entry(held), before=ownership.owner)
    return Reply(body=encoded(record))


def deny_owner(call: OperationCall) -> Reply:
    """Say that an identity is not one's own."""
    body: NotMine = call.body
    by = writer(call)
    held = find_to_own(call)
    assessment = held.assessment
    record = OwnerDenied(identity=assessment.identity.key, by=by, at=call.serving.clock(), reason=_reason(body.reason))
    _add(call, record, about=_of_entry(held), before=assessment.ownership.owner)
    return Reply(body=encoded(record))


def take_back_owner(call: OperationCall) -> Reply:
    """Take back what one said last about the owner of an identity, until the registry or a scan has used it."""
    by = writer(call)
    held = find_to_own(call)
    key, served = held.assessment.identity.key, call.serving.store.served
    every: list[OwnerProposed | OwnerDenied] = [*served.proposals(key), *served.denials(key)]
    standing = sorted((one for one in every if one.withdrawn_at is None), key=attrgetter("at"))
    mine = [one for one in standing if one.by == by]
    if not standing:
        raise Refusal(409, "nobody proposed an owner of this identity")
    if not mine:
        raise Refusal(403, f"{standing[-1].by} said this, and can take it back")
    last = mine[-1]
    if is_used(call, held.assessment, last):
        raise Refusal(409, USED.format("proposal"), hint="propose another owner")
    now = call.serving.clock()
    record = OwnerWithdrawn(identity=key, of=last.at, by=by, at=now)
    before = last.owner if isinstance(last, OwnerProposed) else f"not {by}"
    _add(call, record, about=_of_entry(held), before=before)
    return Reply(body=encoded(replace(last, withdrawn_at=now)))


def is_used(call: OperationCall, judged: Assessment, said: OwnerProposed | OwnerDenied) -> bool:
    """Whether the registry took the proposal over, as the log of decisions has it, or a scan found its owner there."""
    ownership, entry = judged.ownership, judged.registry.entry
    if isinstance(said, OwnerDenied):
        return False
    if ownership.state == "owned" and ownership.owner == said.owner:
        return True
    since = call.serving.store.decisions.newest(since=said.at.replace(microsecond=0))  # the log has seconds
    its_own = {said.identity, entry} - {None}
    adopted = (one.about for one, _ in since if one.what == "adopted")
    return any(not its_own.isdisjoint((about.get("identity"), about.get("entry"))) for about in adopted)


def _all_of_entry(held: VisibleIdentity) -> tuple[str, ...]:
    """All identities that its entry stands for. Raises Refusal where it has none that the viewer sees."""
    if not held.part.entries:
        raise Refusal(409, "it has no entry that you see", field="for_all", hint="propose the owner for it alone")
    return tuple(sorted({held.assessment.identity.key, *same_entry(held)}))


def _of_entry(held: VisibleIdentity) -> dict[str, str]:
    entry = held.assessment.registry.entry
    return {} if entry is None else {"entry": entry}


def _reason(given: str | None) -> str | None:
    with about("reason"):
        return None if given is None else printable(checked_text("reason", given))


def _owner(call: OperationCall, text: str) -> Person:
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


class PeopleQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The beginning of a name or an address."""

    q: Annotated[str, Meta(min_length=SHORTEST_QUERY, max_length=100, description="The beginning of words.")]
    limit: Annotated[int, Meta(ge=1, le=MOST_PEOPLE, description="How many at most.")] = MOST_PEOPLE


def people(call: OperationCall) -> Reply:
    """Active people and groups to name as an owner, for people who may propose one."""
    writer(call)
    if not call.visible.may_propose:
        raise Refusal(403, "this is for people who own something, or are suggested for it")
    roster = call.serving.lists.roster
    items = [PersonFound(email=one.email, name=one.name) for one in roster.beginning(call.query.q, call.query.limit)]
    return Reply(body=encoded({"items": items}))


# --- Saved queries ---


def queries(call: OperationCall) -> Reply:
    """Saved queries: the viewer's own, and for people who see everything those of all."""
    everyone, kept = call.visible.is_everything, call.serving.store.served.queries()
    return Reply(body=encoded({"items": [one for one in kept if everyone or one.by == call.viewer.person]}))


def save_query(call: OperationCall) -> Reply:
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


def delete_query(call: OperationCall) -> Reply:
    """Delete the viewer's own saved query; the record that it was saved stays."""
    by, wanted = writer(call), call.path["id"]
    if not any(one.id == wanted and one.by == by for one in call.serving.store.served.queries()):
        raise Refusal(404, NO_SUCH.format("saved query"))
    deleted = QueryDeleted(id=wanted, by=by, at=call.serving.clock())
    call.serving.store.served.append(deleted)
    return Reply(body=encoded(deleted))
