"""The account's root user as an identity."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from connectors.aws.client.credential_report import Report, ReportRow
from connectors.aws.client.iam_calls import account_summary
from connectors.aws.client.payloads import USER_USE_TRACKED_DAYS, AwsAccount, known
from connectors.aws.client.reading import AwsReader
from connectors.aws.spec import ROOT
from connectors.core.reading import unread_facts
from scanner.model import Coverage, Credential, Identity, Privilege, Signal, credential_key, with_administration

_PRIVILEGE = Privilege(level="admin", evidence=("the root user of the account",))


def read_root(account: AwsReader, report: Report | None) -> Iterator[Identity | Coverage]:
    """Read the root user from the credential report, or from the call that counts its credentials."""
    row = None if report is None else report.root
    with account.section(ROOT) as section:
        summary = {} if row is not None else account_summary(account.client)
        is_whole = report is not None and not report.malformed
        yield root_identity(row, summary, account.place, report_is_whole=is_whole)
        section.found()
    yield section.coverage


def root_identity(
    row: ReportRow | None, summary: Mapping[str, int], place: AwsAccount, *, report_is_whole: bool = True
) -> Identity:
    """The account's root user, from its row of the credential report, else from the account's summary.

    A complete report without that row is no gap: then the root user has no record of use.
    """
    arn = f"arn:{place.partition}:iam::{place.account}:root"
    mfa = row.mfa_active if row else _count(summary, "AccountMFAEnabled")
    password = row.password_enabled if row else _count(summary, "AccountPasswordPresent")
    certificate = row.certificate_active if row else _count(summary, "AccountSigningCertificatesPresent")
    credentials = (*(_from_report(arn, row) if row else _from_summary(arn, summary)), *_certificate(arn, certificate))
    keys = [credential for credential in credentials if credential.kind == "access_key" and credential.enabled]
    return Identity(
        key=arn,
        provider="aws",
        source=place.source,
        scope=place.account,
        kind="root",
        name="root",
        enabled=True,
        last_used_at=row.last_used_at if row else None,
        use_tracked_days=USER_USE_TRACKED_DAYS if row and not certificate else None,
        attributes=known(console_password=password, mfa_active=mfa, active_keys=len(keys)),
        signals=(_signal(keys),),
        privilege=_PRIVILEGE,
        consequences=with_administration(_PRIVILEGE, ()),
        credentials=credentials,
        unread=unread_facts(use=row is None and not report_is_whole),
    )


def _signal(keys: list[Credential]) -> Signal:
    if keys:
        return Signal(says="machine", sort="credential", evidence="the root user has an access key")
    return Signal(says="human", sort="provider", evidence="the root user, used by people only")


def _from_report(arn: str, row: ReportRow) -> tuple[Credential, ...]:
    keys = tuple(
        Credential(
            key=credential_key(arn, "access_key", f"root-key-{number}"),
            kind="access_key",
            id=f"root-key-{number}",
            enabled=slot.active,
            created_at=slot.rotated_at,
            never_expires=True,
            last_used_at=slot.last_used_at,
            use_tracked_days=USER_USE_TRACKED_DAYS,
            attributes=known(last_used_service=slot.last_used_service, last_used_region=slot.last_used_region),
        )
        for number, slot in enumerate(row.slots, start=1)
    )
    if not row.password_enabled:  # None: unknown; not an empty list
        return keys
    password = Credential(
        key=credential_key(arn, "password", "root"),
        kind="password",
        id="root",
        enabled=True,
        created_at=row.password_changed_at,
        last_used_at=row.password_last_used_at,
        use_tracked_days=USER_USE_TRACKED_DAYS,
    )
    return (*keys, password)


def _from_summary(arn: str, summary: Mapping[str, int]) -> tuple[Credential, ...]:
    keys = tuple(
        Credential(
            key=credential_key(arn, "access_key", f"root-key-{number}"),
            kind="access_key",
            id=f"root-key-{number}",
            enabled=True,
            never_expires=True,
        )
        for number in range(1, summary.get("AccountAccessKeysPresent", 0) + 1)
    )
    if not summary.get("AccountPasswordPresent"):
        return keys
    password = Credential(key=credential_key(arn, "password", "root"), kind="password", id="root", enabled=True)
    return (*keys, password)


def _certificate(arn: str, is_there: bool | None) -> Iterator[Credential]:
    """A signing certificate whose id is unknown. AWS keeps no record of its use."""
    if is_there:
        name = "root-certificate"
        yield Credential(key=credential_key(arn, "certificate", name), kind="certificate", id=name, enabled=True)


def _count(summary: Mapping[str, int], name: str) -> bool | None:
    return bool(summary[name]) if name in summary else None
