"""What an account can do, by the rows that MariaDB and MySQL give."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.core.contract import Scope
from connectors.mysql import rows as r
from connectors.mysql.identities import Identities, ServerFacts
from connectors.mysql.rights import Rows, _fits
from connectors.mysql.spec import SPEC
from scanner.model import Identity

SCOPE = Scope(source="prod", spec=SPEC, id="db:3306")


def _found(kind: str, accounts: list[r.MysqlAccount], *gaps: str, **rows: Any) -> dict[str, Identity]:
    server = r.Server(version="8.4.0" if kind == "mysql" else "11.8.9-MariaDB")
    facts = ServerFacts(server=server, rows=Rows(kind=kind, accounts=accounts, **rows), gaps=frozenset(gaps))
    return {one.name: one for one in Identities(SCOPE, facts)}


def test_the_kind_of_a_server() -> None:
    """By its version, or what it says of itself."""
    assert r.Server(version="11.8.9-MariaDB-0+deb13u1").kind == "mariadb"
    assert r.Server(version="10.6.1", comment="mariadb.org binary distribution").kind == "mariadb"
    assert r.Server(version="8.4.6", comment="MySQL Community Server - GPL").kind == "mysql"


def test_mysql_has_roles_that_are_locked_accounts_and_dynamic_privileges() -> None:
    """A locked account that was granted to nobody is an account."""
    accounts = [
        r.MysqlAccount(user="app", host="%", plugin="caching_sha2_password"),
        r.MysqlAccount(user="ops", host="%", locked=True),
        r.MysqlAccount(user="gone", host="%", locked=True),
    ]
    found = _found(
        "mysql",
        accounts,
        dynamic=[r.Dynamic(user="ops", host="%", privilege="SET_USER_ID")],
        members=[r.MysqlMember(user="app", host="%", role="ops", role_host="%")],
    )

    assert found.keys() == {"app@%", "gone@%"}
    assert [(one.name, one.via) for one in found["app@%"].grants] == [("SET_USER_ID", "group:ops")]
    assert found["app@%"].privilege.level == "high"
    assert [way.kind for way in found["app@%"].reach] == ["become"]


@pytest.mark.parametrize(
    ("kind", "version", "leads"),
    [
        ("mariadb", "10.11.14-MariaDB", True),
        ("mariadb", "5.5.5-10.6.1-MariaDB", True),
        ("mariadb", "11.8.9-MariaDB", False),
        ("mariadb", "MariaDB", True),
        ("mysql", "8.4.0", True),
    ],
)
def test_super_has_its_parts_but_in_newer_versions_of_mariadb(kind: str, version: str, *, leads: bool) -> None:
    """Before 11.0, who has it makes routines that run as any account; of an unknown version, it may."""
    accounts = [r.MysqlAccount(user="old", host="%", privileges="SUPER")]
    rows = Rows(kind=kind, version=r.Server(version=version).release, accounts=accounts)
    facts = ServerFacts(server=r.Server(version=version), rows=rows)
    (found,) = Identities(SCOPE, facts)

    assert [way.kind for way in found.reach] == (["become"] if leads else [])


def test_system_users_are_out_of_reach_for_others() -> None:
    """MySQL lets those alone change them who are of the kind."""
    accounts = [
        r.MysqlAccount(user="root", host="%", privileges="CREATE USER"),
        r.MysqlAccount(user="ops", host="%", privileges="CREATE USER"),
    ]
    found = _found("mysql", accounts, dynamic=[r.Dynamic(user="root", host="%", privilege="SYSTEM_USER")])

    assert found["ops@%"].reach[0].but == ("mysql:db:3306/accounts/ops@%", "mysql:db:3306/accounts/root@%")
    assert found["root@%"].reach[0].but == ("mysql:db:3306/accounts/root@%",)


@pytest.mark.parametrize("section", ["dynamic", "members", "schemas", "tables"])
def test_what_was_not_read_could_be_anything(section: str) -> None:
    """So a level that would be normal is unknown."""
    found = _found("mysql", [r.MysqlAccount(user="app", host="%")], section)

    assert (found["app@%"].privilege.level, found["app@%"].unread) == ("unknown", ("permissions",))


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("mysql", True),
        ("my%", True),
        ("m_sql", True),
        ("my\\_sql", False),
        ("m\\ysql", True),
        ("shop", False),
        ("", False),
    ],
)
def test_patterns_of_schemas(pattern: str, fits: bool) -> None:
    """As the servers read them."""
    assert _fits(pattern, "mysql") is fits


@given(st.text(), st.text(), st.integers(0, 2**64 - 1), st.integers(-(2**63), 2**63 - 1), st.integers(-1, 2**31))
def test_any_account_can_be_read(user: str, host: str, access: int, changed: int, lifetime: int) -> None:
    """Names are anything, numbers beyond all calendars are unknown."""
    account = r.MysqlAccount(user=user, host=host, access=access, changed=changed, lifetime=lifetime, more_plugins=user)
    (found,) = _found("mariadb", [account]).values()

    assert found.key.endswith(f"{user}@{host}")
