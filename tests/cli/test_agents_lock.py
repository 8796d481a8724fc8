"""The lock of agents by the command line: written from a scan, compared by the next one and by the gate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Muster, muster

__all__ = ["muster"]  # the fixture

SERVER = {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-postgres"]}
FETCH = {"command": "uvx", "args": ["mcp-server-fetch"]}
EMPTY = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: shop, namespace: web}\n"


def configure(folder: Path, **servers: object) -> Path:
    """A client with these servers."""
    file = folder / "machines" / ".mcp.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"mcpServers": servers}))
    return file.parent


def grown(report: Path) -> list[list[str]]:
    """What the findings of the rule say."""
    findings = json.loads(report.read_text())["findings"]
    return [one["evidence"]["grew"] for one in findings if one["rule"] == "agent_reach_grew"]


def test_a_server_that_came_after_the_lock_is_reported(muster: Muster, tmp_path: Path) -> None:
    """By the scan, and by the gate from what that scan stored; the lock itself stays as it is until written anew."""
    source = f"agent_config:path={configure(tmp_path, crm=SERVER)}"
    lock, report = tmp_path / "agents.lock.toml", tmp_path / "report.json"
    store = ("--store", f"sqlite:///{tmp_path}/muster.db")
    assert muster("scan", source, *store).code == 0
    assert muster("agents", "lock", str(lock), *store).code == 0
    before = lock.read_text()
    assert muster("scan", source, "--agents-lock", str(lock), "-o", f"json:{report}", *store).code == 0
    assert grown(report) == []

    configure(tmp_path, crm=SERVER, web=FETCH)
    run = muster("scan", source, "--agents-lock", str(lock), "-o", f"json:{report}", *store, "--fail-on", "medium")
    manifest = tmp_path / "shop.yaml"
    manifest.write_text(EMPTY)
    gate = muster("check", str(manifest), "--agents-lock", str(lock), "-o", f"json:{tmp_path}/gate.json", *store)

    assert run.code == 1
    assert grown(report) == [["new tool web/*", "new MCP server web mcp-server-fetch"]]
    assert gate.code == 0
    assert grown(tmp_path / "gate.json") == grown(report)
    assert lock.read_text() == before
    assert muster("agents", "lock", str(lock), *store).code == 0
    assert "mcp-server-fetch" in lock.read_text()


def test_a_lock_in_the_config_counts(muster: Muster, tmp_path: Path) -> None:
    """Relative to the config's folder."""
    config, report = tmp_path / "config.toml", tmp_path / "report.json"
    configure(tmp_path, web=FETCH)
    (tmp_path / "agents.lock.toml").write_text("version = 1\n")
    config.write_text(
        '[agents]\nlock = "agents.lock.toml"\n[[source]]\nname = "m"\ntype = "agent_config"\npath = "machines"\n'
    )

    assert muster("scan", "--config", str(config), "-o", f"json:{report}").code == 0
    assert grown(report) == [["it is not in the lock"]]


@pytest.mark.parametrize("command", ["scan", "check"])
def test_a_missing_lock_is_an_error(muster: Muster, tmp_path: Path, command: str) -> None:
    """Nothing that was asked for is skipped."""
    manifest = tmp_path / "shop.yaml"
    manifest.write_text(EMPTY)
    given = f"agent_config:path={configure(tmp_path, web=FETCH)}" if command == "scan" else str(manifest)
    run = muster(command, given, "--agents-lock", str(tmp_path / "none.toml"))

    assert run.code == 2
    assert "`muster agents lock` writes one" in run.err


def test_the_gate_needs_a_store_to_compare_agents_with(muster: Muster, tmp_path: Path) -> None:
    """Without a scan there is nothing to compare, which must not look like no growth."""
    manifest, lock = tmp_path / "shop.yaml", tmp_path / "agents.lock.toml"
    manifest.write_text(EMPTY)
    lock.write_text("version = 1\n")
    run = muster("check", str(manifest), "--agents-lock", str(lock), "--no-store")

    assert run.code == 2
    assert "there is no store" in run.err
