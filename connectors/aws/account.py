"""Reads one account's IAM: the order of the calls, and what becomes a gap.

The one large listing comes first, with the credential report made meanwhile; calls for each user only where the
report says that there is something to ask about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from connectors.aws import fetch
from connectors.aws.assume import Holder, assume_links
from connectors.aws.credential_report import Report, ReportRow
from connectors.aws.errors import NotReady
from connectors.aws.fetch import Listing
from connectors.aws.identities import Place, UserFacts, role_identity, user_identity
from connectors.aws.keys import KeyUse, match_slots, use_of_answer
from connectors.aws.payloads import AccessKey, RoleDetail, UserDetail, utc
from connectors.aws.permissions import Permissions, PolicyLibrary, unread
from connectors.aws.root import root_identity
from connectors.aws.spec import GROUPS, KEYS, PASSWORDS, POLICIES, REPORT, ROLES, ROOT, USERS
from connectors.aws.trust import parse_trusts
from connectors.aws.vocabulary import vocabulary
from connectors.base import DiscoveredRecord, Meter, Scope, SectionReading
from scanner.errors import SourceError
from scanner.model import Coverage, Identity, Link, Trust


def read_account(scope: Scope, iam: Any, meter: Meter, place: Place) -> Iterator[DiscoveredRecord]:
    """Every IAM identity of the account, and a coverage record for each section. ``iam`` counts into ``meter``."""
    reader = _AccountReading(scope, iam, meter, place)
    # What a section yields is read before anything that needs it is built; its coverage is final by then.
    yield from reader.read()
    yield from reader.identities()


class _AccountReading:
    """What has been read of one account so far."""

    def __init__(self, scope: Scope, iam: Any, meter: Meter, place: Place) -> None:
        self._scope = scope
        self._iam = iam
        self._meter = meter
        self._place = place
        self._listing = Listing()
        self._permissions: dict[str, Permissions] = {}
        self._trusts: dict[str, tuple[Trust, ...]] = {}
        self._report: Report | None = None
        self._logins: dict[str, bool] = {}
        self._password_uses: Mapping[str, UserDetail] = {}
        self._password_uses_known = False
        self._keys: dict[str, list[AccessKey]] = {}
        self._uses: dict[str, KeyUse] = {}
        self._gone: frozenset[str] = frozenset()
        self._root: Identity | None = None

    def read(self) -> Iterator[Coverage]:
        """Every section in turn."""
        with self._section(USERS) as users:
            refused = fetch.order_report(self._iam)
            self._listing = fetch.read_listing(self._iam)
            self._close(users, USERS)
        yield users.coverage
        yield from self._sections_listed_with_users()
        with self._section(REPORT) as report:
            self._read_report(report, refused)
        yield report.coverage
        unreported = [user for user in self._listing.users if self._row(user) is None]
        if unreported:
            with self._section(PASSWORDS) as passwords:
                self._read_passwords(passwords, unreported)
            yield passwords.coverage
        with self._section(KEYS) as keys:
            self._read_keys(keys)
            self._read_key_uses(keys)
        yield keys.coverage
        with self._section(ROOT) as root:
            self._read_root()
            root.found()
        yield root.coverage

    def identities(self) -> Iterator[Identity]:
        """Everything that was found, put together."""
        if self._root is not None:
            yield self._root
        users = [user for user in self._listing.users if user.user_name not in self._gone]
        present: list[UserDetail | RoleDetail] = [*users, *self._listing.roles]
        holders = [_holder(each.arn, self._permissions[each.arn]) for each in present]
        links = assume_links(holders, self._trusts, vocabulary())
        groups = {group.group_name: group.arn for group in self._listing.rows[GROUPS]}
        by_name = not self._listing.has_policies
        for user in users:
            member = tuple(
                Link(relation="member_of", target=groups[name], evidence="the group lists it")
                for name in sorted(user.group_list)
                if name in groups
            )
            edges = (*links.get(user.arn, ()), *member)
            facts, permissions = self._facts(user), self._permissions[user.arn]
            yield user_identity(user, facts, permissions, edges, self._place, by_name=by_name)
        for role in self._listing.roles:
            trusts, edges = self._trusts.get(role.arn), links.get(role.arn, ())
            yield role_identity(role, trusts, self._permissions[role.arn], edges, self._place, by_name=by_name)

    def _section(self, name: str) -> SectionReading:
        return self._scope.section(name, meter=self._meter)

    def _close(self, section: SectionReading, name: str) -> None:
        """Count what the listing gave for a section, and tell what it did not give."""
        section.found(len(self._listing.rows[name]))
        for row, reason in self._listing.malformed[name]:
            section.malformed(row, reason)
        if name in self._listing.errors:
            error, partial = self._listing.errors[name]
            section.lost(error, partial=partial)

    def _sections_listed_with_users(self) -> Iterator[Coverage]:
        with self._section(ROLES) as roles:
            self._close(roles, ROLES)
            for role in self._listing.roles:
                self._read_trust(roles, role)
        yield roles.coverage
        with self._section(GROUPS) as groups:
            self._close(groups, GROUPS)
        yield groups.coverage
        with self._section(POLICIES) as policies:
            self._close(policies, POLICIES)
            self._judge(policies)
        yield policies.coverage

    def _judge(self, section: SectionReading) -> None:
        if not self._listing.has_policies:
            arns = [*(user.arn for user in self._listing.users), *(role.arn for role in self._listing.roles)]
            self._permissions = dict.fromkeys(arns, unread("its policies could not be read"))
            return
        rows = self._listing.rows
        library = PolicyLibrary(rows[POLICIES], rows[GROUPS], words=vocabulary(), account=self._place.account)
        for user in self._listing.users:
            self._permissions[user.arn] = library.permissions(
                user.arn,
                user.user_policy_list,
                user.attached_managed_policies,
                user.permissions_boundary,
                user.group_list,
            )
        for role in self._listing.roles:
            self._permissions[role.arn] = library.permissions(
                role.arn, role.role_policy_list, role.attached_managed_policies, role.permissions_boundary
            )
        for name, reason in library.malformed:
            section.malformed(name, reason)

    def _read_trust(self, section: SectionReading, role: RoleDetail) -> None:
        try:
            self._trusts[role.arn] = parse_trusts(role.assume_role_policy_document, self._place.account)
        except ValueError as error:
            section.malformed(role.arn, str(error))

    def _read_report(self, section: SectionReading, refused: SourceError | None) -> None:
        if refused is not None and not isinstance(refused, NotReady):
            raise refused
        self._report, made_at = fetch.read_report(self._iam)
        section.found(len(self._report.rows))
        section.note(f"made {made_at}")
        for row, reason in self._report.malformed:
            section.malformed(row, reason)

    def _row(self, user: UserDetail) -> ReportRow | None:
        """What the report says of a user; None where it does not know it (yet)."""
        row = None if self._report is None else self._report.rows.get(user.arn)
        return row if row is not None and row.is_about(user.create_date) else None

    def _read_passwords(self, section: SectionReading, users: Iterable[UserDetail]) -> None:
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
        self._keys = keys.answers
        self._gone = keys.gone
        section.found(sum(map(len, keys.answers.values())))
        if keys.error is not None:
            section.lost(keys.error)

    def _may_have_keys(self, user: UserDetail) -> bool:
        """Whether the report counts keys of the user, or does not know the user (yet)."""
        row = self._row(user)
        return row is None or bool(row.slots)

    def _read_key_uses(self, section: SectionReading) -> None:
        unmatched = []
        for user in self._listing.users:
            keys = self._keys.get(user.user_name, [])
            row = self._row(user)
            matched = match_slots(keys, row.slots) if row else None
            if matched is None:
                unmatched += [key.access_key_id for key in keys]
            else:
                self._uses |= matched
        uses = fetch.read_each(unmatched, lambda key: fetch.key_last_used(self._iam, key), of="keys' last uses")
        self._uses |= {key: use_of_answer(answer) for key, answer in uses.answers.items()}
        if uses.error is not None:
            section.lost(uses.error, partial=True)

    def _read_root(self) -> None:
        row = None if self._report is None else self._report.root
        summary = {} if row is not None else fetch.account_summary(self._iam)
        is_whole = self._report is not None and not self._report.malformed
        self._root = root_identity(row, summary, self._place, report_is_whole=is_whole)

    def _facts(self, user: UserDetail) -> UserFacts:
        row = self._row(user)
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


def _holder(arn: str, permissions: Permissions) -> Holder:
    return Holder(
        arn=arn,
        documents=permissions.documents,
        boundary=permissions.boundary,
        is_admin=permissions.privilege.level == "admin",
    )
