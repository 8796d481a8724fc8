"""The smaller commands."""

from __future__ import annotations

import json
import os
import pty
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from tests.cli.conftest import BOTS, Muster


def test_init_writes_what_scan_and_doctor_accept(muster: Muster, tmp_path: Path) -> None:
    """The starting files are valid as they stand."""
    assert muster("init", "here").code == 0

    config = tmp_path / "here" / "config.toml"
    text = config.read_text().replace('type = "aws"', 'type = "file"\npath = "b.csv"')
    config.write_text("\n".join(line for line in text.splitlines() if not line.startswith(("profile", "regions"))))
    (tmp_path / "here" / "b.csv").write_text("name\nsvc-billing\n")
    done = muster("scan", "--config", "here/config.toml", "-o", "json:-")

    assert json.loads(done.out)["identities"][0]["registry"]["state"] == "registered"


def test_the_example_of_init_passes_lint(muster: Muster) -> None:
    """A first user sees no warning about a line that is not theirs."""
    muster("init", "here")

    done = muster("registry", "lint", "here/registry.csv", "--people", "here/people.csv")
    assert "0 problems, 0 warnings" in done.out


def test_init_overwrites_nothing(muster: Muster, tmp_path: Path) -> None:
    """One standing file is enough to write none."""
    (tmp_path / "people.csv").write_text("mine")

    assert muster("init").code == 2
    assert not (tmp_path / "config.toml").exists()
    assert (tmp_path / "people.csv").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param((), "vault", id="all"),
        pytest.param(("aws",), "iam:GetAccountAuthorizationDetails", id="one"),
        pytest.param(("aws", "--policy"), '"iam:GetAccountAuthorizationDetails"', id="policy"),
        pytest.param(("vault", "--policy"), 'path "sys/auth"', id="base policy"),
        pytest.param(("azure",), "bicep, bicep-vaults, terraform", id="templates"),
        pytest.param(("azure", "--policy", "--as", "bicep"), "targetScope = 'managementGroup'", id="template"),
    ],
)
def test_connectors_reports_what_each_needs(muster: Muster, arguments: tuple[str, ...], expected: str) -> None:
    """From the one declaration that the connector reads by."""
    done = muster("connectors", *arguments)

    assert done.code == 0
    assert expected in done.out


def test_connectors_without_permissions_have_no_policy(muster: Muster) -> None:
    """A list needs nothing of any provider."""
    assert muster("connectors", "file", "--policy").code == 2


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param(("aws", "--policy", "--as", "bicep"), "it has cloudformation, terraform", id="another's"),
        pytest.param(("vault", "--policy", "--as", "terraform"), "it has none", id="none"),
        pytest.param(("aws", "--as", "terraform"), "--policy", id="alone"),
        pytest.param(("aws", "prod", "--policy", "--as", "terraform"), "SOURCE", id="with a source"),
    ],
)
def test_a_template_that_there_is_not(muster: Muster, arguments: tuple[str, ...], expected: str) -> None:
    """The message names those that there are."""
    done = muster("connectors", *arguments)

    assert done.code == 2
    assert expected in done.err


def test_rules_lists_each_with_its_limits(muster: Muster) -> None:
    """A limit is shown as this config sets it."""
    done = muster("rules")

    assert "unregistered  [" in done.out
    assert "rotation = 90 days" in done.out
    assert max(map(len, done.out.splitlines())) <= 80


def test_rules_list_the_controls_that_findings_cite(estate: Path, muster: Muster) -> None:
    """Those that this config chooses."""
    with (estate / "config.toml").open("a") as config:
        config.write('\n[controls]\nframeworks = ["pci-dss-4.0.1"]\n')

    done = muster("rules")

    assert "controls: pci-dss-4.0.1:8.2.4" in done.out
    assert "owasp-nhi-2025" not in done.out


def test_rules_report_their_controls_both_ways(muster: Muster) -> None:
    """By control and by rule; --framework selects one standard; controls without a rule are listed."""
    every, one = muster("rules", "--controls"), muster("rules", "--controls", "--framework", "eu-ai-act-2024")

    assert "nist-800-53r5:AC-6(5)" in every.out
    assert "    no rule\n" in one.out
    assert "Art. 26(2)  Deployers name competent people to oversee them" in one.out
    assert "nist-800-53r5" not in one.out
    assert max(map(len, every.out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--framework", "eu-ai-act-2024"), "--framework needs --controls"),
        (("--controls", "--framework", "cis-aws-7"), "did you mean cis-aws-7.0.0?"),
    ],
)
def test_rules_know_their_frameworks(muster: Muster, arguments: tuple[str, ...], message: str) -> None:
    """One that there is not is reported, with the nearest there is."""
    done = muster("rules", *arguments)

    assert done.code == 2
    assert message in done.err


@pytest.mark.usefixtures("estate")
def test_doctor_finds_all_well(muster: Muster) -> None:
    """Nothing is scanned and no store is made."""
    done = muster("doctor")

    assert done.code == 0
    assert done.out.splitlines()[-1] == "no problems found"


