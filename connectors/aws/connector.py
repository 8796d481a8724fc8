"""AWS: the identities, credentials and secrets of one account, or of each account of an organization."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import ClassVar

from msgspec import structs

from connectors.aws.account import read_account
from connectors.aws.client.payloads import AwsAccount, AwsRegion, known
from connectors.aws.client.reading import parsed
from connectors.aws.client.session import AwsSession, call, enter
from connectors.aws.identities.roles_anywhere import read_roles_anywhere
from connectors.aws.least_privilege import cloudformation, least_policies, printed, terraform
from connectors.aws.offline.source import ExportedSource
from connectors.aws.organization import Account, AwsOrganization, own_account
from connectors.aws.preflight import check_source
from connectors.aws.settings import AwsSettings
from connectors.aws.spec import ACCOUNT, MEMBER_ROLE, REGIONS, SPEC
from connectors.aws.workloads.service import read_region
from connectors.core.contract import Check, DiscoveredRecord, Meter, Scope, Spec
from connectors.core.offline import gaps_once
from connectors.core.reading import require_sdk
from scanner.errors import Denied
from scanner.model import EVERY_SCOPE, Coverage, Identity

_ENABLED = frozenset({"opt-in-not-required", "opted-in"})


class AwsConnector:
    """Reads the account of the SDK's credentials, or the accounts of its organization.

    Raises MissingExtra where boto3 or cryptography is not installed.
    """

    spec: ClassVar[Spec] = SPEC

    def __init__(self, source: str, settings: AwsSettings) -> None:
        for package in ("boto3", "cryptography"):
            require_sdk(package, SPEC)
        self._source = source
        self._settings = settings
        self._session = AwsSession(settings)
        nowhere = Scope(source=source, spec=self.spec, id=EVERY_SCOPE)
        self._files = ExportedSource(settings, nowhere) if settings.from_files is not None else None

    def __reduce__(self) -> tuple[type[AwsConnector], tuple[str, AwsSettings]]:
        """Pickle the source and settings only: sessions are not sent to other machines."""
        return AwsConnector, (self._source, self._settings)

    @property
    def session(self) -> AwsSession:
        """The session of the source itself, which assumes no role."""
        return self._session

    def scopes(self) -> Iterator[Scope | Coverage]:
        """The account and each of its regions; for an organization or an export, each account with its regions."""
        if self._files is not None:
            yield from self._files.accounts()
            return
        meter = Meter()
        nowhere = Scope(source=self._source, spec=self.spec, id=EVERY_SCOPE)
        with nowhere.section(ACCOUNT, meter=meter) as reading:
            own = own_account(self._session, meter)
        if reading.coverage.is_gap:
            yield reading.coverage
            return
        yield structs.replace(reading.coverage, scope=own.id)
        if self._settings.organization_role is not None:
            yield from AwsOrganization(own, self._session, self._settings, nowhere).scopes(meter)
            return
        account = structs.replace(nowhere, id=own.id, context=own)
        yield account
        regions, listing = self._regions(account, self._session, meter)
        yield from listing
        for region in regions:
            yield structs.replace(account, part=region)

    def discover(self, scope: Scope) -> Iterator[DiscoveredRecord]:
        """Read an account's IAM or the resources of one region; for an organization or an export, the whole account."""
        meter = Meter(asks=self._files is None)
        account: Account = scope.context
        if account.role is not None:
            yield from self._member(scope, account, account.role, meter)
            return
        if self._files is not None:
            found = self._whole(scope, self._files.session(scope.id), meter)
            yield from self._files.dated(found, scope.id)
        elif scope.part is None:
            yield from self._iam(scope, self._session, meter)
        else:
            yield from self._region(scope, self._session)

    def check(self) -> Iterator[Check]:
        """Check the credentials: their identity, the roles they may assume, missing permissions.

        For files: their content.
        """
        return check_source(self._session, self._settings) if self._files is None else self._files.check()

    @classmethod
    def base_policy(cls) -> str:
        """The least IAM policy (JSON) for this connector, with the default name of the role."""
        return printed(least_policies())

    @classmethod
    def role_templates(cls) -> Mapping[str, Callable[[], str]]:
        """See ``RoleTemplates``: the role that is assumed in each account."""
        return {"cloudformation": cloudformation, "terraform": terraform}

    def policy(self) -> str:
        """The least IAM policy (JSON) for this source: with its role, or without the part for an organization."""
        return printed(least_policies(self._settings.organization_role))

    def _member(self, scope: Scope, account: Account, role: str, meter: Meter) -> Iterator[DiscoveredRecord]:
        """Read one account with the role in it; the own account also without the role."""
        session = self._session
        with scope.section(MEMBER_ROLE, meter=meter) as entering:
            try:
                session = enter(self._session, role, self._settings, meter)
            except Denied as refusal:
                if not account.is_own:
                    raise
                entering.note(f"{refusal}; the source's own account is read with its own credentials")
        yield entering.coverage
        if entering.coverage.is_gap:
            return
        for record in self._whole(scope, session, meter):
            yield _in_account(record, account)

    def _whole(self, scope: Scope, session: AwsSession, meter: Meter) -> Iterator[DiscoveredRecord]:
        """An account's IAM and each of its regions."""
        yield from self._iam(scope, session, meter)
        regions, listing = self._regions(scope, session, meter)
        yield from listing
        found = (record for region in regions for record in self._region(structs.replace(scope, part=region), session))
        yield from found if self._files is None else gaps_once(found, "region")

    def _iam(self, scope: Scope, session: AwsSession, meter: Meter) -> Iterator[DiscoveredRecord]:
        guardrails = scope.context.guardrails
        return read_account(scope, session, self._settings, meter, self._place(scope), guardrails=guardrails)

    def _place(self, scope: Scope) -> AwsAccount:
        return AwsAccount(source=self._source, account=scope.id, partition=scope.context.partition)

    def _regions(self, scope: Scope, session: AwsSession, meter: Meter) -> tuple[Sequence[str], list[Coverage]]:
        """The regions to read, and the coverage of their listing unless the settings name them."""
        named = self._settings.named_regions
        if named is not None:
            return named, []
        enabled: Sequence[str] = ()
        with scope.section(REGIONS, meter=meter) as listing:
            ec2 = session.client("ec2", session.home_region, meter)
            answer = call(ec2, "describe_regions", expecting="Regions")
            regions = parsed(listing, answer["Regions"], AwsRegion, name="RegionName")
            enabled = tuple(sorted(region.region_name for region in regions if region.opt_in_status in _ENABLED))
        otherwise = (session.home_region,) if self._files is None else self._files.regions(scope.id)
        return enabled or otherwise, [listing.coverage]

    def _region(self, scope: Scope, session: AwsSession) -> Iterator[DiscoveredRecord]:
        place = self._place(scope)
        yield from read_region(scope, session, place, self._settings.named_resources)
        yield from read_roles_anywhere(scope, session, place)


def _in_account(record: DiscoveredRecord, account: Account) -> DiscoveredRecord:
    """Add the name and e-mail address of the account in its organization to an identity."""
    scope_facts = known(scope_name=account.name, scope_contact=account.email)
    if not scope_facts or not isinstance(record, Identity):
        return record
    return structs.replace(record, attributes={**record.attributes, **scope_facts})
