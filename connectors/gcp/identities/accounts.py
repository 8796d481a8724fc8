"""Service accounts as identities, listed by Cloud Asset or by IAM, and their keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from connectors.core.contract import DiscoveredRecord, Gone, own_words
from connectors.core.reading import Moment, in_utc, unread_facts
from connectors.federation import links_of
from connectors.gcp.client import requests as r
from connectors.gcp.client.api import GcpPage
from connectors.gcp.client.payloads import ServiceAccount
from connectors.gcp.each import of_each
from connectors.gcp.keys import account_key, last_segment
from connectors.gcp.reader import GcpReader
from connectors.gcp.rights.assignments import POLICIES
from connectors.gcp.rights.members import AGENTS, account_of
from connectors.gcp.units import ProjectRef, tags_of
from connectors.gcp.usage.reading import use_of_account, with_use
from scanner.errors import SourceError
from scanner.model import Credential, Identity, Privilege, TokenSubject, credential_key
from scanner.model.attributes import UNREAD_CREDENTIALS

CREDENTIALS = {
    "iam.service_account_keys": "service_account_key",
    "storage.hmac_keys": "hmac",
    "apikeys.keys": "api_key",
}
"""The sections that list credentials of accounts, and the type or kind of these."""
BINDING_EVIDENCE = "a binding allows"
ISSUER = "https://accounts.google.com"
"""The issuer of the ID tokens of service accounts, whose subject is the unique id."""


def emit_accounts(reader: GcpReader) -> Iterator[Identity]:
    """Yield the listed accounts with all facts found since."""
    for project in reader.place.projects:
        for row in reader.found.accounts.listed.get(project.id, ()):
            yield parse_account(reader, project, row)


def parse_account(reader: GcpReader, project: ProjectRef, row: ServiceAccount) -> Identity:
    """The account with the facts found before. Assignments decide its privilege."""
    found = reader.found.accounts.facts[row.email]
    form = account_of(row.email).kind
    used = use_of_account(reader, project, row)
    trusts = tuple(found.trusts)
    attributes: dict[str, Any] = {**used.attributes}
    if form == "default":
        attributes["default_account"] = True
    if unread := [kind for section, kind in CREDENTIALS.items() if reader.lacks(project, section)]:
        attributes[UNREAD_CREDENTIALS] = unread
    return Identity(
        key=account_key(project.id, row.email),
        provider="gcp",
        source=reader.scope.source,
        scope=project.id,
        kind="service_agent" if form in AGENTS else "service_account",
        name=row.email.partition("@")[0],
        display_name=row.display_name or None,
        description=row.description or None,
        unique_id=row.unique_id,
        aliases=tuple(alias for alias in (row.email, row.oauth2_client_id) if alias and alias != row.unique_id),
        enabled=not row.disabled,
        last_used_at=used.use.last_used_at,
        use_tracked_days=used.use.tracked_days,
        managed_by="a service agent, created and managed by Google" if form in AGENTS else None,
        tags=tags_of(project),
        attributes=attributes,
        token_subjects=(TokenSubject(ISSUER, row.unique_id),),
        privilege=Privilege(level="normal"),
        consequences=(),
        credentials=tuple(with_use(reader, row, one) for one in found.credentials),
        links=links_of(trusts, BINDING_EVIDENCE),
        trusts=trusts,
        signals=tuple(found.signals),
        unread=unread_facts(
            credentials=reader.lacks(project, *CREDENTIALS),
            permissions=reader.lacks(project, POLICIES) or found.roles_unread,
            trusts=reader.lacks(project, POLICIES) or found.trusts_unread,
            use=used.unread,
        ),
    )


# --- Service accounts of one project ---


def list_accounts(reader: GcpReader) -> Iterator[DiscoveredRecord]:
    """List the accounts of a project, by Google's own client for IAM."""
    project = reader.place.project
    with reader.section("iam.service_accounts") as section:
        for row in reader.decoded(section, reader.api.service_accounts(project.id), ServiceAccount):
            section.found()
            reader.found.accounts.note(project.id, row)
    yield from reader.done(section)


