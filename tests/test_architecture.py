"""The import direction: what may know what."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("scanner", "connectors", "reports")
# From the bottom up: a room imports those in the lines above it, and its own modules.
FLOORS = (
    (
        "scanner.errors",
        "scanner.text",
        "scanner.caching",
        "scanner.safe_files",
        "scanner.stages",
        "scanner.processes",
        "scanner.model",
    ),
    ("scanner.catalog", "connectors.core.address"),
    ("scanner.languages",),
    ("scanner.redaction", "scanner.matching", "scanner.rules"),
    ("scanner.strict", "scanner.access", "scanner.registry", "connectors.core.budget"),
    ("scanner.suppressions", "scanner.notify", "scanner.store", "connectors"),
    ("scanner.config",),
    ("scanner.discovery",),
    ("scanner.judging", "connectors.testing"),
    ("scanner.diff", "scanner.lifecycle"),
    ("reports",),
    ("scanner.app", "scanner.demo"),
    ("scanner.serve",),
    ("scanner.cli",),
    ("scanner.__main__",),
)
PURE = {f"scanner.{room}" for room in ("access", "diff", "judging", "languages", "matching", "model", "rules")}
OUTSIDE = (
    "filelock",
    "http",
    "os",
    "pathlib",
    "requests",
    "secrets",
    "shutil",
    "socket",
    "sqlalchemy",
    "subprocess",
    "tempfile",
    "time",
    "urllib.request",
    "urllib3",
    "uuid",
)
"""Modules for files, clocks, networks, databases and random ids."""
CLOCKS = ("now", "today", "utcnow")
PROVIDERS = (
    "agent_config",
    "anthropic",
    "aws",
    "azure",
    "file",
    "gcp",
    "github",
    "kubernetes",
    "ldap",
    "mysql",
    "okta",
    "openai",
    "postgresql",
    "secrets_report",
    "vault",
)
HEAVY = (
    "boto3",
    "botocore",
    "cryptography",
    "azure.core",
    "azure.identity",
    "msal",
    "hvac",
    "google",
    "grpc",
    "requests",
    "sqlalchemy",
    "psycopg",
    "pymysql",
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


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {_name(path): path for package in OURS for path in sorted((ROOT / package).rglob("*.py"))}

LISTED = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]


@cache
def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            full = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in MODULES else node.module for name in full}
    return {name for name in found if name.partition(".")[0] in OURS}


def _within(name: str, allowed: set[str]) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in allowed)


@cache
def _room(module: str) -> tuple[int, str]:
    """The floor of a module, counted from the bottom, and its room: the longest name that it is in."""
    rooms = [(floor, room) for floor, rooms in enumerate(FLOORS) for room in rooms if _within(module, {room})]
    return max(rooms, key=lambda found: len(found[1]), default=(-1, module))


def test_rooms_import_only_from_below() -> None:
    """Data flows one way, so no room reaches up or sideways."""
    wrong = [
        f"{name} imports {other}"
        for name, path in MODULES.items()
        for other in sorted(_imports(path))
        if _room(other)[1] != _room(name)[1] and _room(other)[0] >= _room(name)[0]
    ]

    assert wrong == []


def test_no_modules_of_a_room_import_each_other_in_a_circle() -> None:
    """Also where they are needed, inside functions. graphlib's error names the circle."""
    graph = {name: _imports(path) - {name} for name, path in MODULES.items()}

    assert set(TopologicalSorter(graph).static_order()) >= set(graph)


def test_pure_rooms_read_no_file_clock_or_network() -> None:
    """Their own tables, which come with the package, are read by ``importlib.resources``."""
    reading = []
    for name, path in MODULES.items():
        if not _within(name, PURE):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                reading += [(name, one.name) for one in node.names if _within(one.name, set(OUTSIDE))]
            elif isinstance(node, ast.ImportFrom) and node.module and _within(node.module, set(OUTSIDE)):
                reading.append((name, node.module))
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCKS:
                reading.append((name, ast.unparse(node)))

    assert reading == []


