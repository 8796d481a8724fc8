"""``muster connectors``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from scanner.cli.options import config_option

if TYPE_CHECKING:
    from connectors.base import Spec


@click.command()
@click.argument("connector", required=False, metavar="[TYPE]")
@click.argument("source", required=False, metavar="[SOURCE]")
@click.option("--policy", is_flag=True, help="Print the least-privilege policy in the provider's own format.")
@config_option
def connectors(connector: str | None, source: str | None, policy: bool, config_file: Path | None) -> None:
    """Show what each connector needs and yields.

    With --policy, print what to grant. A connector whose policy depends on the server (Vault: a block for each
    mount) is given the SOURCE to look at.
    """
    from connectors.catalog import connector_catalog

    catalog = connector_catalog()
    if connector is None:
        if policy:
            raise click.UsageError("--policy needs the connector's TYPE")
        for name in catalog.names:
            spec = catalog.load(name).spec
            click.echo(f"{name:<8} {spec.title}" + (f" (extra: {spec.extra})" if spec.extra else ""))
        click.echo("\nmuster connectors TYPE tells what one needs and yields.")
        return
    kind = catalog.load(connector)
    if policy:
        click.echo(_policy(kind, connector, source, config_file))
        return
    click.echo(_described(kind.spec))


def _policy(kind: type, name: str, source: str | None, config_file: Path | None) -> str:
    from connectors.base import LeastPrivilege
    from scanner.app import make_ready
    from scanner.cli.sources import named_sources
    from scanner.config import load_config
    from scanner.errors import UsageError

    if not issubclass(kind, LeastPrivilege):
        raise UsageError(f"the connector {name} needs no permission of any provider")
    if source is None:
        return kind.base_policy()
    (ready,) = make_ready(named_sources(load_config(config_file), [source]))
    if not isinstance(ready.connector, kind):
        raise UsageError(f"the source {source} is of type {ready.type}, not {name}")
    return ready.connector.policy()


def _described(spec: Spec) -> str:
    import msgspec

    from scanner.errors import install_command

    lines = [spec.title, "", f"identities: {', '.join(spec.kinds)}"]
    if spec.extra:
        lines.append(f"needs:      {install_command(spec.extra)}")
    lines += ["", "settings"]
    for field in msgspec.structs.fields(spec.settings):
        default = "" if field.default is msgspec.NODEFAULT else f" = {field.default!r}"
        lines.append(f"  {field.encode_name}{default}")
    lines += ["", "sections"]
    for section in spec.sections:
        lines.append(f"  {section.name} — {section.title}" + (" (optional)" if section.optional else ""))
        if section.permissions:
            lines.append(f"      needs   {', '.join(section.permissions)}")
        lines.append(f"      without {section.without}")
    return "\n".join(lines)
