"""What the entries of a security descriptor let their trustees do to the object. Pure.

Source: MS-ADTS, 5.1.3; the GUIDs of extended rights, properties and sets of properties from the schema's reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Literal, NamedTuple, TypeAlias
from uuid import UUID

from connectors.ldap.descriptors import Descriptor

Category: TypeAlias = Literal["user", "computer", "managed", "group", "domain", "unit", "template"]
"""Sorts of objects. ``template``: AdminSDHolder, whose list is copied to every protected account and group."""

CREATE_CHILD, SELF, WRITE_PROPERTY, CONTROL = 0x1, 0x8, 0x20, 0x100
WRITE_DACL, WRITE_OWNER, GENERIC_ALL, GENERIC_WRITE = 0x40000, 0x80000, 0x10000000, 0x40000000
FULL = 0xF01FF
COUNTS: Final = CREATE_CHILD | SELF | WRITE_PROPERTY | CONTROL | WRITE_DACL | WRITE_OWNER | GENERIC_ALL | GENERIC_WRITE
OWNER_RIGHTS: Final = "S-1-3-4"
EVERYONE: Final = "S-1-1-0"
CHANGES, ALL_CHANGES = "GetChanges", "GetChangesAll"
"""Replication rights. Both together read all passwords of the domain (DCSync)."""
ANYTHING: Final = "GenericAll"
CREATE: Final = "CreateChild"
_GUESSED = "if its password can be guessed from a ticket"
ONLY_IF: Final[Mapping[str, str]] = {
    "WriteSPN": _GUESSED,
    "WritePublicInformation": _GUESSED,
    CREATE: "if a domain controller of Windows Server 2025 lacks the update of August 2025 (CVE-2025-53779)",
}
"""Rights that lead to an account under a condition alone.