# --- User-managed keys of service accounts ---
#
# Those that Google manages rotate by themselves and never leave Google. Source: the IAM API's ServiceAccountKey.

SYSTEM_MANAGED = "SYSTEM_MANAGED"
NO_EXPIRY = 9999
"""The year of expiry of a key that never expires."""
_FOUND = {"EXPOSED": "Google found it exposed publicly", "COMPROMISE_DETECTED": "Google detected signs of abuse"}


class _AccountStatus(Struct, frozen=True, kw_only=True):
    key: str = ""
    value: str = ""


class ServiceAccountKey(Struct, kw_only=True, rename="camel"):
    """A key as iam.googleapis.com v1 has it. ``name`` ends in ``/serviceAccounts/ACCOUNT/keys/ID``."""

    name: str
    key_type: str = ""
    key_origin: str = ""
    key_algorithm: str | None = None
    valid_after_time: Moment | None = None
    valid_before_time: Moment | None = None
    disabled: bool = False
    disable_reason: str = ""
    extended_status: list[_AccountStatus] = []

    @property
    def account(self) -> str:
        """The e-mail or unique id of its account."""
        return self.name.partition("/serviceAccounts/")[2].partition("/")[0]


def parse_account_key(project: str, email: str, row: ServiceAccountKey) -> Credential:
    """The key; ``project``: the id of its account's."""
    key_id = last_segment(row.name)
    ends = in_utc(row.valid_before_time)
    never = ends is not None and ends.year >= NO_EXPIRY
    facts = {
        "type": "service_account_key",
        "algorithm": row.key_algorithm,
        "uploaded": row.key_origin == "USER_PROVIDED" or None,
        "exposed": "; ".join(_exposures(row)) or None,
    }
    return Credential(
        key=credential_key(account_key(project, email), "access_key", key_id),
        kind="access_key",
        id=key_id,
        enabled=not row.disabled,
        created_at=in_utc(row.valid_after_time),
        expires_at=None if never else ends,
        never_expires=never,
        attributes={name: fact for name, fact in facts.items() if fact is not None},
    )


def _exposures(row: ServiceAccountKey) -> Iterator[str]:
    """Exposures of a key, which are reported as long as it exists; the reason may be that it is disabled."""
    for end, words in _FOUND.items():
        values = [status.value for status in row.extended_status if status.key.endswith(end)]
        if values or row.disable_reason.endswith(end):
            where = next(filter(None, values), "")
            yield f"{words}: {own_words(where)}" if where else words


# --- Keys of the service accounts of one project: one request for each account ---

NAME, ACCOUNTS = "iam.service_account_keys", "iam.service_accounts"


def read_account_keys(reader: GcpReader) -> Iterator[DiscoveredRecord]:
    """Read user-managed keys, and attach them to the listed accounts."""
    project = reader.place.project
    emails = [row.email for row in reader.found.accounts.listed.get(project.id, ())]
    is_whole = not reader.lacks(project, ACCOUNTS)
    if not is_whole and not emails:
        yield reader.skipped(NAME, "service accounts were not listed")
        return

    def ask(email: str) -> list[GcpPage]:
        return list(reader.api.pages(r.SERVICE_ACCOUNT_KEYS, project=project.id, account=email))

    with reader.section(NAME) as section:
        if not is_whole:
            section.lost(SourceError("not all service accounts were listed"), partial=True)
        failed: dict[str, SourceError] = {}
        is_begun = False
        for email, answer in of_each(reader, emails, ask):
            if isinstance(answer, SourceError):
                failed[str(answer)] = answer
                continue
            is_begun = True
            for row in reader.decoded(section, answer, ServiceAccountKey):
                if row.key_type != SYSTEM_MANAGED:  # an emulator may ignore the filter
                    reader.found.accounts.facts[email].credentials.append(parse_account_key(project.id, email, row))
        for error in failed.values():
            if not (is_begun and isinstance(error, Gone)):  # one account may be deleted meanwhile, but not all
                section.lost(error, partial=is_begun)
    yield from reader.done(section)
