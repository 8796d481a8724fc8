"""Other credentials of users: service-specific credentials, signing certificates, SSH keys.

Of a certificate, only the expiry is kept.
"""

from __future__ import annotations

import warnings
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from connectors.aws.client.errors import NotTaken
from connectors.aws.client.payloads import UserDetail, known, utc
from connectors.aws.client.reading import IAM_PAGES, PAGE_SIZE, AwsReader, expect, looped, parsed, read_each
from connectors.aws.client.session import pages, permission_of
from connectors.aws.spec import CERTIFICATES, SERVICE_CREDENTIALS, SSH_KEYS
from connectors.core.contract import SectionReading
from scanner.model import Coverage, Credential, CredentialKind, credential_key


def ends_at(text: str | None) -> datetime | None:
    """The latest expiry of these PEM certificates, in UTC; None if there is none, or one cannot be read."""
    from cryptography import x509

    warnings.filterwarnings("ignore", "Parsed a serial number")  # old authorities have invalid certificates
    try:
        return max(one.not_valid_after_utc for one in x509.load_pem_x509_certificates((text or "").encode()))
    except (ValueError, x509.InvalidVersion):
        return None


# --- Service-specific credentials: long-term API keys, such as for Bedrock, and passwords ---
#
# One listing returns those of all users. AWS keeps no record of their use.

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
    """The account's service-specific credentials by page, service by service if AWS requires one."""
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
        with suppress(NotTaken):  # not in this partition
            for page in looped(iam, _METHOD, _MEMBER, IAM_PAGES, AllUsers=True, ServiceName=service):
                taken.append(service)
                yield page
    if not taken:
        raise refusal
    section.note(f"requested for each service separately: {', '.join(sorted(set(taken)))}")


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


# --- Other credentials of users: service-specific credentials, signing certificates, SSH keys ---
#
# AWS does not record the use of any of them. Of a certificate, only the expiry is kept.


class SigningCertificate(Struct, frozen=True, kw_only=True, rename="pascal"):
    """IAM ``SigningCertificate``. Only its body has the expiry."""

    id: str = msgspec.field(name="CertificateId")
    status: str
    upload_date: datetime | None = None
    body: str | None = msgspec.field(name="CertificateBody", default=None)

    @property
    def expires_at(self) -> datetime | None:
        """The expiry; None if the body cannot be read."""
        return ends_at(self.body)


class SshPublicKey(Struct, frozen=True, kw_only=True, rename="pascal"):
    """IAM ``SSHPublicKeyMetadata``."""

    id: str = msgspec.field(name="SSHPublicKeyId")
    status: str
    upload_date: datetime | None = None
    expires_at: ClassVar[datetime | None] = None
    """None: SSH keys do not expire."""


class _PerUser(Struct, frozen=True, kw_only=True):
    """A listing that takes a call for each user."""

    section: str
    method: str
    member: str
    shape: type[SigningCertificate | SshPublicKey]
    kind: CredentialKind
    words: str
    never_expires: bool


_CERTIFICATES = _PerUser(
    section=CERTIFICATES,
    method="list_signing_certificates",
    member="Certificates",
    shape=SigningCertificate,
    kind="certificate",
    words="users' signing certificates",
    never_expires=False,
)
_SSH_KEYS = _PerUser(
    section=SSH_KEYS,
    method="list_ssh_public_keys",
    member="SSHPublicKeys",
    shape=SshPublicKey,
    kind="ssh_key",
    words="users' SSH keys",
    never_expires=True,
)


class OtherCredentials:
    """Users' other credentials, by user name."""

    def __init__(self) -> None:
        self._held: dict[str, list[Credential]] = defaultdict(list)
        self._unread: set[str] = set()
        self._all_unread = False

    def of(self, user: UserDetail) -> tuple[Credential, ...]:
        """The user's, sorted by key."""
        return tuple(sorted(self._held.get(user.user_name, ()), key=lambda credential: credential.key))

    def known_of(self, user: UserDetail) -> bool:
        """Whether all requested credentials of the user could be read."""
        return not self._all_unread and user.user_name not in self._unread

    def read(
        self,
        account: AwsReader,
        users: Sequence[UserDetail],
        *,
        with_certificates: Sequence[UserDetail],
        with_ssh_keys: Sequence[UserDetail] | None,
    ) -> Iterator[Coverage]:
        """Read every section, with a call for each user that has or may have such credentials; None: not requested."""
        with account.section(SERVICE_CREDENTIALS) as section:
            self._read_service_credentials(account, section, {user.user_name: user.arn for user in users})
        self._all_unread = section.coverage.is_gap
        yield section.coverage
        yield self._read_per_user(account, _CERTIFICATES, with_certificates)
        if with_ssh_keys is None:
            yield account.scope.coverage(SSH_KEYS, "off")
        else:
            yield self._read_per_user(account, _SSH_KEYS, with_ssh_keys)

    def _read_service_credentials(self, account: AwsReader, section: SectionReading, arns: Mapping[str, str]) -> None:
        for page in service_credential_rows(account.client, section):
            for row in parsed(section, page, ServiceCredential, name="ServiceSpecificCredentialId"):
                if row.user_name in arns:  # a user created since is in neither listing
                    self._held[row.user_name].append(service_credential(row, arns[row.user_name]))

    def _read_per_user(self, account: AwsReader, each: _PerUser, users: Iterable[UserDetail]) -> Coverage:
        arns = {user.user_name: user.arn for user in users}
        with account.section(each.section) as section:
            read = read_each(arns, lambda name: _held(account.client, each, name, arns[name]), of=each.words)
            for name, credentials in read.answers.items():
                self._held[name] += credentials
                section.found(len(credentials))
            self._unread |= arns.keys() - read.answers.keys() - read.gone
            if read.error is not None:
                section.lost(read.error, partial=bool(read.answers))
        return section.coverage


def _held(iam: Any, each: _PerUser, user: str, arn: str) -> list[Credential]:
    permission = f"{permission_of(iam, each.method)} of {user}"
    found: list[Credential] = []
    for page in pages(iam, each.method, page_size=PAGE_SIZE, expecting=(each.member,), UserName=user):
        found += [_credential(expect(row, each.shape, permission), each, arn) for row in page.get(each.member, ())]
    return found


def _credential(row: SigningCertificate | SshPublicKey, each: _PerUser, user_arn: str) -> Credential:
    return Credential(
        key=credential_key(user_arn, each.kind, row.id),
        kind=each.kind,
        id=row.id,
        enabled=row.status == "Active",
        created_at=utc(row.upload_date),
        expires_at=row.expires_at,
        never_expires=each.never_expires,
    )
