"""Accounts of Active Directory as identities, without what groups and security descriptors add. Pure."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final

from msgspec import Struct

from connectors.core.contract import Malformed
from connectors.ldap.credentials import CERTIFICATES, EXPIRY_TIME, INTERVAL, KEYS, MAPPED, keys, password
from connectors.ldap.place import Place
from connectors.ldap.rights import Category
from connectors.ldap.values import LdapFacts, Uac, compared, shown_flags, sid
from scanner.model import Identity, Signal
from scanner.model.attributes import ACCOUNT_FLAGS, ENCRYPTION_TYPES, SERVICE_NAMES, USE_LAG_DAYS
from scanner.redaction.shapes import MASK

USER, COMPUTER, PERSON = "user", "computer", "inetOrgPerson"
GROUP_MANAGED = "msDS-GroupManagedServiceAccount"
DELEGATED_MANAGED = "msDS-DelegatedManagedServiceAccount"
MANAGED = (GROUP_MANAGED, DELEGATED_MANAGED, "msDS-ManagedServiceAccount")
_KINDS = (*MANAGED, COMPUTER, PERSON, USER)
"""Most special first: each is also one of those after it."""
DELEGATES: Final = "msDS-AllowedToDelegateTo"
ACTS_FOR: Final = "msDS-AllowedToActOnBehalfOfOtherIdentity"
READERS: Final = "msDS-GroupMSAMembership"
DESCRIPTOR: Final = "nTSecurityDescriptor"
MACHINE_ADMINS: Final = "localAdministrators"
"""Of a computer, in an export that asked the machines: a security descriptor that lists who administers it."""
ATTRIBUTES = (
    "objectClass", "objectGUID", "objectSid", "sAMAccountName", "userPrincipalName", "cn", "displayName", "mail",
    "userAccountControl", "pwdLastSet", "lastLogonTimestamp", "accountExpires", "whenCreated", "servicePrincipalName",
    "memberOf", "primaryGroupID", "managedBy", "manager", "description", "adminCount", "dNSHostName", "operatingSystem",
    "employeeID", "employeeNumber", "givenName", "sn", "title", "userWorkstations", "msDS-SupportedEncryptionTypes",
    "msDS-DelegatedMSAState", DELEGATES, ACTS_FOR, READERS, KEYS, MAPPED, CERTIFICATES, EXPIRY_TIME, INTERVAL,
)  # fmt: skip
"""What is asked of an account: none that holds a secret, such as unicodePwd, msDS-ManagedPassword or msLAPS-*."""
KRBTGT = "502"
"""The last part of the SID of the account with whose key every ticket is made."""
_TRACKED_DAYS = 36_500
"""It keeps the last sign-in without an end."""
_OF_EVERY_COMPUTER = frozenset({"host", "restrictedkrbhost", "termsrv", "wsman", "cmrcservice", "tapinego"})
"""Classes of service names that computers give themselves when they join."""
_PASSWORD = re.compile(
    r"(?i)\b(pass(?:word|wort|wd|phrase)?|pwd?|kennwort|contrase(?:ñ|n)a|mot de passe|senha|wachtwoord|パスワード|pin|"
    r"secret)"
    r"(\s*(?:[:=]|\bis\b|\bist\b|->)\s*|\s+)(\S{4,})"
)
_WEAK_SIGN = re.compile(r"\d|[^\w.,;)]")
_HAS_PASSWORD = Signal(
    says="human", sort="credential", evidence="a password, as every account has one", strength="suggested"
)


class LdapAccount(Struct, frozen=True, kw_only=True, gc=False):
    """An account. ``groups``: DNs of its groups, for comparison. ``primary``: the SID of its primary group.

    ``spns``: its service names in lower case. ``delegates_to``: those to which it may delegate. ``managers``: DNs of
    who manages it.
    """

    identity: Identity
    sid: str
    dn: str
    uac: int | None
    groups: tuple[str, ...] = ()
    primary: str | None = None
    spns: tuple[str, ...] = ()
    delegates_to: tuple[str, ...] = ()
    host: str | None = None
    managers: tuple[str, ...] = ()
    mail: str | None = None
    admin_count: bool = False

    @property
    def kind(self) -> str:
        """The kind of its identity."""
        return self.identity.kind

    @property
    def category(self) -> Category:
        """Its sort, for rights on it."""
        return "computer" if self.kind == COMPUTER else "managed" if self.kind in MANAGED else "user"

    @property
    def is_controller(self) -> bool:
        """Whether it is a domain controller that can be written to."""
        return bool((self.uac or 0) & Uac.DOMAIN_CONTROLLER)

    def has(self, flag: int) -> bool:
        """Whether a flag of userAccountControl is set."""
        return bool((self.uac or 0) & flag)

    @property
    def serves(self) -> bool:
        """Whether it is a computer with services besides those of every computer."""
        return any(spn.partition("/")[0] not in _OF_EVERY_COMPUTER for spn in self.spns)


def kind_of(facts: LdapFacts) -> str:
    """The kind of an account, by its class."""
    classes = {one.lower() for one in facts.texts("objectClass")}
    return next((kind for kind in _KINDS if kind.lower() in classes), USER)


def parse_account(facts: LdapFacts, place: Place, source: str, scope: str) -> LdapAccount:
    """An account. Raises Malformed if it lacks its GUID, SID or name."""
    unique, its, name = place.unique(facts), sid(facts.raw("objectSid")), facts.text("sAMAccountName")
    if unique is None or its is None or name is None:
        raise Malformed("objectGUID, objectSid or sAMAccountName is not readable")
    kind, uac = kind_of(facts), facts.number("userAccountControl")
    lag_days = None if uac is None else place.lag_days
    key = place.key(kind, unique)
    enabled = None if uac is None else not uac & Uac.DISABLED
    spns = tuple(one.lower() for one in facts.texts("servicePrincipalName"))
    signals = tuple(_signals(kind, facts, uac, spns))
    is_person = any(one.says == "human" and one.strength == "strong" for one in signals)
    is_machine = any(one.says == "machine" and one.strength == "strong" for one in signals)
    managed = kind in (*MANAGED, COMPUTER)
    credentials = (
        password(key, facts, uac, managed=managed, enabled=enabled),
        *(() if is_person and not is_machine else keys(key, facts, enabled=enabled)),
    )
    rid = facts.number("primaryGroupID")
    return LdapAccount(
        identity=Identity(
            key=key,
            provider=place.provider,
            source=source,
            scope=scope,
            kind=kind,
            name=name,
            display_name=facts.text("displayName"),
            description=without_password(facts.text("description")),
            unique_id=unique,
            aliases=tuple(dict.fromkeys(filter(None, _aliases(facts, place, its, name, is_machine=is_machine)))),
            enabled=enabled,
            managed_by="the domain makes its tickets with it" if its.rpartition("-")[2] == KRBTGT else None,
            created_at=facts.moment("whenCreated"),
            last_used_at=facts.filetime("lastLogonTimestamp"),
            use_tracked_days=None if lag_days is None else _TRACKED_DAYS,
            attributes={**dict(_attributes(facts, its, uac)), **({} if lag_days is None else {USE_LAG_DAYS: lag_days})},
            signals=signals,
            credentials=credentials,
        ),
        sid=its,
        dn=compared(facts.dn),
        uac=uac,
        groups=tuple(sys.intern(compared(one)) for one in facts.texts("memberOf")),  # they are the same few
        primary=None if rid is None else f"{its.rpartition('-')[0]}-{rid}",
        spns=spns,
        delegates_to=tuple(one.lower() for one in facts.texts(DELEGATES)),
        host=(facts.text("dNSHostName") or "").lower() or None,
        managers=tuple(map(compared, (*facts.texts("managedBy"), *(facts.texts("manager") if is_machine else ())))),
        mail=facts.text("mail"),
        admin_count=facts.number("adminCount") == 1,
    )


def _aliases(facts: LdapFacts, place: Place, its: str, name: str, *, is_machine: bool) -> Iterator[str | None]:
    """Names by which registries call it. A machine's mail address is most often that of a person."""
    yield its
    yield facts.dn
    yield facts.text("userPrincipalName")
    yield f"{place.netbios}\\{name}" if place.netbios else None
    yield name.removesuffix("$") if name.endswith("$") else None
    yield facts.text("dNSHostName")
    if not is_machine:
        yield facts.text("mail")


