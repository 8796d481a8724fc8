"""Rules of other packages, found by their entry points in what is installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent.parent
RULE = """
from scanner.rules.base import Hit, IdentityRule


def check(assessment, by):
    return None if "team" in assessment.identity.tags else Hit(evidence={"kind": assessment.identity.kind})


RULE = IdentityRule(
    id="house_no_team",
    severity="medium",
    title="No team is named",
    why="Its team is unknown.",
    remediation="Give it the tag team.",
    evidence=("kind",),
    check=check,
)
NOT_A_RULE = "house_no_team"
"""
Ran = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def muster(tmp_path: Path) -> Ran:
    """``muster ARGUMENTS`` with distributions installed: by name, their entry points."""

    def run(installed: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
        site = tmp_path / "site"
        for name, points in installed.items():
            (site / f"{name}-1.dist-info").mkdir(parents=True, exist_ok=True)
            (site / f"{name}-1.dist-info" / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
            (site / f"{name}-1.dist-info" / "entry_points.txt").write_text(f"[muster.rules]\n{points}\n")
        (site / "house_rules.py").write_text(RULE)
        (tmp_path / "bots.csv").write_text("key,name,kind,tags\nk1,a,bot,team=shop\nk2,b,bot,\n")
        environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{site}"}
        command = [sys.executable, "-m", "scanner", *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    return run


def test_a_rule_of_another_package_judges(muster: Ran) -> None:
    """It is listed, it fires, and reports describe it."""
    house = {"house": "house_no_team = house_rules:RULE"}
    listed = muster(house, "rules")
    scanned = muster(house, "scan", "--quiet", "file:path=bots.csv", "-o", "json:scan.json", "-o", "sarif:-")
    sarif = json.loads(scanned.stdout)

    assert (listed.returncode, scanned.returncode) == (0, 0), scanned.stderr
    assert "house_no_team  [medium]" in listed.stdout
    (result,) = [one for one in sarif["runs"][0]["results"] if one["ruleId"] == "house_no_team"]
    assert "k2" in json.dumps(result)
    described = {rule["id"]: rule for rule in sarif["runs"][0]["tool"]["driver"]["rules"]}
    assert described["house_no_team"]["fullDescription"]["text"] == "Its team is unknown."


@pytest.mark.parametrize(
    ("installed", "said"),
    [
        ({"house": "dormant = house_rules:RULE"}, "house has a rule dormant, and so has Muster"),
        (
            {"house": "house_no_team = house_rules:RULE", "other": "house_no_team = house_rules:RULE"},
            "two rules are called house_no_team: from house and other",
        ),
        ({"house": "house_other = house_rules:RULE"}, "the rule house_no_team of house is called house_other"),
        ({"house": "house_no_team = house_rules:NOT_A_RULE"}, "the rule house_no_team of house is not a rule"),
        ({"house": "house_no_team = house_rules:GONE"}, "the rule house_no_team cannot be loaded"),
    ],
)
def test_what_cannot_be_ends_with_a_word(installed: dict[str, str], said: str, muster: Ran) -> None:
    """Exit 2, the package by name, no traceback, and nothing scanned."""
    for arguments in (["rules"], ["scan", "file:path=bots.csv"]):
        done = muster(installed, *arguments)

        assert done.returncode == 2
        assert said in done.stderr.replace("\n", " ")
        assert "Traceback" not in done.stderr
        assert done.stdout == ""
