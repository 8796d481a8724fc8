"""Keys of service accounts that users manage, whoever listed them.

Those that Google manages rotate by themselves and never leave Google. Source: the IAM API's ServiceAccountKey.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from connectors.base import own_words
from connectors.gcp.keys import account_key, last_segment
from connectors.gcp.payloads import Moment, in_utc
from scanner.model import Credential, credential_key

SYSTEM_MANAGED = "SYSTEM_MANAGED"
NO_EXPIRY = 9999
"""The year that a key without an end is valid to."""
_FOUND = {"EXPOSED": "Google found it in the open", "COMPROMISE_DETECTED": "Google found signs of its abuse"}


class _Status(Struct, frozen=True, kw_only=True):
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
    extended_status: list[_Status] = []

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
    """A status stays for as long as the key is there, disabled or not; a disabled key may tell it as the reason."""
    for end, words in _FOUND.items():
        values = [status.value for status in row.extended_status if status.key.endswith(end)]
        if values or row.disable_reason.endswith(end):
            where = next(filter(None, values), "")
            yield f"{words}: {own_words(where)}" if where else words
