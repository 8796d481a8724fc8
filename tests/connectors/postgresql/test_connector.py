"""The connector against a real server: what it finds with the least rights, and what it loses without each of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from connectors.postgresql.connector import PostgresqlConnector
from connectors.testing import check_reading, read
from connectors.testing.reading import coverage_of, gaps_of
from scanner.model import Coverage, Identity, StoredSecret, Workload
from tests.connectors.postgresql.estates import VALUE, VARIABLE, connector, running
from tests.servers.postgres import Postgres, needed

pytestmark = [needed, pytest.mark.real_server]

SECRET = "planted-in-postgresql"


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """With the estate."""
    with running(SECRET) as started:
        yield started


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the scanner's role."""
    monkeypatch.setenv(VARIABLE, VALUE)


@pytest.fixture
def found(server: Postgres) -> dict[str, Identity]:
    """The identities by name."""
    return {one.name: one for one in read(connector(server)) if isinstance(one, Identity)}


def test_the_least_role_reads_everything_and_no_secret(server: Postgres) -> None:
    """As its policy creates it: no gap, every section complete or not there, and no secret in any record."""
    records = check_reading(connector(server), secret=SECRET)

    sections = {one.section: one.status for one in coverage_of(records)}
    assert {name for name, status in sections.items() if status != "complete"} == {"entra"}
    assert VALUE not in repr(records)


def test_login_roles_are_identities(server: Postgres, found: dict[str, Identity]) -> None:
    """Roles without LOGIN are none; names may be anything."""
    assert {"app", "alice", "odd name/*?%é", "muster"} < found.keys()
    assert found.keys().isdisjoint({"dba", "readers", "pg_monitor"})
    assert found["app"].key == f"postgresql:127.0.0.1:{server.port}/roles/app"
    assert found["app"].description == "shop, owner ada@example.com"
    assert [name for name, one in found.items() if one.enabled is False] == ["off"]


def test_a_password_has_the_end_that_valid_until_says(found: dict[str, Identity]) -> None:
    """`infinity`, and no date, are no end."""
    (ends,) = found["app"].credentials
    (forever,) = found["forever"].credentials

    assert (ends.kind, ends.expires_at) == ("password", datetime(2027, 1, 1, tzinfo=UTC))
    assert (forever.expires_at, forever.never_expires) == (None, True)


def test_levels_are_what_roles_can_do(found: dict[str, Identity]) -> None:
    """By attributes, by predefined roles at any distance, and by roles that they can become."""
    levels = {name: one.privilege.level for name, one in found.items()}

    assert levels["root"] == "admin"
    assert levels["alice"] == levels["files"] == levels["maker"] == "escalation"
    assert levels["standby"] == levels["report"] == "high"
    assert levels["app"] == levels["muster"] == levels["deputy"] == "normal"
    assert "dba" in found["alice"].privilege.evidence[0]


def test_who_can_become_whom(server: Postgres, found: dict[str, Identity]) -> None:
    """A member becomes a role with a login, by a link; of others it is only a member."""
    place = f"postgresql:127.0.0.1:{server.port}/roles"

    assert [(one.relation, one.target) for one in found["deputy"].links] == [("can_assume", f"{place}/root")]
    assert [(one.relation, one.target) for one in found["alice"].links] == [("member_of", f"{place}/dba")]


def test_ownership_and_settings(found: dict[str, Identity]) -> None:
    """How many objects of each sort; of settings the names alone."""
    owned = {one.resource for one in found["app"].grants if one.name == "owner"}

    assert {"1 relations of database shop", "1 functions of database shop", "1 databases of the server"} <= owned
    assert found["app"].attributes["settings"] == ["my.secret"]


def test_rules_of_pg_hba(found: dict[str, Identity]) -> None:
    """Which methods let a role in; those for replication are about roles that replicate."""
    assert any("scram-sha-256" in rule for rule in found["app"].attributes["signs_in_by"])
    assert not any("replication" in rule for rule in found["app"].attributes["signs_in_by"])
    assert any("replication" in rule for rule in found["standby"].attributes["signs_in_by"])


def test_what_runs_as_roles_and_what_is_stored(server: Postgres) -> None:
    """SECURITY DEFINER functions, subscriptions, and user mappings."""
    records = read(connector(server))
    work = {one.name: one for one in records if isinstance(one, Workload)}
    stored = {one.name for one in records if isinstance(one, StoredSecret)}

    assert work.keys() == {"public.pay", "public.sealed", "mirror"}
    assert work["public.pay"].runs_as == (f"postgresql:127.0.0.1:{server.port}/roles/app",)
    assert work["public.pay"].attributes["callable_by_everybody"] is True
    assert work["public.pay"].attributes["fixed_search_path"] is False
    assert work["public.sealed"].attributes["callable_by_everybody"] is False
    assert work["public.sealed"].attributes["fixed_search_path"] is True
    assert stored == {"stock for app", "stock for PUBLIC", "connection of mirror"}


