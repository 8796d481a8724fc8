"""What all tests share: a scrubbed environment, and no way out of the machine."""

from __future__ import annotations

import gc
import importlib
import logging
import os
import pkgutil
import socket
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from playwright.sync_api import Browser
from sqlalchemy import Connection, Engine, event
from sqlalchemy.util import LRUCache

import benchmarks
import connectors
import reports
import scanner
from scanner.redaction import redact
from tests import processes
from tests.browser import chromium
from tests.examples import SMOKE
from tests.processes import Forks

# A busy machine makes no test fail, and the same tree gets the same verdict: its examples come of the tests themselves.
settings.register_profile(
    "same",
    max_examples=SMOKE,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
# Others at every run, and many: `make fuzz`. What it finds becomes an @example of its test.
settings.register_profile("deep", settings.get_profile("same"), derandomize=False, max_examples=2000, print_blob=True)
settings.load_profile("same")

_AMBIENT = ("AWS_", "AZURE_", "VAULT_", "BAO_", "NO_COLOR", "FORCE_COLOR", "MUSTER_")
_LOOPBACK = ("127.", "::1", "localhost")
_ALLOCATED = 50_000
"""Objects between two passes of the garbage collector: the default of 700 costs up to a seventh of a test's time."""


def pytest_configure(config: pytest.Config) -> None:
    """Seed nothing anew three times a test: tests that draw have a generator of their own."""
    config.option.randomly_reset_seed = False


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect no garbage while tests are collected: there is none, and looking for it takes a quarter of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with modules that start servers or browsers: their tests take long, and all would wait for a last one."""
    slow = {one.path for one in items if any(map(one.get_closest_marker, ("real_server", "browser")))}
    items.sort(key=lambda one: one.path not in slow)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Load what hypothesis looks at, and leave all that is loaded by now out of garbage collections.

    Hypothesis also tries what constants the loaded modules hold: all are loaded, whatever ran before a test.
    """
    if any(item.get_closest_marker("hypothesis") for item in session.items):
        for package in (scanner, connectors, reports, benchmarks):
            for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
                if not module.name.endswith("__main__"):
                    importlib.import_module(module.name)
    gc.freeze()
    gc.set_threshold(_ALLOCATED, *gc.get_threshold()[1:])


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No one's own credentials, profiles or colour settings reach a test; home is an empty folder."""
    for name in list(os.environ):
        if name.startswith(_AMBIENT):
            monkeypatch.delenv(name)
    home = tmp_path_factory.getbasetemp() / "home"
    home.mkdir(exist_ok=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """The log that a command line sets up, with its masking, ends with its test."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    for handler in root.handlers[:]:
        if handler not in handlers:
            root.removeHandler(handler)
    if root.level != level:  # every logger would forget what it knows
        root.setLevel(level)


@pytest.fixture(autouse=True)
def own_secrets() -> Iterator[None]:
    """A secret that a test resolves is masked to its end, and not in what others say."""
    known, in_records = redact._known.everywhere, redact._known.in_records
    yield
    redact._known.everywhere, redact._known.in_records = known, in_records


@pytest.fixture(autouse=True, scope="session")
def loopback_only() -> Iterator[None]:
    """A connection that would leave this machine fails at once."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if host and not str(host).startswith(_LOOPBACK):
            raise ConnectionRefusedError(f"tests may not connect to {host}")
        connect(self, address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        yield


class _Statements(LRUCache[Any, Any]):
    """Compiled SQL by database, not by engine: most tests open a store of their own, and compiling takes longest."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(self._of_any_engine(key), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(self._of_any_engine(key), value)

    @staticmethod
    def _of_any_engine(key: Any) -> Any:
        dialect, *statement = key
        return dialect.name, dialect.driver, *statement


@pytest.fixture(autouse=True, scope="session")
def compiled_once() -> Iterator[None]:
    """Engines share what they compile."""
    statements = _Statements(5_000)

    def share(connection: Connection) -> None:
        connection.execution_options(compiled_cache=statements)

    event.listen(Engine, "engine_connect", share)
    yield
    event.remove(Engine, "engine_connect", share)


@pytest.fixture(scope="session")
def forks() -> Forks:
    """The scanner, loaded once for all processes that die or write in the midst of something."""
    return processes.forks()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all pages: Playwright runs but once in a process."""
    with chromium() as running:
        yield running
