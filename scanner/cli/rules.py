"""``muster rules``."""

from __future__ import annotations

from pathlib import Path

import click

from scanner.cli.options import config_option


@click.command()
@config_option
def rules(config_file: Path | None) -> None:
    """List every rule: id, severity, thresholds, controls."""
    import textwrap

    from scanner.config import load_config
    from scanner.rules.catalog import RULES

    policy = load_config(config_file).policy
    for rule in RULES:
        click.echo(f"{rule.id}  [{rule.severity}]")
        click.echo(textwrap.fill(rule.title, width=79, initial_indent="    ", subsequent_indent="    "))
        if rule.thresholds:
            limits = ", ".join(f"{name} = {getattr(policy, name)} days" for name in rule.thresholds)
            click.echo(textwrap.fill(f"limits: {limits}", width=79, initial_indent="    ", subsequent_indent="      "))
        controls = ", ".join(rule.controls)
        click.echo(textwrap.fill(f"controls: {controls}", width=79, initial_indent="    ", subsequent_indent="      "))
