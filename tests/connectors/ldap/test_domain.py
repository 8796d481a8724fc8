"""Accounts of a real domain: what they are, their credentials and use, and what their groups amount to."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.ldap.connector import LdapConnector
from connectors.ldap.settings import LdapSettings
from connectors.testing import check_reading, read
from scanner.judging.nature import judge_nature
from scanner.judging.usage import judge_usage
from scanner.model import Coverage, Identity
from scanner.redaction.redact import SecretRef
from scanner.rules import directory
from scanner.rules.base import Rule
from tests.cli.conftest import Muster, muster
from tests.connectors.ldap.seed_values import SECRET
from tests.servers.samba import PASSWORD, READER, DomainController

__all__ = ["muster"]
pytestmark = pytest.mark.real_server


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the account that reads."""
    monkeypatch.setenv("LDAP_PASSWORD", PASSWORD)


def connector(domain: DomainController, **given: Any) -> LdapConnector:
    """Reads the domain as an ordinary user."""
    ways = {"url": domain.secure_url, "ca_file": domain.ca_file, "bind_dn": READER}
    return LdapConnector("prod", LdapSettings(**{**ways, "password": SecretRef(env="LDAP_PASSWORD"), **given}))


def found_in(domain: DomainController, **given: Any) -> dict[str, Identity]:
    """The identities by name."""
    return {one.name: one for one in read(connector(domain, **given)) if isinstance(one, Identity)}


def test_a_domain_is_read_whole(domain: DomainController) -> None:
    """By the contract of all connectors, and without the password that stands in a description."""
    records = check_reading(connector(domain), secret=SECRET, deadline=60.0)

    accounts = [one for one in records if isinstance(one, Identity)]
    assert {one.provider for one in accounts} == {"activedirectory"}
    assert {one.scope for one in accounts} == {"corp.example.test"}
    coverage = {one.section: one.status for one in records if isinstance(one, Coverage)}
    assert (coverage["accounts"], coverage["groups"], coverage["policies"]) == ("complete", "complete", "off")


def test_an_account_has_the_names_that_registries_use(domain: DomainController) -> None:
    sql = found_in(domain)["svc-sql"]

    assert sql.key == f"corp.example.test/user/{sql.unique_id}"
    assert {
        "CN=svc-sql,OU=Services,DC=corp,DC=example,DC=test",
        "svc-sql@corp.example.test",
        "CORP\\svc-sql",
        sql.attributes["object_sid"],
    } <= set(sql.aliases)
    assert sql.attributes["object_sid"].startswith("S-1-5-21-")
    assert sql.description == "SQL Server, Kennwort: •••"
    assert sql.attributes["owners"][0]["email"] == "ada@example.test"


def test_what_an_account_is_follows_from_facts(domain: DomainController) -> None:
    """Never from its name, and a password makes nobody a person."""
    found = found_in(domain)

    natures = {name: judge_nature(one, None).verdict for name, one in found.items()}
    assert (natures["svc-sql"], natures["web1$"], natures["gmsa-web$"]) == ("non_human", "non_human", "non_human")
    assert (natures["ada"], natures["svc-backup"]) == ("human", "unknown")


def test_passwords_have_ages_and_ends(domain: DomainController) -> None:
    found = found_in(domain)

    (sql,) = (one for one in found["svc-sql"].credentials if one.kind == "password")
    (backup,) = found["svc-backup"].credentials
    assert (sql.never_expires, sql.expires_at) == (True, None)
    assert sql.created_at is not None
    assert backup.created_at is not None
    assert timedelta(days=799) < backup.created_at - sql.created_at < timedelta(days=801)
    assert (backup.never_expires, backup.expires_at) == (False, backup.created_at + timedelta(days=42))
    assert found["gmsa-web$"].credentials[0].attributes == {"managed": True}
    assert found["gmsa-web$"].kind == "msDS-GroupManagedServiceAccount"


