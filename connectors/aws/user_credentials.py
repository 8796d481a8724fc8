"""Users' credentials besides passwords and access keys: for single services, signing certificates, SSH keys.

Of none of them does AWS record the use. Of a certificate's body, the date on which it ends is kept.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

import msgspec
from msgspec import Struct

from connectors.aws.fetch import expect, read_each
from connectors.aws.payloads import UserDetail, utc
from connectors.aws.reading import PAGE_SIZE, Reading, parsed
from connectors.aws.service_credentials import ServiceCredential, service_credential, service_credential_rows
from connectors.aws.session import pages, permission_of
from connectors.aws.spec import CERTIFICATES, SERVICE_CREDENTIALS, SSH_KEYS
from connectors.aws.x509 import ends_at
from connectors.base import SectionReading
from scanner.model import Coverage, Credential, CredentialKind, credential_key


class SigningCertificate(Struct, frozen=True, kw_only=True, rename="pascal"):
    """IAM ``SigningCertificate``. Its body tells when it ends, which no other member does."""

    id: str = msgspec.field(name="CertificateId")
    status: str
    upload_date: datetime | None = None
    body: str | None = msgspec.field(name="CertificateBody", default=None)

    @property
    def expires_at(self) -> datetime | None:
        """When it ends; None where its body cannot be read."""
        return ends_at(self.body)


class SshPublicKey(Struct, frozen=True, kw_only=True, rename="pascal"):
    """IAM ``SSHPublicKeyMetadata``."""

    id: str = msgspec.field(name="SSHPublicKeyId")
    status: str
    upload_date: datetime | None = None
    expires_at: ClassVar[datetime | None] = None
    """It does not end."""


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
    """What was read of users' other credentials, by user name."""

    def __init__(self) -> None:
        self._held: dict[str, list[Credential]] = defaultdict(list)
        self._unread: set[str] = set()
        self._all_unread = False

    def of(self, user: UserDetail) -> tuple[Credential, ...]:
        """The user's, sorted by key."""
        return tuple(sorted(self._held.get(user.user_name, ()), key=lambda credential: credential.key))

    def known_of(self, user: UserDetail) -> bool:
        """Whether every one that was asked for could be read."""
        return not self._all_unread and user.user_name not in self._unread

    def read(
        self,
        account: Reading,
        users: Sequence[UserDetail],
        *,
        with_certificates: Sequence[UserDetail],
        with_ssh_keys: Sequence[UserDetail] | None,
    ) -> Iterator[Coverage]:
        """Every section in turn, singly of those who have some or may have; None: not asked for."""
        with account.section(SERVICE_CREDENTIALS) as section:
            self._read_service_credentials(account, section, {user.user_name: user.arn for user in users})
        self._all_unread = section.coverage.is_gap
        yield section.coverage
        yield self._read_per_user(account, _CERTIFICATES, with_certificates)
        if with_ssh_keys is None:
            yield account.scope.coverage(SSH_KEYS, "off")
        else:
            yield self._read_per_user(account, _SSH_KEYS, with_ssh_keys)

    def _read_service_credentials(self, account: Reading, section: SectionReading, arns: Mapping[str, str]) -> None:
        for page in service_credential_rows(account.client, section):
            for row in parsed(section, page, ServiceCredential, name="ServiceSpecificCredentialId"):
                if row.user_name in arns:  # a user made since is in neither listing of this reading
                    self._held[row.user_name].append(service_credential(row, arns[row.user_name]))

    def _read_per_user(self, account: Reading, each: _PerUser, users: Iterable[UserDetail]) -> Coverage:
        arns = {user.user_name: user.arn for user in users}
        with account.section(each.section) as section:
            read = read_each(arns, lambda name: _held(account.client, each, name, arns[name]), of=each.words)
            for name, credentials in read.answers.items():
                self._held[name] += credentials
                section.found(len(credentials))
            self._unread |= arns.keys() - read.answers.keys() - read.gone
            if read.error is not None:
                section.lost(read.error)
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
