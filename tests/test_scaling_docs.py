"""The examples of docs/how-to/many-machines.md, and those that it leads to: they parse, and their commands exist."""

from __future__ import annotations

import ast
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from scanner.cli.main import cli
from scanner.config.settings import EngineSettings
from scanner.discovery.shards.files import check_scan_id, parse_shard

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "how-to" / "many-machines.md").read_text(encoding="utf-8")
EXAMPLES = {
    "github": (ROOT / "deploy" / "github" / "shards.yml").read_text(encoding="utf-8"),
    "kubernetes": (ROOT / "deploy" / "kubernetes" / "shards.yaml").read_text(encoding="utf-8"),
    "airflow": (ROOT / "deploy" / "airflow" / "muster_shards.py").read_text(encoding="utf-8"),
}
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)
# What a scheduler would put there.
_FILLED_IN = (
    (r"\$GITHUB_RUN_ID", "123"),
    (r"\$\(\(JOB_COMPLETION_INDEX \+ 1\)\)", "1"),
    (r"\$JOB_COMPLETION_INDEX", "0"),
    (r"\{FILES\}", "/shared/x"),
    (r"\$SHARD", "1"),
    (r"\{NIGHT\}", "20260101T000000"),
    (r"\{SHARDS\}", "16"),
    (r"\s*#.*", ""),
)


def _commands() -> list[list[str]]:
    """Every ``muster`` command in the blocks and files, as words."""
    found = []
    for text in (*(block for _, block in BLOCKS), *EXAMPLES.values()):
        flowed = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
        flowed = re.sub(r"\n {14}(?=--)", " ", flowed)
        for command in re.findall(r"\bmuster ((?:scan|import) [^\"\n]*)", flowed):
            for pattern, value in _FILLED_IN:
                command = re.sub(pattern, value, command)  # noqa: PLW2901  # step by step
            found.append(shlex.split(command))
    return found


@pytest.mark.parametrize("words", _commands(), ids=" ".join)
def test_commands_are_ones_that_work(words: list[str]) -> None:
    """Their options exist and take what they are given."""
    name, *arguments = words
    command = cli.get_command(click.Context(cli), name)
    assert command is not None

    given: dict[str, Any] = command.make_context(name, arguments).params

    if name == "scan":
        parse_shard(given["shard"])
        check_scan_id(given["scan_id"])
        assert [one.partition(":")[0] for one in given["outputs"]] == ["ndjson"]
    else:
        assert given["files"]


def test_there_are_examples_for_each_scheduler() -> None:
    """Both commands for a shell, and for each of three schedulers (Kubernetes only reads)."""
    assert [name for name, *_ in _commands()].count("scan") == 5
    assert [name for name, *_ in _commands()].count("import") == 3


@pytest.mark.parametrize("name", ["github", "kubernetes"])
def test_yaml_parses(name: str) -> None:
    """As a workflow or a manifest."""
    (document,) = yaml.safe_load_all(EXAMPLES[name])

    assert "jobs" in document or (document["kind"], document["spec"]["completionMode"]) == ("Job", "Indexed")


def test_python_parses() -> None:
    """Airflow itself is not installed here."""
    names = {node.id for node in ast.walk(ast.parse(EXAMPLES["airflow"])) if isinstance(node, ast.Name)}

    assert "BashOperator" in names


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_the_page_leads_to_every_example(name: str) -> None:
    """In a table, beside its scheduler."""
    assert f"deploy/{name}/" in PAGE


@pytest.mark.parametrize("block", [block for language, block in BLOCKS if language == "toml"])
def test_toml_is_a_config(block: str) -> None:
    """The engine takes it."""
    assert EngineSettings(**tomllib.loads(block)["engine"]).dask
