"""OpenLDAP's own server: ways to sign in, what is read, and what is denied."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connectors.ldap.connector import LdapConnector
from connectors.ldap.settings import LdapSettings
from connectors.testing import read
from scanner.errors import SourceError
from scanner.model import Coverage, Identity
from tests.cli.conftest import Muster, muster
from tests.connectors.ldap.company import READER, READS_WITH, SECRET, company, company_settings, entry
from tests.servers.slapd import SUFFIX, Slapd, needed

__all__ = ["muster"]
pytestmark = [needed, pytest.mark.real_server]


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the account that reads."""
    monkeypatch.setenv("LDAP_PASSWORD", READS_WITH)


@pytest.fixture(scope="module")
def server() -> Iterator[Slapd]:
    """The company."""
    with Slapd(company()) as running:
        yield running


def _read(server: Slapd, **given: Any) -> tuple[dict[str, Identity], dict[str, Coverage]]:
    records = read(LdapConnector("prod", company_settings(server, **given)))
    return (
        {one.name: one for one in records if isinstance(one, Identity)},
        {one.section: one for one in records if isinstance(one, Coverage)},
    )


def test_services_are_identities_with_their_names_and_groups(server: Slapd) -> None:
    found, coverage = _read(server)

    assert sorted(found) == ["backup", "crm", "muster"]
    backup = found["backup"]
    assert backup.key == f"example.org/account/{backup.unique_id}"
    assert (backup.provider, backup.scope, backup.kind, backup.enabled) == ("ldap", "example.org", "account", True)
    assert backup.aliases == (f"uid=backup,ou=services,{SUFFIX}",)
    assert backup.created_at is not None
    assert [link.evidence for link in backup.links] == ["member of operators"]
    assert backup.description == "nightly backup, password: •••"
    assert SECRET not in repr(found)
    assert {name: one.status for name, one in coverage.items()} == {
        **dict.fromkeys(("root", "groups", "accounts"), "complete"),
        "acls": "not_offered",
    }
    assert "olcAccess of OpenLDAP" in str(coverage["acls"].detail)


def test_people_are_read_if_their_class_is_named(server: Slapd) -> None:
    ada = _read(server, classes=("inetOrgPerson",))[0]["ada"]

    assert (ada.kind, ada.name) == ("inetOrgPerson", "ada")
    assert [(one.says, one.strength) for one in ada.signals if one.sort == "provider"] == [("human", "strong")]


@pytest.mark.parametrize("way", ["start_tls", "certificate", "plain"])
def test_every_way_to_sign_in_reads_the_same(server: Slapd, way: str) -> None:
    certificate, key = server.client("muster")
    ways: dict[str, dict[str, Any]] = {
        "start_tls": {"url": server.url, "start_tls": True},
        "certificate": {
            "sasl": "external", "certificate": certificate, "key": key, "bind_dn": None, "password": None,
        },
        "plain": {"url": server.url, "ca_file": None},
    }  # fmt: skip

    assert sorted(_read(server, **ways[way])[0]) == ["backup", "crm", "muster"]


def test_anybody_is_denied(server: Slapd) -> None:
    """Without a name the server shows nothing, which is one gap and no empty directory."""
    found, coverage = _read(server, bind_dn=None, password=None)

    assert found == {}
    assert [(one.section, one.status) for one in coverage.values()] == [("root", "denied")]


