"""``muster rules``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from scanner.cli.options import config_option
from scanner.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from scanner.config.load import Config


@click.command()
@click.option("--controls", is_flag=True, help="List the controls that the rules give evidence for.")
@click.option(
    "--framework", "chosen", multiple=True, metavar="ID", help="With --controls: only this standard. Repeats."
)
@config_option
def rules(config_file: Path | None, controls: bool, chosen: tuple[str, ...]) -> None:
    """List every rule: id, severity, thresholds, controls."""
    from scanner.config.load import load_config

    if chosen and not controls:
        raise click.UsageError("--framework needs --controls")
    lines = _coverage(chosen) if controls else _rules(load_config(config_file))
    for line in lines:
        click.echo(line)


def _rules(config: Config) -> list[str]:
    import textwrap

    from scanner.rules.catalog import RULES
    from scanner.rules.controls.frameworks import controls_of, usually_cited

    cited = usually_cited() if config.frameworks is None else config.frameworks

    def facts(text: str, more: str) -> str:
        return textwrap.fill(text, width=79, initial_indent="    ", subsequent_indent=more, break_on_hyphens=False)

    lines = []
    for rule in RULES:
        lines += [f"{rule.id}  [{rule.severity}]", facts(rule.title, "    ")]
        if rule.thresholds:
            limits = ", ".join(f"{name} = {getattr(config.policy, name)} days" for name in rule.thresholds)
            lines.append(facts(f"limits: {limits}", "      "))
        lines.append(facts(f"controls: {', '.join(controls_of(rule.id, cited)) or 'none'}", "      "))
    return lines


def _coverage(chosen: tuple[str, ...]) -> list[str]:
    from scanner.rules.catalog import RULES
    from scanner.rules.controls.frameworks import coverage, frameworks

    known = frameworks()
    if unknown := next((name for name in chosen if name not in known), None):
        hint = did_you_mean(unknown, list(known)) or f"frameworks: {', '.join(known)}"
        raise UsageError(f"there is no framework {unknown}", hint=hint)
    return list(coverage((known[name] for name in dict.fromkeys(chosen or known)), (rule.id for rule in RULES)))
