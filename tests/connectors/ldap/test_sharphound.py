"""What SharpHound collected of a domain is read as the domain itself is."""

from __future__ import annotations

import json
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from connectors.core.contract import Meter
from connectors.ldap.client.connection import Connection
from connectors.ldap.connector import LdapConnector
from connectors.ldap.settings import LdapSettings
from connectors.testing import check_reading, read
from scanner.model import Coverage, Identity
from scanner.redaction.redact import SecretRef
from tests.cli.conftest import Muster, muster
from tests.connectors.ldap.collector import ALL, Collector
from tests.connectors.ldap.seed_values import SECRET, SUFFIX
from tests.connectors.ldap.test_domain import connector, password
from tests.servers.samba import READER, DomainController

__all__ = ["muster", "password"]
DOMAIN = "S-1-5-21-1-2-3"
CANARY = "the-password-of-an-account"


@pytest.fixture
def collected(domain: DomainController) -> Collector:
    """The domain, as an ordinary user sees it."""
    settings = LdapSettings(
        url=domain.secure_url, ca_file=domain.ca_file, bind_dn=READER, password=SecretRef(env="LDAP_PASSWORD")
    )
    collector = Collector("corp.example.test", CANARY)
    with closing(Connection(settings, Meter())) as connection:
        collector.collect(connection, SUFFIX)
    return collector


def _read(path: Path) -> tuple[dict[str, Identity], dict[str, Coverage]]:
    records = read(LdapConnector("prod", LdapSettings(from_files=path)))
    return (
        {one.name: one for one in records if isinstance(one, Identity)},
        {one.section: one for one in records if isinstance(one, Coverage)},
    )


NOT_WRITTEN = {
    "svc-denied": "the entry that denies it",
    "svc-create": "CreateChild",
}
"""Whose rights SharpHound does not write as they are."""


@pytest.mark.real_server
def test_a_collection_of_a_domain_says_what_the_domain_says(
    domain: DomainController, collected: Collector, tmp_path: Path
) -> None:
    """Levels with their evidence, ways, groups, grants, signals, dates; but for what SharpHound does not write."""
    live = {one.name: one for one in read(connector(domain, computers="all")) if isinstance(one, Identity)}
    keys = {one.key: one.name for one in live.values()}

    found = {
        one.name: one
        for one in read(
            LdapConnector("prod", LdapSettings(from_files=collected.write(tmp_path / "c"), computers="all"))
        )
        if isinstance(one, Identity)
    }

    assert set(found) == set(live)
    names = {one.key: one.name for one in found.values()}
    for name in set(live) - set(NOT_WRITTEN):
        ours, theirs = found[name], live[name]
        assert (ours.kind, ours.enabled, ours.created_at, ours.last_used_at) == (
            theirs.kind, theirs.enabled, theirs.created_at, theirs.last_used_at,
        )  # fmt: skip
        assert ours.privilege == theirs.privilege, name
        assert _ways(ours, names) == _ways(theirs, keys), name
        assert {one.name for one in ours.grants} == {one.name for one in theirs.grants}
        assert {one.evidence for one in ours.links} == {one.evidence for one in theirs.links}
        for fact in ("account_flags", "encryption_types", "service_principal_names", "unconstrained_delegation"):
            assert ours.attributes.get(fact) == theirs.attributes.get(fact)
        assert ours.credentials[0].created_at == theirs.credentials[0].created_at
        assert {one.evidence for one in theirs.signals if one.sort == "provider"} >= {
            one.evidence for one in ours.signals if one.sort == "provider"
        }
        assert ours.key == f"corp.example.test/{ours.kind}/{theirs.attributes['object_sid']}"
        assert f"CORP\\{name}" in ours.aliases


def _ways(identity: Identity, names: dict[str, str]) -> set[tuple[str, bool, tuple[str, ...]]]:
    return {
        (way.by.lower(), way.conditional, tuple(sorted(names[key] for key in way.on)))
        for way in identity.reach
        if not way.by.startswith("CreateChild, granted")
    }


