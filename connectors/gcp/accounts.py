"""A service account as an identity, whoever listed it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connectors.federation import links_of
from connectors.gcp.keys import account_key
from connectors.gcp.labels import tags_of
from connectors.gcp.payloads import ServiceAccount
from connectors.gcp.places import ProjectRef
from connectors.gcp.reader import Reader
from connectors.gcp.rights.emails import AGENTS, account_of
from connectors.gcp.usage.joined import use_of_account, with_use
from connectors.unread import unread_facts
from scanner.model import Identity, Privilege

CREDENTIALS = ("iam.service_account_keys", "storage.hmac_keys", "apikeys.keys")
RIGHTS = ("iam.policies", "iam.roles")
TRUSTS = (*RIGHTS, "iam.workload_identity_pools")
LETS_IN = "a binding lets in"
ISSUER = "https://accounts.google.com"
"""Who signs the tokens by which a service account shows itself to others; it is named in them by its unique id."""


def tell_accounts(reader: Reader) -> Iterator[Identity]:
    """The accounts that were listed, with all that was found for them since."""
    for project in reader.place.projects:
        for row in reader.found.accounts.get(project.id, ()):
            yield parse_account(reader, project, row)


def parse_account(reader: Reader, project: ProjectRef, row: ServiceAccount) -> Identity:
    """With what was found for it before. What its rights amount to comes by assignments, from wherever they are."""
    found = reader.found
    form = account_of(row.email).kind
    used = use_of_account(reader, project, row)
    trusts = tuple(found.trusts.get(row.email, ()))
    attributes: dict[str, Any] = {"token_subjects": [[ISSUER, row.unique_id]], **used.attributes}
    if form == "default":
        attributes["default_account"] = True
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
        managed_by="a service agent: Google made it, and answers for it" if form in AGENTS else None,
        tags=tags_of(project),
        attributes=attributes,
        privilege=Privilege(level="normal"),
        credentials=tuple(with_use(reader, row, one) for one in found.credentials.get(row.email, ())),
        links=links_of(trusts, LETS_IN),
        trusts=trusts,
        signals=tuple(found.signals.get(row.email, ())),
        unread=unread_facts(
            credentials=reader.lacks(project, *CREDENTIALS),
            permissions=reader.lacks(project, *RIGHTS),
            trusts=reader.lacks(project, *TRUSTS) or row.email in found.trusts_unread,
            use=used.unread,
        ),
    )
