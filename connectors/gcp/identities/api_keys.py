"""API keys: an identity each, or a credential of the service account to which it is bound.

A key has no expiry, and nothing records its use. Source: the API Keys API's Key and Restrictions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connectors.core.contract import DiscoveredRecord
from connectors.core.reading import in_utc
from connectors.gcp.client import requests as r
from connectors.gcp.client.payloads import ApiKey
from connectors.gcp.keys import account_key
from connectors.gcp.reader import GcpReader
from connectors.gcp.units import ProjectRef, tags_of
from scanner.model import Credential, Identity, Link, Privilege, Signal, credential_key

BY_FIREBASE = "auto created by firebase"
MODEL_APIS = frozenset({"aiplatform.googleapis.com", "generativelanguage.googleapis.com"})


def api_key_key(project: str, key_id: str) -> str:
    """The key of an API key."""
    return f"//apikeys.googleapis.com/projects/{project}/locations/global/keys/{key_id}"


def note_api_key(reader: GcpReader, project: ProjectRef, row: ApiKey) -> bool:
    """Attach it to the account to which it is bound, or keep it as an identity (True).

    Accounts must have been listed.
    """
    if row.delete_time is not None:
        return False
    email = row.service_account_email
    home = reader.home_of(email) if email else None
    if home is not None and (reader.found.accounts.has(home.id, email) or reader.lacks(home, "iam.service_accounts")):
        reader.found.accounts.facts[email].credentials.append(_credential(account_key(home.id, email), row))
        return False
    reader.found.api_keys[project.id].append(row)
    return True


def emit_api_keys(reader: GcpReader) -> Iterator[Identity]:
    """Yield the keys that are not bound to an account of this unit."""
    for project in reader.place.projects:
        for row in reader.found.api_keys.get(project.id, ()):
            yield parse_api_key(reader, project, row)


def parse_api_key(reader: GcpReader, project: ProjectRef, row: ApiKey) -> Identity:
    """An identity that has itself as its credential."""
    key, email = api_key_key(project.id, row.id), row.service_account_email
    apis = sorted({target.service for target in row.restrictions.api_targets} & MODEL_APIS)
    facts = {"bound_to": email or None, "created_for": "Firebase" if is_by_firebase(row) else None}
    return Identity(
        key=key,
        provider="gcp",
        source=reader.scope.source,
        scope=project.id,
        kind="api_key",
        name=row.display_name.strip() or row.id,
        display_name=row.display_name or None,
        unique_id=row.id,
        enabled=True,
        created_at=in_utc(row.create_time),
        tags=tags_of(project, row.annotations),
        attributes={name: fact for name, fact in facts.items() if fact is not None},
        signals=tuple(
            Signal(says="agent", sort="permission", evidence=f"it is for {api}", strength="weak") for api in apis
        ),
        privilege=Privilege(level="normal"),
        consequences=(),
        credentials=(_credential(key, row),),
        links=_bound_to(reader, email),
    )


def _bound_to(reader: GcpReader, email: str) -> tuple[Link, ...]:
    if not email:
        return ()
    return (Link(relation="acts_as", target=reader.account_key(email), evidence=f"the key is bound to {email}"),)


def is_by_firebase(row: ApiKey) -> bool:
    """Whether Firebase made it for an app, as it writes in the key's name."""
    return BY_FIREBASE in row.display_name.lower()


def _credential(owner: str, row: ApiKey) -> Credential:
    return Credential(
        key=credential_key(owner, "api_key", row.id),
        kind="api_key",
        id=row.id,
        enabled=True,
        created_at=in_utc(row.create_time),
        never_expires=True,
        attributes=restrictions_of(row),
    )


def restrictions_of(row: ApiKey) -> dict[str, Any]:
    """``unrestricted`` if it may use every API, otherwise ``apis``; ``clients``: the type of its clients."""
    targets = row.restrictions.api_targets
    apis = sorted({method for one in targets for method in (one.methods or (one.service,))})
    facts = {"unrestricted": not targets or None, "apis": apis or None, "clients": row.restrictions.client}
    return {name: fact for name, fact in facts.items() if fact is not None}


# --- API keys of one project ---

NAME = "apikeys.keys"


def list_api_keys(reader: GcpReader) -> Iterator[DiscoveredRecord]:
    """List the API keys of a project, and attach bound keys to the listed accounts."""
    project = reader.place.project
    with reader.section(NAME) as section:
        for row in reader.rows(section, r.API_KEYS, ApiKey, project=project.id):
            section.found(note_api_key(reader, project, row))
    yield from reader.done(section)
