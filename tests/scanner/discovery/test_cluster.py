"""The engine on a real Dask cluster: scheduler and workers are processes of their own, and some of them are killed."""

from __future__ import annotations

import json
import pickle
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from connectors.file.connector import FileConnector, FileSettings
from connectors.vault.connector import VaultConnector
from connectors.vault.settings import VaultSettings
from scanner.config.settings import EngineSettings
from scanner.discovery.cluster import Order, SharedStore, cluster_executor, job_there
from scanner.discovery.shards.joining import parts
from scanner.discovery.shards.lines import decode
from scanner.errors import MissingExtra, MusterError
from scanner.redaction.redact import SecretRef
from scanner.store.store import open_store
from tests.databases import SHARED
from tests.pickled import pickled
from tests.processes import start_muster
from tests.servers.dask_cluster import MODULES, DaskCluster
from tests.servers.moto_server import ENVIRONMENT
from tests.servers.openbao import OpenBao
from tests.timeless import timeless

pytestmark = pytest.mark.real_server

ACCOUNTS = 16
MANY = 200
"""Accounts of an organization that is never read to its end."""
SCOPES = 200


class Scan:
    """A scan as a process; its log says how far it is."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.process = start_muster(folder, "-v", "scan", *arguments, modules=MODULES)
        self._told: list[str] = []

    def wait_for(self, words: str, times: int) -> None:
        """Until so many lines of the log have these words; raises where the scan ends before."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._told.append(line)
            times -= words in line
            if not times:
                return
        raise AssertionError(f"the scan ended: {''.join(self._told)}")

    def end(self) -> tuple[int, Any, str]:
        """Exit code, the JSON on stdout where there is any, and the log."""
        out, err = self.process.communicate()
        log = "".join(self._told) + err
        return self.process.wait(), json.loads(out) if out else None, log


@contextmanager
def organization(accounts: int) -> Iterator[str]:
    """The address of as many AWS accounts, 20 ms away."""
    command = [sys.executable, "-m", "benchmarks.latency_server", str(accounts), "0.02"]
    root = Path(__file__).parents[3]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()
            process.communicate()


@pytest.fixture(scope="module")
def running() -> Iterator[DaskCluster]:
    """A scheduler for all tests that let it live."""
    with DaskCluster() as started:
        yield started


@pytest.fixture
def cluster(running: DaskCluster) -> Iterator[DaskCluster]:
    """A scheduler without workers."""
    yield running
    running.kill_workers()


def _accounts(folder: Path, url: str, dask: str | None) -> None:
    engine = f'[engine]\ndask = "{dask}"\n' if dask else ""
    (folder / "config.toml").write_text(
        f'{engine}\n[[source]]\nname = "prod"\ntype = "aws"\nregions = ["eu-west-1"]\nresources = ["secretsmanager"]\n'
        f'organization_role = "MusterAudit"\nendpoint_url = "{url}"\n'
    )


def _scans(folder: Path) -> list[str]:
    if not (folder / "muster.db").exists():
        return []
    with closing(sqlite3.connect(folder / "muster.db")) as connection:
        return [row[0] for row in connection.execute("SELECT id FROM scan")]


class Organization(Struct, frozen=True):
    """Where it is, and what a scan of it by threads comes to."""

    url: str
    by_threads: Any


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Organization]:
    """An organization that was scanned without any cluster."""
    folder = tmp_path_factory.mktemp("threads")
    with organization(ACCOUNTS) as url, pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        _accounts(folder, url, None)
        code, result, log = Scan(folder, "-o", "json:-").end()
        assert code == 0, log
        patch.undo()
        yield Organization(url, result)


