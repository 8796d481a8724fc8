"""A domain of 100,000 objects with security descriptors: pages, CPU, memory, of reading and of a whole `muster scan`.

The server speaks LDAP and has Active Directory's limit of 1,000 entries for a page; its entries are made while it
answers. Each object has a list of two dozen entries, as domains have them: those of the schema, inherited ones, and
here and there what somebody delegated. The floor is counted: all objects, a thousand at a time.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from math import ceil
from pathlib import Path
from uuid import UUID

from benchmarks.measure import run
from connectors.core.contract import Scope
from connectors.ldap.client import ber, messages
from connectors.ldap.connector import LdapConnector
from connectors.ldap.descriptors import ace_of, descriptor_of
from connectors.ldap.place import IS_ACTIVE_DIRECTORY
from connectors.ldap.settings import LdapSettings
from connectors.ldap.values import filetime_of, sid_of
from scanner.model import Coverage, Identity
from tests.connectors.ldap.wire import LdapServer, ended, found, page

USERS, COMPUTERS, GROUPS, UNITS = 60_000, 22_000, 15_000, 3_000
OBJECTS = USERS + COMPUTERS + GROUPS + UNITS
DELEGATED = 300
"""The groups that something is delegated to: a fiftieth of the accounts is in one, and the rest of the groups nest."""
LARGEST_PAGE = 1_000
MOST_PAGES, MOST_CPU, MOST_MEMORY = 1.05, 60, 400
"""Goals: times the floor; seconds of the whole scan; MiB of the reading, which is what a directory's size decides."""
BASE = "DC=corp,DC=example,DC=com"
DOMAIN = "S-1-5-21-1004336348-1177238915-682003330"
_SINCE_2020 = 1_577_836_800
_RESET = UUID("00299570-246d-11d0-a768-00aa006e0529").bytes_le
_MEMBERS = UUID("bf9679c0-0de6-11d0-a285-00aa003049e2").bytes_le
_SETS = [UUID(int=number).bytes_le for number in range(12)]
"""Properties and sets of them that lead nowhere: most entries of the schema are about such."""
_CONFIG = """\
[[source]]
name = "ad"
type = "ldap"
url = "{url}"
"""


def main() -> int:
    """Read the domain, scan it, and compare with the goals."""
    muster = str(Path(sys.executable).with_name("muster"))
    with LdapServer(_answer) as server, tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "read.json"
        reading = run([sys.executable, "-m", "benchmarks.ldap_scan", server.url, str(told)])
        pages = sum(messages.PAGED.encode() in one for one in server.asked)
        calls = len(server.asked)
        identities, ways, gaps = json.loads(told.read_text(encoding="utf-8"))
        config = Path(folder) / "config.toml"
        config.write_text(_CONFIG.format(url=server.url), encoding="utf-8")
        scan = run([muster, "scan", "--config", str(config), "--quiet"], cwd=folder)
    if gaps or identities < USERS:
        raise RuntimeError(f"{identities} identities were read, with {gaps} gaps")
    floor = ceil(OBJECTS / LARGEST_PAGE)
    print(f"{OBJECTS:,} objects, {identities:,} identities, {ways:,} ways to become others")
    print(f"{pages} pages: {pages / floor:.2f} × the floor of {floor}; {calls} messages in all")
    for name, cost in (("reading", reading), ("muster scan", scan)):
        print(f"{name}: wall {cost.wall:.1f} s, CPU {cost.cpu:.1f} s, peak {cost.peak:.0f} MiB, the server beside it")
    return int(pages > MOST_PAGES * floor or scan.cpu > MOST_CPU or reading.peak > MOST_MEMORY)


def read(url: str, told: Path) -> None:
    """Read the domain alone, as a worker does, and write how much was found."""
    connector = LdapConnector("ad", LdapSettings(url=url))
    scopes = [unit for unit in connector.scopes() if isinstance(unit, Scope)]
    found = [record for scope in scopes for record in connector.discover(scope)]
    identities = [one for one in found if isinstance(one, Identity)]
    gaps = sum(one.is_gap for one in found if isinstance(one, Coverage))
    told.write_text(json.dumps((len(identities), sum(len(one.reach) for one in identities), gaps)), encoding="utf-8")


def _answer(number: int, tag: int, message: bytes) -> Iterable[bytes]:
    if tag == messages.BIND:
        yield ended(number, messages.BOUND)
    elif tag == messages.SEARCH and b"namingContexts" in message:
        root = {"namingContexts": BASE, "defaultNamingContext": BASE, "supportedCapabilities": IS_ACTIVE_DIRECTORY}
        yield found(number, "", **root)
        yield ended(number, messages.DONE)
    elif tag == messages.SEARCH and messages.PAGED.encode() not in message:
        yield found(number, BASE, objectClass="domainDNS")
        yield ended(number, messages.DONE)
    elif tag == messages.SEARCH:
        size, begin = _asked_page(message)
        make, last = _listing(message)
        end = min(begin + min(size, LARGEST_PAGE), last)
        yield b"".join(make(number, at) for at in range(begin, end))
        yield ended(number, messages.DONE, controls=page(str(end).encode() if end < last else b""))


def _asked_page(message: bytes) -> tuple[int, int]:
    """The size of a page, and where it begins."""
    at = message.index(messages.PAGED.encode()) + len(messages.PAGED)
    _, at = ber.expect(message, at, len(message), 0x01)
    begin, end = ber.expect(message, at, len(message), ber.OCTETS)
    begin, end = ber.expect(message, begin, end, ber.SEQUENCE)
    first, after = ber.expect(message, begin, end, ber.INTEGER)
    start, stop = ber.expect(message, after, end, ber.OCTETS)
    return ber.number(message, first, after), int(message[start:stop] or b"0")


