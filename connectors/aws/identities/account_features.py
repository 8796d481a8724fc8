"""Other resources of an account: server certificates, instance profiles, outbound federation, access of partners."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from msgspec import Struct

from connectors.aws.client.errors import SwitchedOff
from connectors.aws.client.payloads import iso, known, utc
from connectors.aws.client.reading import IAM_PAGES, AwsReader, looped, must_know, parsed
from connectors.aws.client.session import call
from connectors.aws.spec import DELEGATIONS, INSTANCE_PROFILES, OUTBOUND_FEDERATION, SERVER_CERTIFICATES
from connectors.core.contract import DiscoveredRecord
from scanner.model import Coverage, Credential, Identity, Signal, StoredSecret, Workload, credential_key

# Whether a partner has access, by the state of its request.
_ENABLED_STATES: Mapping[str, bool] = {
    **dict.fromkeys(("ACCEPTED", "FINALIZED"), True),
    **dict.fromkeys(("UNASSIGNED", "ASSIGNED", "PENDING_APPROVAL", "REJECTED", "EXPIRED"), False),
}


class ServerCertificate(Struct, frozen=True, kw_only=True, rename="pascal"):
    """IAM ``ServerCertificateMetadata``."""

    arn: str
    server_certificate_name: str
    server_certificate_id: str | None = None
    upload_date: datetime | None = None
    expiration: datetime | None = None


class _Role(Struct, frozen=True, kw_only=True, rename="pascal"):
    arn: str


class InstanceProfile(Struct, frozen=True, kw_only=True, rename="pascal"):
    """IAM ``InstanceProfile``."""

    arn: str
    instance_profile_name: str
    instance_profile_id: str | None = None
    path: str = "/"
    create_date: datetime | None = None
    roles: tuple[_Role, ...] = ()


class DelegationRequest(Struct, frozen=True, kw_only=True, rename="pascal"):
    """IAM ``DelegationRequest`` without its description and the text of its policy."""

    delegation_request_id: str
    requestor_name: str | None = None
    requestor_id: str | None = None
    state: str | None = None
    create_date: datetime | None = None
    expiration_time: datetime | None = None
    session_duration: int | None = None
    owner_id: str | None = None
    approver_id: str | None = None


def read_account_features(account: AwsReader) -> Iterator[DiscoveredRecord]:
    """Read every such section: one listing each."""
    yield from _server_certificates(account)
    yield from _instance_profiles(account)
    yield _outbound_federation(account)
    yield from _delegations(account)


def _server_certificates(account: AwsReader) -> Iterator[StoredSecret | Coverage]:
    with account.section(SERVER_CERTIFICATES) as section:
        rows = account.rows(
            section,
            "list_server_certificates",
            "ServerCertificateMetadataList",
            ServerCertificate,
            name="ServerCertificateName",
        )
        for row in rows:
            yield _server_certificate(row, account)
    yield section.coverage


def _server_certificate(row: ServerCertificate, account: AwsReader) -> StoredSecret:
    """The private key of a server certificate. Its creation date is unknown: it may be older than the upload."""
    return StoredSecret(
        key=row.arn,
        provider="aws",
        source=account.place.source,
        scope=account.place.account,
        name=row.server_certificate_name,
        expires_at=utc(row.expiration),
        attributes=known(
            type="server certificate",
            id=row.server_certificate_id,
            uploaded_at=iso(utc(row.upload_date)),
        ),
    )


def _instance_profiles(account: AwsReader) -> Iterator[Workload | Coverage]:
    """Instance profiles, which give their role to machines.

    Anyone who may add a role to an empty profile chooses any role.
    """
    with account.section(INSTANCE_PROFILES) as section:
        rows = account.rows(
            section, "list_instance_profiles", "InstanceProfiles", InstanceProfile, name="InstanceProfileName"
        )
        for row in rows:
            yield Workload(
                key=row.arn,
                provider="aws",
                source=account.place.source,
                scope=account.place.account,
                kind="instance_profile",
                name=row.instance_profile_name,
                runs_as=tuple(sorted(role.arn for role in row.roles)),
                created_at=utc(row.create_date),
                attributes=known(path=row.path, id=row.instance_profile_id),
            )
    yield section.coverage


def _outbound_federation(account: AwsReader) -> Coverage:
    with account.section(OUTBOUND_FEDERATION) as section:
        must_know(account.client, "get_outbound_web_identity_federation_info")
        try:
            answer = call(account.client, "get_outbound_web_identity_federation_info", expecting="JwtVendingEnabled")
        except SwitchedOff:
            answer = {"JwtVendingEnabled": False}
        state = "on" if answer["JwtVendingEnabled"] else "off"
        issuer = answer.get("IssuerIdentifier")
        section.note(f"tokens for external services: {state}{f', issuer {issuer}' if issuer else ''}")
    return section.coverage


def _delegations(account: AwsReader) -> Iterator[Identity | Coverage]:
    with account.section(DELEGATIONS) as section:
        for page in looped(account.client, "list_delegation_requests", "DelegationRequests", IAM_PAGES):
            for row in parsed(section, page, DelegationRequest, name="DelegationRequestId"):
                yield _delegation(row, account)
    yield section.coverage


def _delegation(row: DelegationRequest, account: AwsReader) -> Identity:
    """A partner's access, which no role shows. It expires."""
    place = account.place
    key = f"arn:{place.partition}:iam::{place.account}:delegation-request/{row.delegation_request_id}"
    enabled = _ENABLED_STATES.get(row.state or "")
    expires_at = utc(row.expiration_time)
    return Identity(
        key=key,
        provider="aws",
        source=place.source,
        scope=place.account,
        kind="delegation_request",
        name=row.requestor_name or row.delegation_request_id,
        unique_id=row.delegation_request_id,
        enabled=enabled,
        created_at=utc(row.create_date),
        attributes=known(
            state=row.state,
            requestor_account=row.requestor_id,
            owner=row.owner_id,
            approved_by=row.approver_id,
            session_seconds=row.session_duration,
        ),
        signals=(Signal(says="machine", sort="provider", evidence="access delegated to a partner"),),
        credentials=(
            Credential(
                key=credential_key(key, "federation", row.delegation_request_id),
                kind="federation",
                id=row.delegation_request_id,
                enabled=enabled,
                created_at=utc(row.create_date),
                expires_at=expires_at,
            ),
        ),
    )
