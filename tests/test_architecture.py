"""The import direction: what may know what."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("scanner", "connectors", "reports")
PURE = {
    "scanner.model",
    "scanner.errors",
    "scanner.text",
    "scanner.redact",
    "scanner.secret_shapes",
    "scanner.gate",
    "scanner.dates",
}

# A module (or package) and what of ours it may import, besides itself.
MAY_IMPORT = {
    "scanner.model": set(),
    "scanner.errors": set(),
    "scanner.text": set(),
    "scanner.secret_shapes": set(),
    "scanner.redact": {"scanner.errors", "scanner.secret_shapes"},
    "scanner.beside": set(),
    "scanner.gate": {"scanner.model", "scanner.redact", "scanner.secret_shapes"},
    "scanner.dates": {"scanner.model"},
    "scanner.matching": PURE,
    "scanner.roster": PURE | {"scanner.matching"},
    "scanner.ownership": PURE | {"scanner.roster", "scanner.matching"},
    "scanner.suggestions": PURE | {"scanner.matching"},
    "scanner.nature": PURE | {"scanner.roster"},
    "scanner.agents": PURE,
    "scanner.usage": PURE,
    "scanner.drift": PURE | {"scanner.roster", "scanner.matching"},
    "scanner.diff": PURE | {"scanner.matching", "scanner.continuity.moved_rows"},
    "scanner.exemptions": PURE | {"scanner.matching"},
    "scanner.acknowledgements": PURE | {"scanner.matching", "scanner.exemptions"},
    "scanner.notify": PURE | {"scanner.roster", "scanner.rules", "scanner.strict", "connectors.address"},
    "scanner.privilege": PURE,
    "scanner.rules": PURE | {"scanner.matching", "scanner.catalog"},
    "scanner.discovery.shapes": set(),
    "scanner.discovery.scopes": PURE
    | {"scanner.discovery.shapes", "scanner.inventory", "connectors.base", "connectors.budget"},
    "scanner.inventory": PURE | {"scanner.links.trusts", "scanner.links.workloads", "scanner.privilege"},
    "scanner.links.linking": PURE | {"scanner.matching"},
    "scanner.links.trusts": PURE | {"scanner.links.linking", "scanner.matching"},
    "scanner.links.assignments": PURE | {"scanner.links.linking", "scanner.matching", "scanner.privilege"},
    "scanner.links.clusters": PURE | {"scanner.links.linking"},
    "scanner.links.federation": PURE | {"scanner.links.linking"},
    "scanner.tables": PURE,
    "scanner.registry": PURE | {"scanner.tables", "scanner.matching"},
    "scanner.registry_tools": PURE
    | {
        "scanner.beside",
        "scanner.registry",
        "scanner.tables",
        "scanner.matching",
        "scanner.roster",
        "scanner.ownership",
    },
    "scanner.summary": PURE,
    "scanner.continuity.recreated": PURE,
    "scanner.links.storing": PURE,
    "scanner.links.reach": PURE | {"scanner.links"},
    "scanner.links.takeovers": PURE | {"scanner.links.assignments", "scanner.links.linking"},
    "scanner.links.workloads": PURE | {"scanner.privilege"},
    "scanner.history": PURE | {"scanner.beside"},
    "connectors": PURE | {"scanner.tables", "scanner.catalog"},
    "connectors.testing": PURE | {"connectors.base", "connectors.budget", "scanner.discovery.scopes"},
    "scanner.board": PURE,
    "scanner.offboarding": PURE | {"scanner.roster", "scanner.matching"},
    "reports": PURE
    | {
        "scanner.board",
        "scanner.catalog",
        "scanner.diff.records",
        "scanner.links.assignments",
        "scanner.offboarding.records",
        "scanner.rules",
        "scanner.summary",
    },
}
HEAVY = (
    "boto3",
    "botocore",
    "azure.core",
    "azure.identity",
    "msal",
    "hvac",
    "google",
    "grpc",
    "requests",
    "sqlalchemy",
    "psycopg",
    "filelock",
    "rich",
    "xlsxwriter",
    "yaml",
    "networkx",
    "numpy",
    "scipy",
    "rapidfuzz",
    "openpyxl",
    "ruamel",
    "tomlkit",
    "ahocorasick",
    "pydantic",
    "dask",
    "distributed",
)


def _modules() -> Iterator[tuple[str, Path]]:
    for package in OURS:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"), path


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return {name for name in found if name.partition(".")[0] in OURS}


def _within(name: str, allowed: set[str]) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in allowed)


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_parts_import_only_what_they_may(part: str) -> None:
    """Data flows one way, so nobody may reach back or sideways."""
    allowed = MAY_IMPORT[part] | {part}
    apart = {other for other in MAY_IMPORT if other.startswith(f"{part}.")}
    modules = [(name, path) for name, path in _modules() if _within(name, {part}) and not _within(name, apart)]
    wrong = {name: bad for name, path in modules if (bad := {i for i in _imports(path) if not _within(i, allowed)})}

    assert modules
    assert wrong == {}


def test_only_the_composition_root_knows_the_catalogs() -> None:
    """Who is installed is a question for ``app`` and ``cli`` alone."""
    knowing = {
        name for name, path in _modules() if {"connectors.catalog", "reports.catalog"} & _imports(path)
    }  # fmt: skip

    assert {name for name in knowing if not _within(name, {"scanner.app", "scanner.cli"})} == set()


def test_help_loads_nothing_heavy() -> None:
    """``muster --help`` is quick because no SDK, database or table library is imported for it."""
    code = "import sys; from scanner.cli.main import main; main(['--help']); "
    code += f"print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)

    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("name", [name for name, _ in _modules() if not name.endswith("__main__")])
def test_every_module_is_in_a_listed_package(name: str) -> None:
    """The package list is written by hand, so nothing may be forgotten in it."""
    import tomllib

    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]

    assert name in listed or name.rpartition(".")[0] in listed