@pytest.mark.real_server
def test_a_collection_keeps_the_contract_and_no_password(collected: Collector, tmp_path: Path) -> None:
    """Of the archive, and of the files in it; those are written with a byte order mark."""
    for folder, archive in (("a", True), ("b", False)):
        path = collected.write(tmp_path / folder, archive=archive, methods=ALL & ~(1 << 15))
        reads = LdapConnector("prod", LdapSettings(from_files=path))
        assert CANARY not in repr(read(reads))
        assert SECRET not in repr(read(reads))
    path = collected.write(tmp_path / "whole")
    for secret in (CANARY, SECRET):
        check_reading(LdapConnector("prod", LdapSettings(from_files=path)), secret=secret)


@pytest.mark.real_server
@pytest.mark.parametrize(
    ("method", "section", "says"),
    [
        (1, "groups", "the collection left out memberships of groups (method Group)"),
        (1 << 6, "acls", "the collection left out permissions of objects (method ACL)"),
        (1 << 9, "accounts", "the collection left out properties of accounts"),
        (1 << 1, "logon_rights", "the collection left out administrators of machines (method LocalAdmin)"),
    ],
)
def test_what_a_collection_left_out_is_a_gap(
    collected: Collector, tmp_path: Path, method: int, section: str, says: str
) -> None:
    coverage = _read(collected.write(tmp_path / "c", methods=ALL & ~method))[1]

    assert coverage[section].is_gap
    assert says in str(coverage[section].detail)
    assert {name for name, one in coverage.items() if one.is_gap} == {section}


@pytest.mark.real_server
def test_a_collection_that_asked_no_machine_for_rights_is_like_a_server_that_has_none(
    collected: Collector, tmp_path: Path
) -> None:
    coverage = _read(collected.write(tmp_path / "c", methods=ALL & ~(1 << 15)))[1]

    assert coverage["logon_rights"].status == "off"
    assert "rights to sign in to machines (method UserRights)" in str(coverage["logon_rights"].detail)
    assert not any(one.is_gap for one in coverage.values())


def test_machines_that_all_refused_are_a_gap(tmp_path: Path) -> None:
    computers = _document("computers", _row("1001", "WEB1.LAB.LOCAL"))

    coverage = _read(_lab(tmp_path, computers=computers))[1]

    assert str(coverage["logon_rights"].detail).startswith("1 of 1 computers did not tell who may sign in")


# --- Files, as collectors write them; format 5 has fewer properties ---


def _document(kind: str, *rows: Any, version: int = 6, methods: int = ALL) -> str:
    return json.dumps({"data": rows, "meta": {"type": kind, "version": version, "methods": methods, "count": 0}})


def _row(rid: str, name: str, **given: Any) -> dict[str, Any]:
    properties = {"domain": "LAB.LOCAL", "name": name, "enabled": True, "pwdlastset": 1_600_000_000}
    more = given.pop("Properties", {})
    return {"ObjectIdentifier": f"{DOMAIN}-{rid}", "Properties": properties | more, "Aces": [], **given}


def _allows(right: str, sid: str) -> dict[str, Any]:
    return {"PrincipalSID": sid, "PrincipalType": "User", "RightName": right, "IsInherited": False}


