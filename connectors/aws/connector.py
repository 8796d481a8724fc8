"""AWS: IAM users, roles and the root user of one account, and the secrets of its regions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

from msgspec import structs

from connectors.aws.account import read_account
from connectors.aws.errors import NotValidHere
from connectors.aws.identities import Place
from connectors.aws.preflight import check_sections
from connectors.aws.secretsmanager import parse_secret
from connectors.aws.session import AwsSession, call, pages
from connectors.aws.settings import AwsSettings
from connectors.aws.spec import ACCOUNT, REGIONS, SECRETS, SPEC, least_policy
from connectors.base import Check, DiscoveredRecord, Meter, Scope, SectionReading, Spec
from connectors.sdk import require_sdk
from scanner.errors import NotOffered, SourceError
from scanner.model import EVERY_SCOPE, Coverage

_ENABLED = frozenset({"opt-in-not-required", "opted-in"})
_DISABLED = "not-opted-in"
_SECRETS_PAGE = 100


class AwsConnector:
    """One account, whose it is the SDK's credentials say. Raises MissingExtra where boto3 is not installed."""

    spec: ClassVar[Spec] = SPEC

    def __init__(self, source: str, settings: AwsSettings) -> None:
        require_sdk("boto3", SPEC)
        self._source = source
        self._settings = settings
        self._session = AwsSession(settings)

    def __reduce__(self) -> tuple[type[AwsConnector], tuple[str, AwsSettings]]:
        """It pickles as what it was made of: sessions stay where they are."""
        return AwsConnector, (self._source, self._settings)

    def scopes(self) -> Iterator[Scope | Coverage]:
        """The account itself, and each of its regions."""
        meter = Meter()
        nowhere = self._scope(EVERY_SCOPE)
        with nowhere.section(ACCOUNT, meter=meter) as reading:
            account, partition = self._account(meter)
        if reading.coverage.is_gap:
            yield reading.coverage
            return
        yield structs.replace(reading.coverage, scope=account)
        yield self._scope(account, context=partition)
        regions = self._settings.named_regions
        if regions is None:
            with self._scope(account).section(REGIONS, meter=meter) as listing:
                regions = self._enabled_regions(listing, meter)
            yield listing.coverage
        for region in regions or (self._session.home_region,):
            yield self._scope(account, part=region, context=partition)

    def discover(self, scope: Scope) -> Iterator[DiscoveredRecord]:
        """The account's IAM, or one region's secrets."""
        meter = Meter()
        place = Place(source=self._source, account=scope.id, partition=scope.context)
        if scope.part is None:
            iam = self._session.client("iam", self._session.home_region, meter)
            yield from read_account(scope, iam, meter, place)
        else:
            yield from self._secrets(scope, scope.part, meter, place)

    def check(self) -> Iterator[Check]:
        """Whose credentials these are, and whether they suffice for each section."""
        meter = Meter()
        try:
            account, _ = self._account(meter)
            region = self._session.home_region
        except SourceError as error:
            yield Check(name="credentials", ok=False, detail=str(error), fix=error.hint)
            return
        yield Check(name="credentials", ok=True, detail=f"account {account}")
        yield from check_sections(lambda service: self._session.client(service, region, meter))

    @classmethod
    def base_policy(cls) -> str:
        """The IAM policy (JSON) that this connector needs, and no more."""
        return least_policy()

    def policy(self) -> str:
        """As base_policy: what is needed does not depend on the account."""
        return least_policy()

    def _scope(self, account: str, *, part: str | None = None, context: str | None = None) -> Scope:
        return Scope(source=self._source, spec=self.spec, id=account, part=part, context=context)

    def _account(self, meter: Meter) -> tuple[str, str]:
        """The account's id and partition. Raises SourceError."""
        sts = self._session.client("sts", self._session.home_region, meter)
        caller = call(sts, "get_caller_identity")
        account, arn = caller.get("Account", ""), caller.get("Arn", "")
        if not (account.isdigit() and arn.startswith("arn:")):
            raise SourceError("sts:GetCallerIdentity: its answer names no account")
        return account, arn.split(":")[1]

    def _enabled_regions(self, section: SectionReading, meter: Meter) -> tuple[str, ...]:
        ec2 = self._session.client("ec2", self._session.home_region, meter)
        answer = call(ec2, "describe_regions", expecting="Regions")
        enabled = [region for region in answer["Regions"] if region.get("OptInStatus") in _ENABLED]
        names = sorted(region["RegionName"] for region in enabled if "RegionName" in region)
        section.found(len(names))
        for _ in range(len(enabled) - len(names)):
            section.malformed("of the regions", "it has no name")
        return tuple(names)

    def _secrets(self, scope: Scope, region: str, meter: Meter, place: Place) -> Iterator[DiscoveredRecord]:
        with scope.section(SECRETS, meter=meter) as section:
            for row in self._secret_rows(region, meter):
                try:
                    secret = parse_secret(row, place, region)
                except ValueError as error:
                    section.malformed(str(row.get("Name", "without a name")), str(error))
                    continue
                section.found()
                yield secret
        yield section.coverage

    def _secret_rows(self, region: str, meter: Meter) -> Iterator[dict[str, Any]]:
        client = self._session.client("secretsmanager", region, meter)
        try:
            for page in pages(
                client, "list_secrets", page_size=_SECRETS_PAGE, expecting=("SecretList",), IncludePlannedDeletion=True
            ):
                yield from page.get("SecretList", ())
        except NotValidHere as error:
            if self._is_disabled(region, meter):
                raise NotOffered(f"region {region} is not enabled") from error
            raise

    def _is_disabled(self, region: str, meter: Meter) -> bool:
        """Whether AWS says that the account has not opted into a region; a refusal to say proves nothing."""
        try:
            ec2 = self._session.client("ec2", self._session.home_region, meter)
            answer = call(ec2, "describe_regions", expecting="Regions", RegionNames=[region], AllRegions=True)
        except SourceError:
            return False
        return any(each.get("OptInStatus") == _DISABLED for each in answer["Regions"])