def test_the_page_has_every_room_from_the_bottom_up() -> None:
    """The table of folders is how a newcomer finds a topic."""
    text = (ROOT / "docs" / "explanation" / "architecture.md").read_text(encoding="utf-8")
    table = text.partition("| folder | question")[2].partition("\n\n")[0]
    folders = re.findall(r"^\| `([\w/]+)/` \|", table, re.MULTILINE)
    rooms = [folder.replace("/", ".") for folder in folders if folder not in ("scanner", "tests")]
    packages = {path.parent for path in (ROOT / "scanner").glob("*/__init__.py")}
    floors = [_room(room)[0] for room in rooms]

    assert set(rooms) == {f"scanner.{package.name}" for package in packages} | {"connectors", "reports"}
    assert floors == sorted(floors)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_connectors_know_nothing_of_each_other(provider: str) -> None:
    """What two of them need lives beside them, in ``connectors``."""
    others = {f"connectors.{other}" for other in PROVIDERS} - {f"connectors.{provider}"}
    modules = [path for name, path in MODULES.items() if _within(name, {f"connectors.{provider}"})]

    assert modules
    assert {one for path in modules for one in _imports(path) if _within(one, others)} == set()


def test_what_connectors_share_knows_none_of_them() -> None:
    """A connector imports what is shared, so the other direction would be a cycle."""
    providers = {f"connectors.{one}" for one in PROVIDERS}
    shared = {
        name: path for name, path in MODULES.items() if _within(name, {"connectors"}) and not _within(name, providers)
    }

    assert {"connectors.core.contract", "connectors.logs", "connectors.planned"} <= shared.keys()
    assert [
        f"{name} imports {other}"
        for name, path in shared.items()
        for other in sorted(_imports(path))
        if _within(other, providers)
    ] == []


def test_folders_of_a_connector_have_no_import_cycle() -> None:
    """Imports in functions count, too. A module beside the folders may import any of them."""
    packages = {name for name, path in MODULES.items() if path.name == "__init__.py"}
    edges: dict[str, set[str]] = {}
    for name, path in MODULES.items():
        for folder, other in ((_folder(name), _folder(one)) for one in _imports(path)):
            if {folder, other} <= packages and folder != other:
                edges.setdefault(folder, set()).add(other)

    assert edges["connectors.aws.identities"] >= {"connectors.aws.client", "connectors.aws.rights"}
    TopologicalSorter(edges).prepare()  # raises CycleError, which names the folders


def _folder(module: str) -> str:
    """The folder of a connector that a module is in; any other name is no package."""
    return ".".join(module.split(".")[:3]) if module.startswith("connectors.") else ""


def test_only_the_composition_root_knows_the_catalogs() -> None:
    """Who is installed is a question for ``app`` and ``cli`` alone."""
    knowing = {
        name for name, path in MODULES.items() if {"connectors.catalog", "reports.catalog"} & _imports(path)
    }  # fmt: skip

    assert {name for name in knowing if not _within(name, {"scanner.app.scanning", "scanner.cli"})} == set()


def test_help_loads_nothing_heavy() -> None:
    """``muster --help`` is quick because no SDK, database or table library is imported for it."""
    code = "import sys; from scanner.cli.main import main; main(['--help']); "
    code += f"print([name for name in {HEAVY} if name in sys.modules]); "
    code += "import scanner.app.scanning; "
    code += "print(*(name in sys.modules for name in ('sqlalchemy', 'sqlalchemy.dialects.postgresql')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)

    assert done.stdout.splitlines()[-2] == "[]"
    assert done.stdout.splitlines()[-1] == "True False"  # of a database that no one asked for nothing is loaded


def test_every_module_is_in_a_listed_package() -> None:
    """The package list is written by hand, so nothing may be forgotten in it."""
    assert [name for name in MODULES if not {name, name.rpartition(".")[0]} & set(LISTED)] == []