def _signals(kind: str, facts: LdapFacts, uac: int | None, spns: tuple[str, ...]) -> Iterator[Signal]:
    """Signs of what it is, from what it is for, never from its name."""
    if kind in (*MANAGED, COMPUTER):
        yield Signal(says="machine", sort="provider", evidence=f"kind {kind}")
        return
    yield _HAS_PASSWORD
    if spns:
        yield Signal(says="machine", sort="provider", evidence=f"service name {spns[0]}")
    if (uac is not None and uac & (Uac.UNCONSTRAINED | Uac.ANY_PROTOCOL)) or facts.has(DELEGATES):
        yield Signal(says="machine", sort="provider", evidence="may delegate")
    if uac is not None and uac & Uac.NEVER_EXPIRES:
        yield Signal(says="machine", sort="credential", evidence="its password never expires", strength="weak")
    for name in ("employeeID", "employeeNumber"):
        if facts.text(name) is not None:
            yield Signal(says="human", sort="provider", evidence=f"it has an {name}")
            return
    if all(facts.text(name) is not None for name in ("givenName", "sn")):
        is_employed = facts.text("manager") is not None and facts.text("title") is not None
        evidence = "first and last name" + (", title and manager" if is_employed else "")
        yield Signal(says="human", sort="provider", evidence=evidence, strength="strong" if is_employed else "weak")


