"""``muster check``: what a change would bring, before it is deployed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

import click
from msgspec import Struct
from msgspec.structs import replace

from scanner.cli.exit_codes import FINDINGS, INCOMPLETE, NOTHING, is_failing
from scanner.cli.options import (
    Given,
    Reports,
    agents_lock_option,
    as_one,
    fail_on_option,
    given_options,
    named_config_option,
    output_options,
)
from scanner.errors import MusterError, UsageError
from scanner.model import Severity

if TYPE_CHECKING:
    from connectors.planned import FileResources
    from scanner.cli.output import Output
    from scanner.config.load import Config
    from scanner.model import ScanResult
    from scanner.model.planned import Plan
    from scanner.redaction.redact import SecretRef

STDIN = "-"
_FILE = click.Path(path_type=Path)
_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


class How(Struct, frozen=True, kw_only=True):
    """Further inputs, outputs and exit conditions, from the command line."""

    source: Path | None
    draft: Path | None
    fail_on: Severity | None
    strict: bool
    no_store: bool
    allow_env: tuple[str, ...]
    allow_file: tuple[Path, ...]
    agents_lock: Path | None


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@partial(given_options, config=named_config_option)
@output_options
@click.option("--source", type=_FOLDER, metavar="DIR", help="Find a plan's resources in the .tf files of this folder.")
@click.option(
    "--draft", type=click.Path(path_type=Path), metavar="FILE", help="Write missing entries to this registry."
)
@fail_on_option
@click.option("--strict", is_flag=True, help="Exit 3 if a resource could not be evaluated.")
@click.option("--no-store", is_flag=True, help="Do not read ./muster.db, which could be part of the change.")
@click.option(
    "--allow-env", multiple=True, metavar="NAME", help="Let the config refer to this environment variable. Repeats."
)
@click.option(
    "--allow-file", multiple=True, type=_FILE, metavar="PATH", help="Let the config refer to this file. Repeats."
)
@agents_lock_option
@as_one("how", How)
def check(files: tuple[str, ...], given: Given, reports: Reports, how: How) -> int:
    """Check what a change would bring, before it is deployed.

    FILE is a Terraform plan (`terraform show -json PLAN`), a CloudFormation or SAM template, Kubernetes manifests, or
    a GitHub Actions workflow; '-' is stdin. A pattern in quotes ('deploy/**/*.yaml') also finds names that begin with
    a dot, and is a gap if it matches nothing. Identities that would be created or given more rights are evaluated as in
    a scan, with what the store knows, if there is one. No provider is called, and nothing is stored. A config is read
    only if --config names it: one that lies in the folder could be part of the change. If it lies in the same checkout,
    it reads no secret, no database and no file from outside but those that --allow-env and --allow-file name.
    With --agents-lock, the AI agents of the latest scan are compared with the lock: in a pull request, give the lock of
    the base branch.
    """
    from scanner.app import checking
    from scanner.app.cut_lists import refuse_cut_lists
    from scanner.app.lists import load_lists
    from scanner.cli.console import warn
    from scanner.cli.output import write_outputs
    from scanner.cli.scan import overridden
    from scanner.redaction.redact import resolving_only

    planned = _outputs(reports)
    own = _config(given.config_file)
    read = _all_read(files)
    allows = _allows(own, given, how, [one.file for one in read])
    # Never the lock that the config names: in a pull request, its author wrote that.
    config = replace(overridden(own, given), agents_lock=how.agents_lock)
    with nullcontext() if allows is None else resolving_only(allows):
        lists = load_lists(config, (), strict=given.strict_registry)
    warn(lists.warnings)
    asked = checking.Given(files=read, source=how.source, agents_lock=config.agents_lock)
    store_url = None if how.no_store else config.store_url
    if given.config_file is None and given.store_url is None and store_url is not None:
        _warn_of_store(store_url)
    if given.strict_registry and store_url is not None:
        refuse_cut_lists(store_url, lists.declared)
    result = checking.check(asked, lists.declared, store_url, store_given=given.store_url is not None)
    write_outputs(result, planned)
    if how.draft is not None:
        _draft(result, how.draft)
    return exit_code(result, how, is_failing(result.findings, how.fail_on, fail_on_new=False))


def _config(path: Path | None) -> Config:
    """The config that is named. One that only lies there is the change's own: its author must not set the rules."""
    from scanner.cli.console import say
    from scanner.config.load import DEFAULT_FILE, Config, load_config

    if path is not None:
        return load_config(path)
    ignored = f"; {DEFAULT_FILE} is not read" if Path(DEFAULT_FILE).exists() else ""
    say(f"no --config: the default policy, and only the lists that are named{ignored}")
    return Config()


