"""The facts of an identity that a gap hides, as the last scan read them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from msgspec.structs import replace

from scanner.discovery.inventory import all_consequences, distinct, distinct_trusts
from scanner.model import PRIVILEGES, Credential, Fact, Identity, Privilege, Signal
from scanner.model.attributes import (
    FACTS_OF_CREDENTIALS,
    OWNERS,
    RECORDS_OF_USE,
    SPONSORS,
    UNLISTED,
    UNREAD_CREDENTIALS,
)

AS_LAST_READ = "as last read: its permissions could not be read this time"
_PEOPLE = (OWNERS, SPONSORS)


def as_last_known(identity: Identity, last: Identity, now: datetime) -> Identity:
    """The identity, with the facts that a gap hides filled in from the last scan. ``now``: the start of this one.

    Evidence of disuse (``use_tracked_days``) is not filled in: under a gap, no identity counts as unused. The
    provider's owners count as unread if there is no list of them at all, because a list without owners is empty.
    ``enabled`` is filled in, too: a gap does not enable a disabled identity.
    """
    if identity.enabled is None:
        identity = replace(identity, enabled=last.enabled)
    if "credentials" in identity.unread:
        standing = tuple(one for one in last.credentials if may_be_unread(one, identity) and not is_over(one, now))
        last = replace(last, credentials=standing)
    for fact in identity.unread:
        identity = replace(identity, **_LAST_KNOWN[fact](identity, last))
    attributes = _with_last_attributes(identity, last, _PEOPLE)
    if attributes == identity.attributes:
        return identity
    return replace(identity, attributes=attributes)


def may_be_unread(credential: Credential, identity: Identity) -> bool:
    """Whether the credential of an earlier scan may be among those of the identity that could not be listed."""
    unread = identity.attributes.get(UNREAD_CREDENTIALS)
    if not isinstance(unread, (list, tuple)):
        return "credentials" in identity.unread
    return credential.kind in unread or credential.attributes.get("type") in unread


def is_over(last: Credential, now: datetime) -> bool:
    """Whether a credential of the last scan is gone for certain, though no list says so."""
    return last.attributes.get(UNLISTED) is True and last.expires_at is not None and last.expires_at <= now


def _with_last_attributes(identity: Identity, last: Identity, names: Iterable[str]) -> Mapping[str, object]:
    """Its attributes, plus those with these names from the last scan that are missing now."""
    return {**{name: last.attributes[name] for name in names if name in last.attributes}, **identity.attributes}


def _with_last_signals(identity: Identity, last: Identity, sort: str) -> tuple[Signal, ...]:
    return distinct((identity.signals, tuple(signal for signal in last.signals if signal.sort == sort)))


def _last_credentials(identity: Identity, last: Identity) -> dict[str, object]:
    remembered = (replace(credential, use_tracked_days=None) for credential in last.credentials)
    every = {one.key: one for one in (*remembered, *identity.credentials)}
    return {
        "credentials": tuple(every[key] for key in sorted(every)),
        "attributes": _with_last_attributes(identity, last, FACTS_OF_CREDENTIALS),
        "signals": _with_last_signals(identity, last, "credential"),
    }


def _last_permissions(identity: Identity, last: Identity) -> dict[str, object]:
    """What it had stands; that it had nothing worse says nothing of today, so a normal privilege stays unknown."""
    privilege = identity.privilege
    if privilege.level == "unknown" and PRIVILEGES.index(last.privilege.level) < PRIVILEGES.index("unknown"):
        evidence = tuple(dict.fromkeys((*last.privilege.evidence, AS_LAST_READ)))
        privilege = Privilege(level=last.privilege.level, evidence=evidence)
    return {
        "privilege": privilege,
        "consequences": all_consequences((identity, last)),
        "grants": distinct((identity.grants, last.grants)),
        "links": distinct((identity.links, last.links)),
        "reach": distinct((identity.reach, last.reach)),
        "token_subjects": identity.token_subjects or last.token_subjects,
        "runs_in": identity.runs_in or last.runs_in,
        "signals": _with_last_signals(identity, last, "permission"),
    }


_LAST_KNOWN: Mapping[Fact, Callable[[Identity, Identity], dict[str, object]]] = {
    "credentials": _last_credentials,
    "permissions": _last_permissions,
    "tags": lambda identity, last: {"tags": {**last.tags, **identity.tags}},
    "trusts": lambda identity, last: {
        "trusts": distinct_trusts((*identity.trusts, *last.trusts)),
        "links": distinct((identity.links, tuple(link for link in last.links if link.relation == "federates"))),
    },
    "use": lambda identity, last: {
        "last_used_at": identity.last_used_at or last.last_used_at,
        "attributes": _with_last_attributes(identity, last, RECORDS_OF_USE),
    },
}
