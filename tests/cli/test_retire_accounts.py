"""Accounts of MariaDB and of directories on real servers: disabled, denied, and enabled again by a plan."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Muster
from tests.cli.retiring import disabled_and_taken_back, run, scanned
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

        def refusal() -> str | None:
            try:
                pymysql.connect(host="127.0.0.1", port=server.port, user=plain, password="let-me-in").close()
            except pymysql.err.OperationalError as error:
                return str(error)
            return None

        assert disabled_and_taken_back(muster, f"{plain}@127.0.0.1", tmp_path, refusal, "locked") == "unknown"


def _connects_as_root(server: MariaDb, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The option file by which the client connects."""
    (folder / ".my.cnf").write_text(f"[client]\nuser=root\nhost=localhost\nsocket={server.socket}\nskip-ssl\n")
    monkeypatch.setenv("HOME", str(folder))


# --- OpenLDAP ---

_POLICY = "cn=policy,ou=services"


def _policy() -> str:
    return entry(_POLICY, "device", "pwdPolicy", cn="policy", pwdAttribute="userPassword", pwdLockout="TRUE")


@slapd.needed
def test_an_entry_of_openldap_is_locked_and_unlocked(
    muster: Muster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dn = f"uid=crm,ou=services,{slapd.SUFFIX}"
    with Slapd(f"{company()}\n{_policy()}", policy=_POLICY) as server:
        _signs_in_to(server.url, slapd.ADMIN, slapd.PASSWORD, tmp_path, monkeypatch)
        monkeypatch.setenv("LDAP_PASSWORD", READS_WITH)
        _reads(tmp_path, server.secure_url, server.ca_file, READER)

        def refusal() -> str | None:
            return _whoami(server.url, dn, SECRET)

        assert disabled_and_taken_back(muster, "crm", tmp_path, refusal, _INVALID_CREDENTIALS) == "unknown"


@slapd.needed
def test_records_that_an_overlay_left_behind_make_nothing_safe(
    muster: Muster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``crm`` has a record of last year, and signs in every day since the server keeps none."""
    left = company().replace(
        "uid: crm\n", "uid: crm\npwdLastSuccess: 20240101000000Z\ncreateTimestamp: 20230101000000Z\n"
    )
    monkeypatch.setenv("LDAP_PASSWORD", READS_WITH)
    with Slapd(f"{left}\n{_policy()}", policy=_POLICY) as server:
        _reads(tmp_path, server.secure_url, server.ca_file, READER)

        assert _whoami(server.url, f"uid=crm,ou=services,{slapd.SUFFIX}", SECRET) is None
        scanned(muster)
        assert asked(muster, "crm") == ("unknown", "2024-01-01")


# --- Active Directory ---


@pytest.fixture
def domain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[DomainController]:
    """A domain of its own, that the programs of the plans administer. ``svc-idle`` signed in 120 days ago."""
    with DomainController(Path(__file__).parents[1] / "connectors" / "ldap" / "seed_domain.py") as running:
        admin = f"CN=Administrator,CN=Users,{samba.SUFFIX}"
        _signs_in_to(running.secure_url, admin, samba.PASSWORD, tmp_path, monkeypatch)
        monkeypatch.setenv("LDAPTLS_CACERT", running.ca_file)
        monkeypatch.setenv("LDAP_PASSWORD", samba.PASSWORD)
        _reads(tmp_path, running.secure_url, running.ca_file, samba.READER)
        yield running


_IDLE = f"svc-idle@{samba.REALM.lower()}", samba.PASSWORD


@samba.needed
def test_a_user_of_a_domain_is_disabled_and_enabled(muster: Muster, domain: DomainController, tmp_path: Path) -> None:
    """Nobody signed in as it within the window, until the test does."""

    def refusal() -> str | None:
        return _whoami(domain.secure_url, *_IDLE)

    assert disabled_and_taken_back(muster, "svc-idle", tmp_path, refusal, _INVALID_CREDENTIALS) == "safe"


@samba.needed
@pytest.mark.parametrize(
    ("days", "verdict"), [("14", "in_use"), ("60", "unknown"), ("400", "unknown"), ("0", "unknown")]
)
def test_a_sign_in_that_a_domain_does_not_record_makes_nothing_safe(
    muster: Muster, domain: DomainController, tmp_path: Path, days: str, verdict: str
) -> None:
    """A record of 120 days ago is renewed by a sign-in, unless the domain records none, or only after more days.

    At 60 days it is renewed after the scan alone: a sign-in of 61 days ago could have left it.
    """
    late = f"dn: {samba.SUFFIX}\nchangetype: modify\nreplace: {_SYNC_INTERVAL}\n{_SYNC_INTERVAL}: {days}\n"
    (tmp_path / "late.ldif").write_text(late)
    run(["ldapmodify -f late.ldif"], tmp_path)
    if days != "60":
        assert _whoami(domain.secure_url, *_IDLE) is None
    scanned(muster)

    assert asked(muster, "svc-idle")[0] == verdict


_SYNC_INTERVAL = "msDS-LogonTimeSyncInterval"
_INVALID_CREDENTIALS = "Invalid credentials (49)"


def asked(muster: Muster, name: str) -> tuple[str, str | None]:
    """The verdict, and the day of the last use that the scan read."""
    found = json.loads(muster("retire", name, "-o", "json:-").out)
    (judged,) = (one for one in scanned(muster)["identities"] if one["name"] == name)
    at = judged["last_used_at"]
    return found["verdict"], at and at[:10]


def _whoami(url: str, dn: str, password: str) -> str | None:
    """How the server refuses a sign-in; None if it does not."""
    asked = ["ldapwhoami", "-x", "-H", url, "-D", dn, "-w", password]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return done.stderr if done.returncode else None


def _reads(folder: Path, url: str, ca_file: str, reader: str) -> None:
    (folder / "config.toml").write_text(
        f'[[source]]\nname = "directory"\ntype = "ldap"\nurl = "{url}"\nca_file = "{ca_file}"\nbind_dn = "{reader}"\n'
        'password = { env = "LDAP_PASSWORD" }\n'
    )


def _signs_in_to(url: str, dn: str, password: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``ldapmodify`` and ``ldapdelete`` sign in as an administrator, by options: ldap.conf has no password."""
    programs = folder / "programs"
    programs.mkdir()
    (folder / "password").write_text(password)
    for name in ("ldapmodify", "ldapdelete"):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec /usr/bin/{name} -x -H {url} -D "{dn}" -y "{folder}/password" "$@"\n')
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
