"""``muster paths``: which identity can become which, and through which identities most paths to an admin lead."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reports.base import VIEWS
from scanner.cli.options import config_option, store_option
from scanner.errors import UsageError, did_you_mean
from scanner.text import printable

if TYPE_CHECKING:
    from reports.paths import Found
    from scanner.access.attack_paths import AttackGraph, AttackPath
    from scanner.model import ScanResult


NO_PATH = 1
MOST = 20
ADMIN, OUTSIDE = "admin", "outside"
_GRAPHS = ("graphml", "dot", "opengraph")


@click.command()
@click.argument("source", required=False, metavar="[FROM]")
@click.argument("target", required=False, metavar="[TO]")
@click.option("--choke", is_flag=True, help="The identities without which most others lose every path to an admin.")
@click.option("--max", "most", type=click.IntRange(1), default=MOST, show_default=True, help="So many at most.")
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    metavar="FORMAT:PATH",
    help="Write paths as table or json, or the whole graph as graphml, dot or opengraph; '-' is stdout. Repeats.",
)
@config_option
@store_option
def paths(
    source: str | None,
    target: str | None,
    choke: bool,
    most: int,
    outputs: tuple[str, ...],
    config_file: Path | None,
    store_url: str | None,
) -> int:
    """Show which identity can become which, shortest paths first, with the evidence for each step.

    FROM and TO are a key, name or alias; 'admin': identities that are one; 'outside': identities that external
    principals can become; or a view, such as 'orphans'. Without TO: everything that one identity can become, and the
    nearest admin of several. Exit 1 if there is no path.
    """
    from reports.paths import WRITERS, Found, unique_names
    from scanner.access.attack_paths import AttackGraph, admins, entrances, steps_of
    from scanner.cli.output import Delivery, deliver, make_output, plan_formats
    from scanner.config.load import load_config
    from scanner.store.store import open_store

    planned = plan_formats(outputs, (*WRITERS, *_GRAPHS), "attack paths")
    texts, graphs = [one for one in planned if one[0] in WRITERS], [one for one in planned if one[0] in _GRAPHS]
    if source is None and not choke and (texts or not graphs):
        raise UsageError("nothing is asked for", hint="name FROM, or --choke; `muster paths outside` is a start")
    if choke and source is not None:
        raise UsageError("--choke is about the whole graph", hint="leave out FROM and TO")
    with open_store(store_url or load_config(config_file).store_url, create=False) as store:
        result = store.load()
    found = Found(scan=result.scan, names=unique_names(one.identity for one in result.identities))
    if choke or source is not None:
        graph = AttackGraph(steps_of(result))
        if choke:
            found = _with(found, chokes=graph.chokes(admins(result.identities))[:most])
        elif source is not None:
            listed = _paths(graph, result, source, target, most)
            outside = entrances(result.identities) if source == OUTSIDE else {}
            found = _with(found, paths=listed[:most], more=len(listed) > most, entrances=outside)
    if source is not None and not found.paths:
        click.echo(f"no path from {printable(source)} to {printable(target or 'any other identity')}", err=True)
    deliver(
        [
            *(
                Delivery(format=name, title=f"{name} (paths)", path=path, write=partial(WRITERS[name], found))
                for name, path in texts
            ),
            *(
                Delivery(
                    format=name,
                    title=f"{name} (graph)",
                    path=path,
                    write=partial(make_output(name, path, None).report.write, result, "all"),
                )
                for name, path in graphs
            ),
        ],
        hint="choose another path",
    )
    return NO_PATH if source is not None and not found.paths else 0


def _with(found: Found, **facts: object) -> Found:
    from msgspec.structs import replace

    return replace(found, **facts)


def _paths(graph: AttackGraph, result: ScanResult, source: str, target: str | None, most: int) -> list[AttackPath]:
    """Paths, shortest first; one more than ``most`` if there are."""
    several = source in (*VIEWS, ADMIN, OUTSIDE)
    starts = _meant(source, result)
    goals = _meant(target or ADMIN, result) if target or several else None
    if several:
        return list(islice(graph.nearest(starts, goals or ()), most + 1))
    (start,) = starts
    if goals is not None and len(goals) == 1:
        return graph.several(start, next(iter(goals)), most + 1)
    return list(islice(graph.shortest(start, goals), most + 1))


def _meant(text: str, result: ScanResult) -> Collection[str]:
    """The keys that a text means. Raises UsageError if it is none, or a name that several identities have."""
    from reports.views import select
    from scanner.access.attack_paths import admins, entrances

    by_view = next((view for view in VIEWS if view == text), None)
    if text == ADMIN:
        return admins(result.identities)
    if text == OUTSIDE:
        return frozenset(entrances(result.identities))
    if by_view is not None:
        return frozenset(one.identity.key for one in select(result, by_view).identities)
    hits = _called(text, result)
    if len(hits) == 1:
        return frozenset(hits)
    if hits:
        listed = "".join(f"\n  {printable(key)}" for key in hits)
        raise UsageError(f"{len(hits)} identities are called {printable(text)}:{listed}", hint="choose one by its key")
    names = [*VIEWS, ADMIN, OUTSIDE, *(one.identity.name for one in result.identities)]
    raise UsageError(
        f"no identity or view is called {printable(text)}",
        hint=did_you_mean(text, names) or "`muster report --view inventory` lists identities",
    )


def _called(text: str, result: ScanResult) -> Sequence[str]:
    """The keys of identities with this key, else with this name, alias, display name or unique id."""
    identities = [one.identity for one in result.identities]
    if any(one.key == text for one in identities):
        return [text]
    return [one.key for one in identities if text in (one.name, one.display_name, one.unique_id) or text in one.aliases]
