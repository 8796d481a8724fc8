"""Roles from what ``pg_dumpall --roles-only`` writes."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.core.offline import Unreadable
from connectors.postgresql.connector import PostgresqlConnector
from connectors.postgresql.dump import HEADER, parse_dump
from connectors.postgresql.spec import PostgresqlSettings
from connectors.testing import read
from connectors.testing.reading import gaps_of
from scanner.model import Identity
from tests.connectors.postgresql.estates import VALUE, VARIABLE, connector, running
from tests.servers import postgres

NEWER = f"""--
{HEADER}
--

\\restrict abc'def
CREATE ROLE app;
ALTER ROLE app WITH NOSUPERUSER INHERIT NOCREATEROLE NOCREATEDB LOGIN NOREPLICATION NOBYPASSRLS CONNECTION LIMIT 0 \
PASSWORD 'SCRAM-SHA-256$4096:it''s;secret' VALID UNTIL '2027-01-01 00:00:00+00';
CREATE ROLE "Odd ""name"";";
ALTER ROLE "Odd ""name"";" WITH NOSUPERUSER INHERIT LOGIN;
COMMENT ON ROLE app IS E'owner: ada\\\\bob; it''s';
ALTER ROLE app SET work_mem TO '4MB';
GRANT pg_monitor TO app WITH ADMIN OPTION, INHERIT FALSE, SET FALSE GRANTED BY postgres;
\\unrestrict abc'def
"""


def test_what_a_file_says_of_roles() -> None:
    """Names and texts are whatever people gave them; no password is left."""
    dump = parse_dump(NEWER)
    app, odd, _ = dump.roles

    assert (app.name, app.can_login, app.superuser, app.connections) == ("app", True, False, 0)
    assert (app.valid_until, app.description) == ("2027-01-01 00:00:00+00", "owner: ada\\bob; it's")
    assert (odd.name, odd.can_login) == ('Odd "name";', True)
    assert (app.has_password, odd.has_password) == (True, False)
    assert [(one.admin_option, one.inherit_option, one.set_option) for one in dump.members] == [(True, False, False)]
    assert [one.name for one in dump.settings] == ["work_mem"]
    assert dump.version == 160000
    assert "SCRAM" not in repr(dump)
    assert "secret" not in repr(dump)


@pytest.mark.parametrize("end", [len(NEWER) // 3, len(NEWER) - 60, NEWER.index("'4MB") + 2])
def test_a_file_that_is_cut_short_is_refused(end: int) -> None:
    """It could lack any role."""
    with pytest.raises(Unreadable):
        parse_dump(NEWER[:end])


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    """Never anything else."""
    with suppress(Unreadable):
        parse_dump(f"{HEADER}\n{text}")


@postgres.needed
@pytest.mark.real_server
def test_a_file_gives_the_roles_that_the_server_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As far as it goes: names, attributes, passwords' ends, memberships and levels, and never a password."""
    monkeypatch.setenv(VARIABLE, VALUE)
    with running("planted-in-roles") as server:
        live = {one.key: one for one in read(connector(server)) if isinstance(one, Identity)}
        for passwords in ("", "--no-role-passwords"):
            dumped = server.dump_roles(passwords)
            (tmp_path / "prod.sql").write_text(dumped)
            url = f"postgresql://muster@127.0.0.1:{server.port}/"
            records = read(PostgresqlConnector("prod", PostgresqlSettings(url=url, from_files=tmp_path)))
            found = {one.key: one for one in records if isinstance(one, Identity)}

            assert gaps_of(records) == []
            assert found.keys() == live.keys()
            for key, one in found.items():
                assert one.privilege == live[key].privilege
                assert {(link.relation, link.target) for link in one.links} == {
                    (link.relation, link.target) for link in live[key].links
                }
                assert one.description == live[key].description
                assert one.enabled == live[key].enabled
            assert "SCRAM" not in repr(records)
            assert passwords or "SCRAM" in dumped


def test_what_is_no_such_file_is_a_gap(tmp_path: Path) -> None:
    """And so is a folder without any."""
    settings = PostgresqlSettings(from_files=tmp_path)
    assert [gap.scope for gap in gaps_of(read(PostgresqlConnector("prod", settings)))] == ["*"]
    (tmp_path / "prod.sql").write_text("CREATE ROLE app;")

    gaps = gaps_of(read(PostgresqlConnector("prod", settings)))

    assert {gap.section for gap in gaps} >= {"roles", "members", "settings"}
    assert [check.ok for check in PostgresqlConnector("prod", settings).check()] == [False]
