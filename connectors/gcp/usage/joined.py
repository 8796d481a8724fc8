"""What is known of an account's use, joined to it: the record, and what goes by unrecorded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct, structs

from connectors.gcp.payloads import ServiceAccount
from connectors.gcp.places import ProjectRef
from connectors.gcp.reader import Reader
from connectors.gcp.usage.activities import Use
from scanner.model import Credential

ACCOUNTS, KEYS, INSIGHTS = "policyanalyzer.accounts", "policyanalyzer.keys", "recommender.insights"
# Sections of credentials whose use nothing records, and what they are called.
_BLIND = {"storage.hmac_keys": "HMAC keys", "apikeys.keys": "API keys bound to it"}
KEY_TYPE = "service_account_key"


class UseOfAccount(Struct, frozen=True, kw_only=True, gc=False):
    """``use`` with ``tracked_days`` of None where it may be used in ways that are not recorded. ``unread``: a gap."""

    use: Use
    attributes: dict[str, Any]
    unread: bool


def use_of_account(reader: Reader, project: ProjectRef, row: ServiceAccount) -> UseOfAccount:
    """The account's own record. Its credentials must have been read before."""
    found = reader.found
    use = found.used.get(row.unique_id)
    credentials = found.credentials.get(row.email, ())
    blind = tuple(dict.fromkeys(_unrecorded(credentials)))
    unread = tuple(f"{words}: not read" for name, words in _BLIND.items() if reader.lacks(project, name))
    facts: dict[str, Any] = {
        "use_not_recorded_for": list(blind) or None,
        "use_doubtful_for": list(unread) or None,
        "unused_by_recommender": found.unused.get(row.email),
        "roles_used": sorted(found.roles_used.get(row.email, ())) or None,
    }
    known = use or Use()
    keys_unread = reader.lacks(project, KEYS) and any(one.attributes.get("type") == KEY_TYPE for one in credentials)
    return UseOfAccount(
        use=structs.replace(known, tracked_days=None) if blind or unread else known,
        attributes={name: fact for name, fact in facts.items() if fact is not None},
        unread=bool(unread) or (use is None and reader.lacks(project, ACCOUNTS)) or keys_unread,
    )


def with_use(reader: Reader, row: ServiceAccount, credential: Credential) -> Credential:
    """With its last use, which is recorded of keys that users manage alone."""
    if credential.attributes.get("type") != KEY_TYPE:
        return credential
    names = (f"{account}/keys/{credential.id}" for account in (row.email, row.unique_id))
    use = next((use for name in names if (use := reader.found.keys_used.get(name)) is not None), Use())
    return structs.replace(credential, last_used_at=use.last_used_at, use_tracked_days=use.tracked_days)


def _unrecorded(credentials: Iterable[Credential]) -> Iterator[str]:
    """What of its credentials, still working, is used without a trace."""
    for one in credentials:
        if one.enabled is False:
            continue
        if one.attributes.get("type") == "hmac":
            yield _BLIND["storage.hmac_keys"]
        if one.kind == "api_key":
            yield _BLIND["apikeys.keys"]
