"""Creators of identities and credentials, from CloudTrail's event history: 90 days, two requests a second."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct, structs

from connectors.aws.client import payloads
from connectors.aws.client.reading import AwsReader
from connectors.aws.client.session import pages
from connectors.aws.spec import CREATORS
from connectors.core.contract import SectionReading
from scanner.model import Coverage, Identity

HOME_REGIONS: Mapping[str, str] = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
"""The region with the events of IAM, by partition; of others it is the session's own."""

_PAGE_SIZE = 50

# Events, and the path in each response to what it created: an ARN, or the id of a key.
_SUBJECTS: Mapping[str, tuple[str, ...]] = {
    "CreateUser": ("user", "arn"),
    "CreateRole": ("role", "arn"),
    "CreateServiceLinkedRole": ("role", "arn"),
    "AcquireRole": ("role", "arn"),
    "CreateOpenIDConnectProvider": ("openIDConnectProviderArn",),
    "CreateSAMLProvider": ("sAMLProviderArn",),
    "CreateAccessKey": ("accessKey", "accessKeyId"),
    "CreateServiceSpecificCredential": ("serviceSpecificCredential", "serviceSpecificCredentialId"),
}


class _Event(Struct, frozen=True, kw_only=True, rename="pascal"):
    """CloudTrail ``Event``."""

    event_time: datetime
    cloud_trail_event: str


class _Issuer(Struct, frozen=True, kw_only=True):
    arn: str | None = None


class _Session(Struct, frozen=True, kw_only=True, rename="camel"):
    session_issuer: _Issuer = _Issuer()


class _UserIdentity(Struct, frozen=True, kw_only=True, rename="camel"):
    type: str | None = None
    arn: str | None = None
    user_name: str | None = None
    identity_provider: str | None = None
    invoked_by: str | None = None
    session_context: _Session = _Session()


class _CreatorRecord(Struct, frozen=True, kw_only=True, rename="camel"):
    """The CloudTrail record inside an event; other members are dropped."""

    user_identity: _UserIdentity = _UserIdentity()
    error_code: str | None = None
    response_elements: dict[str, Any] | None = None


class Creators:
    """The creator of each identity and credential, from the event history."""

    def __init__(self) -> None:
        self._by_subject: dict[str, tuple[datetime, str]] = {}

    def read(self, trail: AwsReader) -> Iterator[Coverage]:
        """Read the event history of events that create identities and keys.

        ``trail``: a reading with a client of CloudTrail.
        """
        with trail.section(CREATORS) as section:
            for name in _SUBJECTS:
                self._take_in(name, _events(trail.client, name), section)
        yield section.coverage

    def _take_in(self, name: str, rows: Iterable[Any], section: SectionReading) -> None:
        for row in rows:
            try:
                created = parse_event(row, name)
            except ValueError as error:
                section.malformed(str(row.get("EventId", "without an id")), str(error))
                continue
            if created is not None:
                section.found()
                subject, at, creator = created
                if subject not in self._by_subject or self._by_subject[subject][0] <= at:  # names may be reused
                    self._by_subject[subject] = (at, creator)

    def sign(self, identity: Identity) -> Identity:
        """Add the creator to an identity and its credentials, if known."""
        credentials = tuple(
            structs.replace(one, attributes={**one.attributes, "created_by": self._by_subject[one.id][1]})
            if one.id in self._by_subject
            else one
            for one in identity.credentials
        )
        _, creator = self._by_subject.get(identity.key, (None, identity.created_by))
        return structs.replace(identity, created_by=creator, credentials=credentials)


def _events(client: Any, name: str) -> Iterator[Any]:
    looked_for = [{"AttributeKey": "EventName", "AttributeValue": name}]
    for page in pages(
        client, "lookup_events", page_size=_PAGE_SIZE, expecting=("Events",), LookupAttributes=looked_for
    ):
        yield from page.get("Events", ())


def parse_event(row: Any, name: str) -> tuple[str, datetime, str] | None:
    """The created resource, the time and the creator; None if the event has no creation.

    Raises ValueError.
    """
    event = payloads.read(row, _Event)
    try:
        record = msgspec.json.decode(event.cloud_trail_event, type=_CreatorRecord)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"its record cannot be read: {error}") from error
    subject: Any = record.response_elements
    for step in _SUBJECTS[name]:
        subject = subject.get(step) if isinstance(subject, dict) else None
    creator = _actor(record.user_identity)
    at = payloads.utc(event.event_time)
    if record.error_code is not None or not isinstance(subject, str) or creator is None or at is None:
        return None
    return subject, at, creator


def _actor(who: _UserIdentity) -> str | None:
    """The caller as CloudTrail names it; with the AWS service that called on its behalf, if one did."""
    actor = who.arn or who.session_context.session_issuer.arn or _outsider(who)
    if who.invoked_by is None or who.invoked_by == actor:
        return actor
    return who.invoked_by if actor is None else f"{who.invoked_by} for {actor}"


def _outsider(who: _UserIdentity) -> str | None:
    """An external user without an ARN: the name and the provider that authenticated it."""
    if who.user_name is None or who.identity_provider is None:
        return who.user_name
    return f"{who.user_name} of {who.identity_provider}"
