"""Attack paths of the latest scan."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from functools import lru_cache
from threading import Lock
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from reports.json import encoded
from reports.paths import PathAnswer, record
from scanner.access.attack_paths import AttackGraph
from scanner.access.chokes import Chokes, chokes_to_admin
from scanner.access.questions import GROUPS, MOST, OUTSIDE, ask, question
from scanner.model import Assessment
from scanner.serve.answers import Refusal
from scanner.serve.api.details import NO_SUCH
from scanner.serve.api.operations import OperationCall, Reply, schema_of
from scanner.serve.api.queries import given
from scanner.serve.graphs import GRAPHS, loaded
from scanner.store.records import Records

_LONGEST = 100
_MOST_EDGES = 1_000_000
"""Maximum edges of the part of the graph in which choke points are counted, which takes some seconds."""

Key = Annotated[
    str, Meta(min_length=1, max_length=2_000, pattern=r"^[^\x00]+$", description="A key, `admin`, `outside` or `all`.")
]


class PathsQuery(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"source": "from", "target": "to"}
):
    """A question about the graph."""

    source: Key
    target: Key | UnsetType = UNSET
    avoid: Annotated[tuple[Key, ...], Meta(description="Repeated: paths that do not lead through any of these.")] = ()
    limit: Annotated[int, Meta(ge=1, le=_LONGEST, description="How many at most.")] = MOST


class PathNode(Struct, frozen=True, kw_only=True):
    """An identity on a path."""

    key: str
    name: str
    provider: str
    scope: str
    kind: str
    privilege: str


class ChokesQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The number of choke points."""

    limit: Annotated[int, Meta(ge=1, le=_LONGEST, description="How many at most.")] = MOST


def paths(call: OperationCall) -> Reply:
    """Which identity can become which, shortest paths first, with the identities on the paths."""
    with _records(call) as records:
        graph = _graph(call, records)
        source, target = call.query.source, given(call.query.target)
        for name, text in (("from", source), ("to", target)):
            if text not in (*GROUPS, None) and text not in graph.numbers:
                raise Refusal(404, NO_SUCH.format("identity"), field=name, hint=f"give a key, or {', '.join(GROUPS)}")
        answer = ask(graph, question(graph, source, target, avoid=call.query.avoid, most=call.query.limit))
        entrances = graph.entrances if source == OUTSIDE else {}
        found = PathAnswer(scan=records.frame.scan, answer=answer, entrances=entrances)
        named = records.identities(sorted(found.keys))
    return Reply(body=encoded({**record(found), "nodes": list(_nodes(named)), "scan": found.scan.id}))


def choke_points(call: OperationCall) -> Reply:
    """The identities without which most others lose every path to an admin, counted once for each scan."""
    with _records(call) as records:
        graph = _graph(call, records)
        with _COUNTING:
            found = _chokes(graph)
        listed = found.chokes[: call.query.limit]
        named = records.identities([one.identity for one in listed])
        scan = records.frame.scan.id
    body = {"chokes": listed, "bounded": found.bounded, "nodes": list(_nodes(named)), "scan": scan}
    return Reply(body=encoded(body))


_COUNTING = Lock()


@lru_cache(maxsize=1)
def _chokes(graph: AttackGraph) -> Chokes:
    return chokes_to_admin(graph, _MOST_EDGES)


def _records(call: OperationCall) -> AbstractContextManager[Records]:
    """The latest scan's records. Raises Refusal for people who do not see everything."""
    if not call.visible.is_everything:
        raise Refusal(
            403, "you may not see attack paths, which lead through everything", hint=f"ask {call.visible.keepers}"
        )
    return call.serving.store.records()


def _graph(call: OperationCall, records: Records) -> AttackGraph:
    return loaded(GRAPHS.begin(call.serving.store, records.frame.scan.id))


def _nodes(assessments: Iterable[Assessment]) -> Iterable[PathNode]:
    for one in assessments:
        identity = one.identity
        yield PathNode(
            key=identity.key,
            name=identity.shown_name,
            provider=identity.provider,
            scope=identity.scope,
            kind=identity.kind,
            privilege=one.privilege.level,
        )


_TEXT: Any = {"type": "string"}
_COUNT: Any = {"type": "integer", "minimum": 0}


_STEP = schema_of(**{"from": _TEXT}, to=_TEXT, relation=_TEXT, evidence=_TEXT, conditional={"type": "boolean"})
_PATH = {
    "type": "object",
    "properties": {
        "outside": {"type": "array", "items": schema_of(principal=_TEXT, kind=_TEXT, evidence=_TEXT)},
        "steps": {"type": "array", "items": _STEP},
    },
    "required": ["steps"],
}
_CHOKES = {"type": "array", "items": schema_of(identity=_TEXT, loses=_COUNT)}
_NODES = {"type": "array", "items": {"$ref": "#/components/schemas/PathNode"}}
PATHS = schema_of(
    paths={"type": "array", "items": _PATH},
    chokes=_CHOKES,
    total=_COUNT,
    total_before={"anyOf": [_COUNT, {"type": "null"}]},
    admins=_COUNT,
    more={"type": "boolean"},
    bounded={"type": "boolean"},
    nodes=_NODES,
    scan=_TEXT,
)
CHOKES = schema_of(chokes=_CHOKES, bounded={"type": "boolean"}, nodes=_NODES, scan=_TEXT)
"""The schemas of the answers."""