Whoever sets a service name gets a ticket that the account's password encrypts. A delegated managed service account
takes over the account that it names as its predecessor.
"""


def _about(guid: str) -> bytes:
    return UUID(guid).bytes_le


_ACCOUNTS: tuple[Category, ...] = ("user", "computer", "managed")
_MEMBERS, _KEYS = _about("bf9679c0-0de6-11d0-a285-00aa003049e2"), _about("5b47d60f-6090-40b2-9f37-2a4de88f3063")
_BY_OBJECT: Mapping[tuple[int, bytes], tuple[str, tuple[Category, ...]]] = {
    (CONTROL, _about("00299570-246d-11d0-a768-00aa006e0529")): ("ForceChangePassword", ("user", "computer")),
    (CONTROL, _about("1131f6aa-9c07-11d1-f79f-00c04fc2dcd2")): (CHANGES, ("domain",)),
    (CONTROL, _about("1131f6ad-9c07-11d1-f79f-00c04fc2dcd2")): (ALL_CHANGES, ("domain",)),
    (SELF, _MEMBERS): ("AddSelf", ("group",)),
    (WRITE_PROPERTY, _MEMBERS): ("AddMember", ("group",)),
    (WRITE_PROPERTY, _about("bc0ac240-79a9-11d0-9020-00c04fc2d4cf")): ("AddMember", ("group",)),
    (WRITE_PROPERTY, _about("f3a64788-5306-11d1-a9c5-0000f80367c1")): ("WriteSPN", ("user",)),
    (WRITE_PROPERTY, _about("e48d0154-bcf8-11d1-8702-00c04fb96050")): ("WritePublicInformation", ("user",)),
    (WRITE_PROPERTY, _KEYS): ("AddKeyCredentialLink", _ACCOUNTS),
    (WRITE_PROPERTY, _about("3f78c3e5-f79a-46bd-a0b8-9d18116ddc79")): ("AddAllowedToAct", ("computer", "managed")),
    (WRITE_PROPERTY, _about("4c164200-20c0-11d0-a768-00aa006e0529")): ("WriteAccountRestrictions", ("computer",)),
    (WRITE_PROPERTY, _about("888eedd6-ce04-df40-b462-b8a50e41ba38")): ("WriteGMSAReaders", ("managed",)),
    (CREATE_CHILD, _about("0feb936f-47b3-49f2-9386-1dedc2c23765")): (CREATE, ("unit", "domain")),
}
"""By right and object: its name, and the sorts of objects on which it leads anywhere."""
READS: Final = "ReadGMSAPassword"
MASKS: Final[Mapping[str, tuple[int, bytes | None]]] = {
    ANYTHING: (FULL, None),
    "WriteDacl": (WRITE_DACL, None),
    "WriteOwner": (WRITE_OWNER, None),
    "GenericWrite": (WRITE_PROPERTY, None),
    "AllExtendedRights": (CONTROL, None),
    **{name: held for held, (name, _) in _BY_OBJECT.items()},
}
"""By the name of a right: what an entry that gives it holds."""
_ON_PARTS: Mapping[Category, bool] = dict.fromkeys(("user", "computer", "managed", "group"), True)


class LdapRight(NamedTuple):
    """A right under its usual name. ``unless``: SIDs to which an entry before it denies it."""

    name: str
    conditional: bool = False
    unless: tuple[str, ...] = ()


def granted(descriptor: Descriptor, category: Category) -> Iterator[tuple[str, LdapRight]]:
    """The trustees with their rights on an object, as far as these lead anywhere; the owner is one of them.

    A list denies what an entry before the one that allows it denies.
    """
    if descriptor.aces is None:
        yield EVERYONE, LdapRight(ANYTHING)
        return
    denied: list[tuple[str, int, bytes | None]] = []
    limits_owner = False
    for trustee, mask, denies, conditional, about in descriptor.aces:
        limits_owner |= trustee == OWNER_RIGHTS
        if denies:
            if not conditional:
                denied.append((trustee, mask, about))
            continue
        name = right_of(mask, about, category)
        if name is None:
            continue
        is_conditional = conditional or name in ONLY_IF
        before = [(who, bits) for who, bits, what in denied if bits & mask and what in (None, about)] if denied else []
        yield trustee, LdapRight(name, is_conditional, tuple(sorted({who for who, _ in before})))
        if before:
            rest = mask
            for _, bits in before:
                rest &= ~bits
            left = right_of(rest, about, category)
            if left is not None:
                yield trustee, LdapRight(left, conditional or left in ONLY_IF)
    if descriptor.owner is not None and not limits_owner:
        yield descriptor.owner, LdapRight("Owns")


def right_of(mask: int, about: bytes | None, category: Category) -> str | None:
    """The strongest right of a mask on such an object; None for what leads nowhere."""
    if about is None and (mask & GENERIC_ALL or mask & FULL == FULL):
        return ANYTHING
    if mask & WRITE_DACL:
        return "WriteDacl"
    if mask & WRITE_OWNER:
        return "WriteOwner"
    if about is None:
        return _on_everything(mask, category)
    for bit in (CONTROL, WRITE_PROPERTY, SELF, CREATE_CHILD):
        if mask & bit:
            name, categories = _BY_OBJECT.get((bit, about), ("", ()))
            if category in categories:
                return name
    return None


def _on_everything(mask: int, category: Category) -> str | None:
    if category in _ON_PARTS and mask & (GENERIC_WRITE | WRITE_PROPERTY):
        return "GenericWrite"
    if category in ("user", "computer", "domain") and mask & CONTROL:
        return "AllExtendedRights"
    if category in ("unit", "domain") and mask & CREATE_CHILD:
        return CREATE
    return "AddSelf" if category == "group" and mask & SELF else None


def trustees(descriptor: Descriptor) -> Iterator[str]:
    """Everybody whom a descriptor allows anything: of one that lists who may act, or may read a password."""
    if descriptor.aces is None:
        yield EVERYONE
        return
    denied = {ace.trustee for ace in descriptor.aces if ace.denies}
    yield from dict.fromkeys(ace.trustee for ace in descriptor.aces if not ace.denies and ace.trustee not in denied)
