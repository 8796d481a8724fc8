"""Calls to IAM, as few as possible. Each returns parsed records or raises SourceError."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from connectors.aws.client import payloads
from connectors.aws.client.credential_report import Report, parse_report
from connectors.aws.client.errors import NotReady
from connectors.aws.client.payloads import GroupDetail, PolicyDetail, RoleDetail, UserDetail
from connectors.aws.client.reading import PAGE_SIZE, expect
from connectors.aws.client.session import call, pages
from connectors.aws.spec import GROUPS, POLICIES, ROLES, USERS
from connectors.core.budget import current
from connectors.core.contract import Gone
from connectors.core.offline import NotExported
from scanner.errors import Denied, NotOffered, SourceError

REPORT_PATIENCE = 60.0
"""Seconds to wait for a credential report."""

_LISTS: Mapping[str, tuple[str, type[Struct]]] = {
    USERS: ("UserDetailList", UserDetail),
    ROLES: ("RoleDetailList", RoleDetail),
    GROUPS: ("GroupDetailList", GroupDetail),
    POLICIES: ("Policies", PolicyDetail),
}
_MEMBERS = tuple(key for key, _ in _LISTS.values())
_SINGLE_LISTINGS: Mapping[str, tuple[str, str, type[Struct]]] = {
    USERS: ("list_users", "Users", UserDetail),
    ROLES: ("list_roles", "Roles", RoleDetail),
}


class AwsListing:
    """The rows of the account's listings by section, and what is missing."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Any]] = {section: [] for section in _LISTS}
        self.malformed: dict[str, list[tuple[str, str]]] = {section: [] for section in _LISTS}
        self.errors: dict[str, tuple[SourceError, bool]] = {}
        """By section: why it is incomplete, and whether part of it was read."""
        self.has_policies = True
        """Whether groups, tags and policies are included (possibly truncated), or names only."""

    @property
    def users(self) -> list[UserDetail]:
        """Users as listed."""
        return self.rows[USERS]

    @property
    def roles(self) -> list[RoleDetail]:
        """Roles as listed."""
        return self.rows[ROLES]

    def add(self, section: str, rows: Iterable[Any], shape: type[Struct]) -> None:
        """Add rows of a section. A row that cannot be parsed is recorded with the reason."""
        for row in rows:
            try:
                self.rows[section].append(payloads.read(row, shape))
            except ValueError as error:
                name = next((row[key] for key in ("Arn", "UserName", "RoleName") if key in row), "without a name")
                self.malformed[section].append((str(name), str(error)))


def read_listing(iam: Any) -> AwsListing:
    """List users, roles, groups and policies with one paged call; if it is denied, users and roles by name only."""
    listing = AwsListing()
    got: set[str] = set()
    try:
        for page in pages(iam, "get_account_authorization_details", page_size=PAGE_SIZE, expecting=_MEMBERS):
            got.update(page)
            for section, (key, shape) in _LISTS.items():
                listing.add(section, page.get(key, ()), shape)
    except SourceError as error:
        listing.errors = dict.fromkeys(_LISTS, (error, bool(got)))
        if not got and isinstance(error, Denied | NotOffered | NotExported):
            _read_by_name(iam, listing, error)
    else:
        listing.errors = {
            section: (_lacks_member(key), False) for section, (key, _) in _LISTS.items() if key not in got
        }
    return listing


def _lacks_member(member: str) -> SourceError:
    """Whether a member is in no page.

    AWS returns an empty list where there are none, so a missing member means unknown.
    """
    return SourceError(
        f"iam:GetAccountAuthorizationDetails: the answer has no {member}",
        hint="where it comes from a file, write the whole answer, without --query or another program's selection",
    )


def _read_by_name(iam: Any, listing: AwsListing, refusal: SourceError) -> None:
    listing.has_policies = False
    for section, (method, key, shape) in _SINGLE_LISTINGS.items():
        try:
            for page in pages(iam, method, page_size=PAGE_SIZE, expecting=(key,)):
                listing.add(section, page.get(key, ()), shape)
        except SourceError as error:
            both = type(error)(f"{refusal}; {error}", permission=error.permission, hint=error.hint)
            listing.errors[section] = (both, bool(listing.rows[section]))
        else:
            instead = f"{refusal}; listed by name instead, without tags, groups, policies and roles' last use"
            listing.errors[section] = (type(refusal)(instead, permission=refusal.permission), True)


def order_report(iam: Any) -> SourceError | None:
    """Start generating a credential report while other sections are read. Returns the error if it is denied."""
    try:
        call(iam, "generate_credential_report", expecting="State")
    except SourceError as error:
        return error
    return None


def read_report(iam: Any, *, patience: float = REPORT_PATIENCE, pause: float = 2.0) -> tuple[Report, str]:
    """The credential report that was ordered, and when it was made (ISO). Waits up to ``patience`` seconds."""
    give_up_at = time.monotonic() + patience
    while True:
        try:
            answer = call(iam, "get_credential_report", expecting="Content")
        except NotReady as error:
            if time.monotonic() + pause > give_up_at:
                raise SourceError(f"the credential report was not ready after {patience:g} seconds") from error
            current().pause(pause)
            if error.must_order:
                call(iam, "generate_credential_report", expecting="State")
            continue
        made_at = payloads.utc(answer.get("GeneratedTime"))
        try:
            return parse_report(answer["Content"]), made_at.isoformat() if made_at else "at an unknown time"
        except ValueError as error:
            raise SourceError(f"iam:GetCredentialReport: {error}") from error


def access_keys(iam: Any, user: str) -> list[payloads.AccessKey]:
    """A user's access keys. Raises SourceError, Gone where there is no such user."""
    found: list[payloads.AccessKey] = []
    for page in pages(iam, "list_access_keys", page_size=PAGE_SIZE, expecting=("AccessKeyMetadata",), UserName=user):
        found += [expect(row, payloads.AccessKey, "iam:ListAccessKeys") for row in page.get("AccessKeyMetadata", ())]
    return found


def key_last_used(iam: Any, key_id: str) -> payloads.AccessKeyLastUsed:
    """The last use of a key."""
    answer = call(iam, "get_access_key_last_used", AccessKeyId=key_id)
    return expect(answer.get("AccessKeyLastUsed"), payloads.AccessKeyLastUsed, "iam:GetAccessKeyLastUsed")


def has_password(iam: Any, user: str) -> bool:
    """Whether a user has a console password."""
    try:
        call(iam, "get_login_profile", expecting="LoginProfile", UserName=user)
    except Gone:
        return False
    return True


def passwords_last_used(iam: Any) -> dict[str, UserDetail]:
    """Users by ARN with the last use of their passwords, from the only listing besides the report that has it."""
    listing = AwsListing()
    for page in pages(iam, "list_users", page_size=PAGE_SIZE, expecting=("Users",)):
        listing.add(USERS, page.get("Users", ()), UserDetail)
    return {user.arn: user for user in listing.users}


def account_summary(iam: Any) -> Mapping[str, int]:
    """The account summary, which counts the credentials of the root user."""
    summary = call(iam, "get_account_summary", expecting="SummaryMap")["SummaryMap"]
    return {str(name): int(count) for name, count in summary.items()}