def _allows(config: Config, given: Given, how: How, files: Sequence[str]) -> Callable[[SecretRef], bool] | None:
    """Which references the config may resolve; None: all. Raises UsageError if it leads out of its own checkout.

    A config from outside the checkout may resolve all, or what the caller names; one from inside only what is named.
    """
    from scanner.app.checkout import Allowed, check_reach, checkouts, lies_in, reach_of

    if given.config_file is None:
        return None
    allowed = Allowed(env=frozenset(how.allow_env), files=frozenset(how.allow_file))
    roots = checkouts(file for file in files if file != STDIN)
    if lies_in(given.config_file, roots):
        store = given.store_url is None and not how.no_store
        reach = reach_of(config, registries=not given.registries, people=not given.people, store=store)
        check_reach(given.config_file, reach, roots, allowed)
        return allowed.secret
    return allowed.secret if how.allow_env or how.allow_file else None


def _warn_of_store(store_url: str) -> None:
    """Announce that an unnamed store is read: one in the change could hide that an admin is new."""
    from scanner.cli.console import say

    path = store_url.removeprefix("sqlite:///")
    if Path(path).exists():
        say(f"the store {path} that lies here is read; --no-store leaves it alone, if it could be part of the change")


def exit_code(result: ScanResult, how: How, failing: bool) -> int:
    """The exit code: nothing could be evaluated, then gaps, then findings."""
    files = [plan for plan in result.plans if plan.format != "pattern"]
    if all(map(_is_unread, files)) and (files or not how.strict):
        return NOTHING
    if how.strict and result.summary.gaps:
        return INCOMPLETE
    return FINDINGS if failing else 0


def _is_unread(plan: Plan) -> bool:
    """Whether nothing in a file could be evaluated."""
    places = {one.place for one in plan.unread}
    return bool(places) and not plan.identities and len(places) >= plan.resources


def _outputs(reports: Reports) -> Sequence[Output]:
    """The outputs of ``-o``; formats with a report for the gate use it, unless a view is requested."""
    from reports.gate.formats import GATE_FORMATS
    from scanner.cli.output import plan_outputs

    planned = plan_outputs(reports.outputs, reports.view)
    if reports.view not in (None, "all"):
        return planned
    return [
        replace(one, report=GATE_FORMATS[one.report.name]()) if one.report.name in GATE_FORMATS else one
        for one in planned
    ]


def _all_read(files: Sequence[str]) -> list[FileResources]:
    """The files, and those that patterns match; a pattern without a match is a gap, and a missing file an error."""
    from connectors.planned.patterns import found, is_pattern

    named: dict[str, None] = {}
    gaps: list[FileResources] = []
    for file in dict.fromkeys(files):
        matched, gap = found(file) if is_pattern(file) else ([file], None)
        named.update(dict.fromkeys(matched))
        gaps += [gap] if gap is not None else []
    return [*map(_read, named), *gaps]


def _read(file: str) -> FileResources:
    from connectors.planned.files import load

    if file != STDIN:
        return load(Path(file), file)
    with _stdin() as path:
        try:
            return load(path, STDIN)
        except MusterError as error:
            # Name the file that was given, not its copy.
            raise UsageError(str(error).replace(str(path), STDIN), hint=error.hint) from error


@contextmanager
def _stdin() -> Iterator[Path]:
    """Stdin as a file, which is read more than once."""
    with NamedTemporaryFile() as file:
        while part := sys.stdin.buffer.read(1 << 20):
            file.write(part)
        file.flush()
        yield Path(file.name)


def _draft(result: ScanResult, path: Path) -> None:
    """Write the entries that are missing to a registry, which may be new."""
    from scanner.cli.console import say
    from scanner.cli.options import listed
    from scanner.lifecycle.gate.drafting import drafts
    from scanner.registry.editing.revising import Target, revise
    from scanner.registry.editing.saving import save
    from scanner.registry.entries import load_registry
    from scanner.text import counted

    source = listed(path)
    there = load_registry([source]).entries if path.exists() else ()
    changes = drafts(result, there)
    save(revise(Target(source=source, entries=there), changes), source, backups=True)
    say(f"{counted(len(changes), 'entry', 'entries')} drafted in {path}: fill in owner and purpose")
