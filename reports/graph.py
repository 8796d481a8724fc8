"""Graphs of which identity can become which: GraphML, DOT, and BloodHound's OpenGraph.

Nodes are the identities of the view, and the targets of their links.
"""

from __future__ import annotations

import re
from typing import Any, BinaryIO, ClassVar
from xml.sax.saxutils import escape, quoteattr

from msgspec import Struct

from reports.base import Screen, View
from reports.json import encoded
from reports.views import select
from scanner import __version__
from scanner.access.attack_paths import Step, steps_of
from scanner.access.control import BECOMES
from scanner.model import ScanResult
from scanner.text import printable


class _GraphNode(Struct, frozen=True, kw_only=True, gc=False):
    """A node as the formats show it. A target that is no identity of the scan has only a key."""

    key: str
    name: str
    provider: str = ""
    scope: str = ""
    kind: str = ""
    privilege: str = ""
    registry: str = ""
    ownership: str = ""
    owner: str = ""


class _Graph(Struct, frozen=True, kw_only=True):
    nodes: tuple[_GraphNode, ...]
    steps: tuple[Step, ...]


def _graph(result: ScanResult, view: View) -> _Graph:
    shown = {one.identity.key for one in select(result, view).identities}
    steps = [step for step in steps_of(result) if step.source in shown]
    ends = shown.union(step.target for step in steps)
    nodes = {
        one.identity.key: _GraphNode(
            key=one.identity.key,
            name=one.identity.shown_name,
            provider=one.identity.provider,
            scope=one.identity.scope,
            kind=one.identity.kind,
            privilege=one.privilege.level,
            registry=one.registry.state,
            ownership=one.ownership.state,
            owner=one.ownership.owner or "",
        )
        for one in result.identities
        if one.identity.key in ends
    }
    others = {key: _GraphNode(key=key, name=key) for key in ends if key not in nodes}
    found = nodes | others
    return _Graph(nodes=tuple(found[key] for key in sorted(found)), steps=tuple(steps))


# --- GraphML, for Gephi, yEd, Cytoscape and networkx: http://graphml.graphdrawing.org ---