def _lab(folder: Path, **more: str) -> Path:
    """A domain of format 5: names alone, well-known groups with the domain before their SIDs."""
    admins = {"ObjectIdentifier": f"{DOMAIN}-512", "ObjectType": "Group"}
    svc, users = {"ObjectIdentifier": f"{DOMAIN}-1101"}, {"ObjectIdentifier": "LAB.LOCAL-S-1-5-11"}
    texts = {
        "domains": _document("domains", {"ObjectIdentifier": DOMAIN, "Properties": {"name": "LAB.LOCAL"}}),
        "ous": _document("ous"),
        "users": _document(
            "users",
            _row("1101", "SVC-A@LAB.LOCAL", Aces=[_allows("Owns", f"{DOMAIN}-512")]),
            _row("1102", "SVC-B@LAB.LOCAL", Aces=[_allows("GenericAll", f"{DOMAIN}-1101")]),
            {"ObjectIdentifier": f"{DOMAIN}-1103", "IsDeleted": True},
            version=5,
        ),
        "computers": _document(
            "computers",
            _row(
                "1201",
                "WEB1.LAB.LOCAL",
                AllowedToDelegate=[{"ObjectIdentifier": f"{DOMAIN}-1202"}],
                LocalGroups=[
                    {"Collected": True, "ObjectIdentifier": f"{DOMAIN}-1201-544", "Results": [admins, svc]},
                    {"Collected": True, "ObjectIdentifier": f"{DOMAIN}-1201-555", "Results": [users]},
                ],
                UserRights=[{"Collected": True, "Privilege": "SeRemoteInteractiveLogonRight", "Results": [users]}],
            ),
            _row(
                "1202",
                "DB1.LAB.LOCAL",
                LocalAdmins={"Collected": True, "Results": [{"ObjectIdentifier": f"{DOMAIN}-1102"}]},
                UserRights=[{"Collected": False, "Privilege": "SeX", "Results": [svc]}],
            ),
        ),
        "groups": _document(
            "groups",
            _row("512", "DOMAIN ADMINS@LAB.LOCAL"),
            _row("1301", "OPS@LAB.LOCAL", Members=[svc]),
            {
                "ObjectIdentifier": "LAB.LOCAL-S-1-5-32-551",
                "Properties": {"domain": "LAB.LOCAL", "name": "BACKUP OPERATORS@LAB.LOCAL"},
                "Members": [{"ObjectIdentifier": f"{DOMAIN}-1301"}, {"ObjectIdentifier": "S-1-5-21-9-9-9-1"}],
            },
            users | {"Properties": {"domain": "LAB.LOCAL", "name": "AUTHENTICATED USERS@LAB.LOCAL"}},
        ),
        "gpos": _document("gpos", _row("1", "POLICY@LAB.LOCAL")),
        **more,
    }  # fmt: skip
    for name, text in texts.items():
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
    return folder


def test_names_groups_and_rights_follow_from_the_oldest_form(tmp_path: Path) -> None:
    """And by machines that told who administers them, and who may sign in."""
    records = read(LdapConnector("lab", LdapSettings(from_files=_lab(tmp_path), computers="all")))
    found = {one.name: one for one in records if isinstance(one, Identity)}

    assert sorted(found) == ["DB1$", "SVC-A", "SVC-B", "WEB1$"]
    assert {one.scope for one in found.values()} == {"lab.local"}
    svc, web = found["SVC-A"], found["WEB1$"]
    assert svc.privilege.level == "escalation"
    assert svc.privilege.evidence[0].startswith("member of BACKUP OPERATORS through OPS: may copy")
    assert {(way.by, way.on) for way in svc.reach} == {
        ("GenericAll, granted to SVC-A", (found["SVC-B"].key,)),
        ("AdminTo, granted to SVC-A", (web.key,)),
    }
    assert [way.on for way in found["SVC-B"].reach] == [(found["DB1$"].key,)]
    assert [way.on for way in web.reach] == [(found["DB1$"].key,)]
    assert svc.attributes["logon_rights"] == ["SeRemoteInteractiveLogonRight on web1.lab.local"]
    coverage = {one.section: one for one in records if isinstance(one, Coverage)}
    assert coverage["logon_rights"].status == "partial"
    assert str(coverage["logon_rights"].detail).startswith("1 of 2 computers did not tell who may sign in")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.json", "[]", "no file of SharpHound"),
        ("a.json", '{"data": [', "not JSON, or cut short"),
        ("a.json", _document("users", version=4), "of version 4: only 5 and 6 are read"),
        ("a.json", '{"data": [], "meta": {"type": "sessions", "version": 6}}', "no file is recognised in a.json"),
        ("a.json", "{}", "no file is recognised in a.json"),
        ("a.zip", "PK", "the archive is damaged"),
        ("a.txt", "", "has no LDIF file and no SharpHound file"),
    ],
)
def test_what_is_no_collection_is_named(name: str, content: str, says: str, tmp_path: Path, muster: Muster) -> None:
    """Exit 4: nothing was read."""
    (tmp_path / name).write_text(content, encoding="utf-8")

    done = muster("scan", f"ldap:from_files={tmp_path}")

    assert done.code == 4
    assert says in done.err


