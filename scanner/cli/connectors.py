"""``muster connectors``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from scanner.cli.options import config_option

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from connectors.core.contract import Connector, Spec
    from connectors.logs import LogSpec


@click.command()
@click.argument("connector", required=False, metavar="[TYPE]")
@click.argument("source", required=False, metavar="[SOURCE]")
@click.option("--policy", is_flag=True, help="Print the least-privilege policy in the provider's format.")
@click.option("--as", "template", metavar="FORMAT", help="With --policy: as a template of the role, such as terraform.")
@config_option
def connectors(
    connector: str | None, source: str | None, policy: bool, template: str | None, config_file: Path | None
) -> None:
    """Show what each connector reads and which permissions it needs.

    With --policy, print the policy to grant. If it depends on the server, as for Vault's mounts, give the SOURCE to
    read them from. With --as, print the role as a template for CloudFormation, Terraform, Bicep or gcloud; muster
    connectors TYPE lists the formats of a connector.
    """
    from connectors.catalog import connector_catalog
    from connectors.logs import log_catalog

    catalog, logs = connector_catalog(), log_catalog()
    if template is not None and not policy:
        raise click.UsageError("--as needs --policy")
    if connector is None:
        if policy:
            raise click.UsageError("--policy needs the connector's TYPE")
        click.echo(_listed({name: catalog.load(name).spec for name in catalog.names}))
        click.echo("\nAudit logs, read by muster activity and muster scan:\n")
        click.echo(_listed({name: logs.load(name).spec for name in logs.names}))
        click.echo("\nmuster connectors TYPE shows the details of one connector or log.")
        return
    if connector in logs.names and connector not in catalog.names and not policy:
        click.echo(_described_log(logs.load(connector).spec))
        return
    kind = catalog.load(connector)
    if template is not None:
        if source is not None:
            raise click.UsageError("--as takes no SOURCE: a template has parameters instead of settings")
        click.echo(_template(kind, connector, template), nl=False)
    elif policy:
        click.echo(_policy(kind, connector, source, config_file))
    else:
        click.echo(_described(kind))


def _listed(specs: Mapping[str, Spec] | Mapping[str, LogSpec]) -> str:
    width = max(map(len, specs), default=0)
    return "\n".join(
        f"{name:<{width}}  {spec.title}" + (f" (extra: {spec.extra})" if spec.extra else "")
        for name, spec in specs.items()
    )


def _policy(kind: type, name: str, source: str | None, config_file: Path | None) -> str:
    from connectors.core.contract import LeastPrivilege, LogPrivilege
    from scanner.app.scanning import make_ready
    from scanner.cli.sources import named_sources
    from scanner.config.load import load_config
    from scanner.errors import UsageError

    if not issubclass(kind, LeastPrivilege):
        raise UsageError(f"the connector {name} needs no permissions")
    if source is None:
        return kind.base_policy()
    config = load_config(config_file)
    (ready,) = make_ready(named_sources(config, [source]))
    if not isinstance(ready.connector, kind):
        raise UsageError(f"the source {source} is of type {ready.type}, not {name}")
    logs = {one.type for one in config.logs if one.source == source and one.path is None}
    if logs and isinstance(ready.connector, LogPrivilege):
        return ready.connector.policy_with_logs(logs)
    return ready.connector.policy()


def _template(kind: type, name: str, template: str) -> str:
    from scanner.errors import UsageError

    templates = _templates(kind)
    if template not in templates:
        known = f"it has {', '.join(templates)}" if templates else "it has none"
        raise UsageError(f"the connector {name} has no template {template}: {known}")
    return templates[template]()


def _templates(kind: type) -> Mapping[str, Callable[[], str]]:
    from connectors.core.contract import RoleTemplates

    return kind.role_templates() if issubclass(kind, RoleTemplates) else {}


def _described(kind: type[Connector]) -> str:
    import msgspec

    from scanner.errors import install_command

    spec = kind.spec
    lines = [spec.title, "", f"identities: {', '.join(spec.kinds)}"]
    if spec.extra:
        lines.append(f"needs:      {install_command(spec.extra)}")
    if templates := _templates(kind):
        lines.append(f"templates:  {', '.join(templates)} (--policy --as FORMAT)")
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


def _described_log(spec: LogSpec) -> str:
    from scanner.errors import install_command

    lines = [spec.title, "", f"identities: of {spec.provider}"]
    if spec.extra:
        lines.append(f"faster with: {install_command(spec.extra)}")
    lines.append(f"read:       from files{', or live through a source' if spec.is_live else ''}")
    if spec.permissions:
        lines.append(f"needs:      {', '.join(spec.permissions)}")
    lines += ["", "never shows", *(f"  {sentence}" for sentence in spec.blind_spots)]
    return "\n".join(lines)