_NODE_KEYS = ("name", "provider", "scope", "kind", "privilege", "registry", "ownership", "owner")
_EDGE_KEYS = {"relation": "string", "conditional": "boolean", "becomes": "boolean", "evidence": "string"}
_KEYS = (
    *(f'<key id="{name}" for="node" attr.name="{name}" attr.type="string"/>\n' for name in _NODE_KEYS),
    *(f'<key id="{name}" for="edge" attr.name="{name}" attr.type="{kind}"/>\n' for name, kind in _EDGE_KEYS.items()),
)
_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns" \
xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" \
xsi:schemaLocation="http://graphml.graphdrawing.org/xmlns http://graphml.graphdrawing.org/xmlns/1.0/graphml.xsd">
"""


class GraphmlReport:
    """GraphML. Node ids are keys."""

    name: ClassVar[str] = "graphml"
    title: ClassVar[str] = "the graph of which identity can become which, for graph programs"
    default_view: ClassVar[View] = "all"
    extra: ClassVar[str | None] = None

    def write(self, result: ScanResult, view: View, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
        """Write nodes, then edges. What XML cannot hold is written as an escape."""
        del screen
        graph = _graph(result, view)
        out.write(_HEAD.encode())
        out.write("".join(_KEYS).encode())
        out.write(b'<graph id="muster" edgedefault="directed">\n')
        for node in graph.nodes:
            facts = "".join(_data(name, getattr(node, name)) for name in _NODE_KEYS)
            out.write(f"<node id={_attribute(node.key)}>{facts}</node>\n".encode())
        for number, step in enumerate(graph.steps):
            ends = f"source={_attribute(step.source)} target={_attribute(step.target)}"
            facts = "".join(_data(name, getattr(step, name)) for name in _EDGE_KEYS)
            out.write(f'<edge id="e{number}" {ends}>{facts}</edge>\n'.encode())
        out.write(b"</graph>\n</graphml>\n")
        return ()


def _data(name: str, value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else escape(printable(str(value)))
    return f'<data key="{name}">{text}</data>' if text else ""


def _attribute(text: str) -> str:
    return quoteattr(printable(text))


# --- DOT, for Graphviz: https://graphviz.org/doc/info/lang.html ---

_COLORS = {"admin": "#8c1d04", "escalation": "#c25100", "high": "#a07900"}


class DotReport:
    """DOT. Edges under a condition are dashed; relations that are context alone are gray."""

    name: ClassVar[str] = "dot"
    title: ClassVar[str] = "the graph of which identity can become which, for Graphviz"
    default_view: ClassVar[View] = "all"
    extra: ClassVar[str | None] = None

    def write(self, result: ScanResult, view: View, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
        """Write nodes, then edges."""
        del screen
        graph = _graph(result, view)
        out.write(b'digraph muster {\nrankdir=LR;\nnode [shape=box, fontname="sans-serif"];\n')
        for node in graph.nodes:
            place = " ".join(filter(None, (node.provider, node.scope, node.kind)))
            color = f", color={_quoted(_COLORS[node.privilege])}" if node.privilege in _COLORS else ""
            out.write(f"{_quoted(node.key)} [label={_label(node.name, place)}{color}];\n".encode())
        for step in graph.steps:
            style = ("style=dashed",) if step.conditional else ()
            gray = () if step.becomes else ("color=gray",)
            facts = ", ".join((f"label={_quoted(step.relation)}", *style, *gray))
            out.write(f"{_quoted(step.source)} -> {_quoted(step.target)} [{facts}];\n".encode())
        out.write(b"}\n")
        return ()


def _quoted(text: str) -> str:
    r"""A quoted string, in which DOT knows ``\"`` alone; ``\N`` and the like are escapes of labels."""
    return '"' + printable(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _label(name: str, place: str) -> str:
    return _quoted(name) if not place else f"{_quoted(name)[:-1]}\\n{_quoted(place)[1:]}"


# --- OpenGraph: https://bloodhound.specterops.io/opengraph/developer/schema ---

_KIND = re.compile(r"[^A-Za-z0-9]+")


class OpengraphReport:
    """BloodHound's OpenGraph JSON. Edge kinds are Muster_CanAssume and the like."""

    name: ClassVar[str] = "opengraph"
    title: ClassVar[str] = "the graph of which identity can become which, for BloodHound"
    default_view: ClassVar[View] = "all"
    extra: ClassVar[str | None] = None

    def write(self, result: ScanResult, view: View, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
        """Write one document; a line for each node and edge."""
        del screen
        graph = _graph(result, view)
        nodes = [*map(_open_scope, _scopes(graph)), *map(_open_node, graph.nodes)]
        out.write(b'{"metadata": {"source_kind": "Muster"},\n"graph": {"nodes": [')
        out.write(b",".join(b"\n" + encoded(node) for node in nodes))
        out.write(b'\n],\n"edges": [')
        out.write(b",".join(b"\n" + encoded(_open_edge(step)) for step in graph.steps))
        out.write(b"\n]}}\n")
        return ()


def _open_node(node: _GraphNode) -> dict[str, Any]:
    kinds = [_node_kind(node)] if node.kind else []
    facts = {name: printable(getattr(node, name)) for name in _NODE_KEYS if getattr(node, name)}
    if node.provider:
        facts["environmentid"] = _scope_id(node.provider, node.scope)
    return {
        "id": printable(node.key),
        "kinds": [*kinds, _IDENTITY if kinds else _OTHER, "Muster"],
        "properties": {"displayname": printable(node.name), **facts},
    }


def _scopes(graph: _Graph) -> list[tuple[str, str]]:
    return sorted({(node.provider, node.scope) for node in graph.nodes if node.provider})


def _open_scope(scope: tuple[str, str]) -> dict[str, Any]:
    """A scope, such as an account: BloodHound's environment, in which identities are by ``environmentid``."""
    provider, name = scope
    id_ = _scope_id(provider, name)
    shown = printable(f"{provider} {name}".strip())
    facts = {"displayname": shown, "name": shown, "provider": printable(provider), "environmentid": id_}
    return {"id": id_, "kinds": [_SCOPE, "Muster"], "properties": facts}


def _scope_id(provider: str, scope: str) -> str:
    """In upper case, as BloodHound keeps the property; the prefix keeps it from being an identity's key."""
    return printable(f"muster-scope:{provider}:{scope}").upper()


def _node_kind(node: _GraphNode) -> str:
    return f"Muster_{_pascal(node.provider)}_{_pascal(node.kind)}"


# --- The definition of the kinds, without which BloodHound finds no paths in an upload ---

_SCOPE, _IDENTITY, _OTHER = "Muster_Scope", "Muster_Identity", "Muster_Other"
_MEANINGS: dict[str, str] = {
    "can_assume": "The first can become the second; the property conditional says whether only under a condition.",
    "acts_as": "The first is another form of the second.",
    "runs_as": "The first acts with the rights of the second.",
    "makes_admin": "The first can make the second an admin.",
    "member_of": "The first belongs to the second.",
    "federates": "The first gets tokens that the second trusts.",
    "stores": "The second is a stored secret with a credential of the first.",
}


class OpengraphExtensionReport:
    """The extension definition of the graph for BloodHound 9: its kinds, which edges are paths, and environments.

    Source: https://bloodhound.specterops.io/reference/opengraph-experimental/upserts-the-opengraph-extension
    """

    name: ClassVar[str] = "opengraph-extension"
    title: ClassVar[str] = "the definition of that graph's kinds, for BloodHound's pathfinding"
    default_view: ClassVar[View] = "all"
    extra: ClassVar[str | None] = None

    def write(self, result: ScanResult, view: View, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
        """Write one document."""
        del screen
        graph = _graph(result, view)
        kinds = {_node_kind(node): f"{node.provider} {node.kind}" for node in graph.nodes if node.kind}
        named = {**dict(sorted(kinds.items())), _IDENTITY: "identity", _OTHER: "identity outside the scan"}
        document = {
            "schema": {"name": "Muster", "display_name": "Muster", "version": f"v{__version__}", "namespace": "Muster"},
            "node_kinds": [
                *(_kind(name, text, name in kinds, "user-gear", "#2753c4") for name, text in named.items()),
                _kind(_SCOPE, "account, tenant, organization or cluster", True, "cloud", "#5e6877"),
            ],
            "relationship_kinds": [
                {
                    "name": f"Muster_{_pascal(relation)}",
                    "description": meaning,
                    "is_traversable": relation in BECOMES or relation == "makes_admin",
                }
                for relation, meaning in _MEANINGS.items()
            ],
            "environments": [
                {"environment_kind": _SCOPE, "source_kind": "Muster", "principal_kinds": sorted((*kinds, _IDENTITY))}
            ],
            "relationship_findings": [],
        }
        out.write(encoded(document) + b"\n")
        return ()


def _kind(name: str, text: str, is_shown: bool, icon: str, color: str) -> dict[str, Any]:
    text = printable(text)
    return {
        "name": name,
        "display_name": text,
        "description": text,
        "is_display_kind": is_shown,
        "icon": icon,
        "color": color,
    }


def _open_edge(step: Step) -> dict[str, Any]:
    return {
        "kind": f"Muster_{_pascal(step.relation)}",
        "start": {"match_by": "id", "value": printable(step.source)},
        "end": {"match_by": "id", "value": printable(step.target)},
        "properties": {
            "relation": step.relation,
            "conditional": step.conditional,
            "becomes": step.becomes,
            "evidence": printable(step.evidence),
        },
    }


def _pascal(text: str) -> str:
    return "".join(part.capitalize() for part in _KIND.split(text)) or "Unknown"