def test_keys_and_certificates_are_credentials(domain: DomainController) -> None:
    credentials = {one.attributes.get("type"): one for one in found_in(domain)["svc-sql"].credentials}

    assert credentials["key credential"].id == "ab" * 32
    assert credentials["mapped in altSecurityIdentities"].id == "X509:<I>DC=test,CN=ca<SR>0a"


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("svc-backup", "active"),  # 3 days ago
        ("svc-sql", "unknown"),  # 97 days ago: the record lags up to 14 days
        ("svc-idle", "dormant"),  # 120 days ago
        ("svc-old", "disabled"),
    ],
)
def test_use_inside_the_lag_of_the_record_is_unknown(domain: DomainController, name: str, state: str) -> None:
    """Of a window of 90 days. The accounts are older than it."""
    from datetime import UTC, datetime

    now = datetime.now(UTC)

    assert judge_usage(found_in(domain)[name], window_days=90, now=now).state == state


@pytest.mark.parametrize(
    ("name", "level", "evidence"),
    [
        ("Administrator", "admin", "member of Domain Admins: administers the domain"),
        ("svc-old", "admin", "member of Administrators through Domain Admins: administers the domain"),
        ("svc-backup", "escalation", "member of Backup Operators through Tier1, Helpdesk: may copy"),
        ("DC1$", "admin", "a domain controller: it holds the directory"),
        ("krbtgt", "admin", "the account with whose key every ticket is made"),
        ("web1$", "high", "unconstrained delegation: it keeps the tickets"),
        ("svc-sql", "normal", ""),
    ],
)
def test_groups_and_delegation_make_the_level(domain: DomainController, name: str, level: str, evidence: str) -> None:
    """Nested groups, the primary group, and flags."""
    privilege = found_in(domain)[name].privilege

    assert privilege.level == level
    assert any(one.startswith(evidence) for one in privilege.evidence) or not evidence


def test_computers_that_only_sign_in_are_left_out_unless_all_are_asked_for(domain: DomainController) -> None:
    assert "laptop1$" not in found_in(domain)
    assert "laptop1$" in found_in(domain, computers="all")


def test_a_part_of_a_domain_is_a_scope_of_its_own(domain: DomainController) -> None:
    """With the groups of the whole domain."""
    found = found_in(domain, base_dn="OU=Services,DC=corp,DC=example,DC=test")

    assert "svc-old" in found
    assert "Administrator" not in found
    assert found["svc-old"].privilege.level == "admin"
    assert {one.scope for one in found.values()} == {"corp.example.test/ou=services,dc=corp,dc=example,dc=test"}


@pytest.mark.parametrize("bind", [READER, "svc-muster@corp.example.test", "CORP\\svc-muster"])
def test_every_name_signs_in_by_starttls(domain: DomainController, bind: str) -> None:
    assert "svc-sql" in found_in(domain, url=domain.url, start_tls=True, bind_dn=bind)


def test_a_sign_in_in_clear_text_is_refused_by_the_domain(domain: DomainController) -> None:
    """And the gap says what to do."""
    coverage = [one for one in read(connector(domain, url=domain.url, ca_file=None)) if isinstance(one, Coverage)]

    assert [(one.section, one.status) for one in coverage] == [("root", "denied")]
    assert "use ldaps://, or start_tls = true" in str(coverage[0].detail)


def test_the_doctor_looks_at_each_section(domain: DomainController) -> None:
    assert all(one.ok for one in connector(domain).check())


def test_what_a_domain_lets_anybody_try_is_found(domain: DomainController, tmp_path: Path, muster: Muster) -> None:
    """By the rules about accounts of a directory, each once."""
    ways = f"url={domain.secure_url},ca_file={domain.ca_file},bind_dn=svc-muster@corp.example.test"

    muster("scan", f"ldap:{ways},password=env:LDAP_PASSWORD", "-o", f"json:{tmp_path / 'r.json'}")

    scan = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    names = {one["key"]: one["name"] for one in scan["identities"]}
    rules = {rule.id for rule in vars(directory).values() if isinstance(rule, Rule)}
    found = [(one["rule"], names[one["identity"]]) for one in scan["findings"] if one["rule"] in rules]
    assert sorted(found) == [
        ("admin_count_left_behind", "svc-idle"),
        ("kerberoastable", "svc-sql"),
        ("no_preauthentication", "svc-backup"),
        ("unconstrained_delegation", "web1$"),
        ("weak_kerberos_encryption", "svc-idle"),
    ]


def test_the_domain_s_own_account_is_managed_by_it(domain: DomainController) -> None:
    """Nobody registers krbtgt."""
    found = found_in(domain)

    assert {name for name, one in found.items() if one.managed_by is not None} == {"krbtgt"}
