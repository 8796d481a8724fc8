"""A real domain controller of Active Directory on loopback, Samba from Debian's packages, while a ``with`` lasts.

It runs in a network namespace of its own, because its ports are fixed; a relay connects two free ports to it. Both take
root, and Debian's own Python, which Samba's modules are for.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
import trustme

from tests.servers.ports import free_ports

START_SECONDS = 60.0
REALM = "CORP.EXAMPLE.TEST"
SUFFIX = "DC=corp,DC=example,DC=test"
PASSWORD = "correct-Horse-battery-1"
READER = f"CN=svc-muster,CN=Users,{SUFFIX}"
_SYSTEM_PYTHON = "/usr/bin/python3"
_RELAY = Path(__file__).with_name("namespace_relay.py")
_OPTIONS = (
    "ad dc functional level=2016", "interfaces=lo", "bind interfaces only=yes",
    "vfs objects=dfs_samba4 acl_xattr xattr_tdb",
)  # fmt: skip


def missing() -> str | None:
    """What has to be installed for it; None: nothing."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "needs root on Linux, for a network namespace"
    if shutil.which("samba-tool") is None or not Path("/usr/sbin/samba").exists():
        return "needs Samba's domain controller: apt-get install samba-ad-dc samba-ad-provision python3-cffi-backend"
    if subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode:
        return "needs network namespaces"
    return None


needed = pytest.mark.skipif(missing() is not None, reason=missing() or "")
"""Marks tests that cannot do without it."""


class DomainController:
    """``url`` and ``secure_url`` of a new domain, filled by a script; ``ca_file`` for its certificate.

    ``seed``: a script for Debian's Python, which is given the folder of the domain.
    """

    def __init__(self, seed: Path) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="samba-", dir="/tmp"))  # its sockets need a short path
        self._plain, self._secure = free_ports(2)
        self.url, self.secure_url = f"ldap://127.0.0.1:{self._plain}", f"ldaps://127.0.0.1:{self._secure}"
        self.authority = trustme.CA()
        self.ca_file = str(self.folder / "ca.pem")
        self._seed = seed
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def _config(self) -> str:
        return f"{self.folder}/dc/etc/smb.conf"

    def __enter__(self) -> Self:
        try:
            self._provision()
            subprocess.run([_SYSTEM_PYTHON, str(self._seed), str(self.folder / "dc")], check=True, capture_output=True)
            self._start()
        except subprocess.CalledProcessError as error:
            self._stop()
            raise RuntimeError(f"{error}: {(error.stderr or b'').decode()[-2000:]}") from None
        except BaseException:
            self._stop()
            raise
        return self

    def _provision(self) -> None:
        self.authority.cert_pem.write_to_path(self.ca_file)
        own = self.authority.issue_cert("127.0.0.1", "localhost", f"dc1.{REALM.lower()}")
        (self.folder / "server.pem").write_bytes(b"".join(one.bytes() for one in own.cert_chain_pems))
        own.private_key_pem.write_to_path(str(self.folder / "server.key"))
        (self.folder / "server.key").chmod(0o600)
        options = " ".join(f'--option="{one}"' for one in _OPTIONS)
        self._inside(
            f"samba-tool domain provision --configfile=/dev/null --targetdir={self.folder}/dc --realm={REALM}"
            " --domain=CORP --server-role=dc --dns-backend=NONE --function-level=2016"
            f" {options} --host-name=dc1 --host-ip=127.0.0.1 --adminpass={PASSWORD}"
        )

    @staticmethod
    def _inside(command: str) -> None:
        subprocess.run(
            ["unshare", "--net", "sh", "-c", f"ip link set lo up; {command}"], check=True, capture_output=True
        )

    def _start(self) -> None:
        files = {"keyfile": "server.key", "certfile": "server.pem", "cafile": "ca.pem"}
        tls = " ".join(f'--option="tls {name}={self.folder / file}"' for name, file in files.items())
        own = self.folder / "run"  # by default all servers of a machine share these folders
        own.mkdir()
        command = (
            f"ip link set lo up; exec samba --foreground --no-process-group --configfile={self._config}"
            f' --option="server services=ldap" --option="pid directory={own}" --option="ncalrpc dir={own}/rpc" {tls}'
        )
        with (self.folder / "log").open("wb") as log:
            server = subprocess.Popen(
                ["unshare", "--net", "sh", "-c", command], stdout=log, stderr=log, start_new_session=True
            )
        self._processes.append(server)
        relay = [_SYSTEM_PYTHON, str(_RELAY), str(server.pid), f"{self._plain}:389", f"{self._secure}:636"]
        self._processes.append(subprocess.Popen(relay, start_new_session=True, stderr=subprocess.DEVNULL))
        self._wait()

    def _wait(self) -> None:
        import socket
        import ssl

        context = ssl.create_default_context(cafile=self.ca_file)
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until and all(one.poll() is None for one in self._processes):
            try:
                with socket.create_connection(("127.0.0.1", self._secure), timeout=2) as plain:
                    context.wrap_socket(plain, server_hostname="127.0.0.1").close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError(f"Samba did not start: {(self.folder / 'log').read_text(errors='replace')[-2000:]}")

    def _stop(self) -> None:
        for one in reversed(self._processes):
            try:
                os.killpg(one.pid, signal.SIGTERM)
            except ProcessLookupError:
                continue
            try:
                one.wait(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(one.pid, signal.SIGKILL)
                one.wait(timeout=10)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
