"""Passwords, access keys and MFA devices of users.

Virtual MFA devices come from one listing, others take a call per user. An emulator also sends the seeds of virtual
devices, which are dropped on arrival.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from connectors.aws.client import iam_calls
from connectors.aws.client.credential_report import KeyUse, Report, ReportRow, match_slots, use_of_answer
from connectors.aws.client.errors import NotReady
from connectors.aws.client.iam_calls import AwsListing
from connectors.aws.client.payloads import AccessKey, UserDetail, utc
from connectors.aws.client.reading import PAGE_SIZE, AwsReader, expect, read_each
from connectors.aws.client.session import pages, permission_of
from connectors.aws.identities.users import UserFacts
from connectors.aws.spec import KEYS, MFA_DEVICES, PASSWORDS, REPORT
from connectors.core.contract import SectionReading
from scanner.errors import SourceError
from scanner.model import Coverage

_LIST_ALL, _LIST_ONE = "list_virtual_mfa_devices", "list_mfa_devices"
_SORTS = ((":mfa/", "virtual"), (":u2f/", "passkey"))


class _User(Struct, frozen=True, kw_only=True, rename="pascal"):
    arn: str | None = None


class _Device(Struct, frozen=True, kw_only=True, rename="pascal"):
    """IAM ``MFADevice``, and ``VirtualMFADevice`` without its seed and picture."""

    serial_number: str
    user: _User = _User()

    @property
    def sort(self) -> str:
        """The type of device. A hardware token has a plain serial number."""
        return next((sort for part, sort in _SORTS if part in self.serial_number), "hardware")


class SecondFactors:
    """Types of MFA devices by the ARN of their user."""

    def __init__(self) -> None:
        self._sorts: defaultdict[str, set[str]] = defaultdict(set)
        self._asked: set[str] = set()

    def of(self, arn: str) -> tuple[str, ...] | None:
        """The types of a user's devices; None if they are unknown."""
        known = arn in self._sorts or arn in self._asked
        return tuple(sorted(self._sorts.get(arn, ()))) if known else None

    def read(self, account: AwsReader, having: Sequence[UserDetail]) -> Iterator[Coverage]:
        """Read the devices.

        ``having``: users who have, or may have, a device; those without a virtual device take a call each.
        """
        with account.section(MFA_DEVICES) as section:
            virtual = account.rows(
                section, _LIST_ALL, "VirtualMFADevices", _Device, name="SerialNumber", AssignmentStatus="Assigned"
            )
            for device in virtual:
                if device.user.arn is not None:
                    self._sorts[device.user.arn].add(device.sort)
            arns = {user.user_name: user.arn for user in having if user.arn not in self._sorts}
            read = read_each(arns, lambda name: _devices(account, name), of="users' second factors")
            for name, devices in read.answers.items():
                section.found(len(devices))
                self._asked.add(arns[name])
                if devices:
                    self._sorts[arns[name]].update(device.sort for device in devices)
            if read.error is not None:
                section.lost(read.error, partial=bool(read.answers))
        yield section.coverage


def _devices(account: AwsReader, user: str) -> list[_Device]:
    permission = f"{permission_of(account.client, _LIST_ONE)} of {user}"
    found: list[_Device] = []
    for page in pages(account.client, _LIST_ONE, page_size=PAGE_SIZE, expecting=("MFADevices",), UserName=user):
        found += [expect(row, _Device, permission) for row in page.get("MFADevices", ())]
    return found


# --- Passwords and access keys: from the credential report, otherwise per user ---


