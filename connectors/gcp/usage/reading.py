"""Reads the last use of accounts and keys and Recommender's insights, and joins them to accounts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, MutableMapping
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, field, structs

from connectors.core.contract import DiscoveredRecord, Gone, SectionReading
from connectors.core.reading import Moment, in_utc
from connectors.gcp.client import requests as r
from connectors.gcp.client.errors import Rejected
from connectors.gcp.client.payloads import ServiceAccount
from connectors.gcp.client.requests import Request
from connectors.gcp.each import ProjectReading, instead_in_each
from connectors.gcp.reader import GcpReader
from connectors.gcp.units import ProjectRef
from connectors.gcp.usage.activities import GcpActivity, Use, account_in, key_in, parse_use
from scanner.errors import Denied, SourceError
from scanner.model import Credential
from scanner.model.attributes import ROLES_USED

ACCOUNTS, KEYS, INSIGHTS = "policyanalyzer.accounts", "policyanalyzer.keys", "recommender.insights"
# Sections of credentials whose use is not recorded, and the names of these credentials.
_BLIND = {"storage.hmac_keys": "HMAC keys", "apikeys.keys": "API keys bound to it"}
KEY_TYPE = "service_account_key"


class UseOfAccount(Struct, frozen=True, kw_only=True, gc=False):
    """``use`` has no ``tracked_days`` if unrecorded use is possible. ``unread``: what it depends on is a gap."""

    use: Use
    attributes: dict[str, Any]
    unread: bool


def use_of_account(reader: GcpReader, project: ProjectRef, row: ServiceAccount) -> UseOfAccount:
    """The use of an account. Its credentials must have been read before."""
    found = reader.found.accounts.facts[row.email]
    use = reader.found.accounts.used.get(row.unique_id)
    credentials = found.credentials
    blind = tuple(dict.fromkeys(_unrecorded(credentials)))
    unread = tuple(f"{words}: not read" for name, words in _BLIND.items() if reader.lacks(project, name))
    facts: dict[str, Any] = {
        "use_not_recorded_for": list(blind) or None,
        "use_doubtful_for": list(unread) or None,
        "unused_by_recommender": found.unused,
        ROLES_USED: sorted(found.roles_used) or None,
    }
    known = use or Use()
    keys_unread = reader.lacks(project, KEYS) and any(one.attributes.get("type") == KEY_TYPE for one in credentials)
    return UseOfAccount(
        use=structs.replace(known, tracked_days=None) if blind or unread else known,
        attributes={name: fact for name, fact in facts.items() if fact is not None},
        unread=bool(unread) or (use is None and reader.lacks(project, ACCOUNTS)) or keys_unread,
    )


def with_use(reader: GcpReader, row: ServiceAccount, credential: Credential) -> Credential:
    """The credential with its last use, which is recorded only for user-managed keys."""
    if credential.attributes.get("type") != KEY_TYPE:
        return credential
    names = (f"{account}/keys/{credential.id}" for account in (row.email, row.unique_id))
    use = next((use for name in names if (use := reader.found.accounts.keys_used.get(name)) is not None), Use())
    return structs.replace(credential, last_used_at=use.last_used_at, use_tracked_days=use.tracked_days)


def _unrecorded(credentials: Iterable[Credential]) -> Iterator[str]:
    """The enabled credentials whose use is not recorded."""
    for one in credentials:
        if one.enabled is False:
            continue
        if one.attributes.get("type") == "hmac":
            yield _BLIND["storage.hmac_keys"]
        if one.kind == "api_key":
            yield _BLIND["apikeys.keys"]


# --- Last authentication: in bulk for an organization or folder, else project by project ---

NOT_RECORDED = "HMAC keys, API keys bound to an account and domain-wide delegation are not recorded here"


class _UsageRecord(Struct, frozen=True, kw_only=True):
    """A record of use. ``subject``: the account or key of a row. ``put``: where uses are kept, by subject."""

    section: str
    request: Request
    subject: Callable[[GcpActivity], str | None]
    put: Callable[[GcpReader], MutableMapping[str, Use]]
    note: str | None = None


_ACCOUNTS = _UsageRecord(
    section=ACCOUNTS,
    request=r.ACCOUNT_ACTIVITIES,
    subject=account_in,
    put=lambda reader: reader.found.accounts.used,
    note=NOT_RECORDED,
)
_KEYS = _UsageRecord(
    section=KEYS, request=r.KEY_ACTIVITIES, subject=key_in, put=lambda reader: reader.found.accounts.keys_used
)


def _reading(record: _UsageRecord) -> ProjectReading:
    """The reading of a unit; projects are read one by one only if their organization or folder cannot be read."""

    def read(reader: GcpReader) -> Iterator[DiscoveredRecord]:
        refused = False
        with reader.section(record.section) as section:
            try:
                _read(reader, section, record)
            except (Denied, Rejected, Gone) as error:
                if reader.place.kind == "project":
                    raise
                refused = True
                section.note(f"not available for all projects at once, each was read: {error}")
        if refused:
            yield from instead_in_each(reader, section.coverage, read)
        else:
            yield from reader.done(section)

    return read


def _read(reader: GcpReader, section: SectionReading, record: _UsageRecord) -> None:
    now, found = datetime.now(UTC), record.put(reader)
    until: datetime | None = None
    for row in reader.rows(section, record.request, GcpActivity, parent=reader.place.name):
        subject = record.subject(row)
        if subject is None:
            section.malformed(row.full_resource_name, "it does not say whose activity it is")
            continue
        found[subject] = use = parse_use(row, now=now)
        until = max(filter(None, (until, use.until)), default=None)
    if until is not None:
        section.note(f"recorded up to {until:%Y-%m-%d}, by days")
    if record.note is not None:
        section.note(record.note)


read_use_of_accounts = _reading(_ACCOUNTS)
read_use_of_keys = _reading(_KEYS)


# --- Recommender insights: unused service accounts and unused permissions ---
#
# Source: the documentation of the insight types google.iam.serviceAccount.Insight and google.iam.policy.Insight.

_ACCOUNT = "serviceAccount:"


class _UsageContent(Struct, frozen=True, kw_only=True, rename="camel"):
    email: str = ""
    last_authenticated_time: Moment | None = None
    member: str = ""
    role: str = ""
    exercised_permissions: list[Any] = []
    total: str | int = field(name="currentTotalPermissionsCount", default="")


class Insight(Struct, kw_only=True):
    """An Insight of recommender.googleapis.com v1, with the fields of both types."""

    name: str = ""
    content: _UsageContent = _UsageContent()


def unused_since(row: Insight) -> str:
    """Since when an account has not been used."""
    last = in_utc(row.content.last_authenticated_time)
    return "in 90 days" if last is None else f"since {last:%Y-%m-%d}"


def role_used(row: Insight) -> str | None:
    """The use of a role in 90 days, as text; None if the insight is not about a service account."""
    content = row.content
    if not content.member.startswith(_ACCOUNT) or not content.role:
        return None
    of = f" of {content.total}" if str(content.total).isdecimal() else ""
    return f"{content.role}: {len(content.exercised_permissions)}{of} permissions used"


def read_insights(reader: GcpReader) -> Iterator[DiscoveredRecord]:
    """Keep the insights by the account's e-mail. Either of the two types may be refused."""
    readings = (_read_unused, _read_roles_used)
    failed: list[SourceError] = []
    with reader.section(INSIGHTS) as section:
        for read in readings:
            try:
                read(reader, section)
            except SourceError as error:
                failed.append(error)
        for each in failed:
            section.lost(each, partial=len(failed) < len(readings))
    yield from reader.done(section)


def _read_unused(reader: GcpReader, section: SectionReading) -> None:
    for row in reader.rows(section, r.ACCOUNT_INSIGHTS, Insight, parent=reader.place.name):
        reader.found.accounts.facts[row.content.email].unused = unused_since(row)


def _read_roles_used(reader: GcpReader, section: SectionReading) -> None:
    for row in reader.rows(section, r.POLICY_INSIGHTS, Insight, parent=reader.place.name):
        if (used := role_used(row)) is not None:
            reader.found.accounts.facts[row.content.member.removeprefix(_ACCOUNT)].roles_used.append(used)
