"""IAM Roles Anywhere of one region: machines outside AWS that authenticate with a certificate.

A trust anchor (a certificate authority) authenticates subjects; a profile lists the roles that they may assume.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from connectors.aws.client.payloads import AwsAccount, known, utc
from connectors.aws.client.reading import AwsReader, Paging, looped, parsed
from connectors.aws.client.session import AwsSession, valid_in
from connectors.aws.identities.user_credentials import ends_at
from connectors.aws.spec import ANCHORS, PROFILES, SUBJECTS
from connectors.core.contract import Scope
from scanner.model import Coverage, Credential, Identity, Privilege, Signal, Workload, credential_key

SUBJECT_USE_TRACKED_DAYS = 3650
"""A subject is created at its first sign-in and has the time of its last."""

_PAGES = Paging(rows="pageSize", place="nextToken", size=100)
_NO_RIGHTS = Privilege(
    level="normal", evidence=("no rights of its own: the roles that trust Roles Anywhere have them",)
)


class _SourceData(Struct, frozen=True, kw_only=True, rename="camel"):
    """The source of an anchor's certificates. Of a bundle, only the expiry is kept."""

    acm_pca_arn: str | None = None
    bundle: str | None = msgspec.field(name="x509CertificateData", default=None)


class _Source(Struct, frozen=True, kw_only=True, rename="camel"):
    source_type: str | None = None
    source_data: _SourceData = _SourceData()


class TrustAnchor(Struct, frozen=True, kw_only=True, rename="camel"):
    """Roles Anywhere ``TrustAnchorDetail``."""

    trust_anchor_arn: str
    trust_anchor_id: str | None = None
    name: str | None = None
    enabled: bool | None = None
    source: _Source = _Source()
    created_at: datetime | None = None


class Profile(Struct, frozen=True, kw_only=True, rename="camel"):
    """Roles Anywhere ``ProfileDetail``."""

    profile_arn: str
    name: str | None = None
    enabled: bool | None = None
    role_arns: tuple[str, ...] = ()
    managed_policy_arns: tuple[str, ...] = ()
    created_by: str | None = None
    created_at: datetime | None = None


class Subject(Struct, frozen=True, kw_only=True, rename="camel"):
    """Roles Anywhere ``SubjectSummary``."""

    subject_arn: str
    subject_id: str | None = None
    x509_subject: str | None = msgspec.field(name="x509Subject", default=None)
    enabled: bool | None = None
    last_seen_at: datetime | None = None
    created_at: datetime | None = None


def read_roles_anywhere(
    scope: Scope, session: AwsSession, place: AwsAccount
) -> Iterator[Identity | Workload | Coverage]:
    """Trust anchors, profiles and subjects of a region: one listing each, the latter two only if there is an anchor."""
    region, meter = scope.part or session.home_region, session.new_meter()
    client = session.client("rolesanywhere", region, meter)
    reading = AwsReader(scope=scope, client=client, meter=meter, place=place)
    anchors = yield from _read(_ANCHORS, reading, session, region)
    for listing in (_PROFILES, _SUBJECTS):
        if anchors.status == "not_offered":
            yield scope.coverage(listing.section, "not_offered", detail=anchors.detail)
        elif anchors.status == "complete" and not anchors.identities:
            yield scope.coverage(listing.section, "complete", detail="no trust anchor: no machine can sign in")
        else:
            yield from _read(listing, reading, session, region)


def _read(
    listing: _Listing, reading: AwsReader, session: AwsSession, region: str
) -> Generator[Identity | Workload | Coverage, None, Coverage]:
    with reading.section(listing.section) as section, valid_in(session, region, reading.meter):
        for page in looped(reading.client, listing.method, listing.member, _PAGES):
            for row in parsed(section, page, listing.shape, name=listing.name):
                yield listing.record(row, reading)
    yield section.coverage
    return section.coverage


def _anchor(anchor: TrustAnchor, region: AwsReader) -> Identity:
    return Identity(
        key=anchor.trust_anchor_arn,
        provider="aws",
        source=region.place.source,
        scope=region.place.account,
        kind="trust_anchor",
        name=anchor.name or _tail(anchor.trust_anchor_arn),
        unique_id=anchor.trust_anchor_id,
        enabled=anchor.enabled,
        created_at=utc(anchor.created_at),
        attributes=known(
            region=region.scope.part,
            certificates=anchor.source.source_type,
            certificate_authority=anchor.source.source_data.acm_pca_arn,
        ),
        signals=(Signal(says="machine", sort="provider", evidence="it authenticates machines outside AWS"),),
        privilege=_NO_RIGHTS,
        consequences=(),
        credentials=tuple(_authority(anchor)),
    )


def _authority(anchor: TrustAnchor) -> Iterator[Credential]:
    """The certificates of the authority, if the anchor has them. The last expiry counts."""
    if anchor.source.source_data.bundle is not None:
        name = anchor.trust_anchor_id or _tail(anchor.trust_anchor_arn)
        yield Credential(
            key=credential_key(anchor.trust_anchor_arn, "certificate", name),
            kind="certificate",
            id=name,
            enabled=anchor.enabled,
            created_at=utc(anchor.created_at),
            expires_at=ends_at(anchor.source.source_data.bundle),
        )


def _profile(profile: Profile, region: AwsReader) -> Workload:
    return Workload(
        key=profile.profile_arn,
        provider="aws",
        source=region.place.source,
        scope=region.place.account,
        kind="rolesanywhere_profile",
        name=profile.name or _tail(profile.profile_arn),
        runs_as=tuple(sorted(profile.role_arns)),
        created_at=utc(profile.created_at),
        created_by=profile.created_by,
        attributes=known(
            region=region.scope.part, enabled=profile.enabled, narrowed_by=sorted(profile.managed_policy_arns)
        ),
    )


def _subject(subject: Subject, region: AwsReader) -> Identity:
    return Identity(
        key=subject.subject_arn,
        provider="aws",
        source=region.place.source,
        scope=region.place.account,
        kind="rolesanywhere_subject",
        name=subject.x509_subject or _tail(subject.subject_arn),
        unique_id=subject.subject_id,
        enabled=subject.enabled,
        created_at=utc(subject.created_at),
        last_used_at=utc(subject.last_seen_at),
        use_tracked_days=SUBJECT_USE_TRACKED_DAYS,
        attributes=known(region=region.scope.part),
        signals=(
            Signal(says="machine", sort="provider", evidence="a machine outside AWS that signs in with a certificate"),
        ),
        privilege=_NO_RIGHTS,
        consequences=(),
    )


def _tail(arn: str) -> str:
    return arn.rpartition("/")[2]


class _Listing(Struct, frozen=True, kw_only=True):
    """A listing, and the records of its rows."""

    section: str
    method: str
    member: str
    shape: type[Any]
    name: str
    record: Callable[[Any, AwsReader], Identity | Workload]


_ANCHORS = _Listing(
    section=ANCHORS,
    method="list_trust_anchors",
    member="trustAnchors",
    shape=TrustAnchor,
    name="trustAnchorId",
    record=_anchor,
)
_PROFILES = _Listing(
    section=PROFILES, method="list_profiles", member="profiles", shape=Profile, name="profileId", record=_profile
)
_SUBJECTS = _Listing(
    section=SUBJECTS, method="list_subjects", member="subjects", shape=Subject, name="subjectId", record=_subject
)