def test_ldif_and_a_collection_are_not_mixed(tmp_path: Path, muster: Muster) -> None:
    (_lab(tmp_path) / "a.ldif").write_text("dn: cn=a\n", encoding="utf-8")

    assert "name one" in muster("scan", f"ldap:from_files={tmp_path}").err


def test_an_archive_that_unpacks_without_end_is_refused(tmp_path: Path, muster: Muster) -> None:
    """Before anything of it is unpacked; and one with a password."""
    many = tmp_path / "many.zip"
    with zipfile.ZipFile(many, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(1_001):
            archive.writestr(f"{number}.json", "{}")
    locked = tmp_path / "locked.zip"
    with zipfile.ZipFile(locked, "w") as archive:
        archive.writestr("users.json", _document("users"))
    content = bytearray(locked.read_bytes())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + at] |= 1  # the flag of an encrypted file
    locked.write_bytes(content)

    large = tmp_path / "large.zip"
    with zipfile.ZipFile(large, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("users.json", "{}")
    content = bytearray(large.read_bytes())
    at = content.index(b"PK\x01\x02") + 24  # the unpacked size in the directory
    content[at : at + 4] = (0xFFFF_FFFE).to_bytes(4, "little")
    large.write_bytes(content)

    assert "it holds more than 1,000 files" in muster("scan", f"ldap:from_files={many}").err
    assert "it unpacks to more than 2048 MB" in muster("scan", f"ldap:from_files={large}").err
    assert "it is encrypted" in muster("scan", f"ldap:from_files={locked}").err


def test_an_object_that_cannot_be_read_is_a_gap_and_affects_no_other(tmp_path: Path) -> None:
    wrong = [{"ObjectIdentifier": 1}, {"ObjectIdentifier": "x", "Properties": []}, {"ObjectIdentifier": f"{DOMAIN}-9"}]
    text = _document("users", *wrong, _row("1101", "SVC-A@LAB.LOCAL"))

    found, coverage = _read(_lab(tmp_path, users=text))

    assert "SVC-A" in found
    assert coverage["accounts"].status == "partial"
    assert str(coverage["accounts"].detail).count("object ") == len(wrong)


@pytest.mark.parametrize("odd", [None, True, -5, 1e300, 10**30, "\ud800", ["a", 1, None], {"a": 1}, "x" * 5000])
def test_properties_of_any_type_are_values_or_unknown(odd: Any, tmp_path: Path) -> None:
    names = (
        "description", "whencreated", "pwdlastset", "lastlogontimestamp", "useraccountcontrol", "enabled", "admincount",
        "serviceprincipalnames", "allowedtodelegate", "supportedencryptiontypes", "operatingsystem", "samaccountname",
    )  # fmt: skip
    text = _document("users", _row("1101", "SVC-A@LAB.LOCAL", Properties=dict.fromkeys(names, odd)))

    found, coverage = _read(_lab(tmp_path, users=text))

    assert coverage["accounts"].status in ("complete", "partial")
    assert found["WEB1$"].enabled
    assert len(found) == 2 or coverage["accounts"].status == "partial"  # the other is an account
