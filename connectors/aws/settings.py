"""The settings of ``[[source]] type = "aws"``."""

from __future__ import annotations

import re
from pathlib import Path

from msgspec import Struct

from connectors.aws.workloads.catalog import USUAL, wanted
from connectors.core.address import check_url

ALL_REGIONS = "all"
# The name of a region becomes part of a host name.
_REGION = re.compile(r"[a-z]{2,5}(?:-[a-z]+)+-\d{1,2}")
_ACCOUNT = re.compile(r"\d{12}", re.ASCII)
# As IAM and STS accept them.
_ROLE = re.compile(r"(?:[\w+=,.@-]+/)*[\w+=,.@-]{1,64}", re.ASCII)
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)


class AwsSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of AWS accounts. Credentials are never among them: the SDK's own chain, or ``profile``, gives them.

    ``regions``: names, or ``all`` that are enabled. ``endpoint_url``: the address of every service, instead of AWS.
    ``max_rate``: requests a second for each service and region, from the start; without it, requests slow down to AWS's
    rate after the first throttling. ``max_attempts``: attempts for a call, including the first. ``resources``: what to
    read in a region: ``usual``, ``all``, sections such as ``lambda.functions``, or the first part of their names.
    ``organization_role``: name, with its path if any, of the role that is assumed in each account of the organization;
    ``external_id`` and ``session_name`` go with it. ``accounts``: read only these; ``skip_accounts``: read all but
    these. Off by default because of the calls: ``ssh_keys`` (one for each user who may use CodeCommit),
    ``service_last_accessed`` (two or more for each of the most powerful), ``creators`` (CloudTrail). ``from_files``: a
    folder, or a file, that the AWS command line wrote; no request is sent.
    """

    profile: str | None = None
    regions: str | tuple[str, ...] = ALL_REGIONS
    endpoint_url: str | None = None
    insecure_http: bool = False
    max_rate: float | None = None
    max_attempts: int = 8
    resources: str | tuple[str, ...] = USUAL
    organization_role: str | None = None
    external_id: str | None = None
    session_name: str = "muster"
    accounts: str | tuple[str, ...] = ()
    skip_accounts: str | tuple[str, ...] = ()
    ssh_keys: bool = False
    service_last_accessed: bool = False
    creators: bool = False
    from_files: Path | None = None

    def __post_init__(self) -> None:
        self._check_organization()
        for region in self.named_regions or ():
            if not _REGION.fullmatch(region):
                raise ValueError(f"{region!r} is not a region: give regions such as eu-west-1, or all")
        if self.named_regions == ():
            raise ValueError("regions is empty: give regions, or all")
        wanted(self.named_resources)
        if self.max_rate is not None and self.max_rate <= 0:
            raise ValueError("max_rate is a number of requests a second, above 0")
        if self.max_attempts < 1:
            raise ValueError("max_attempts is at least 1")
        if self.endpoint_url is not None:
            check_url(self.endpoint_url, insecure_http=self.insecure_http)

    def __repr__(self) -> str:
        """Without the external id, which is confidential."""
        shown = {name: getattr(self, name) for name in self.__struct_fields__ if name != "external_id"}
        return f"AwsSettings({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    def _check_organization(self) -> None:
        for text, shape, words in (
            (self.organization_role, _ROLE, "organization_role is a role name such as MusterAudit, not an ARN"),
            (self.external_id, _EXTERNAL_ID, "external_id allows only letters, digits and + = , . @ : / -"),
            (self.session_name, _SESSION_NAME, "session_name is 2 to 64 letters, digits and + = , . @ -"),
        ):
            if text is not None and not shape.fullmatch(text):
                raise ValueError(words)
        for account in (*self.named_accounts, *self.skipped_accounts):
            if not _ACCOUNT.fullmatch(account):
                raise ValueError(f"{account!r} is not an account id: 12 digits are expected")
        if self.organization_role is None and (self.named_accounts or self.skipped_accounts or self.external_id):
            raise ValueError("accounts, skip_accounts and external_id need organization_role")
        if self.from_files is not None and self.organization_role is not None:
            raise ValueError("from_files describes the accounts in the files: leave out organization_role")

    @property
    def named_accounts(self) -> tuple[str, ...]:
        """The accounts to read, in order and without duplicates; empty: all of the organization."""
        return _listed(self.accounts)

    @property
    def skipped_accounts(self) -> tuple[str, ...]:
        """The accounts not to read."""
        return _listed(self.skip_accounts)

    @property
    def named_resources(self) -> tuple[str, ...]:
        """The resources to read in a region: sections, first parts of their names, ``usual`` or ``all``."""
        return _listed(self.resources)

    @property
    def named_regions(self) -> tuple[str, ...] | None:
        """The configured regions, in order and without duplicates; None: all enabled regions."""
        if self.regions == ALL_REGIONS:
            return None
        return _listed(self.regions)


def _listed(names: str | tuple[str, ...]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(dict.fromkeys(names))
