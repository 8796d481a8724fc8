"""What those who work on the project and install it rely on: pins, workflows, documents that name what is there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

import scanner

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
MAKEFILE = (ROOT / "Makefile").read_text()
WORKFLOWS = {path.stem: yaml.safe_load(path.read_text()) for path in (ROOT / ".github/workflows").glob("*.yml")}
WRITES = {
    "codeql": {"security-events"},
    "release": {"attestations", "contents", "id-token", "packages"},
    "scorecard": {"id-token", "security-events"},
}
"""What jobs of a workflow may write."""
LOCKS = {name: (ROOT / f"requirements/{name}.txt").read_text() for name in ("dev", "core", "runtime", "release")}


def pinned(lock: str) -> dict[str, list[str]]:
    """The hashes of each requirement of a lock, by its line."""
    entries = re.split(r"\n(?=\S)", re.sub(r"^ *#.*\n", "", lock, flags=re.MULTILINE).strip())
    return {
        entry.splitlines()[0].rstrip(" \\"): re.findall(r"--hash=(sha256:[0-9a-f]{64})", entry) for entry in entries
    }


def names(requirements: list[str]) -> set[str]:
    """What these are of, as package indexes spell it."""
    return {re.split(r"[\[<>=!~; ]", one)[0].lower().replace("_", "-") for one in requirements}


def steps(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    """Of all jobs."""
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


# --- pins -----------------------------------------------------------------------


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_is_pinned_by_hash(name: str) -> None:
    """One version each, its files by hash, and no address that they would come from."""
    entries = pinned(LOCKS[name])

    assert len(entries) > 10
    assert [
        one for one, hashes in entries.items() if not re.match(r"[\w.-]+(\[[\w,]+\])?==\S+", one) or not hashes
    ] == []
    assert re.findall(r"https?://|--(?:extra-)?index-url|--find-links", LOCKS[name]) == []


def test_the_gate_gets_what_the_core_needs_and_what_builds_it() -> None:
    """In the versions that are tested."""
    core, dev = pinned(LOCKS["core"]), pinned(LOCKS["dev"])

    assert names(PROJECT["dependencies"]) | {"setuptools", "wheel"} <= names([*core])
    assert {one.partition(" ;")[0] for one in core} <= {one.partition(" ;")[0] for one in dev}


def test_the_container_gets_all_extras_and_nothing_for_development() -> None:
    """``make pins`` writes the locks anew. Where both have a package, it is tested as it is installed."""
    extras = PROJECT["optional-dependencies"]
    (everything,) = extras["all"]
    wanted = re.search(r"\[(.*)\]", everything)
    assert wanted is not None
    direct = names([*PROJECT["dependencies"], *(one for extra in wanted[1].split(",") for one in extras[extra])])
    runtime, dev = pinned(LOCKS["runtime"]), pinned(LOCKS["dev"])

    assert direct <= names([*runtime])
    assert names(["pytest", "moto", "ruff"]).isdisjoint(names([*runtime]))
    versions = [{one.partition(" ;")[0] for one in lock} for lock in (runtime, dev)]  # platforms may differ
    assert versions[0] <= versions[1]
    assert names([one for one in extras["dev"] if not one.startswith("nhi-muster")]) <= names([*dev])


# --- workflows ------------------------------------------------------------------


@pytest.mark.parametrize("name", WORKFLOWS)
def test_workflows_may_little(name: str) -> None:
    """A job writes nowhere, unless it releases or reports to code scanning; no token of ours, and an end in time."""
    jobs = WORKFLOWS[name]["jobs"].values()
    writes = {key for job in jobs for key, value in job["permissions"].items() if value == "write"}

    assert writes == WRITES.get(name, set())
    assert "secrets." not in (ROOT / f".github/workflows/{name}.yml").read_text()
    assert all(job["timeout-minutes"] <= (360 if name == "fuzz" else 60) for job in jobs)


@pytest.mark.parametrize("name", WORKFLOWS)
def test_workflows_run_what_anybody_can_run_here(name: str) -> None:
    """Targets of the Makefile; but for analyses that are services of others."""
    targets = set(re.findall(r"^([a-z][a-z/-]*):", MAKEFILE, re.MULTILINE))
    made = {target for step in steps(WORKFLOWS[name]) for target in re.findall(r"make ([\w-]+)", step.get("run", ""))}

    assert made or name in {"codeql", "scorecard"}
    assert made <= targets


def test_every_property_is_tried_with_more_examples() -> None:
    """Each week, by folder."""
    matrix = WORKFLOWS["fuzz"]["jobs"]["properties"]["strategy"]["matrix"]["tests"]
    tried = {folder for folders in matrix for folder in folders.split()}
    there = {
        path for path in (ROOT / "tests").rglob("test_*.py") if re.search(r"^@given", path.read_text(), re.MULTILINE)
    }

    assert {"/".join(path.relative_to(ROOT).parts[:2]) for path in there} == tried


def test_a_release_is_tested_built_once_signed_and_then_published() -> None:
    """On every Python from the oldest that is supported; classifiers name those that it was tried with."""
    jobs = WORKFLOWS["release"]["jobs"]
    versions = jobs["test"]["strategy"]["matrix"]["python"]
    tried = [one.rpartition(" ")[2] for one in PROJECT["classifiers"] if re.search(r"Python :: 3\.\d+$", one)]

    assert [jobs[name].get("needs") for name in ("build", "attest", "publish", "announce")] == [
        "test", "build", "attest", "publish",
    ]  # fmt: skip
    assert versions[0] == PROJECT["requires-python"].removeprefix(">=")
    assert set(tried) <= set(versions) == set(WORKFLOWS["ci"]["jobs"]["quick"]["strategy"]["matrix"]["python"])
    assert jobs["build"]["permissions"] == {"contents": "read"}
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    assert not [one for one in jobs["attest"]["steps"] if re.search(r"checkout|make |pip ", str(one))]
    assert [name for name, job in jobs.items() if "needs" in job and "if" in job] == ["publish"]


def test_dependabot_looks_where_there_is_something() -> None:
    """And waits before it takes what is new."""
    updates = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())["updates"]
    places = [place for one in updates for place in (one.get("directories") or [one["directory"]])]

    assert {one["package-ecosystem"] for one in updates} == {"pip", "github-actions", "docker"}
    assert [place for place in places if not (ROOT / place.lstrip("/")).is_dir()] == []
    assert all(one["cooldown"]["default-days"] >= 7 for one in updates)


def test_hooks_download_nothing() -> None:
    """They are programs of .venv, and those are in the lock."""
    repos = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    programs = {hook["entry"].split()[0] for repo in repos for hook in repo["hooks"]}

    assert [repo["repo"] for repo in repos] == ["local"]
    assert {hook["language"] for repo in repos for hook in repo["hooks"]} == {"system"}
    assert names([program.removeprefix(".venv/bin/") for program in programs]) <= names([*pinned(LOCKS["dev"])])


@pytest.mark.parametrize("form", sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml")), ids=lambda path: path.stem)
def test_forms_for_issues_are_ones_that_github_shows(form: Path) -> None:
    """Each has a name, and fields with ids and labels; none invites to publish a weakness."""
    reported = yaml.safe_load(form.read_text())
    if form.stem == "config":
        assert reported["blank_issues_enabled"] is False
        assert "SECURITY.md" in reported["contact_links"][0]["about"]
        return
    fields = [one for one in reported["body"] if one["type"] != "markdown"]

    assert reported["name"]
    assert reported["description"]
    assert len({one["id"] for one in fields}) == len(fields) > 1
    assert all(one["attributes"]["label"] for one in fields)


# --- documents ------------------------------------------------------------------


def spans(page: str) -> list[str]:
    """What stands in backquotes on a page, its blocks of code left out."""
    text = re.sub(r"```.*?```", "", (ROOT / page).read_text(), flags=re.DOTALL)
    return re.findall(r"`([^`\n]+)`", text)


def test_the_readme_names_the_commands_for_the_demo_and_the_tests() -> None:
    """A new user needs no other; CI runs the same tests."""
    commands = set(re.findall(r"^make (\w+)", (ROOT / "README.md").read_text(), re.MULTILINE))

    assert commands >= {"demo", "test"}
    assert commands <= set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    assert re.search("^make test$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "SECURITY.md", ".github/pull_request_template.md"])
def test_paths_and_targets_that_are_named_are_there(page: str) -> None:
    """A path has a slash or an ending; ``make`` has a target of that name."""
    named = spans(page)
    paths = [one for one in named if re.fullmatch(r"[\w.-]*/[\w./-]*|[\w/-]+\.(?:md|toml|yml|txt|py)", one)]
    blocks = "\n".join(re.findall(r"```.*?```", (ROOT / page).read_text(), re.DOTALL))
    commands = re.findall(r"^make .*", "\n".join([*named, *blocks.splitlines()]), re.MULTILINE)
    words = {word for one in commands for word in one.partition("#")[0].split()[1:]}
    targets = {word for word in words if "=" not in word}

    assert paths or targets
    assert [one for one in paths if not (ROOT / one).exists()] == []
    assert targets <= set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))


def test_every_promise_is_held_by_tests_that_there_are() -> None:
    """Each row names some, by file and function."""
    rows = re.findall(r"^\| (?!Muster promises|-)(.*?) \| (.*) \|$", (ROOT / "SECURITY.md").read_text(), re.MULTILINE)
    there = {
        f"{path.name}::{name}"
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }

    assert len(rows) > 10
    assert [promise for promise, held in rows if not re.search(r"`test_\w+\.py::test_\w+`", held)] == []
    assert [one for _, held in rows for one in re.findall(r"`([^`]+)`", held) if one not in there] == []


def test_the_version_has_a_dated_section() -> None:
    """Below that of what is to come."""
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert headings[0] == "[Unreleased]"
    assert re.fullmatch(rf"\[{re.escape(scanner.__version__)}\] - 20\d\d-\d\d-\d\d", headings[1])


def test_quick_leaves_out_what_is_there() -> None:
    """Else a folder that was moved makes it slow in silence."""
    folders = re.findall(r"^(?:QUICK|SLOW) := (.*)$", MAKEFILE, re.MULTILINE)

    assert len(folders) == 2
    assert [one for line in folders for one in line.split() if not (ROOT / one).exists()] == []
