"""Credentials of service accounts: tokens that never expire, and projected tokens and certificates of pods. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Final

from connectors.kubernetes import payloads as p
from connectors.kubernetes.certificates import ClientCertificate
from connectors.kubernetes.reader import KubernetesFacts
from connectors.kubernetes.rights.targets import Account
from connectors.kubernetes.workloads import Projected
from scanner.model import Credential, credential_key

_LAST_USED, _INVALID = "kubernetes.io/legacy-token-last-used", "kubernetes.io/legacy-token-invalid-since"
_ACCOUNT_OF, _UID_OF = "kubernetes.io/service-account.name", "kubernetes.io/service-account.uid"
_OLD_TOKEN: Final = re.compile(r".*-token-[a-z0-9]{5}")


def credentials_of(
    key: str, payload: p.ServiceAccount, tokens: Sequence[p.Metadata], projected: Iterable[Projected]
) -> Iterator[Credential]:
    """Yield tokens that never expire, from secrets or from names in the account; then projected credentials of pods."""
    listed = {token.name: token for token in tokens}
    for name, token in listed.items():
        labels = token.labels or {}
        yield Credential(
            key=credential_key(key, "token", name),
            kind="token",
            id=name,
            enabled=False if _INVALID in labels else None,
            created_at=token.created,
            never_expires=True,
            last_used_at=_day(labels.get(_LAST_USED)),
        )
    for secret in payload.secrets or ():
        if secret.name not in listed and _OLD_TOKEN.fullmatch(secret.name):
            yield Credential(
                key=credential_key(key, "token", secret.name), kind="token", id=secret.name, never_expires=True
            )
    for one in sorted(projected, key=lambda one: (one.kind, one.of)):
        name = f"token for {one.of}" if one.kind == "token" else f"certificate of {one.of}"
        lifetime = {} if one.seconds is None else {"lifetime_seconds": one.seconds}
        yield Credential(key=credential_key(key, "federation", name), kind="federation", id=name, attributes=lifetime)


def tokens_of(facts: KubernetesFacts) -> Mapping[Account, list[p.Metadata]]:
    """Token secrets by account. Tokens of an earlier account of the same name are invalid, so they are left out."""
    found: defaultdict[Account, list[p.Metadata]] = defaultdict(list)
    for token in facts.tokens:
        annotations = token.annotations or {}
        account = (token.namespace, annotations.get(_ACCOUNT_OF, ""))
        payload = facts.accounts.get(account)
        if payload is not None and annotations.get(_UID_OF, payload.metadata.uid) == payload.metadata.uid:
            found[account].append(token)
    return found


def projections_of(facts: KubernetesFacts) -> Mapping[Account, tuple[Projected, ...]]:
    """Projected tokens and certificates of pods, by account; for each audience or signer, the longest-lived."""
    longest: defaultdict[Account, dict[tuple[str, str], Projected]] = defaultdict(dict)
    for ran in facts.ran:
        for one in ran.projected:
            held = longest[ran.account]
            other = held.setdefault((one.kind, one.of), one)
            if (one.seconds or 0) > (other.seconds or 0):
                held[one.kind, one.of] = one
    return {account: tuple(held.values()) for account, held in longest.items()}


def certificates_of(facts: KubernetesFacts) -> Mapping[str, list[ClientCertificate]]:
    """Client certificates by the user that they name."""
    found: defaultdict[str, list[ClientCertificate]] = defaultdict(list)
    for certificate in facts.certificates:
        found[certificate.user].append(certificate)
    return found


def second(number: int) -> datetime | None:
    """A time in seconds since 1970; None for 0 and for numbers out of range."""
    try:
        return datetime.fromtimestamp(number, UTC) if number else None
    except (OverflowError, OSError, ValueError):
        return None


def _day(text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError:
        return None
