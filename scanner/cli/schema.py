"""``muster schema``."""

from __future__ import annotations

import click


@click.command()
def schema() -> None:
    """Print the JSON Schema of json and ndjson reports.

    It describes the document; its definition "line" describes a line of NDJSON.
    """
    import json

    from reports.json_schema import scan_schema

    click.echo(json.dumps(scan_schema(), indent=2))
