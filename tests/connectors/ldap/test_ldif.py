"""Exported files in LDIF are read as a server is."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.core.offline import Unreadable
from connectors.ldap.connector import LdapConnector
from connectors.ldap.exports.ldif import parse_ldif
from connectors.ldap.settings import LdapSettings
from connectors.testing import read
from scanner.model import Coverage, Identity
from tests.cli.conftest import Muster, muster
from tests.connectors.ldap.company import SECRET, company
from tests.connectors.ldap.test_domain import connector, password
from tests.servers.samba import PASSWORD, READER, SUFFIX, DomainController

__all__ = ["muster", "password"]


def _read(path: Path) -> tuple[dict[str, Identity], dict[str, Coverage]]:
    records = read(LdapConnector("prod", LdapSettings(from_files=path)))
    return (
        {one.name: one for one in records if isinstance(one, Identity)},
        {one.section: one for one in records if isinstance(one, Coverage)},
    )


def test_an_export_of_a_directory_is_read_as_of_its_day(tmp_path: Path) -> None:
    """And no password in it is kept."""
    (tmp_path / "all.ldif").write_text("version: 1\n\n# a comment\n" + company(), encoding="utf-8")

    found, coverage = _read(tmp_path)

    assert sorted(found) == ["backup", "crm", "muster"]
    assert found["backup"].observed_at is not None
    assert [one.evidence for one in found["backup"].links] == ["member of operators"]
    assert {one.status for one in coverage.values()} == {"complete", "not_offered"}
    assert SECRET not in repr(found)


@pytest.mark.real_server
def test_an_export_of_a_domain_says_what_the_domain_says(domain: DomainController, tmp_path: Path) -> None:
    """By OpenLDAP's own tool, security descriptors included."""
    file = tmp_path / "domain.ldif"
    command = ["ldapsearch", "-LLL", "-x", "-H", domain.secure_url, "-D", READER, "-w", PASSWORD, "-b", SUFFIX]
    command += ["-E", "!1.2.840.113556.1.4.801=::MAMCAQc=", "(objectClass=*)", "*", "nTSecurityDescriptor"]
    command += ["msDS-UserPasswordExpiryTimeComputed", "memberOf"]
    try:
        done = subprocess.run(command, env={"LDAPTLS_CACERT": domain.ca_file}, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("needs ldapsearch: apt-get install ldap-utils")
    file.write_bytes(done.stdout)
    live = {one.key: one for one in read(connector(domain)) if isinstance(one, Identity)}

    found, coverage = _read(file)

    assert {one.status for one in coverage.values()} <= {"complete", "off"}
    assert {one.key: (one.privilege, one.reach) for one in found.values()} == {
        key: (one.privilege, one.reach) for key, one in live.items()
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("dn: cn=a\ncn:: ???\n", "line 2: its base64 is damaged"),
        ("cn: a\n", "line 1: an attribute before"),
        ("dn: cn=a\ndn: cn=b\n", "line 2: an entry has two names"),
        ("dn: cn=a\nchangetype: delete\n", "line 2: it has changes"),
        ("{}", "line 1: it is no LDIF"),
    ],
)
def test_what_is_no_ldif_is_named_with_its_line(text: str, says: str, tmp_path: Path, muster: Muster) -> None:
    """Exit 4: nothing was read."""
    (tmp_path / "a.ldif").write_text(text, encoding="utf-8")

    done = muster("scan", f"ldap:from_files={tmp_path / 'a.ldif'}")

    assert done.code == 4
    assert says in done.err


def test_what_was_not_exported_is_a_gap(tmp_path: Path) -> None:
    """Here, groups."""
    text = "dn: uid=a,dc=example,dc=org\nobjectClass: account\nuid: a\n"
    (tmp_path / "a.ldif").write_text(text, encoding="utf-8")

    found, coverage = _read(tmp_path)

    assert (list(found), coverage["groups"].status) == (["a"], "skipped")


def test_lines_that_go_on_are_joined() -> None:
    (entry,) = parse_ldif("dn: cn=a,\r\n dc=b\r\ncn: on\r\n e\r\ncn:: dHdv\r\n")

    assert (entry.dn, entry.values) == ("cn=a,dc=b", {"cn": [b"one", b"two"]})


@given(st.text(alphabet="dncgv: \n=<#aé\r", max_size=60))
def test_any_text_is_entries_or_unreadable(text: str) -> None:
    try:
        found = list(parse_ldif(text))
    except Unreadable:
        return
    assert all(isinstance(one.dn, str) for one in found)
