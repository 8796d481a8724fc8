"""A real OpenLDAP server on loopback, from Debian's package, for as long as a ``with`` lasts."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
import trustme

from tests.servers.ports import free_ports

START_SECONDS = 60.0
SUFFIX = "dc=example,dc=org"
ADMIN = f"cn=admin,{SUFFIX}"
PASSWORD = "correct-horse-battery"
_PROGRAM = shutil.which("slapd", path="/usr/sbin:/usr/bin:/sbin:/usr/local/sbin")
_SCHEMAS = Path("/etc/ldap/schema")
_CONFIG = """\
{schemas}
pidfile {folder}/slapd.pid
modulepath {modules}
moduleload back_mdb
moduleload memberof
{loads}
TLSCACertificateFile {folder}/ca.pem
TLSCertificateFile {folder}/server.pem
TLSCertificateKeyFile {folder}/server.key
TLSVerifyClient try
authz-regexp "^cn=([^,]*)$" "cn=$1,{suffix}"

sizelimit size.soft=unlimited size.hard=unlimited size.pr={largest_page}
database mdb
suffix "{suffix}"
rootdn "{admin}"
rootpw {password}
directory {folder}/data
maxsize 104857600
access to attrs=userPassword by * auth
{access}
{overlays}
"""


def missing() -> str | None:
    """What has to be installed for it; None: nothing."""
    return None if _PROGRAM is not None and _SCHEMAS.is_dir() else "needs OpenLDAP's server: apt-get install slapd"


needed = pytest.mark.skipif(missing() is not None, reason=missing() or "")
"""Marks tests that cannot do without it."""


class Slapd:
    """``url`` and ``secure_url`` of a new server with the entries of an LDIF; ``ca_file`` for its certificate.

    ``policy``: the DN of the password policy below the suffix; None: the server has no overlay for them.
    """

    def __init__(
        self,
        ldif: str,
        *,
        access: str = "access to * by users read by * none",
        largest_page: int = 1000,
        policy: str | None = None,
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="slapd-"))
        plain, secure = free_ports(2)
        self.url, self.secure_url = f"ldap://127.0.0.1:{plain}", f"ldaps://127.0.0.1:{secure}"
        self.authority = trustme.CA()
        self.ca_file = str(self.folder / "ca.pem")
        self._ldif = ldif
        self._access, self._largest_page, self._policy = access, largest_page, policy
        self._process: subprocess.Popen[bytes] | None = None

    def client(self, name: str) -> tuple[str, str]:
        """Files with a client's certificate and key, which sign in as ``cn=NAME`` below the suffix."""
        made = self.authority.issue_cert(f"{name}@example.org", common_name=name)
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        certificate.write_bytes(b"".join(one.bytes() for one in made.cert_chain_pems))
        key.write_bytes(made.private_key_pem.bytes())
        return str(certificate), str(key)

    def __enter__(self) -> Self:
        self.authority.cert_pem.write_to_path(self.ca_file)
        own = self.authority.issue_cert("127.0.0.1", "localhost")
        (self.folder / "server.pem").write_bytes(b"".join(one.bytes() for one in own.cert_chain_pems))
        own.private_key_pem.write_to_path(str(self.folder / "server.key"))
        (self.folder / "data").mkdir()
        config = self.folder / "slapd.conf"
        names = ("core", "cosine", "inetorgperson", "nis")
        config.write_text(
            _CONFIG.format(
                schemas="\n".join(f"include {_SCHEMAS / name}.schema" for name in names),
                modules=next(
                    iter(sorted(Path("/usr/lib").glob("**/ldap/back_mdb.so"))), Path("/usr/lib/ldap/x")
                ).parent,
                folder=self.folder,
                suffix=SUFFIX,
                admin=ADMIN,
                password=PASSWORD,
                access=self._access,
                loads="" if self._policy is None else "moduleload ppolicy",
                overlays="" if self._policy is None else f'overlay ppolicy\nppolicy_default "{self._policy},{SUFFIX}"',
                largest_page=self._largest_page,
            ),
            encoding="utf-8",
        )
        entries = self.folder / "entries.ldif"
        entries.write_text(self._ldif, encoding="utf-8")
        assert _PROGRAM is not None
        loading = [_PROGRAM, "-T", "add", "-q", "-f", str(config), "-l", str(entries)]
        done = subprocess.run(loading, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"the entries could not be loaded: {done.stderr}")
        serving = [_PROGRAM, "-d", "0", "-f", str(config), "-h", f"{self.url} {self.secure_url}"]
        self._process = subprocess.Popen(serving, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._wait()
        return self

    def _wait(self) -> None:
        import socket

        assert self._process is not None
        port = int(self.url.rpartition(":")[2])
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise RuntimeError("slapd did not start")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=START_SECONDS)
        shutil.rmtree(self.folder, ignore_errors=True)