def test_doctor_names_what_is_wrong(estate: Path, muster: Muster) -> None:
    """A broken registry is a problem with its place, and the rest is still checked."""
    (estate / "registry.csv").write_text("id,identities\nA,x\nA,y\n")

    done = muster("doctor")

    assert done.code == 1
    assert "registry.csv:3" in done.out


def test_doctor_shows_each_fix_on_its_own_line(estate: Path, muster: Muster) -> None:
    """A fix follows an arrow, whether it is of a list or of a source."""
    (estate / "registry.csv").write_text("id,identities,expires\nA,x,2026-13-01\n")
    with (estate / "config.toml").open("a") as config:
        config.write('\n[[source]]\ntype = "vault"\nurl = "http://127.0.0.1:1"\ntoken = { env = "NO_SUCH_TOKEN" }\n')

    lines = muster("doctor").out.splitlines()

    fixes = [line for before, line in pairwise(lines) if before.startswith("PROBLEM")]
    assert fixes == [
        "          → write it like 2026-11-25",
        "          → set environment variable NO_SUCH_TOKEN",
    ]


def test_doctor_looks_at_the_reports_of_the_config(estate: Path, muster: Muster) -> None:
    """What a scan would refuse is a problem beforehand; what it would write is named."""
    with (estate / "config.toml").open("a") as config:
        config.write('\n[[report]]\nformat = "htm"\npath = "x.html"\n')

    wrong = muster("doctor")
    (estate / "config.toml").write_text((estate / "config.toml").read_text().replace('"htm"', '"html"'))

    assert (wrong.code, "PROBLEM reports: config.toml:" in wrong.out, "did you mean html?" in wrong.out) == (
        1,
        True,
        True,
    )
    assert "ok      reports: html to x.html" in muster("doctor").out


@pytest.mark.parametrize(
    ("url", "code", "message"),
    [
        pytest.param("sqlite:///muster.db", 0, "the first scan creates it", id="missing"),
        pytest.param("sqlite:///empty.db", 1, "is empty: it was truncated", id="cut off"),
        pytest.param("sqlite:///no/such/x.db", 1, "nor is there its directory", id="no directory"),
        pytest.param("sqlite:///bots.csv", 1, "is not a Muster store", id="no database"),
        pytest.param("sqlite:///other.db", 1, "another program's tables", id="another program's"),
        pytest.param("mysql://db/muster", 1, "no store of the form mysql://", id="no such kind of store"),
    ],
)
def test_doctor_looks_at_the_store(estate: Path, muster: Muster, url: str, code: int, message: str) -> None:
    """Only a store that a scan would make or bring forward is well, and looking changes none."""
    (estate / "empty.db").touch()
    with closing(sqlite3.connect(estate / "other.db")) as other:
        other.execute("CREATE TABLE accounts (id)")
    before = [(estate / name).read_bytes() for name in ("empty.db", "other.db")]

    done = muster("doctor", "--store", url)

    assert done.code == code
    assert message in done.out
    assert not (estate / "muster.db").exists()
    assert [(estate / name).read_bytes() for name in ("empty.db", "other.db")] == before


def test_version_and_help(muster: Muster) -> None:
    """Both are there, and unknown commands are usage errors."""
    assert muster("--version").out.startswith("muster, version ")
    assert "scan" in muster("--help").out
    assert muster("scam").code == 2


def read_to_the_end(handle: int) -> str:
    """All that a command writes to the other end, which may be a terminal's."""
    written = b""
    while True:
        try:
            part = os.read(handle, 65536)
        except OSError:  # a terminal whose other end is closed
            part = b""
        if not part:
            os.close(handle)
            return written.decode()
        written += part


@pytest.mark.parametrize("on_terminal", [True, False])
def test_a_long_list_ends_on_a_terminal_and_goes_on_in_a_pipe(
    estate: Path, muster: Muster, *, on_terminal: bool
) -> None:
    """No one scrolls on for ever; anyone who searches wants every line."""
    bots = "".join(f"saas:acme:b{number},b{number},saas,acme,bot,yes,,,,\n" for number in range(250))
    (estate / "bots.csv").write_text(BOTS + bots)
    assert muster("scan", "-o", "csv:out.csv").code == 0

    ours, theirs = pty.openpty() if on_terminal else os.pipe()
    command = [sys.executable, "-m", "scanner", "report", "--view", "inventory"]
    path = os.pathsep.join(filter(None, (str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH"))))
    with subprocess.Popen(command, cwd=estate, stdout=theirs, env={**os.environ, "PYTHONPATH": path}) as running:
        os.close(theirs)
        written = read_to_the_end(ours)

    assert running.returncode == 0
    assert len(re.findall(r"\bb\d+\b", written)) == (200 if on_terminal else 250)
    assert ("and 53 more: muster report" in written) is on_terminal


@pytest.mark.usefixtures("estate")
def test_the_log_can_be_json(muster: Muster) -> None:
    """One object a line, for anyone who collects it."""
    done = muster("-v", "--log-format", "json", "scan")

    lines = [json.loads(line) for line in done.err.splitlines() if line.startswith("{")]
    assert {line["level"] for line in lines} == {"info"}