@pytest.mark.parametrize("wrong", ["password", "authority", "base"])
def test_a_wrong_password_authority_or_base_ends_the_scan(
    server: Slapd, wrong: str, muster: Muster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 4, with what to do."""
    if wrong == "password":
        monkeypatch.setenv("LDAP_PASSWORD", "not-the-password")
    given = {
        "ca_file": "" if wrong == "authority" else server.ca_file,
        "base_dn": "dc=nowhere" if wrong == "base" else "",
    }
    config = "\n".join(
        (
            "[[source]]",
            'type = "ldap"',
            f'url = "{server.secure_url}"',
            f'bind_dn = "{READER}"',
            'password = { env = "LDAP_PASSWORD" }',
            *(f'{name} = "{value}"' for name, value in given.items() if value),
        )
    )
    (server.folder / "config.toml").write_text(config, encoding="utf-8")

    done = muster("scan", "--config", str(server.folder / "config.toml"))

    says = {"password": "check bind_dn and password", "authority": "set ca_file", "base": "check base_dn"}
    assert done.code == 4
    assert says[wrong] in done.err
    assert "not-the-password" not in done.err


def test_the_server_s_pages_are_followed() -> None:
    """More entries than a page has."""
    many = "\n".join(entry(f"uid=s{at},ou=services", "account", uid=f"s{at}") for at in range(25))
    with Slapd(company() + "\n" + many, largest_page=7) as server:
        found, coverage = _read(server, page_size=7)

    assert len(found) == 28
    assert (coverage["accounts"].status, coverage["accounts"].calls) == ("complete", 4)


def test_attributes_that_may_not_be_read_are_unknown() -> None:
    """The server leaves them out: no date, and no use of any day."""
    access = "access to attrs=createTimestamp,description by * none\naccess to * by users read by * none"
    with Slapd(company(), access=access) as server:
        backup = _read(server)[0]["backup"]

    assert (backup.created_at, backup.description, backup.use_tracked_days) == (None, None, None)


def test_the_doctor_signs_in_and_looks_at_each_section(server: Slapd) -> None:
    checks = list(LdapConnector("prod", company_settings(server)).check())
    refused = list(LdapConnector("prod", company_settings(server, ca_file=None)).check())

    assert [(one.name, one.ok) for one in checks] == [
        ("server", True),
        ("accounts in example.org", True),
        ("groups in example.org", True),
    ]
    assert [(one.ok, one.fix) for one in refused] == [
        (False, "set ca_file to the file of the authority that issued it")
    ]


def test_the_printed_rules_let_the_account_read_and_see_no_password() -> None:
    """As an administrator would add them, before rules that show nothing."""
    with Slapd(company()) as server:
        policy = LdapConnector("prod", company_settings(server)).policy()
    rules = [
        one.replace("olcAccess: to", "access to")
        for one in policy.splitlines()
        if one.startswith(("olcAccess:", "  by"))
    ]
    with Slapd(company(), access="\n".join([*rules, "access to * by * none"])) as server:
        found, coverage = _read(server)

    assert sorted(found) == ["backup", "crm", "muster"]
    assert {one.status for one in coverage.values()} == {"complete", "not_offered"}


def test_a_part_on_another_server_is_a_gap_unless_it_is_followed() -> None:
    """One step, with the same account; what the other server refers to in turn is named."""
    elsewhere = entry("ou=elsewhere", "organizationalUnit", ou="elsewhere")
    elsewhere += "\n" + entry("uid=far,ou=elsewhere", "account", uid="far")
    elsewhere += "\n" + _refers("ou=further,ou=elsewhere", "ldap://127.0.0.1:1/dc=nowhere")
    plain = {"ca_file": None}
    with (
        Slapd(company() + "\n" + elsewhere) as other,
        Slapd(
            f"{company()}\n{_refers('ou=elsewhere', f'{other.url}/ou=elsewhere,{SUFFIX}')}\n"
            f"{_refers('ou=away', 'ldap://127.0.0.1:1/ou=away')}"
        ) as server,
    ):
        left, gap = _read(server, url=server.url, **plain)
        found, followed = _read(server, url=server.url, follow_referrals=True, **plain)

    assert "far" not in left
    assert gap["accounts"].status == "partial"
    assert f"{other.url}/ou=elsewhere,{SUFFIX}" in str(gap["accounts"].detail)
    assert "set follow_referrals = true" in str(gap["accounts"].detail)
    assert set(found) == {*left, "far"}
    assert all(f"ldap://127.0.0.1:1/{dn}" in str(followed["accounts"].detail) for dn in ("dc=nowhere", "ou=away"))


def _refers(dn: str, url: str) -> str:
    return entry(dn, "referral", "extensibleObject", ou=dn.partition(",")[0].removeprefix("ou="), ref=url)


@pytest.mark.parametrize(
    ("own", "url", "leads"),
    [
        ("ldaps://a.example.org", "ldap://b.example.org/dc=b", ("ldaps://b.example.org", "dc=b")),
        ("ldaps://a.example.org", "ldap://b.example.org:389/dc=b??sub", ("ldaps://b.example.org", "dc=b")),
        ("ldaps://a.example.org", "ldaps://[::1]:1636/dc%3Db", ("ldaps://[::1]:1636", "dc=b")),
        ("ldap://127.0.0.1", "ldap://127.0.0.1:390", ("ldap://127.0.0.1:390", "")),
        ("ldap://127.0.0.1", "ldap://b.example.org", None),  # the password would go in clear text
        ("ldaps://a.example.org", "https://b.example.org", None),
        ("ldaps://a.example.org", "ldap://b:x/", None),
    ],
)
def test_a_reference_never_takes_encryption_away(own: str, url: str, leads: tuple[str, str] | None) -> None:
    settings = LdapSettings(url=own, follow_referrals=True)
    if leads is None:
        with pytest.raises(SourceError, match="cannot be followed"):
            settings.referred(url)
        return

    other, dn = settings.referred(url)

    assert ((other.url, dn), other.follow_referrals) == (leads, False)
