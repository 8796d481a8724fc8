"""HMAC keys of Cloud Storage: they work without IAM's credentials, do not expire, and nothing records their use."""

from __future__ import annotations

from msgspec import Struct

from connectors.gcp.keys import account_key
from connectors.gcp.payloads import Moment, in_utc
from scanner.model import Credential, credential_key

DELETED = "DELETED"


class HmacKey(Struct, kw_only=True, rename="camel"):
    """The metadata as storage.googleapis.com v1 has it. The access id is no secret."""

    access_id: str
    service_account_email: str
    state: str = ""
    time_created: Moment | None = None


def parse_hmac_key(project: str, row: HmacKey) -> Credential:
    """The key; ``project``: the id of its account's."""
    return Credential(
        key=credential_key(account_key(project, row.service_account_email), "access_key", row.access_id),
        kind="access_key",
        id=row.access_id,
        enabled=row.state == "ACTIVE",
        created_at=in_utc(row.time_created),
        never_expires=True,
        attributes={"type": "hmac"},
    )