def test_a_database_costs_the_same_queries_whatever_its_size(server: Postgres) -> None:
    """As many for a thousand roles and functions as for none."""
    before = sum(one.calls for one in coverage_of(read(connector(server))))
    server.pipe(
        "\\connect shop\nDO $$ BEGIN FOR n IN 1..300 LOOP EXECUTE format('CREATE ROLE many_%s LOGIN', n);"
        "EXECUTE format('CREATE FUNCTION many_%s() RETURNS int LANGUAGE sql SECURITY DEFINER AS ''SELECT 1''', n);"
        "END LOOP; END $$;"
    )
    records = read(connector(server))
    after = sum(one.calls for one in coverage_of(records))
    server.pipe(
        "\\connect shop\nDO $$ BEGIN FOR n IN 1..300 LOOP EXECUTE format('DROP ROLE many_%s', n);"
        "EXECUTE format('DROP FUNCTION many_%s()', n); END LOOP; END $$;"
    )

    assert sum(isinstance(one, Identity) for one in records) > 300
    assert after == before


REFUSALS = {
    "activity": ("REVOKE pg_read_all_stats FROM muster", "GRANT pg_read_all_stats TO muster"),
    "definers:shop": ("REVOKE CONNECT ON DATABASE shop FROM PUBLIC", "GRANT CONNECT ON DATABASE shop TO PUBLIC"),
    "members": (
        "REVOKE SELECT ON pg_auth_members FROM PUBLIC",
        "GRANT SELECT ON pg_auth_members TO PUBLIC",
    ),
    "mappings:shop": (
        "\\connect shop\nREVOKE SELECT ON pg_user_mappings FROM PUBLIC",
        "\\connect shop\nGRANT SELECT ON pg_user_mappings TO PUBLIC",
    ),
}


@pytest.mark.parametrize("section", sorted(REFUSALS))
def test_what_is_denied_is_a_gap_that_names_the_right(server: Postgres, section: str) -> None:
    """And nothing else is one; `doctor` names it where it can be granted."""
    revoke, grant = REFUSALS[section]
    server.pipe(f"{revoke};")
    records = read(connector(server))
    checks = [check for check in connector(server).check() if not check.ok]
    server.pipe(f"{grant};")
    gaps = {one.section: one for one in gaps_of(records)}

    assert gaps[section].status == "denied"
    assert gaps[section].permission
    assert {name.partition(":")[0] for name in gaps} <= {section.partition(":")[0], "mappings"}
    if section in ("activity", "definers:shop"):
        assert [check.fix for check in checks] == [gaps[section].permission]
    if section == "members":
        found = {one.name: one for one in records if isinstance(one, Identity)}
        assert (found["alice"].privilege.level, found["alice"].unread) == ("unknown", ("permissions",))


def test_rules_that_may_not_be_read_are_off(server: Postgres) -> None:
    """A managed service grants them to nobody."""
    server.pipe("REVOKE SELECT ON pg_catalog.pg_hba_file_rules FROM muster;")
    records = read(connector(server))
    server.pipe("GRANT SELECT ON pg_catalog.pg_hba_file_rules TO muster;")

    assert [one.status for one in coverage_of(records) if one.section == "hba"] == ["off"]
    assert gaps_of(records) == []


def test_a_wrong_password_is_no_empty_scan(server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole server is a gap."""
    monkeypatch.setenv(VARIABLE, "wrong")

    records = read(connector(server))

    assert [(type(one), getattr(one, "scope", "")) for one in records] == [(Coverage, "*")]
    assert gaps_of(records)[0].status == "denied"
    assert [check.ok for check in connector(server).check()] == [False]


def test_a_server_that_cannot_prove_itself_gets_no_password(server: Postgres) -> None:
    """It has no certificate, so with `tls` there is no connection."""
    for tls in ("verify", "encrypt"):
        (gap,) = gaps_of(read(connector(server, tls=tls)))

        assert gap.status == "failed"


def test_the_role_of_the_policy_can_change_nothing(server: Postgres) -> None:
    """It has no attribute, and its sessions only read."""
    me = next(one for one in read(connector(server)) if isinstance(one, Identity) and one.name == "muster")

    assert [one.name for one in me.grants if one.name.isupper()] == []
    assert "default_transaction_read_only = on" in PostgresqlConnector.base_policy()


def test_the_authority_decides_which_server_is_asked(server: Postgres, tmp_path: Path) -> None:
    """With a certificate of its authority it is read; of another one it is not."""
    authority, other = trustme.CA(), trustme.CA()
    for name, each in (("right.pem", authority), ("wrong.pem", other)):
        each.cert_pem.write_to_path(tmp_path / name)
    with server.encrypted(authority.issue_cert("127.0.0.1", "localhost")):
        read_whole = gaps_of(read(connector(server, ca_file=str(tmp_path / "right.pem"))))
        refused = read(connector(server, ca_file=str(tmp_path / "wrong.pem")))

    assert read_whole == []
    assert [(gap.scope, gap.status) for gap in gaps_of(refused)] == [("*", "failed")]
    assert len(refused) == 1
