"""Accounts of MariaDB and of directories on real servers: disabled, denied, and enabled again by the plan's commands."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Muster
from tests.cli.retiring import run, stage, started
from tests.connectors.ldap.company import READER, READS_WITH, SECRET, company, entry
from tests.connectors.mysql import estates
from tests.servers import mariadb, samba, slapd
from tests.servers.mariadb import MariaDb
from tests.servers.samba import DomainController
from tests.servers.slapd import Slapd

pytestmark = pytest.mark.real_server


# --- MariaDB ---


@mariadb.needed
@pytest.mark.parametrize("name", ["old", "it''s; old"])
def test_an_account_of_mariadb_is_locked_and_unlocked(
    muster: Muster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    import pymysql

    plain = name.replace("''", "'")
    monkeypatch.setenv(estates.VARIABLE, estates.VALUE)
    with estates.running("planted") as server:
        server.run(f"CREATE USER '{name}'@'127.0.0.1' IDENTIFIED BY 'let-me-in';")
        _connects_as_root(server, tmp_path, monkeypatch)
        (tmp_path / "config.toml").write_text(
            f'[[source]]\nname = "db"\ntype = "mysql"\nurl = "mysql://muster@127.0.0.1:{server.port}/"\n'
            f'password = {{ env = "{estates.VARIABLE}" }}\n'
        )

        def login() -> None:
            pymysql.connect(host="127.0.0.1", port=server.port, user=plain, password="let-me-in").close()

        login()
        before = stage_of_none(muster)
        verdict, plan = started(muster, f"{plain}@127.0.0.1")
        run(plan["disabled"]["commands"], tmp_path)
        with pytest.raises(pymysql.err.OperationalError, match="locked"):
            login()
        disabled = stage(muster)
        run(plan["disabled"]["undo"], tmp_path)
        login()
        back = stage(muster)
        run(plan["deleted"]["commands"], tmp_path)

        assert (before, verdict, disabled, back, stage(muster)) == ([], "unknown", "disabled", None, "deleted")


def stage_of_none(muster: Muster) -> list[object]:
    """A first scan, before anything is retired."""
    from tests.cli.retiring import scanned

    found: list[object] = scanned(muster)["retirements"]
    return found


def _connects_as_root(server: MariaDb, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The option file by which the client connects."""
    (folder / ".my.cnf").write_text(
        f"[client]\nuser=root\nhost=localhost\nsocket={server.socket}\nskip-ssl\n"
    )
    monkeypatch.setenv("HOME", str(folder))


# --- OpenLDAP ---

_POLICY = "cn=policy,ou=services"


def _directory(*, locks: bool) -> str:
    policy = entry(
        _POLICY, "device", "pwdPolicy", cn="policy", pwdAttribute="userPassword", pwdLockout="TRUE" if locks else "FALSE",
    )  # fmt: skip
    return f"{company()}\n{policy}"


@slapd.needed
def test_an_entry_of_openldap_is_locked_and_unlocked(
    muster: Muster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dn = f"uid=crm,ou=services,{slapd.SUFFIX}"
    with Slapd(_directory(locks=True), policy=_POLICY) as server:
        _signs_in_to(server.url, slapd.ADMIN, slapd.PASSWORD, tmp_path, monkeypatch)
        monkeypatch.setenv("LDAP_PASSWORD", READS_WITH)
        _reads(tmp_path, server.secure_url, server.ca_file, READER)

        assert _whoami(server.url, dn, SECRET) == 0
        before = stage_of_none(muster)
        verdict, plan = started(muster, "crm")
        run(plan["disabled"]["commands"], tmp_path)
        refused = _whoami(server.url, dn, SECRET)
        disabled = stage(muster)
        run(plan["disabled"]["undo"], tmp_path)
        admitted = _whoami(server.url, dn, SECRET)
        back = stage(muster)
        run(plan["deleted"]["commands"], tmp_path)

        assert (before, verdict) == ([], "unknown")
        assert (refused, admitted) == (_INVALID_CREDENTIALS, 0)
        assert (disabled, back, stage(muster)) == ("disabled", None, "deleted")


# --- Active Directory ---


@samba.needed
@pytest.mark.parametrize("name", ["svc-idle"])
def test_a_user_of_a_domain_is_disabled_and_enabled(
    muster: Muster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    seed = Path(__file__).parents[1] / "connectors" / "ldap" / "seed_domain.py"
    with DomainController(seed) as domain:
        monkeypatch.setenv("LDAPTLS_CACERT", domain.ca_file)
        admin = f"CN=Administrator,CN=Users,{samba.SUFFIX}"
        _signs_in_to(domain.secure_url, admin, samba.PASSWORD, tmp_path, monkeypatch)
        monkeypatch.setenv("LDAP_PASSWORD", samba.PASSWORD)
        _reads(tmp_path, domain.secure_url, domain.ca_file, samba.READER)
        before = stage_of_none(muster)
        verdict, plan = started(muster, name)
        as_it = f"{name}@{samba.REALM.lower()}", samba.PASSWORD

        assert _whoami(domain.secure_url, *as_it) == 0
        run(plan["disabled"]["commands"], tmp_path)
        refused = _whoami(domain.secure_url, *as_it)
        disabled = stage(muster)
        run(plan["disabled"]["undo"], tmp_path)
        admitted = _whoami(domain.secure_url, *as_it)
        back = stage(muster)
        run(plan["deleted"]["commands"], tmp_path)

        assert (before, verdict) == ([], "unknown")
        assert (refused, admitted) == (_INVALID_CREDENTIALS, 0)
        assert (disabled, back, stage(muster)) == ("disabled", None, "deleted")


_INVALID_CREDENTIALS = 49
"""RFC 4511, section 4.1.9."""


def _whoami(url: str, dn: str, password: str) -> int:
    """What the server answers to a sign-in, as a result code."""
    asked = ["ldapwhoami", "-x", "-H", url, "-D", dn, "-w", password]
    return subprocess.run(asked, capture_output=True, check=False).returncode


def _reads(folder: Path, url: str, ca_file: str, reader: str) -> None:
    (folder / "config.toml").write_text(
        f'[[source]]\nname = "directory"\ntype = "ldap"\nurl = "{url}"\nca_file = "{ca_file}"\nbind_dn = "{reader}"\n'
        'password = { env = "LDAP_PASSWORD" }\n'
    )


def _signs_in_to(url: str, dn: str, password: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``ldapmodify`` and ``ldapdelete`` sign in as an administrator; ldap.conf has no password, so that options have."""
    programs = folder / "programs"
    programs.mkdir()
    (folder / "password").write_text(password)
    for name in ("ldapmodify", "ldapdelete"):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec /usr/bin/{name} -x -H {url} -D "{dn}" -y "{folder}/password" "$@"\n')
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
