"""Who may change whom: rights of a real domain as paths, and descriptors as the format documents them."""

from __future__ import annotations

import struct
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.ldap.accounts import LdapAccount, parse_account
from connectors.ldap.acls import Acls
from connectors.ldap.client.messages import LdapEntry
from connectors.ldap.descriptors import Descriptors
from connectors.ldap.groups import Groups
from connectors.ldap.identities import identities
from connectors.ldap.place import Place
from connectors.ldap.rights import COUNTS, LdapRight, granted, right_of
from connectors.ldap.values import LdapFacts
from scanner.access.edges import resolve
from scanner.access.raised_privileges import raise_by_paths
from tests.connectors.ldap.test_domain import found_in, password
from tests.servers.samba import DomainController

__all__ = ["password"]


@pytest.mark.real_server
@pytest.mark.parametrize(
    ("name", "targets", "by", "conditional"),
    [
        ("svc-reset", {"svc-robot"}, "ForceChangePassword, granted to Resetters", False),
        ("svc-owner", {"laptop1$"}, "Owns, granted to svc-owner", False),
        ("svc-act", {"web1$"}, "AllowedToAct, granted to svc-act", False),
        ("svc-unit", {"svc-robot"}, "WriteDacl, granted to svc-unit on the unit above", False),
        ("svc-kcd", {"web1$"}, "constrained delegation to cifs/web1.corp.example.test, for anybody", False),
        ("svc-spn", {"svc-idle"}, "WriteSPN, granted to svc-spn, if its password can be guessed from a ticket", True),
        ("web1$", {"gmsa-web$"}, "ReadGMSAPassword, granted to web1$", False),
        ("web1$", {"DC1$"}, "unconstrained delegation, if a domain controller can be made to sign in to it", True),
    ],
)
def test_a_right_over_an_account_is_a_way_to_become_it(
    domain: DomainController, name: str, targets: set[str], by: str, conditional: bool
) -> None:
    """Set by Samba, and read back by an ordinary user."""
    found = found_in(domain, computers="all")
    names = {one.key: one.name for one in found.values()}

    ways = {way.by: way for way in found[name].reach}
    assert {names[key] for key in ways[by].on} == targets
    assert (ways[by].kind, ways[by].conditional) == ("become", conditional)


@pytest.mark.real_server
@pytest.mark.parametrize(
    ("name", "how"),
    [
        ("svc-create", "CreateChild, granted to svc-create"),
        ("svc-unit", "CreateChild, by WriteDacl, granted to svc-unit"),
    ],
)
def test_who_creates_delegated_accounts_takes_over_any_if_the_update_is_missing(
    domain: DomainController, name: str, how: str
) -> None:
    """The only domain controller runs Windows Server 2025; by the right itself, and by one that gives it."""
    found = found_in(domain, computers="all")
    (way,) = (way for way in found[name].reach if way.by.startswith("CreateChild"))

    assert way.by.startswith(f"{how}, below ou=robots,dc=corp,dc=example,dc=test, if a domain controller of Windows")
    assert way.conditional
    assert found["DC1$"].key in way.on
    assert found["Administrator"].key in way.on
    assert found["svc-old"].key not in way.on, "it is disabled"


@pytest.mark.parametrize(
    ("level", "system", "knows"),
    [
        (10, None, True),
        (7, "Windows Server 2022 Datacenter", False),
        (7, "Windows Server 2025 Standard", True),
        (None, None, False),
    ],
)
def test_only_a_domain_that_knows_delegated_accounts_gives_a_way(
    level: int | None, system: str | None, *, knows: bool
) -> None:
    """By its functional level, or by a domain controller's release."""
    place = Place(base="DC=a", domain="DC=a", is_ad=True)
    acls = Acls()
    acls.level = level
    acls.unit("ou=x,dc=a", _descriptor(_ace(0, ALICE, 0x1)))

    def account(sid: str, uac: int, **values: str) -> LdapAccount:
        given = {"samaccountname": sid, "useraccountcontrol": str(uac), **values}
        raw = {"objectguid": sid[-4:].encode() * 4, "objectsid": _sid(sid)}
        values_of = {name: [one.encode()] for name, one in given.items()} | {name: [one] for name, one in raw.items()}
        return parse_account(LdapFacts(LdapEntry(f"CN={sid},DC=a", values_of)), place, "s", "a")

    accounts = [account(ALICE, 0x200), account(BOB, 0x2000, **({"operatingsystem": system} if system else {}))]

    alice, bob = identities(accounts, Groups(()), acls, all_computers=True, rights_unread=False, logon_rights={})
    assert [bob.key in way.on for way in alice.reach] == ([True] if knows else [])