def _listing(message: bytes) -> tuple[Callable[[int, int], bytes], int]:
    if b"foreignSecurityPrincipal" in message:
        return _group, GROUPS
    return (_unit, UNITS) if b"organizationalUnit" in message else (_account, USERS + COMPUTERS)


# --- Objects, each the same every time ---


@cache
def _sid(rid: int) -> bytes:
    made = sid_of(f"{DOMAIN}-{rid}")
    assert made is not None
    return made


def _group_rid(number: int) -> int:
    return 512 if number == 0 else 20_000 + number


def _unit_dn(number: int) -> str:
    return BASE if number == 0 else f"OU=unit{number},OU=site{number % 40},{BASE}"


@cache
def _of_schema(kind: str) -> tuple[bytes, ...]:
    """Entries that all objects of a class have: administrators, the object itself, everybody's reading."""
    administrators = [ace_of(_sid(rid), 0xF01FF, None) for rid in (512, 519)]
    everybody = [sid_of("S-1-5-11"), sid_of("S-1-5-10"), sid_of("S-1-5-32-554")]
    reading = [ace_of(who, 0x10, about, inherited=True) for who in everybody if who for about in _SETS[:6]]
    return (*administrators, *reading) if kind != "unit" else (*administrators, *reading[:10])


def _descriptor(kind: str, number: int) -> bytes:
    dice = random.Random(f"{kind}{number}")  # the same every time
    aces = list(_of_schema(kind))
    helpdesk = _sid(_group_rid(1 + number % 40))
    if kind == "user":
        aces.append(ace_of(helpdesk, 0x100, _RESET, inherited=True))
        aces += [ace_of(helpdesk, 0x30, about, inherited=True) for about in _SETS[6:9]]
    if dice.random() < 0.02:  # what somebody delegated by hand
        aces.insert(
            0, ace_of(_sid(_group_rid(dice.randrange(1, DELEGATED))), dice.choice((0x40000, 0x20, 0xF01FF)), None)
        )
    if kind == "group" and number % 50 == 7:  # whose manager adds members
        aces.insert(0, ace_of(_sid(100_000 + dice.randrange(USERS)), 0x20, _MEMBERS))
    return descriptor_of(_sid(512), aces)


def _dates(number: int) -> Iterator[tuple[str, str]]:
    yield "whenCreated", "20200101120000.0Z"
    yield "pwdLastSet", str(filetime_of(_SINCE_2020 + number * 900))
    yield "lastLogonTimestamp", str(filetime_of(_SINCE_2020 + 190_000_000 + number))


def _account(message: int, number: int) -> bytes:
    is_user = number < USERS
    name = f"user{number}" if is_user else f"PC{number}$"
    unit = _unit_dn(1 + number % (UNITS - 1))
    values: dict[str, str | bytes | list[str]] = {
        "objectClass": ["top", "person", "user"] if is_user else ["top", "person", "user", "computer"],
        "objectGUID": UUID(int=number + 1).bytes_le,
        "objectSid": _sid(100_000 + number),
        "sAMAccountName": name,
        "userAccountControl": str(0x200 if is_user else 0x1000),
        "primaryGroupID": "513" if is_user else "515",
        "memberOf": [
            *(
                f"CN=group{DELEGATED + (number * 7 + at * 1013) % (GROUPS - DELEGATED)},{_unit_dn(3)}"
                for at in range(8)
            ),
            *([f"CN=group{1 + number // 50 % (DELEGATED - 1)},{_unit_dn(3)}"] if number % 50 == 0 else []),
            *([f"CN=Domain Admins,{_unit_dn(3)}"] if number % 3_000 == 0 else []),
        ],
        "nTSecurityDescriptor": _descriptor("user" if is_user else "computer", number),
        **dict(_dates(number)),
    }
    if is_user:
        values |= {"givenName": "Ada", "sn": f"Lovelace{number}", "userPrincipalName": f"{name}@corp.example.com"}
    else:
        values["servicePrincipalName"] = [f"{kind}/PC{number}" for kind in ("HOST", "RestrictedKrbHost", "TERMSRV")]
    if is_user and number % 20 == 0:
        values["servicePrincipalName"] = [f"MSSQLSvc/db{number}.corp.example.com:1433"]
    return found(message, f"CN={name},{unit}", **values)


def _group(message: int, number: int) -> bytes:
    name = "Domain Admins" if number == 0 else f"group{number}"
    above = number // 3
    return found(
        message,
        f"CN={name},{_unit_dn(3)}",
        objectClass=["top", "group"],
        objectGUID=UUID(int=10_000_000 + number).bytes_le,
        objectSid=_sid(_group_rid(number)),
        sAMAccountName=name,
        memberOf=[f"CN=group{above},{_unit_dn(3)}"] if above > DELEGATED else [],
        nTSecurityDescriptor=_descriptor("group", number),
    )


def _unit(message: int, number: int) -> bytes:
    its = "domainDNS" if number == 0 else "organizationalUnit"
    return found(message, _unit_dn(number), objectClass=["top", its], nTSecurityDescriptor=_descriptor("unit", number))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        read(sys.argv[1], Path(sys.argv[2]))
    else:
        sys.exit(main())
