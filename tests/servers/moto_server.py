"""The AWS emulator as a process of its own, on a loopback port: started once, emptied between tests."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

from tests.processes import PATIENCE

ACCOUNT = "123456789012"
"""Whose account it is for every credential of this form."""
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "not-a-secret",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
"""What the SDK needs in its environment to talk to it, and nothing of the machine's own settings."""
KEYS_A_PAGE = 40
"""Files of a bucket that a listing gives at once; S3 gives a thousand."""
_EMULATOR = {"MOTO_EC2_LOAD_DEFAULT_AMIS": "false", "MOTO_S3_DEFAULT_MAX_KEYS": str(KEYS_A_PAGE)}
_Given = TypeVar("_Given")
_Held = TypeVar("_Held")
_ADDRESS = re.compile(r"Running on (http://127\.0\.0\.1:\d+)")


class MotoServer:
    """A running emulator; ``url`` is its endpoint for every service."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._clients: dict[tuple[str, str], Any] = {}
        self._holds: tuple[Callable[..., Any], Any] | None = None
        self.version = 0
        """Of what it holds: another one after every change that is made through ``hold`` or ``client``."""

    def hold(self, fill: Callable[[_Given], _Held], given: _Given) -> _Held:
        """Hold what ``fill(given)`` puts there, and nothing else; gives what it returned.

        It is called again only after another one, or after a call of one of the clients of :meth:`client`.
        """
        if self._holds is None or self._holds[0] is not fill:
            self._empty()
            held = fill(given)
            self._changed()
            self._holds = (fill, held)
        return cast(_Held, self._holds[1])

    def reset(self) -> None:
        """Hold nothing."""
        self.hold(_nothing, None)

    def _empty(self) -> None:
        request = urllib.request.Request(f"{self.url}/moto-api/reset", method="POST")  # noqa: S310  # loopback
        with urllib.request.urlopen(request, timeout=PATIENCE):  # noqa: S310  # loopback
            pass

    def client(self, service: str, region: str = "eu-west-1") -> Any:
        """A boto3 client that goes straight to it, for putting things there: the same for all tests."""
        import boto3

        if (service, region) not in self._clients:
            client = boto3.client(
                service,
                region_name=region,
                endpoint_url=self.url,
                aws_access_key_id=ENVIRONMENT["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
            )
            client.meta.events.register("before-call", self._changed)
            self._clients[service, region] = client
        return self._clients[service, region]

    def _changed(self, **_: Any) -> None:
        self._holds = None
        self.version += 1


def _nothing(_: object) -> None:
    """Nothing is put there."""


@contextmanager
def moto_server() -> Iterator[MotoServer]:
    """Start an emulator on a free port, wait until it answers, and stop it afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "moto.log")
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"],
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **ENVIRONMENT, **_EMULATOR},
            )
        try:
            yield MotoServer(_address(process, log))
        finally:
            process.kill()  # there is nothing to save
            process.wait()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    give_up_at = time.monotonic() + PATIENCE
    while time.monotonic() < give_up_at and process.poll() is None:
        if running := _ADDRESS.search(log.read_text(errors="replace")):
            return running[1]
        time.sleep(0.05)
    raise RuntimeError(f"the AWS emulator did not start: {log.read_text(errors='replace')[-2000:]}")