@pytest.mark.real_server
@pytest.mark.parametrize("name", ["svc-denied", "svc-half", "svc-sql", "svc-muster", "ada"])
def test_what_is_denied_disabled_or_half_is_no_way(domain: DomainController, name: str) -> None:
    """An entry before denies it; the target is disabled; one of the two replication rights replicates no password."""
    found = found_in(domain)[name]

    assert (found.reach, found.privilege.level, found.privilege.evidence) == ((), "normal", ())


@pytest.mark.real_server
@pytest.mark.parametrize(
    ("name", "evidence"),
    [
        ("svc-sync", "may replicate all passwords of the domain (DCSync)"),
        ("svc-join", "may add itself to Backup Operators: AddMember on the group Gate, granted to svc-join"),
    ],
)
def test_rights_on_the_domain_and_on_groups_escalate(domain: DomainController, name: str, evidence: str) -> None:
    """Also where the group is only nested in a powerful one."""
    assert found_in(domain)[name].privilege.evidence == (evidence,)
    assert found_in(domain)[name].privilege.level == "escalation"


@pytest.mark.real_server
def test_paths_make_the_level_of_those_who_become_an_admin(domain: DomainController) -> None:
    """By the graph that all providers share."""
    found = tuple(found_in(domain, computers="all").values())
    resolved = resolve(found, {}, (), ())
    own = {one.key: one.privilege for one in resolved.identities}
    raised = raise_by_paths(own, resolved.edges, resolved.methods)
    levels = {one.name: raised[one.key].level for one in found}

    assert levels["svc-reset"] == "escalation"
    assert levels["svc-unit"] == "escalation"
    assert levels["svc-act"] != "escalation"
    assert levels["svc-sql"] == "normal"


@pytest.mark.real_server
def test_an_account_that_was_an_admin_once_is_still_protected_like_one(domain: DomainController) -> None:
    found = found_in(domain)

    left = {name for name, one in found.items() if one.attributes.get("admin_count_left_behind")}
    assert left == {"svc-idle"}


# --- The format, by MS-DTYP ---

ALICE, BOB = "S-1-5-21-1-2-3-1001", "S-1-5-21-1-2-3-1002"


def _sid(text: str) -> bytes:
    _, _, authority, *parts = text.split("-")
    head = bytes((1, len(parts))) + int(authority).to_bytes(6, "big")
    return head + b"".join(int(part).to_bytes(4, "little") for part in parts)


def _ace(kind: int, who: str, mask: int, about: bytes | None = None, flags: int = 0) -> bytes:
    body = struct.pack("<I", mask)
    if kind in (5, 6, 11, 12):
        body += struct.pack("<I", 1 if about else 0) + (about or b"")
    body += _sid(who)
    return struct.pack("<BBH", kind, flags, len(body) + 4) + body


def _descriptor(*aces: bytes, owner: str = "S-1-5-18", control: int = 0x8004) -> bytes:
    entries = b"".join(aces)
    listed = struct.pack("<BBHHH", 4, 0, len(entries) + 8, len(aces), 0) + entries
    return struct.pack("<BBHIIII", 1, 0, control, 20 + len(listed), 0, 0, 20) + listed + _sid(owner)


def _granted(*aces: bytes, owner: str = "S-1-5-18", category: str = "user") -> list[tuple[str, LdapRight]]:
    parsed = Descriptors(COUNTS).parse(_descriptor(*aces, owner=owner))
    assert parsed is not None
    return [one for one in granted(parsed, category) if one[0] != "S-1-5-18"]  # type: ignore[arg-type]  # a literal