class PasswordsAndKeys:
    """Passwords and keys of the listed users. ``gone``: names of users that no longer exist."""

    def __init__(self, account: AwsReader, listing: AwsListing) -> None:
        self.report: Report | None = None
        self.gone: frozenset[str] = frozenset()
        self._account = account
        self._iam = account.client
        self._listing = listing
        self._logins: Mapping[str, bool] = {}
        self._password_uses: Mapping[str, UserDetail] = {}
        self._password_uses_known = False
        self._keys: Mapping[str, list[AccessKey]] = {}
        self._uses: dict[str, KeyUse] = {}

    def read(self, refused: SourceError | None) -> Iterator[Coverage]:
        """Read every section. ``refused``: why generating the report was denied, if it was."""
        with self._account.section(REPORT) as report:
            self._read_report(report, refused)
        yield report.coverage
        unreported = [user for user in self._listing.users if self.row(user) is None]
        if unreported:
            with self._account.section(PASSWORDS) as passwords:
                self._read_passwords(passwords, unreported)
            yield passwords.coverage
        with self._account.section(KEYS) as keys:
            self._read_keys(keys)
            self._read_key_uses(keys)
        yield keys.coverage

    def row(self, user: UserDetail) -> ReportRow | None:
        """The row of a user in the report; None if it has none (yet)."""
        row = None if self.report is None else self.report.rows.get(user.arn)
        return row if row is not None and row.is_about(user.create_date) else None

    def facts(self, user: UserDetail) -> UserFacts:
        """All that was read of a user's password and keys."""
        row = self.row(user)
        keys = self._keys.get(user.user_name)
        if row is not None and not row.slots:
            keys = []
        listed = self._password_uses.get(user.arn)
        return UserFacts(
            row=row,
            keys=None if keys is None else tuple(keys),
            uses={
                key.access_key_id: self._uses[key.access_key_id]
                for key in keys or ()
                if key.access_key_id in self._uses
            },
            password=row.password_enabled if row else self._logins.get(user.user_name),
            password_last_used_at=utc(listed.password_last_used) if listed else None,
            password_use_known=self._password_uses_known and listed is not None,
        )

    def _read_report(self, section: SectionReading, refused: SourceError | None) -> None:
        if refused is not None and not isinstance(refused, NotReady):
            raise refused
        self.report, made_at = iam_calls.read_report(self._iam)
        section.found(len(self.report.rows))
        section.note(f"made {made_at}")
        for row, reason in self.report.malformed:
            section.malformed(row, reason)

    def _read_passwords(self, section: SectionReading, users: Sequence[UserDetail]) -> None:
        names = [user.user_name for user in users]
        logins = read_each(names, lambda name: iam_calls.has_password(self._iam, name), of="users' passwords")
        self._logins = logins.answers
        section.found(len(logins.answers))
        if any(logins.answers.get(name, True) for name in names):
            self._read_password_uses(section)
        if logins.error is not None:
            section.lost(logins.error)

    def _read_password_uses(self, section: SectionReading) -> None:
        try:
            self._password_uses = self._users_by_listing()
            self._password_uses_known = True
        except SourceError as error:
            section.lost(error, partial=True)

    def _users_by_listing(self) -> Mapping[str, UserDetail]:
        if not self._listing.has_policies:  # listed by name, which already includes it
            return {user.arn: user for user in self._listing.users}
        return iam_calls.passwords_last_used(self._iam)

    def _read_keys(self, section: SectionReading) -> None:
        names = [user.user_name for user in self._listing.users if self._may_have_keys(user)]
        keys = read_each(names, lambda name: iam_calls.access_keys(self._iam, name), of="users' access keys")
        self._keys, self.gone = keys.answers, keys.gone
        section.found(sum(map(len, keys.answers.values())))
        if keys.error is not None:
            section.lost(keys.error, partial=bool(keys.answers))

    def _may_have_keys(self, user: UserDetail) -> bool:
        """Whether the report counts keys of the user, or has no row of it (yet)."""
        row = self.row(user)
        return row is None or bool(row.slots)

    def _read_key_uses(self, section: SectionReading) -> None:
        unmatched = []
        for user in self._listing.users:
            keys = self._keys.get(user.user_name, [])
            row = self.row(user)
            matched = match_slots(keys, row.slots) if row else None
            if matched is None:
                unmatched += [key.access_key_id for key in keys]
            else:
                self._uses |= matched
        uses = read_each(unmatched, lambda key: iam_calls.key_last_used(self._iam, key), of="keys' last uses")
        self._uses |= {key: use_of_answer(answer) for key, answer in uses.answers.items()}
        if uses.error is not None:
            section.lost(uses.error, partial=True)
