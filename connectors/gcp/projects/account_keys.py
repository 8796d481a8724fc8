"""Keys of one project's service accounts: one request an account."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.base import DiscoveredRecord, Gone
from connectors.gcp import requests as r
from connectors.gcp.account_keys import SYSTEM_MANAGED, ServiceAccountKey, parse_account_key
from connectors.gcp.api import Page
from connectors.gcp.each import of_each
from connectors.gcp.reader import Reader
from scanner.errors import SourceError

NAME, ACCOUNTS = "iam.service_account_keys", "iam.service_accounts"


def read_account_keys(reader: Reader) -> Iterator[DiscoveredRecord]:
    """Those that users manage, for no others are asked for; put with the accounts that were listed before."""
    project = reader.place.project
    emails = [row.email for row in reader.found.accounts.get(project.id, ())]
    is_whole = not reader.lacks(project, ACCOUNTS)
    if not is_whole and not emails:
        yield reader.skipped(NAME, "service accounts were not listed")
        return

    def ask(email: str) -> list[Page]:
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
                if row.key_type != SYSTEM_MANAGED:  # not everybody that answers heeds what was asked for
                    reader.found.credentials[email].append(parse_account_key(project.id, email, row))
        for error in failed.values():
            if not (is_begun and isinstance(error, Gone)):  # one account may vanish meanwhile, and not all of them
                section.lost(error, partial=is_begun)
    yield from reader.done(section)
