"""What is written must be true: README, docs and the example config against the live program."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import get_args

import click
import msgspec
import pytest
from click.testing import CliRunner

import scanner.errors
from connectors.catalog import connector_catalog
from reports.base import VIEWS
from reports.catalog import report_catalog
from scanner.cli import exit_codes
from scanner.cli.main import cli
from scanner.cli.reference import PAGES as GENERATED
from scanner.config.load import _File, load_config
from scanner.model import CoverageStatus, Policy, terms

ROOT = Path(__file__).parent.parent
DOCS = sorted((ROOT / "docs").rglob("*.md"))
PAGES = [ROOT / "README.md", *DOCS]
COMMANDS = cli.list_commands(click.Context(cli))


def command_called(words: list[str]) -> tuple[str, click.Command | None]:
    """The command at the beginning of these words, and its name; None where there is none of that name."""
    name, live = words[0], cli.get_command(click.Context(cli), words[0])
    if isinstance(live, click.Group) and len(words) > 1 and words[1].isalpha():
        return f"{name} {words[1]}", live.get_command(click.Context(live), words[1])
    return name, live


def every_command() -> list[str]:
    """Those of groups by both words."""
    groups = {name: live for name in COMMANDS if isinstance(live := command_called([name])[1], click.Group)}
    within = [f"{name} {each}" for name, group in groups.items() for each in group.list_commands(click.Context(group))]
    return sorted({*COMMANDS, *within} - set(groups))


@pytest.mark.parametrize("command", every_command())
def test_every_command_and_option_explains_itself(command: str) -> None:
    """``--help`` never shows an option without a word on it."""
    live = command_called(command.split())[1]
    assert live is not None
    options = [one for one in live.params if isinstance(one, click.Option)]

    assert live.help
    assert [one.name for one in options if not one.help and one.name != "help"] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_says_of_each_command_what_the_command_says_of_itself(command: str) -> None:
    """It is reported without importing the command, so it stands in two places."""
    live = command_called([command])[1]
    reported = CliRunner().invoke(cli, ["--help"], terminal_width=200).output

    assert live is not None
    assert live.help is not None
    assert re.search(rf"^  {command} +{re.escape(live.help.splitlines()[0])}$", reported, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_and_options_on_a_page_exist(page: Path) -> None:
    """Every ``muster COMMAND --option`` in a code span or block is one that works."""
    text = page.read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL))
    wrong = []
    for called in re.findall(r"(?:^|`)(?:[A-Z_]+=\S+ )?muster ([a-z]+[^\n`#|]*)", code, re.MULTILINE):
        command, live = command_called(called.split())
        known = {name for one in (live.params if live else ()) for name in (*one.opts, *one.secondary_opts)}
        used = re.findall(r"(?<=\s)--?[a-z][\w-]*", called)
        wrong += [f"{command} {option}" for option in used if option not in known] if live else [command]

    assert wrong == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    """Relative links name files that are there, and headings of theirs."""
    links = re.findall(r"\]\((?!https?://)([^)#\s]*)(?:#([^)\s]+))?\)", page.read_text(encoding="utf-8"))
    wrong = []
    for link, anchor in links:
        file = page.parent / link if link else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            wrong.append(f"{link}#{anchor}" if anchor else link)

    assert wrong == []


def anchors(page: Path) -> set[str]:
    """What forges make of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", DOCS, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_index_lists_every_page(page: Path) -> None:
    """The site's navigation is made from it."""
    index = ROOT / "docs" / "index.md"

    assert page == index or f"]({page.relative_to(index.parent)})" in index.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", GENERATED)
