"""What SharpHound collected of a domain is read as the domain itself is."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from connectors.core.contract import Meter
from connectors.ldap.client.connection import Connection
from connectors.ldap.connector import LdapConnector
from connectors.ldap.settings import LdapSettings
from connectors.testing import check_reading, read
from scanner.model import Coverage, Identity
from scanner.redaction.redact import SecretRef
from tests.cli.conftest import muster
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
        (1 << 15, "logon_rights", "the collection left out rights to sign in to machines (method UserRights)"),
    ],
)
def test_what_a_collection_left_out_is_a_gap(
    collected: Collector, tmp_path: Path, method: int, section: str, says: str
) -> None:
    coverage = _read(collected.write(tmp_path / "c", methods=ALL & ~method))[1]

    assert coverage[section].is_gap
    assert says in str(coverage[section].detail)
    assert {name for name, one in coverage.items() if one.is_gap} == {section}
