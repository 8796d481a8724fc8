"""Reads users' passwords and access keys: from the credential report, and singly what that does not tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from connectors.aws import fetch
from connectors.aws.credential_report import Report, ReportRow
from connectors.aws.errors import NotReady
from connectors.aws.fetch import Listing
from connectors.aws.keys import KeyUse, match_slots, use_of_answer
from connectors.aws.payloads import AccessKey, UserDetail, utc
from connectors.aws.reading import Reading
from connectors.aws.spec import KEYS, PASSWORDS, REPORT
from connectors.aws.users import UserFacts
from connectors.base import SectionReading
from scanner.errors import SourceError
from scanner.model import Coverage


class PasswordsAndKeys:
    """What was read of the users that a listing has. ``gone``: names of those who are no more."""

    def __init__(self, account: Reading, listing: Listing) -> None:
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
        """Every section in turn. ``refused``: why the report could not be ordered, if it was refused."""
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
        """What the report says of a user; None where it does not know it (yet)."""
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
        self.report, made_at = fetch.read_report(self._iam)
        section.found(len(self.report.rows))
        section.note(f"made {made_at}")
        for row, reason in self.report.malformed:
            section.malformed(row, reason)

    def _read_passwords(self, section: SectionReading, users: Sequence[UserDetail]) -> None:
        names = [user.user_name for user in users]
        logins = fetch.read_each(names, lambda name: fetch.has_password(self._iam, name), of="users' passwords")
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
        if not self._listing.has_policies:  # users were listed by name: that listing has told it already
            return {user.arn: user for user in self._listing.users}
        return fetch.passwords_last_used(self._iam)

    def _read_keys(self, section: SectionReading) -> None:
        names = [user.user_name for user in self._listing.users if self._may_have_keys(user)]
        keys = fetch.read_each(names, lambda name: fetch.access_keys(self._iam, name), of="users' access keys")
        self._keys, self.gone = keys.answers, keys.gone
        section.found(sum(map(len, keys.answers.values())))
        if keys.error is not None:
            section.lost(keys.error)

    def _may_have_keys(self, user: UserDetail) -> bool:
        """Whether the report counts keys of the user, or does not know the user (yet)."""
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
        uses = fetch.read_each(unmatched, lambda key: fetch.key_last_used(self._iam, key), of="keys' last uses")
        self._uses |= {key: use_of_answer(answer) for key, answer in uses.answers.items()}
        if uses.error is not None:
            section.lost(uses.error, partial=True)
