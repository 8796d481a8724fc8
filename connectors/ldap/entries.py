"""Entries of a directory other than Active Directory as identities: of the configured classes. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from connectors.core.contract import Malformed
from connectors.ldap.accounts import without_password
from connectors.ldap.credentials import CERTIFICATES, keys
from connectors.ldap.place import Place
from connectors.ldap.values import LdapFacts, compared, relative_name
from scanner.model import Credential, Identity, Link, Privilege, Signal, credential_key

_UNIQUE = ("entryUUID", "nsUniqueId", "ipaUniqueID")
_USED = ("authTimestamp", "pwdLastSuccess")
"""Operational attributes of OpenLDAP's overlays lastbind and ppolicy."""
_CHANGED, _LOCKED, _ENDS = "pwdChangedTime", "pwdAccountLockedTime", "pwdEndTime"
_LOCKED_FOR_GOOD = "000001010000Z"
_TRACKED_DAYS = 36_500
_STILL = timedelta(days=1)
OF_OVERLAYS = (*_USED, _CHANGED, _LOCKED, _ENDS)
OF_OTHER_SERVERS = ("nsUniqueId", "ipaUniqueID")
"""Attributes that OpenLDAP knows only with some overlays, or not at all."""
ATTRIBUTES = (
    "objectClass", "cn", "uid", "displayName", "description", "mail", "givenName", "sn",
    "employeeNumber", "uidNumber", "createTimestamp", *_UNIQUE, *_USED, _CHANGED, _LOCKED, _ENDS, CERTIFICATES,
)  # fmt: skip
"""What is asked of an entry: never userPassword, nor any other attribute that holds a secret."""
GROUP_CLASSES = ("groupOfNames", "groupOfUniqueNames", "groupOfMembers", "posixGroup")
GROUP_ATTRIBUTES = ("objectClass", "cn", "member", "uniqueMember", "memberUid", *_UNIQUE)
_UNKNOWN = Privilege(level="unknown", evidence=("the access rules of an LDAP server are not read",))


def unique_of(facts: LdapFacts) -> str | None:
    """The id that the server gave the entry for good."""
    return next((found for name in _UNIQUE if (found := facts.text(name)) is not None), None)


def parse_entry(facts: LdapFacts, place: Place, source: str, scope: str, classes: Sequence[str]) -> Identity:
    """An entry of one of the classes. Raises Malformed if it has no name."""
    its = {one.lower() for one in facts.texts("objectClass")}
    kind = next((one for one in classes if one.lower() in its), classes[0])
    unique = unique_of(facts)
    key = place.key(kind, unique or compared(facts.dn))
    name = facts.text("uid") or facts.text("cn") or relative_name(facts.dn)
    if not name.strip():
        raise Malformed("the entry has no name")
    used = [moment for one in _USED if (moment := facts.moment(one)) is not None]
    enabled = facts.text(_LOCKED) != _LOCKED_FOR_GOOD
    names = (facts.dn, facts.text("cn"), facts.text("mail") if _is_person(facts) else None)
    return Identity(
        key=key,
        provider=place.provider,
        source=source,
        scope=scope,
        kind=kind,
        name=name,
        display_name=facts.text("displayName"),
        description=without_password(facts.text("description")),
        unique_id=unique,
        aliases=tuple(one for one in dict.fromkeys(filter(None, names)) if one != name),
        enabled=enabled,
        created_at=facts.moment("createTimestamp"),
        last_used_at=max(used, default=None),
        attributes=_attributes(facts),
        signals=_signals(facts),
        privilege=_UNKNOWN,
        credentials=(_password(key, name, facts, enabled=enabled), *keys(key, facts, enabled=enabled)),
    )


def with_use_tracked(found: Collection[Identity], as_of: datetime) -> Iterator[Identity]:
    """Yield the entries. An entry with a record of use counts as tracked if the server still writes such records.

    A removed overlay leaves its last records in place. So at least one record has to be from the last day.
    """
    newest = max((one.last_used_at for one in found if one.last_used_at is not None), default=None)
    is_kept = newest is not None and newest >= as_of - _STILL
    for one in found:
        yield replace(one, use_tracked_days=_TRACKED_DAYS) if is_kept and one.last_used_at is not None else one


def _is_person(facts: LdapFacts) -> bool:
    return facts.text("employeeNumber") is not None or facts.text("givenName") is not None


def _signals(facts: LdapFacts) -> tuple[Signal, ...]:
    password = Signal(
        says="human", sort="credential", evidence="a password, as every account may have one", strength="suggested"
    )
    if facts.text("employeeNumber") is not None:
        return password, Signal(says="human", sort="provider", evidence="it has an employeeNumber")
    if facts.text("givenName") is not None and facts.text("sn") is not None:
        names = Signal(says="human", sort="provider", evidence="first and last name", strength="weak")
        return password, names
    return (password,)


def _password(key: str, name: str, facts: LdapFacts, *, enabled: bool) -> Credential:
    return Credential(
        key=credential_key(key, "password", name),
        kind="password",
        id=name,
        enabled=enabled,
        created_at=facts.moment(_CHANGED),
        expires_at=facts.moment(_ENDS),
    )


def _attributes(facts: LdapFacts) -> Mapping[str, Any]:
    found: dict[str, Any] = {"object_classes": list(facts.texts("objectClass"))}
    if (number := facts.number("uidNumber")) is not None:
        found["uid_number"] = number
    return found


def members_of(facts: LdapFacts) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Who is in a group: DNs in the form for comparison, and user names."""
    dns = (*facts.texts("member"), *facts.texts("uniqueMember"))
    return tuple(map(compared, dns)), facts.texts("memberUid")


def member_of(groups: Sequence[tuple[str, str]]) -> tuple[Link, ...]:
    """Links to groups, by key and name."""
    return tuple(
        Link(relation="member_of", target=key, evidence=f"member of {name}") for key, name in sorted(set(groups))
    )
