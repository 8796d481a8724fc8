"""Service-specific credentials: long-term API keys (Bedrock's among them) and passwords for single services.

One listing tells them of all users. AWS keeps no record of their use.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from msgspec import Struct

from connectors.aws.errors import NotTaken
from connectors.aws.identities import known
from connectors.aws.payloads import utc
from connectors.aws.reading import IAM_PAGES, looped
from connectors.base import SectionReading
from scanner.model import Credential, CredentialKind, credential_key

_METHOD, _MEMBER = "list_service_specific_credentials", "ServiceSpecificCredentials"

MODEL_PROVIDERS = frozenset({"bedrock.amazonaws.com", "aws-external-anthropic.amazonaws.com"})
"""Services whose keys are for calling models, and nothing else."""
_API_KEYS = MODEL_PROVIDERS | {"cloudwatch.amazonaws.com", "logs.amazonaws.com"}
_PASSWORDS = frozenset({"codecommit.amazonaws.com", "cassandra.amazonaws.com"})


class ServiceCredential(Struct, frozen=True, kw_only=True, rename="pascal"):
    """IAM ``ServiceSpecificCredentialMetadata``."""

    service_specific_credential_id: str
    service_name: str
    user_name: str
    status: str
    create_date: datetime | None = None
    expiration_date: datetime | None = None
    service_credential_alias: str | None = None


def service_credential_rows(iam: Any, section: SectionReading) -> Iterator[Sequence[Any]]:
    """The account's service-specific credentials by page, service by service where AWS wants one named."""
    pages = looped(iam, _METHOD, _MEMBER, IAM_PAGES, AllUsers=True)
    try:
        first = next(pages)
    except NotTaken as refusal:
        yield from _by_service(iam, section, refusal)
        return
    yield first
    yield from pages


def _by_service(iam: Any, section: SectionReading, refusal: NotTaken) -> Iterator[Sequence[Any]]:
    services = sorted(_API_KEYS | _PASSWORDS)
    taken = []
    for service in services:
        with suppress(NotTaken):  # not in this part of AWS
            for page in looped(iam, _METHOD, _MEMBER, IAM_PAGES, AllUsers=True, ServiceName=service):
                taken.append(service)
                yield page
    if not taken:
        raise refusal
    section.note(f"asked for one service after the other: {', '.join(sorted(set(taken)))}")


def service_credential(row: ServiceCredential, user_arn: str) -> Credential:
    """A credential of the user. One without an expiration date never expires."""
    kind: CredentialKind = "api_key" if row.service_name in _API_KEYS else "service_specific"
    return Credential(
        key=credential_key(user_arn, kind, row.service_specific_credential_id),
        kind=kind,
        id=row.service_specific_credential_id,
        enabled=row.status == "Active",
        created_at=utc(row.create_date),
        expires_at=utc(row.expiration_date),
        never_expires=row.expiration_date is None,
        attributes=known(
            service=row.service_name,
            alias=row.service_credential_alias,
            expired=True if row.status == "Expired" else None,
        ),
    )