def test_generated_pages_are_up_to_date(name: str) -> None:
    """After a change of commands, the config's template, rules, controls, sections or records: ``make reference``."""
    written = (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")

    assert written == GENERATED[name](), f"make reference writes docs/reference/{name} anew"


def test_the_example_config_is_valid_and_says_the_defaults() -> None:
    """Uncommented it is what Muster does anyway, save for the one source."""
    config = load_config(ROOT / "config.example.toml")

    assert config.policy == Policy()
    assert [source.type for source in config.sources] == ["aws"]


def test_the_example_config_shows_every_table() -> None:
    """At least as a comment; keys that are rarely needed are on the pages of their subjects."""
    text = (ROOT / "config.example.toml").read_text(encoding="utf-8")
    tables = {field.encode_name for field in msgspec.structs.fields(_File)}
    uncommented = tomllib.loads(re.sub(r"^# (?=\[|\w+ = |\"\w+\" = )", "", text, flags=re.MULTILINE))

    assert tables == set(uncommented)


HEADINGS = (
    "What it reads",
    "Set-up",
    "Settings",
    "What it yields",
    "Privilege",
    "What it cannot see",
    "Calls it makes",
    "From files",
)
"""Of a connector's page, in this order: anyone who knows one page finds their way in all."""


@pytest.mark.parametrize("name", connector_catalog().names)
def test_pages_of_connectors_have_the_same_headings(name: str) -> None:
    """Those that it needs of them, and no others."""
    page = (ROOT / "docs" / "reference" / "connectors" / f"{name}.md").read_text(encoding="utf-8")
    found = re.findall(r"^## (.+)$", page, re.MULTILINE)

    assert found == [heading for heading in HEADINGS if heading in found]
    assert {"What it reads", "Settings", "What it yields", "What it cannot see"} <= set(found)


HOW_TO = [page for page in DOCS if page.parent.name == "how-to"]


@pytest.mark.parametrize("page", HOW_TO, ids=lambda page: page.stem)
def test_how_tos_begin_with_what_they_take_and_give(page: Path) -> None:
    """So that readers see at once whether it is for them."""
    first = page.read_text(encoding="utf-8").split("\n\n")[1]

    assert "**You need**" in first
    assert "**You get**" in first


@pytest.mark.parametrize("name", connector_catalog().names)
def test_every_connector_has_a_page_with_its_permissions(name: str) -> None:
    """The page, with those that go on from it and the list of sections, names each section and each setting."""
    spec = connector_catalog().load(name).spec
    folder = ROOT / "docs" / "reference" / "connectors"
    pages = [folder / f"{name}.md", *sorted(folder.glob(f"{name}-*.md")), folder.parent / "coverage.md"]
    page = "\n".join(one.read_text(encoding="utf-8") for one in pages)

    assert [section.name for section in spec.sections if section.name not in page] == []
    assert [one.encode_name for one in msgspec.structs.fields(spec.settings) if one.encode_name not in page] == []


def test_files_and_folders_that_the_architecture_names_exist() -> None:
    """By their whole path; in the table of folders also below those of the row, or one folder deeper."""
    text = (ROOT / "docs" / "explanation" / "architecture.md").read_text(encoding="utf-8")
    missing = []
    for line in text.splitlines():
        spans = re.findall(r"`([\w./*-]+)`", line)
        named = [span for span in spans if re.search(r"/$|\.(?:py|toml|json|md)$", span)]
        folders = [ROOT, *(ROOT / name for name in named if line.startswith("|") and name.endswith("/"))]
        patterns = [(folder, deeper + name) for name in named for folder in folders for deeper in ("", "*/")]
        found = {pattern.removeprefix("*/") for folder, pattern in patterns if any(folder.glob(pattern.rstrip("/")))}
        missing += [name for name in named if name not in found]

    assert "connectors/core/contract.py" in text
    assert missing == []


_FILE = re.compile(r"(?<![\w*<{./-])(?:[\w-]+/)*\w+\.py\b")
_DOTTED = re.compile(r"\b((?:scanner|connectors|reports|tests)(?:\.[a-z_]\w*)*)\.(\w+)")
_OF_OTHER_PROJECTS = {"utils/runtime/schema.py"}


@pytest.mark.parametrize("room", ["scanner", "connectors", "reports", "tests"])
def test_modules_that_docstrings_and_comments_name_exist(room: str) -> None:
    """A file by its path from any folder above the module, ``package.module.Name`` by what defines or imports it."""
    missing = []
    for module in (ROOT / room).rglob("*.py"):
        texts = re.findall(r'(?ms)^ *"""(.*?)"""|(?<!\S)# ([^\n]*)', module.read_text(encoding="utf-8"))
        prose = "\n".join(map("".join, texts))
        files = set(_FILE.findall(prose)) - _OF_OTHER_PROJECTS
        missing += [(module, one) for one in files if not any((above / one).is_file() for above in module.parents)]
        missing += [(module, one) for one in set(_DOTTED.findall(prose)) if not _is_there(*one)]

    assert missing == []


def _is_there(package: str, name: str) -> bool:
    above = ROOT / package.replace(".", "/")
    if (above / name).is_dir() or (above / f"{name}.py").is_file():
        return True
    sources = [
        one.read_text(encoding="utf-8") for one in (above / "__init__.py", above.with_suffix(".py")) if one.is_file()
    ]
    return any(re.search(rf"\b{name}\b", source) for source in sources)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_modules_that_a_page_names_exist(page: Path) -> None:
    """By their whole path, also with a name in them: ``connectors/core/contract.py:Connector``."""
    named = re.findall(r"`((?:[\w-]+/)+\w+\.py)(?::(\w+))?", page.read_text(encoding="utf-8"))

    assert [
        (path, name)
        for path, name in named
        if not (ROOT / path).is_file() or name not in (ROOT / path).read_text(encoding="utf-8")
    ] == []


def test_formats_and_views_are_in_the_docs() -> None:
    """One page gives them all."""
    page = (ROOT / "docs" / "reference" / "reports.md").read_text(encoding="utf-8")

    assert [name for name in (*report_catalog().names, *VIEWS) if f"`{name}`" not in page] == []


@pytest.mark.parametrize(
    ("page", "states"),
    [
        ("reference/verdicts.md", terms.RegistryState),
        ("reference/verdicts.md", terms.OwnershipState),
        ("reference/verdicts.md", terms.OrphanReason),
        ("reference/verdicts.md", terms.UsageState),
        ("reference/verdicts.md", terms.PrivilegeLevel),
        ("reference/verdicts.md", terms.NatureVerdictName),
        ("reference/verdicts.md", terms.EntryState),
        ("explanation/matching.md", terms.Rung),
        ("reference/changes.md", terms.FindingStatus),
        ("reference/coverage.md", CoverageStatus),
        ("reference/registry.md", terms.EntryStatus),
        ("reference/registry.md", terms.PersonStatus),
        ("reference/vocabulary.md", terms.Severity),
        ("reference/vocabulary.md", terms.Relation),
    ],
)
def test_every_state_is_explained(page: str, states: object) -> None:
    """By its name, on the page about its axis."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")

    assert [state for state in get_args(states) if f"`{state}`" not in text] == []


EXIT_CODES = (ROOT / "docs" / "reference" / "commands.md").read_text(encoding="utf-8").partition("## Exit codes")[2]


def test_the_reference_has_every_exit_code() -> None:
    """Those of commands, and those of errors: scripts are written from that table."""
    commands = {value for value in vars(exit_codes).values() if isinstance(value, int)}
    errors = {one.exit_code for one in vars(scanner.errors).values() if hasattr(one, "exit_code")}
    table = EXIT_CODES.partition("\n## ")[0]

    assert {int(code) for code in re.findall(r"^\| `(\d+)` \|", table, re.MULTILINE)} == {0} | commands | errors


@pytest.mark.parametrize("code", ["FINDINGS", "PROBLEMS", "NOT_FOUND", "INCOMPLETE", "NOTHING"])
def test_the_exit_codes_name_the_commands_that_return_them(code: str) -> None:
    """Each module that imports the code has a command in the table."""
    files = (ROOT / "scanner" / "cli").glob("*.py")
    imports = rf"from scanner\.cli\.exit_codes import .*\b{code}\b"
    modules = [file.stem for file in files if re.search(imports, file.read_text(encoding="utf-8"))]
    table = EXIT_CODES.partition("\n## ")[0]

    assert modules
    assert [module for module in modules if f"`{module}" not in table] == []