SPN = UUID("f3a64788-5306-11d1-a9c5-0000f80367c1").bytes_le
KEYS = UUID("5b47d60f-6090-40b2-9f37-2a4de88f3063").bytes_le


@pytest.mark.parametrize(
    ("ace", "right"),
    [
        (_ace(0, ALICE, 0xF01FF), LdapRight("GenericAll")),
        (_ace(0, ALICE, 0x10000000), LdapRight("GenericAll")),
        (_ace(0, ALICE, 0x40000), LdapRight("WriteDacl")),
        (_ace(0, ALICE, 0x80000), LdapRight("WriteOwner")),
        (_ace(0, ALICE, 0x20), LdapRight("GenericWrite")),
        (_ace(0, ALICE, 0x100), LdapRight("AllExtendedRights")),
        (_ace(9, ALICE, 0xF01FF), LdapRight("GenericAll", conditional=True)),
        (_ace(5, ALICE, 0x20, SPN), LdapRight("WriteSPN", conditional=True)),
        (_ace(5, ALICE, 0x20, KEYS), LdapRight("AddKeyCredentialLink")),
        (_ace(5, ALICE, 0x20), LdapRight("GenericWrite")),  # without an object it is about all
        (_ace(5, ALICE, 0x20, b"\x01" * 16), None),
        (_ace(0, ALICE, 0x20094), None),  # reading
        (_ace(0, ALICE, 0xF01FF, flags=0x0A), None),  # only for what lies below
        (_ace(2, ALICE, 0xF01FF), None),  # audit
    ],
)
def test_an_entry_is_its_strongest_right(ace: bytes, right: LdapRight | None) -> None:
    assert _granted(ace) == ([] if right is None else [(ALICE, right)])


def test_the_order_of_a_list_decides() -> None:
    """What is denied before is not allowed; what is denied after is."""
    allow, deny = _ace(0, ALICE, 0x100), _ace(1, BOB, 0x100)

    assert _granted(deny, allow) == [(ALICE, LdapRight("AllExtendedRights", unless=(BOB,)))]
    assert _granted(allow, deny) == [(ALICE, LdapRight("AllExtendedRights"))]
    everything = _granted(_ace(1, BOB, 0x40000), _ace(0, ALICE, 0xF01FF))
    assert everything == [(ALICE, LdapRight("GenericAll", unless=(BOB,))), (ALICE, LdapRight("WriteOwner"))]


def test_an_owner_may_change_the_list_unless_the_list_says_otherwise() -> None:
    assert _granted(owner=ALICE) == [(ALICE, LdapRight("Owns"))]
    assert _granted(_ace(0, "S-1-3-4", 0x20094 | 0x100), owner=ALICE) == [("S-1-3-4", LdapRight("AllExtendedRights"))]


def test_without_a_list_everybody_may_do_everything() -> None:
    nothing = struct.pack("<BBHIIII", 1, 0, 0x8004, 0, 0, 0, 0)
    parsed = Descriptors(COUNTS).parse(nothing)

    assert parsed is not None
    assert list(granted(parsed, "user")) == [("S-1-1-0", LdapRight("GenericAll"))]


@given(data=st.binary(max_size=120), cut=st.integers(min_value=0, max_value=200))
def test_any_bytes_are_a_descriptor_or_none(data: bytes, cut: int) -> None:
    """Also a valid one that was cut off, or changed."""
    whole = _descriptor(_ace(0, ALICE, 0xF01FF), _ace(5, BOB, 0x20, KEYS))
    for one in (data, whole[:cut], whole[:cut] + data):
        parsed = Descriptors(COUNTS).parse(one)
        assert parsed is None or list(granted(parsed, "computer")) is not None


@given(mask=st.integers(min_value=0, max_value=2**32 - 1))
def test_more_bits_never_lose_a_right(mask: int) -> None:
    assert right_of(mask, None, "user") is None or right_of(mask | 0xF01FF, None, "user") == "GenericAll"
