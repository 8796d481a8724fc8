"""``muster paths``: which identity can become which, and where to cut."""

from __future__ import annotations

from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import Struct
from msgspec.structs import replace

from reports.base import VIEWS
from scanner.cli.exit_codes import NOT_FOUND
from scanner.cli.options import as_one, config_option, store_option
from scanner.errors import UsageError, did_you_mean
from scanner.text import printable

if TYPE_CHECKING:
    from reports.paths import PathAnswer
    from scanner.access.attack_paths import AttackGraph
    from scanner.cli.output import Delivery
    from scanner.store.store import Store


MOST = 20
ADMIN, OUTSIDE = "admin", "outside"
_GRAPHS = ("graphml", "dot", "opengraph")
_EVERYTHING = ("all", "inventory")
"""Views with every identity."""


class _Asked(Struct, frozen=True, kw_only=True):
    """The arguments and options."""

    source: str | None
    target: str | None
    choke: bool
    cut: bool
    most: int
    every: bool
    longest: int | None
    avoid: tuple[str, ...]
    without: tuple[tuple[str, str], ...]


@click.command()
@click.argument("source", required=False, metavar="[FROM]")
@click.argument("target", required=False, metavar="[TO]")
@click.option("--choke", is_flag=True, help="The identities without which most others lose every path to an admin.")
@click.option("--cut", is_flag=True, help="The fewest steps without which no path from FROM to TO is left.")
@click.option("--max", "most", type=click.IntRange(1), default=MOST, show_default=True, help="At most this many.")
@click.option("--all", "every", is_flag=True, help="All paths from one identity, without circles.")
@click.option("--max-length", "longest", type=click.IntRange(1), help="With --all: paths of at most this many steps.")
@click.option("--avoid", multiple=True, metavar="IDENTITY", help="Paths that do not lead through it. Repeats.")
@click.option(
    "--without-edge",
    "without",
    multiple=True,
    nargs=2,
    metavar="FROM TO",
    help="What is left if the first could no longer become the second. Repeats.",
)
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
@as_one("asked", _Asked)
def paths(asked: _Asked, outputs: tuple[str, ...], config_file: Path | None, store_url: str | None) -> int:
    """Show which identity can become which, shortest paths first, with the evidence for each step.

    FROM and TO are a key, name or alias; 'admin': identities that are one, or are made one by a method; 'outside':
    external principals that a trust policy lets in; or a view, such as 'orphans'. Without TO: everything that one
    identity can become, and the nearest admin of several. Paths under a condition come last. Exit 1 without a path.
    """
    from reports.paths import WRITERS
    from scanner.cli.output import deliver, plan_formats
    from scanner.config.load import load_config
    from scanner.store.store import open_store

    planned = plan_formats(outputs, (*WRITERS, *_GRAPHS), "attack paths")
    texts, graphs = [one for one in planned if one[0] in WRITERS], [one for one in planned if one[0] in _GRAPHS]
    _check(asked, asks_nothing=bool(graphs) and not texts)
    has_path = True
    deliveries: list[Delivery] = []
    with open_store(store_url or load_config(config_file).store_url, create=False) as store:
        if asked.choke or asked.source is not None:
            found, has_path = _found(store, asked)
            deliveries += _as_text(found, texts)
        deliveries += _as_graph(store, graphs)
    if not has_path:
        click.echo(
            f"no path from {printable(asked.source or '')} to {printable(asked.target or 'any other identity')}",
            err=True,
        )
    deliver(deliveries, hint="choose another path")
    return 0 if has_path else NOT_FOUND


def _check(asked: _Asked, *, asks_nothing: bool) -> None:
    """Raise UsageError for options that do not go together."""
    if asked.source is None and not asked.choke and not asks_nothing:
        raise UsageError("FROM is missing", hint="name FROM, or --choke; `muster paths outside` is a start")
    if asked.choke and (asked.source is not None or asked.cut):
        raise UsageError("--choke is about the whole graph", hint="leave out FROM, TO and --cut")
    if asked.cut and asked.target is None:
        raise UsageError("--cut needs FROM and TO", hint="for example `muster paths outside admin --cut`")
    if asked.longest is not None and not asked.every:
        raise UsageError("--max-length goes with --all", hint="add --all")
    if asked.every and (asked.target is None or asked.cut or asked.source in (*VIEWS, ADMIN, OUTSIDE)):
        raise UsageError("--all is about paths from one identity", hint="name one identity as FROM, and TO")