@pytest.mark.parametrize("backend", SHARED)
def test_a_killed_worker_loses_nothing(
    cluster: DaskCluster, company: Organization, tmp_path: Path, backend: Any
) -> None:
    """With kill -9 in the middle, the result is that of threads, whether records go straight to the store or come back.

    Only the workers ever had credentials, and nothing is left waiting in the store.
    """
    _accounts(tmp_path, company.url, cluster.address)
    doomed, _ = cluster.worker(ENVIRONMENT), cluster.worker(ENVIRONMENT)
    with backend() as store_url:
        scan = Scan(tmp_path, "-o", "json:-", "--store", store_url)
        scan.wait_for("prod 1", ACCOUNTS // 4)
        doomed.send_signal(signal.SIGKILL)
        code, result, log = scan.end()

        assert code == 0, log + cluster.log
        assert len(result["identities"]) > ACCOUNTS
        assert timeless(result) == timeless(company.by_threads)
        with open_store(store_url) as store:
            assert store.staging.waiting() == ()


def test_hundreds_of_scopes_fan_out(cluster: DaskCluster, tmp_path: Path) -> None:
    """Every one of them is read, by workers in other folders than ours."""
    with (tmp_path / "config.toml").open("w") as config:
        config.write(f'[engine]\ndask = "{cluster.address}"\n')
        for number in range(SCOPES):
            (tmp_path / f"{number}.csv").write_text(f"name\nbot-{number}\n")
            config.write(f'[[source]]\nname = "s{number}"\ntype = "file"\npath = "{number}.csv"\n')
    for _ in range(2):
        cluster.worker()

    code, result, log = Scan(tmp_path, "-o", "json:-").end()

    assert code == 0, log + cluster.log
    assert {one["name"] for one in result["identities"]} == {f"bot-{number}" for number in range(SCOPES)}
    assert result["summary"]["gaps"] == 0


def test_a_lost_scheduler_leaves_nothing_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scan says so and stores nothing."""
    for name, value in {**ENVIRONMENT, "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "5s"}.items():
        monkeypatch.setenv(name, value)
    with DaskCluster() as cluster, organization(MANY) as url:
        cluster.worker()
        _accounts(tmp_path, url, cluster.address)
        scan = Scan(tmp_path)
        scan.wait_for("prod 1", 3)
        cluster.scheduler.send_signal(signal.SIGKILL)
        code, _, log = scan.end()

    assert code == 4
    assert "the cluster that reads the scopes was lost" in log
    assert "Traceback" not in log
    assert _scans(tmp_path) == []


def test_ctrl_c_cancels_the_tasks(cluster: DaskCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scheduler is rid of them; the next scan finds it idle."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    cluster.worker()
    with organization(MANY) as url:
        _accounts(tmp_path, url, cluster.address)
        scan = Scan(tmp_path)
        scan.wait_for("prod 1", 3)
        scan.process.send_signal(signal.SIGINT)
        code, _, log = scan.end()

    assert code == 130, log
    assert "interrupted; nothing of this run was stored" in log
    assert _scans(tmp_path) == []


@pytest.mark.parametrize("backend", SHARED)
def test_what_workers_read_goes_to_the_store(backend: Any, tmp_path: Path) -> None:
    """A task leaves its records there, once, and only says how many; its reading comes out as it went in."""
    (tmp_path / "bots.csv").write_text("name,tags\na,team=x\nb,\n")
    settings = FileSettings(path=tmp_path / "bots.csv")
    connector = FileConnector("bots", settings)
    (scope,) = connector.scopes()
    plain = job_there("bots", connector, settings, scope_deadline=60, shared_store=None).read_scope(scope)
    with backend() as url, open_store(url) as store:
        shared_store = SharedStore(url=url, scan="night")
        for _ in range(2):
            expected = job_there("bots", connector, settings, scope_deadline=60, shared_store=shared_store).read_scope(
                scope
            )

        assert (expected.identities, expected.found, expected.coverage) == ((), 2, plain.coverage)
        assert list(parts(map(decode, store.staging.lines("night")))) == [plain]


def test_secrets_are_looked_up_where_the_work_is_done(
    cluster: DaskCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the worker has the token."""
    with OpenBao() as vault:
        vault.client.sys.enable_auth_method("approle")
        vault.client.auth.approle.create_or_update_approle("svc-a", token_policies=["default"])
        (tmp_path / "config.toml").write_text(
            f'[engine]\ndask = "{cluster.address}"\n'
            f'[[source]]\ntype = "vault"\nurl = "{vault.url}"\ntoken = {{ env = "VAULT_TOKEN" }}\n'
        )
        monkeypatch.delenv("VAULT_TOKEN", raising=False)
        cluster.worker({"VAULT_TOKEN": vault.token})

        code, result, log = Scan(tmp_path, "-o", "json:-").end()

        assert code == 0, log + cluster.log
        assert "svc-a" in {one["name"] for one in result["identities"]}
        assert vault.token not in log + cluster.log


def test_a_task_holds_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even after the secret was looked up here."""
    monkeypatch.setenv("VAULT_TOKEN", "the-value-that-nobody-may-see")
    settings = VaultSettings(url="http://127.0.0.1:1", token=SecretRef(env="VAULT_TOKEN"))
    assert settings.resolve_token() == "the-value-that-nobody-may-see"
    connector = VaultConnector("vault", settings)

    job = job_there(
        "vault", connector, settings, scope_deadline=60, shared_store=SharedStore(url="sqlite://", scan="x")
    )
    sent = pickle.dumps((job.list_scopes, job.read_scope))

    assert b"VAULT_TOKEN" in sent
    assert b"the-value-that-nobody-may-see" not in sent


def test_a_worker_makes_a_connector_once() -> None:
    """All its tasks share its sessions and its pace."""
    settings = pickle.dumps(VaultSettings(url="http://127.0.0.1:1"))
    orders = [Order(source="vault", kind=VaultConnector, settings=settings) for _ in range(2)]

    assert orders[0].connector() is orders[1].connector()
    assert pickled(orders[0]).connector() is orders[0].connector()


def test_a_worker_with_another_muster_refuses() -> None:
    """Records of two versions would not be the same records."""
    order = Order(source="v", kind=VaultConnector, settings=b"", version="0.0.1")

    with pytest.raises(MusterError, match=r"but the scan is by 0\.0\.1"):
        order.connector()


@pytest.mark.parametrize(
    ("address", "insecure", "fine"),
    [
        ("local", False, True),
        ("local:4", False, True),
        ("local:0", False, False),
        ("tcp://127.0.0.1:8786", False, True),
        ("tcp://[::1]:8786", False, True),
        ("tls://scheduler.internal:8786", False, True),
        ("tcp://scheduler.internal:8786", False, False),
        ("tcp://scheduler.internal:8786", True, True),
        ("scheduler.internal:8786", True, False),
        ("tls://scheduler.internal", False, False),
        ("tls://user:pw@scheduler.internal:8786", False, False),
        ("http://scheduler.internal:8786", True, False),
    ],
)
def test_addresses_of_schedulers(address: str, insecure: bool, fine: bool) -> None:
    """Plain tcp beyond this machine gives anyone who is on the way the run of the workers; it has to be asked for."""
    if fine:
        assert EngineSettings(dask=address, insecure_tcp=insecure).dask == address
    else:
        with pytest.raises(ValueError, match=r"dask is|insecure_tcp"):
            EngineSettings(dask=address, insecure_tcp=insecure)


def test_without_dask_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """No one else needs it."""
    monkeypatch.setitem(sys.modules, "distributed", None)

    with pytest.raises(MissingExtra, match="extra 'dask'"), cluster_executor("local"):
        pass


def test_a_cluster_of_this_machine_s_own(tmp_path: Path) -> None:
    """Nothing else needs starting, and it ends with the scan."""
    (tmp_path / "bots.csv").write_text("name\na\nb\n")
    (tmp_path / "config.toml").write_text('[engine]\ndask = "local:1"\n[[source]]\ntype = "file"\npath = "bots.csv"\n')

    code, result, log = Scan(tmp_path, "-o", "json:-").end()

    assert code == 0, log
    assert len(result["identities"]) == 2
    assert [line for line in log.splitlines() if not line.startswith("muster: ")] == []
