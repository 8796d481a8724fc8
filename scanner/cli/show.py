"""``muster show``: the details of one identity."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from scanner.cli.exit_codes import NOT_FOUND
from scanner.cli.options import config_option, store_option


@click.command()
@click.argument("identity")
@config_option
@store_option
def show(identity: str, config_file: Path | None, store_url: str | None) -> int:
    """Show the details of one identity.

    Shows verdicts with evidence, the blast radius, credentials, grants, links, findings and history. IDENTITY is a key,
    a name, an alias or a credential id. Exit 1 if there is none; if there are several, it lists them.
    """
    from reports.card import identity_card
    from scanner.app.acknowledging import all_acknowledgements
    from scanner.app.stored import with_activity
    from scanner.cli.output import stdout_screen
    from scanner.config.load import load_config
    from scanner.diff.aspects import eras
    from scanner.store.store import open_store
    from scanner.suppressions.acknowledgements import with_later
    from scanner.text import printable

    config = load_config(config_file)
    with open_store(store_url or config.store_url, create=False) as store:
        result = store.find(identity)
        hits = result.identities
        if not hits:
            click.echo(f"no identity is called {printable(identity)} in scan {result.scan.id}", err=True)
            for name in store.similar_names(identity):
                click.echo(f"  is it {printable(name)}?", err=True)
            return NOT_FOUND
        if len(hits) > 1:
            click.echo(f"{len(hits)} identities are called {printable(identity)}; choose one by its key:")
            for hit in hits:
                click.echo(f"  {printable(hit.identity.key)}")
            return 0
        result = with_activity(store, result, config.activity)
        radius = store.blast_radius(hits[0].identity.key)
        versions = [(one.since, one.until, one.assessment) for one in store.history(hits[0].identity.key)]
        today = datetime.now(UTC).date()
        result = with_later(result, all_acknowledgements(store, config.acknowledged, today), today)
        card = identity_card(result.identities[0], result, eras(versions), stdout_screen(), radius)
        click.echo(card, nl=False)
    return 0