def _attributes(facts: LdapFacts, its: str, uac: int | None) -> Iterator[tuple[str, Any]]:
    yield "object_sid", its
    if uac is not None:
        yield ACCOUNT_FLAGS, shown_flags(uac)
        yield "user_account_control", uac
    texts: Mapping[str, str] = {"operatingSystem": "operating_system", "managedBy": "managed_by_dn"}
    for name, shown in texts.items():
        if (value := facts.text(name)) is not None:
            yield shown, value
    if spns := facts.texts("servicePrincipalName"):
        yield SERVICE_NAMES, list(spns)
    if delegates := facts.texts(DELEGATES):
        yield "delegates_to", list(delegates)
    if (ends := facts.filetime("accountExpires")) is not None:
        yield "account_expires", ends.isoformat()
    if (types := facts.number("msDS-SupportedEncryptionTypes")) is not None:
        yield ENCRYPTION_TYPES, list(dict.fromkeys(name for flag, name in _ENCRYPTION.items() if types & flag))
    if (state := facts.number("msDS-DelegatedMSAState")) is not None:
        yield "delegated_msa_state", state
    if (stations := facts.text("userWorkstations")) is not None:
        yield "workstations", sorted(filter(None, (one.strip() for one in stations.split(","))))


_ENCRYPTION: Mapping[int, str] = {1: "DES", 2: "DES", 4: "RC4", 8: "AES128", 16: "AES256"}


def without_password(description: str | None) -> str | None:
    """A description without the passwords that people write there."""
    if description is None:
        return None
    return _PASSWORD.sub(_masked, description)


def _masked(found: re.Match[str]) -> str:
    """The word for it and a mask. After a blank alone, only what looks like a password is one."""
    word, between, value = found.groups()
    is_told = between.strip() != ""
    return f"{word}{between}{MASK}" if is_told or _WEAK_SIGN.search(value) else found[0]
