"""The connector against a real MariaDB: what it finds with the least rights, and what it loses without each of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pymysql
import pytest
import trustme

from connectors.mysql.rights import _TABLE as RIGHTS
from connectors.mysql.spec import TABLE
from connectors.testing import check_reading, read
from connectors.testing.reading import coverage_of, gaps_of
from scanner.model import Coverage, Identity, Workload
from tests.connectors.mysql.estates import VALUE, VARIABLE, connector, running
from tests.servers.mariadb import MariaDb, needed

pytestmark = [needed, pytest.mark.real_server]

SECRET = "planted-in-mariadb"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """The authority of the server's certificate."""
    return trustme.CA()


@pytest.fixture(scope="module")
def server(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    """With the estate, and TLS."""
    folder, issued = tmp_path_factory.mktemp("tls"), authority.issue_cert("127.0.0.1", "localhost")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    options = (f"--ssl-cert={folder / 'cert.pem'}", f"--ssl-key={folder / 'key.pem'}")
    with running(SECRET, *options) as started:
        yield started


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the scanner's account."""
    monkeypatch.setenv(VARIABLE, VALUE)


@pytest.fixture
def found(server: MariaDb) -> dict[str, Identity]:
    """The identities by name."""
    return {one.name: one for one in read(connector(server)) if isinstance(one, Identity)}


def test_the_least_account_reads_everything_and_no_secret(server: MariaDb) -> None:
    """As its policy creates it: no gap, and no password and no hash in any record."""
    records = check_reading(connector(server), secret=SECRET)

    assert {one.section for one in coverage_of(records) if one.status != "complete"} == {
        "dynamic",
        "defaults",
        "triggers",
    }
    assert VALUE not in repr(records)
    assert re.search(r"\*[0-9A-F]{40}", repr(records)) is None
    assert all(check.ok for check in connector(server).check())


def test_accounts_are_user_and_host(server: MariaDb, found: dict[str, Identity]) -> None:
    """Twins are two identities; roles are none."""
    assert {"app@%", "app@localhost", "@localhost", "report@10.%", "root@localhost"} < found.keys()
    assert not any(name.startswith(("readers", "chiefs", "PUBLIC")) for name in found)
    assert found["app@%"].key == f"mysql:127.0.0.1:{server.port}/accounts/app@%"
    assert found["app@%"].attributes["twins"] == ["app@localhost"]
    assert found["@localhost"].attributes["anonymous"] is True
    assert found["report@10.%"].attributes["default_roles"] == ["readers"]
    assert [name for name, one in found.items() if one.enabled is False] == ["locked@%", "mariadb.sys@localhost"]


def test_passwords_have_age_and_end_and_other_ways_are_federation(found: dict[str, Identity]) -> None:
    """An account may have several ways to sign in."""
    (of_app,) = found["app@%"].credentials
    assert of_app.created_at is not None
    assert of_app.expires_at == of_app.created_at + timedelta(days=90)
    assert [one.never_expires for one in found["boss@%"].credentials] == [True]
    assert [one.kind for one in found["app@localhost"].credentials] == ["federation"]
    assert {one.kind for one in found["socket_or_word@localhost"].credentials} == {"federation", "password"}
    assert found["open@%"].credentials == ()
    assert [one.kind for one in found["open@%"].trusts] == ["anyone"]


def test_levels_are_what_accounts_can_do(found: dict[str, Identity]) -> None:
    """By privileges on everything, by roles, and by the schema that has the accounts."""
    levels = {name: one.privilege.level for name, one in found.items()}

    assert levels["boss@%"] == levels["root@localhost"] == "admin"
    assert levels["writer@%"] == levels["patch@%"] == "escalation"
    assert {levels[f"{name}@%"] for name in ("chief", "definer", "standby", "files")} == {"high"}
    assert levels["report@10.%"] == "high"
    assert levels["app@%"] == levels["app@localhost"] == "normal"


def test_who_can_become_whom(server: MariaDb, found: dict[str, Identity]) -> None:
    """By new passwords, by routines of any definer, and as a proxy under a condition."""
    place = f"mysql:127.0.0.1:{server.port}/accounts"
    for name in ("chief@%", "definer@%"):
        assert [(way.kind, way.on, way.conditional) for way in found[name].reach] == [
            ("become", (f"{place}/*",), False)
        ]
    assert [(way.on, way.conditional) for way in found["front@%"].reach] == [((f"{place}/boss@%",), True)]
    assert found["app@%"].reach == ()


def test_what_runs_as_its_definer(server: MariaDb) -> None:
    """Routines and views with SQL SECURITY DEFINER, and events."""
    work = {one.name: one for one in read(connector(server)) if isinstance(one, Workload)}

    assert work.keys() == {"shop.pay", "shop.all_orders", "shop.nightly"}
    for name in ("shop.pay", "shop.all_orders"):
        assert work[name].runs_as == (f"mysql:127.0.0.1:{server.port}/accounts/app@%",)
    assert work["shop.nightly"].attributes["definer_exists"] is True


def test_super_leads_to_other_accounts_exactly_if_the_server_lets_it(server: MariaDb) -> None:
    """Compared with what it does: a routine of another definer is made, or refused."""
    server.run("CREATE USER old@'%'; GRANT SUPER ON *.* TO old@'%'; GRANT CREATE ROUTINE ON shop.* TO old@'%'")
    (old,) = (one for one in read(connector(server)) if isinstance(one, Identity) and one.name == "old@%")
    with (
        closing(pymysql.connect(host="127.0.0.1", port=server.port, user="old")) as session,
        session.cursor() as cursor,
    ):
        try:
            cursor.execute("CREATE DEFINER=boss@'%' PROCEDURE shop.taken() SQL SECURITY DEFINER SELECT 1")
            may = True
        except pymysql.err.OperationalError:
            may = False
    server.run("DROP USER old@'%'; DROP PROCEDURE IF EXISTS shop.taken")

    assert bool(old.reach) is may


def test_triggers_are_off_until_the_account_may_see_them(server: MariaDb) -> None:
    """The privilege that shows them also changes them, so it is no part of the policy: it is never an empty list."""
    (before,) = (one for one in coverage_of(read(connector(server))) if one.section == "triggers")
    server.run("GRANT TRIGGER ON *.* TO muster@'%'")
    records = read(connector(server))
    server.run("REVOKE TRIGGER ON *.* FROM muster@'%'")

    (trigger,) = (one for one in records if isinstance(one, Workload) and one.kind == "trigger")
    assert (before.status, "change them" in str(before.detail)) == ("off", True)
    assert trigger.runs_as == (f"mysql:127.0.0.1:{server.port}/accounts/boss@%",)
    assert (trigger.name, trigger.attributes["table"]) == ("shop.audited", "orders")


def test_bits_of_mariadb_are_named_as_it_names_them(server: MariaDb) -> None:
    """Each that can be granted, one after the other."""
    for name in RIGHTS.bits:
        if name == "GRANT OPTION":
            continue
        server.run(f"CREATE USER bit@'%'; GRANT {name} ON *.* TO bit@'%'")
        bit = next(one for one in read(connector(server)) if isinstance(one, Identity) and one.name == "bit@%")
        server.run("DROP USER bit@'%'")

        assert [one.name for one in bit.grants] == [name]


def test_the_number_of_queries_does_not_grow(server: MariaDb) -> None:
    """As many for hundreds of accounts as for a few."""
    before = sum(one.calls for one in coverage_of(read(connector(server))))
    server.run("".join(f"CREATE USER many{number}@'%' IDENTIFIED BY 'x';" for number in range(300)))
    records = read(connector(server))
    server.run("".join(f"DROP USER many{number}@'%';" for number in range(300)))

    assert sum(isinstance(one, Identity) for one in records) > 300
    assert sum(one.calls for one in coverage_of(records)) == before


GRANTS = [
    (name, grant)
    for name, section in TABLE.sections.items()
    for grant in section.granted("mariadb")
]  # fmt: skip


@pytest.mark.parametrize(("section", "grant"), GRANTS)
def test_what_is_denied_is_a_gap_that_names_the_right(server: MariaDb, section: str, grant: str) -> None:
    """Each grant of the policy is needed, by its section alone."""
    server.run(grant.replace("GRANT", "REVOKE", 1).replace(" TO ", " FROM "))
    gaps = {one.section: one for one in gaps_of(read(connector(server)))}
    failed = {check.name: check.fix for check in connector(server).check() if not check.ok}
    server.run(grant)

    assert {name: gap.status for name, gap in gaps.items()} == {section: "denied"}
    assert grant in str(gaps[section].permission)
    assert failed == {section: grant}


def test_a_wrong_password_is_no_empty_scan(server: MariaDb, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole server is a gap."""
    monkeypatch.setenv(VARIABLE, "wrong")

    records = read(connector(server))

    assert [(type(one), getattr(one, "scope", "")) for one in records] == [(Coverage, "*")]
    assert gaps_of(records)[0].status == "denied"
    assert [check.ok for check in connector(server).check()] == [False]


def test_the_authority_decides_which_server_is_asked(server: MariaDb, authority: trustme.CA, tmp_path: Path) -> None:
    """With a certificate of its authority it is read; of another one it is not."""
    authority.cert_pem.write_to_path(tmp_path / "right.pem")
    trustme.CA().cert_pem.write_to_path(tmp_path / "wrong.pem")

    assert gaps_of(read(connector(server, ca_file=str(tmp_path / "right.pem")))) == []
    (gap,) = gaps_of(read(connector(server, ca_file=str(tmp_path / "wrong.pem"))))
    assert (gap.scope, gap.status) == ("*", "failed")
    (gap,) = gaps_of(read(connector(server, ca_file=str(tmp_path / "missing.pem"))))
    assert (gap.scope, gap.status) == ("*", "failed")
