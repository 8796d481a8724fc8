"""IAM of one account: the order of calls, and gaps.

The large listing comes first, while AWS generates the credential report. Calls for single users follow only if the
report shows that the user has such credentials.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import structs

from connectors.aws.client import iam_calls
from connectors.aws.client.iam_calls import AwsListing
from connectors.aws.client.payloads import AwsAccount, RoleDetail, UserDetail
from connectors.aws.client.reading import AwsReader
from connectors.aws.client.session import AwsSession
from connectors.aws.identities.account_features import read_account_features
from connectors.aws.identities.passwords_and_keys import PasswordsAndKeys, SecondFactors
from connectors.aws.identities.providers import read_providers
from connectors.aws.identities.root import read_root
from connectors.aws.identities.user_credentials import OtherCredentials
from connectors.aws.identities.users import manager_of, role_identity, user_identity, with_details
from connectors.aws.organization import Guardrails
from connectors.aws.rights.account_rights import AwsRights, may_do, rights_in
from connectors.aws.rights.assume import MAX_LINKED_ROLES
from connectors.aws.settings import AwsSettings
from connectors.aws.spec import CREATORS, GROUPS, LAST_ACCESSED, POLICIES, ROLE_DETAILS, ROLES, USERS
from connectors.aws.usage.creators import HOME_REGIONS, Creators
from connectors.aws.usage.last_accessed import LastAccessed
from connectors.core.contract import DiscoveredRecord, Meter, Scope, SectionReading
from scanner.errors import SourceError
from scanner.model import Coverage, Identity
from scanner.text import counted

_USES_OF_SSH_KEYS = ("codecommit:GitPull", "codecommit:GitPush")


def read_account(
    scope: Scope,
    session: AwsSession,
    settings: AwsSettings,
    meter: Meter,
    place: AwsAccount,
    *,
    guardrails: Guardrails | None = (),
) -> Iterator[DiscoveredRecord]:
    """Every identity and other record in the account's IAM, and a coverage record for each section.

    ``guardrails``: the service control policies over it; None where they could not be read.
    """

    def reading(service: str, region: str) -> AwsReader:
        return AwsReader(scope=scope, client=session.client(service, region, meter), meter=meter, place=place)

    trail_region = HOME_REGIONS.get(place.partition, session.home_region)
    trail = reading("cloudtrail", trail_region) if settings.creators else None
    return _AccountReading(reading("iam", session.home_region), settings).read(guardrails, trail)


class _AccountReading:
    """The parts of one account that have been read."""

    def __init__(self, account: AwsReader, settings: AwsSettings) -> None:
        self._account = account
        self._settings = settings
        self._listing = AwsListing()
        self._rights = AwsRights()
        self._others = OtherCredentials()
        self._second_factors = SecondFactors()
        self._last_accessed = LastAccessed()
        self._creators = Creators()

    def read(self, guardrails: Guardrails | None, trail: AwsReader | None) -> Iterator[DiscoveredRecord]:
        """Read every section. Identities are built after everything that describes them is read."""
        account = self._account
        with account.section(USERS) as users:
            refused = iam_calls.order_report(account.client)
            self._listing = iam_calls.read_listing(account.client)
            self._close(users, USERS)
        self._rights = rights_in(self._listing, account.place.account, guardrails)
        yield users.coverage
        yield from self._read_listed()
        yield from self._read_role_details()
        signed_in = PasswordsAndKeys(account, self._listing)
        yield from signed_in.read(refused)
        yield from read_root(account, signed_in.report)
        yield from self._read_other_credentials(signed_in)
        yield from self._read_optional(trail)
        for record in self._records(signed_in):
            yield self._creators.sign(self._last_accessed.sign(record)) if isinstance(record, Identity) else record

    def _records(self, signed_in: PasswordsAndKeys) -> Iterator[DiscoveredRecord]:
        """The records of all sections."""
        by_name = not self._listing.has_policies
        rights, place = self._rights, self._account.place
        for user in self._listing.users:
            if user.user_name not in signed_in.gone:
                facts = structs.replace(
                    signed_in.facts(user),
                    others=self._others.of(user),
                    others_known=self._others.known_of(user),
                    second_factors=self._second_factors.of(user.arn),
                )
                permissions, links = rights.permissions[user.arn], rights.links[user.arn]
                yield user_identity(user, facts, permissions, links, place, by_name=by_name)
        for role in self._listing.roles:
            trusts = rights.trusts.get(role.arn)
            permissions, links = rights.permissions[role.arn], rights.links[role.arn]
            yield role_identity(role, trusts, permissions, links, place, by_name=by_name)
        trusts_are_whole = ROLES not in self._listing.errors and len(rights.trusts) == len(self._listing.roles)
        yield from read_providers(self._account, rights.trusts, trusts_are_whole=trusts_are_whole)
        yield from read_account_features(self._account)

    def _close(self, section: SectionReading, name: str) -> None:
        """Count the rows of a section, and report those that are missing."""
        section.found(len(self._listing.rows[name]))
        for row, reason in self._listing.malformed[name]:
            section.malformed(row, reason)
        if name in self._listing.errors:
            error, partial = self._listing.errors[name]
            section.lost(error, partial=partial)

    def _read_listed(self) -> Iterator[Coverage]:
        """Read the sections that the listing of users includes."""
        for name, malformed in (
            (ROLES, self._rights.malformed_trusts),
            (GROUPS, ()),
            (POLICIES, self._rights.malformed_policies),
        ):
            with self._account.section(name) as section:
                self._close(section, name)
                for row, reason in malformed:
                    section.malformed(row, reason)
                if name == POLICIES and (unlinked := self._rights.unlinked):
                    whose = counted(unlinked, "identity", "identities")
                    why = f"of {whose} only {MAX_LINKED_ROLES} of the roles are linked that trust anyone"
                    section.lost(SourceError(why, hint="narrow the trust policies of these roles"), partial=True)
            yield section.coverage

    def _read_role_details(self) -> Iterator[Coverage]:
        details: dict[str, RoleDetail] = {}
        with self._account.section(ROLE_DETAILS) as section:
            if self._listing.has_policies and self._listing.roles:  # otherwise the listing by name includes them
                for role in self._account.rows(section, "list_roles", "Roles", RoleDetail, name="Arn"):
                    details[role.arn] = role
        self._listing.rows[ROLES] = [with_details(role, details) for role in self._listing.roles]
        yield section.coverage

    def _read_other_credentials(self, signed_in: PasswordsAndKeys) -> Iterator[Coverage]:
        """Read them only for users that have some according to the report, or that the report does not list."""
        users = [user for user in self._listing.users if user.user_name not in signed_in.gone]
        facts = {user.arn: signed_in.facts(user) for user in users}
        certified = [user for user in users if facts[user.arn].may_have_certificates]
        with_ssh_keys = self._pulling_code(users) if self._settings.ssh_keys else None
        yield from self._others.read(self._account, users, with_certificates=certified, with_ssh_keys=with_ssh_keys)
        strong = [user for user in users if facts[user.arn].may_have_second_factors]
        yield from self._second_factors.read(self._account, strong)

    def _pulling_code(self, users: Iterable[UserDetail]) -> list[UserDetail]:
        return [user for user in users if may_do(self._rights.permissions[user.arn], *_USES_OF_SSH_KEYS)]

    def _read_optional(self, trail: AwsReader | None) -> Iterator[Coverage]:
        scope = self._account.scope
        if self._settings.service_last_accessed:
            managed = {role.arn for role in self._listing.roles if manager_of(role) is not None}
            levels = {arn: level for arn, level in self._rights.levels.items() if arn not in managed}
            yield from self._last_accessed.read(self._account, levels)
        else:
            yield scope.coverage(LAST_ACCESSED, "off")
        yield from self._creators.read(trail) if trail is not None else (scope.coverage(CREATORS, "off"),)
