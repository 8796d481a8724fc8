"""A running ``muster serve``, as a process of its own, for as long as a ``with`` lasts."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from tests.processes import PATIENCE, run_muster, start_muster

PEOPLE = """email,id,name,status,aliases,team
ada@acme.example,u1,Ada Lovelace,active,ada,payments
bob@acme.example,u2,Bob Builder,active,bob,payments
cyd@acme.example,u3,Cyd Charisse,active,cyd,security
dan@acme.example,u4,Dan Gone,left,dan,payments
team:payments,,Payments,active,,
team:security,,Security,active,,
"""
REGISTRY = """id,name,identities,owner
E1,Billing,billing-bot,ada@acme.example
E2,Ledger,ledger-bot,team:payments
E3,Audit,audit-bot,cyd@acme.example
"""
BOTS = """key,provider,scope,kind,name
billing-bot,saas,prod,bot,billing-bot
ledger-bot,saas,prod,bot,ledger-bot
audit-bot,saas,prod,bot,audit-bot
stray-bot,saas,prod,bot,stray-bot
"""
CONFIG = """
[[registry]]
path = "registry.csv"
[[people]]
path = "people.csv"
[[source]]
name = "bots"
type = "file"
path = "bots.csv"
"""
_SERVING = ("scanner.cli.serve", "scanner.serve.app", "uvicorn.protocols.http.h11_impl")


def scanned(folder: Path) -> Path:
    """A folder with lists, a config without ``[serve]``, and a store with one scan."""
    for name, text in (("people", PEOPLE), ("registry", REGISTRY), ("bots", BOTS)):
        (folder / f"{name}.csv").write_text(text)
    (folder / "config.toml").write_text(CONFIG)
    run_muster(folder, "scan", "--quiet", "-o", "json:scan.json")
    return folder


class Served:
    """``url`` and ``token`` of a server that answers. ``config``: what follows in the config of the folder."""

    def __init__(
        self, folder: Path, config: str = "", *arguments: str, environment: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self._environment = environment
        self._config = folder / f"{id(self)}.toml"
        self._config.write_text(CONFIG + config)
        self._arguments = (*(() if "--listen" in arguments else ("--listen", "127.0.0.1:0")), *arguments)
        self._log = folder / f"{id(self)}.log"
        self.code: int | None = None

    def __enter__(self) -> Self:
        command = ("-v", "serve", "--config", self._config.name, *self._arguments)
        with self._log.open("w") as log:
            self._process = start_muster(
                self.folder,
                *command,
                modules=_SERVING,
                environment=self._environment,
                stderr=log.fileno(),
                patience=0,  # it is there as long as tests ask it
            )
        said = self._process.stdout.readline()
        found = re.search(r"http://[\d.]+:(\d+)(?:/\?token=(\S+)|\))$", said.strip())
        if found is None:
            self.end()
            raise AssertionError(f"ended with {self.code}: {self.log}")
        self.port, self.token = int(found[1]), found[2] or ""
        self.url = f"http://127.0.0.1:{self.port}"
        self.http = httpx.Client(base_url=self.url, timeout=PATIENCE, trust_env=False)
        self.http.cookies.jar.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # else one test signs in the next
        return self

    @property
    def log(self) -> str:
        """What it wrote to stderr so far."""
        return self._log.read_text()

    @property
    def bearer(self) -> dict[str, str]:
        """The headers of a program that has the token."""
        return {"authorization": f"Bearer {self.token}"}

    @contextmanager
    def browser(self) -> Iterator[httpx.Client]:
        """A browser that opened the printed address."""
        with httpx.Client(base_url=self.url, timeout=PATIENCE, trust_env=False) as browser:
            assert browser.get("/", params={"token": self.token}).status_code == httpx.codes.SEE_OTHER
            yield browser

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def configure(self, config: str) -> None:
        """Change the config of the running server."""
        self._config.write_text(CONFIG + config)

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it in peace; returns the exit code."""
        self._process.send_signal(how)
        self._process.communicate()
        self.code = self._process.wait()
        return self.code

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.close()
        if self.code is None:
            self.end()
        if kind is None:
            assert self.code == 0, self.log
            assert "Traceback" not in self.log, self.log
        self._config.unlink()
        self._log.unlink()