def _found(store: Store, asked: _Asked) -> tuple[PathAnswer, bool]:
    """The answer, and whether there is any path."""
    from reports.paths import PathAnswer, unique_names
    from scanner.access.chokes import chokes_to_admin
    from scanner.access.questions import Question, ask

    graph = store.attack_graph()
    meant = partial(_meant, store, graph)
    avoid = frozenset(chain.from_iterable(map(meant, asked.avoid)))
    edges = frozenset(
        (one, other) for source, target in asked.without for one in meant(source) for other in meant(target)
    )
    with store.records() as records:
        found, has_path = PathAnswer(scan=records.frame.scan), True
    if asked.source is None:
        every = chokes_to_admin(graph.without(avoid, edges))
        found = replace(found, chokes=replace(every, chokes=every.chokes[: asked.most]))
    else:
        is_one = asked.source not in (*VIEWS, ADMIN, OUTSIDE)
        starts = meant(asked.source)
        goals = meant(asked.target or ADMIN) if asked.target or not is_one else None
        to_admin = goals is not None and asked.target in (ADMIN, None)
        if asked.cut:
            found, has_path = _cut(found, graph.without(avoid, edges), starts, None if to_admin else goals)
        else:
            question = Question(
                source=next(iter(starts)) if is_one else starts,
                goals=goals,
                admin=to_admin,
                outside=asked.source == OUTSIDE,
                most=asked.most,
                every=asked.every,
                longest=asked.longest,
                avoid=avoid,
                cut=edges,
            )
            answer = ask(graph, question)
            found, has_path = replace(found, answer=answer, is_one=is_one), bool(answer.paths or answer.admins)
    with store.records() as records:
        named = records.identities(sorted(found.keys))
    entrances = graph.entrances if asked.source == OUTSIDE else {}
    return replace(found, names=unique_names(one.identity for one in named), entrances=entrances), has_path


def _cut(
    found: PathAnswer, graph: AttackGraph, starts: frozenset[str], goals: frozenset[str] | None
) -> tuple[PathAnswer, bool]:
    """The fewest steps to cut. ``goals``: None for the admins."""
    from scanner.access.chokes import fewest_cuts, fewest_cuts_to_admin

    cut = fewest_cuts_to_admin(graph, starts) if goals is None else fewest_cuts(graph, starts, goals)
    return replace(found, cut=cut), cut.bounded or bool(cut.steps)


def _as_text(found: PathAnswer, planned: list[tuple[str, str]]) -> list[Delivery]:
    from reports.paths import WRITERS
    from scanner.cli.output import Delivery

    return [
        Delivery(format=name, title=f"{name} (paths)", path=path, write=partial(WRITERS[name], found))
        for name, path in planned
    ]


def _as_graph(store: Store, planned: list[tuple[str, str]]) -> list[Delivery]:
    """The whole graph as a report."""
    from scanner.cli.output import Delivery, make_output

    if not planned:
        return []
    result = store.load()
    return [
        Delivery(
            format=name,
            title=f"{name} (graph)",
            path=path,
            write=partial(make_output(name, path, None).report.write, result, "all"),
        )
        for name, path in planned
    ]


def _meant(store: Store, graph: AttackGraph, text: str) -> frozenset[str]:
    """The keys for a text. Raises UsageError if there is none, or several identities have the name."""
    from reports.views import select

    by_view = next((view for view in VIEWS if view == text), None)
    if text == ADMIN:
        return graph.admins
    if text == OUTSIDE:
        return frozenset(graph.entrances)
    if by_view in _EVERYTHING:
        return frozenset(graph.keys)
    if by_view is not None:
        return frozenset(one.identity.key for one in select(store.load(), by_view).identities)
    hits = [one.identity.key for one in store.find(text).identities]
    if len(hits) == 1:
        return frozenset(hits)
    if hits:
        listed = "".join(f"\n  {printable(key)}" for key in hits)
        raise UsageError(f"{len(hits)} identities are called {printable(text)}:{listed}", hint="choose one by its key")
    near = did_you_mean(text, [*VIEWS, ADMIN, OUTSIDE, *store.similar_names(text)])
    raise UsageError(
        f"no identity or view is called {printable(text)}",
        hint=near or "`muster report --view inventory` lists identities",
    )
