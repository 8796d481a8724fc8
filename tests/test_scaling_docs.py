"""The examples in docs/how-to/many-machines.md: anyone who copies one gets what parses, and commands that exist."""

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

PAGE = (Path(__file__).parent.parent / "docs" / "how-to" / "many-machines.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL)
# What a scheduler would put there.
_FILLED_IN = (
    (r"\$\{\{ matrix\.shard \}\}", "1"),
    (r"\$\{\{ github\.run_id \}\}", "123"),
    (r"\$\(\(JOB_COMPLETION_INDEX \+ 1\)\)", "1"),
    (r"\$JOB_COMPLETION_INDEX", "0"),
    (r"\{+ ts_nodash \}+", "20260101T000000"),
    (r"\{FILES\}", "/shared/x"),
    (r"\$SHARD", "1"),
    (r"\{SHARDS\}", "16"),
    (r"\s*#.*", ""),
)


def _commands() -> list[list[str]]:
    """Every ``muster`` command in the blocks, as words."""
    found = []
    for language, block in BLOCKS:
        flowed = re.sub(r"\n {14}(?=--)", " ", block) if language == "yaml" else block
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


@pytest.mark.parametrize("block", [block for language, block in BLOCKS if language == "yaml"])
def test_yaml_parses(block: str) -> None:
    """As a workflow or a manifest."""
    (document,) = yaml.safe_load_all(block)

    assert "jobs" in document or (document["kind"], document["spec"]["completionMode"]) == ("Job", "Indexed")


@pytest.mark.parametrize("block", [block for language, block in BLOCKS if language == "python"])
def test_python_parses(block: str) -> None:
    """Airflow itself is not installed here."""
    assert "BashOperator" in {node.id for node in ast.walk(ast.parse(block)) if isinstance(node, ast.Name)}


@pytest.mark.parametrize("block", [block for language, block in BLOCKS if language == "toml"])
def test_toml_is_a_config(block: str) -> None:
    """The engine takes it."""
    assert EngineSettings(**tomllib.loads(block)["engine"]).dask
