"""The benchmark of growth: its estate, the stages that it reads from a scan's log, and its arithmetic."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.linked_estate import write
from benchmarks.measure import descendants, proportional_memory, used_cpu
from benchmarks.scaling import SMALLEST, STAGES, WALL, Sample, Scan, Stage, slope, stages_in, tables
from scanner.cli.main import main
from scanner.store.store import open_store


@pytest.fixture
def estate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The smallest one, whose scan needs neither Dask nor a database server here."""
    write(tmp_path, SMALLEST, "sqlite:///muster.db")
    config = tmp_path / "config.toml"
    config.write_text(re.sub("^dask = .*$", "", config.read_text(), flags=re.MULTILINE))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_its_estate_has_what_needs_the_whole(estate: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Ambiguous names, paths to an administrator, reach beyond what entries declare; and each stage has a line."""
    code = main(["-v", "--log-format", "json", "scan", "--quiet"])
    log = capfd.readouterr().err.splitlines()

    with open_store(f"sqlite:///{estate / 'muster.db'}", create=False) as store:
        result = store.load()
    assert code == 0
    assert len(result.identities) == SMALLEST
    assert len({one.identity.source for one in result.identities}) == 40
    assert {one.privilege.level for one in result.identities} == {"normal", "admin", "escalation"}
    assert {one.registry.state for one in result.identities} == {"registered", "unregistered", "ambiguous"}
    assert {drift.aspect for one in result.identities for drift in one.drift} >= {"reach"}
    assert all(one.candidates for one in result.entries if one.state == "not_found")
    assert {one.state for one in result.entries} == {"found", "not_found"}
    assert set(STAGES) - set(stages_in(log, [Sample(0.0, 100.0)])) == {"fetching"}  # only with a cluster


def test_a_stage_has_the_memory_of_its_time() -> None:
    """Of the last sample before it, and of the highest within it; what others write between is not read."""
    line = {"time": "1970-01-01T00:00:10.000+00:00", "message": "matching took 4.00 s (3.50 s of CPU)"}
    samples = [Sample(time, memory) for time, memory in ((2, 900), (5, 100), (7, 300), (9, 200), (11, 800))]

    found = stages_in([json.dumps(line), json.dumps(line | {"message": "4 scopes read"}), "of Dask"], samples)

    assert found == {"matching": Stage(cpu=3.5, before=100, peak=300)}


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0])
def test_the_exponent_is_that_of_the_growth(exponent: float) -> None:
    sizes = (1_000, 2_000, 4_000)

    assert slope(sizes, [3 * size**exponent for size in sizes]) == pytest.approx(exponent)


def test_what_every_scan_costs_is_set_aside() -> None:
    """Ten million cost that once, and of the rest a hundred times as much as a hundredth; the clock says nothing."""
    scans = [_scan(size, cpu=8 + size / 1_000) for size in (2_000, 25_000, 50_000, 100_000)]

    rows = "\n".join(tables(scans))

    assert f"| {WALL} | 33.0 | 58.0 | 108 | | |" in rows

    assert "| CPU | 33.0 | 58.0 | 108 | 1.00 | 10,008 |" in rows
    assert "| matching (ambiguity) | 33.0 | 58.0 | 108 | 1.00 | 10,008 | +50 |" in rows


def _scan(size: int, cpu: float) -> Scan:
    stage = Stage(cpu=cpu, before=100.0, peak=150.0)
    return Scan(identities=size, whole={WALL: cpu, "CPU": cpu}, stages=dict.fromkeys(STAGES, stage))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_all_processes_of_a_tree_are_measured() -> None:
    """A child of a child, too, with its memory and CPU."""
    child = f"{sys.executable} -c \"sum(range(10**6)); held = b'1' * 64_000_000; print(flush=True); input()\"; exit"
    with subprocess.Popen(["/bin/sh", "-c", child], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as shell:
        assert shell.stdout is not None
        shell.stdout.readline()
        tree = [shell.pid, *descendants(shell.pid)]
        memory, cpu = proportional_memory(shell.pid), used_cpu(tree)
        shell.communicate(b"\n")

    assert len(tree) == 2
    assert memory > 60
    assert cpu > 0
