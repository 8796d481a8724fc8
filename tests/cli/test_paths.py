"""``muster paths``, and the graph as a report."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import jsonschema
import networkx as nx
import pytest
from msgspec.structs import replace

from reports.base import Screen
from reports.graph import OpengraphExtensionReport
from reports.paths import PathAnswer, record
from scanner.access.questions import ask, question
from scanner.errors import UsageError
from scanner.model import Assessment, Link, Privilege, Trust, Way
from scanner.store.store import open_store
from tests.cli.conftest import Muster
from tests.factories import make_assessment, make_identity, make_result

# What BloodHound's schema of nodes and edges asks for, https://bloodhound.specterops.io/opengraph/developer/schema.
_PRIMITIVE = {"type": ["string", "number", "boolean", "null"]}
_PROPERTIES = {"additionalProperties": _PRIMITIVE, "propertyNames": {"pattern": "^[a-z_]+$"}}
_END = {
    "type": "object",
    "required": ["value"],
    "properties": {"match_by": {"enum": ["id", "name", "property"]}, "value": {"type": "string"}},
}
OPENGRAPH = {
    "type": "object",
    "required": ["graph"],
    "properties": {
        "metadata": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"source_kind": {"type": "string"}},
        },
        "graph": {
            "type": "object",
            "required": ["nodes", "edges"],
            "properties": {
                "nodes": {
                    "items": {
                        "type": "object",
                        "required": ["id", "kinds"],
                        "properties": {
                            "id": {"type": "string"},
                            "kinds": {"type": "array", "minItems": 1, "maxItems": 3, "items": {"type": "string"}},
                            "properties": {
                                "additionalProperties": _PRIMITIVE,
                                "propertyNames": {"pattern": "^[a-z_]+$"},
                            },
                        },
                    }
                },
                "edges": {
                    "items": {
                        "type": "object",
                        "required": ["start", "end", "kind"],
                        "properties": {
                            "start": _END,
                            "end": _END,
                            "kind": {"type": "string", "pattern": "^[A-Za-z0-9_]+$"},
                            "properties": {"additionalProperties": _PRIMITIVE},
                        },
                    }
                },
            },
        },
    },
}


@pytest.fixture(autouse=True)
def estate(tmp_path: Path, muster: Muster) -> Path:
    """A store whose latest scan has a chain to an admin, a second way, and a vendor's entrance."""
    del muster

    def bot(name: str, *targets: str, level: Any = "normal", **facts: Any) -> Assessment:
        links = tuple(
            Link(relation="can_assume", target=f"acme:{target}", evidence=f"{target} trusts") for target in targets
        )
        identity = make_identity(name, key=f"acme:{name}", links=links, **facts)
        return make_assessment(identity, privilege=Privilege(level=level))

    vendor = Trust(principal="arn:aws:iam::999999999999:root", kind="account", external=True, evidence="no condition")
    bots = (
        bot("ci", "deploy", "build"),
        bot("build", "deploy"),
        bot("deploy", "root"),
        bot('<b>&"evil', "root"),
        bot("root", level="admin"),
        bot("entry", "deploy", trusts=(vendor,)),
        bot("alone"),
    )
    with open_store(f"sqlite:///{tmp_path}/muster.db") as store:
        store.save(make_result(*bots))
    return tmp_path


def ways(muster: Muster, *arguments: str) -> list[list[str]]:
    """The keys of each path, without what they have in common."""
    done = muster("paths", *arguments, "-o", "json:-")
    found = json.loads(done.out)["paths"]
    assert done.code == (0 if found else 1)
    return [
        [key.removeprefix("acme:") for key in (path["steps"][0]["from"], *(step["to"] for step in path["steps"]))]
        for path in found
    ]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["ci", "root"], [["ci", "deploy", "root"], ["ci", "build", "deploy", "root"]]),
        (["acme:ci", "admin"], [["ci", "deploy", "root"], ["ci", "build", "deploy", "root"]]),
        (["ci"], [["ci", "build"], ["ci", "deploy"], ["ci", "deploy", "root"]]),
        (["ci", "--max", "1"], [["ci", "build"]]),
        (["outside", "admin"], [["999999999999", "entry", "deploy", "root"]]),
        (["outside"], [["999999999999", "entry", "deploy", "root"]]),
        (["inventory", "deploy"], [["build", "deploy"], ["ci", "deploy"], ["entry", "deploy"]]),
        (["alone"], []),
        (["root", "ci"], []),
        (["root", "root"], []),
        (["ci", "root", "--all"], [["ci", "deploy", "root"], ["ci", "build", "deploy", "root"]]),
        (["ci", "root", "--all", "--max-length", "2"], [["ci", "deploy", "root"]]),
        (["ci", "root", "--avoid", "build"], [["ci", "deploy", "root"]]),
        (["outside", "admin", "--avoid", "deploy"], []),
        (["ci", "root", "--without-edge", "ci", "deploy"], [["ci", "build", "deploy", "root"]]),
        (["ci", "--without-edge", "ci", "deploy", "--without-edge", "ci", "build"], []),
    ],
)
def test_who_can_become_whom(muster: Muster, arguments: list[str], expected: list[list[str]]) -> None:
    """Shortest first; exit 1 without a path."""
    assert ways(muster, *arguments) == expected


def test_an_admin_needs_no_path(muster: Muster) -> None:
    """A path of no steps, said in a sentence; several sources count those among them."""
    done = muster("paths", "root", "admin")
    assert (done.code, done.out) == (0, "root is an admin.\n")
    assert json.loads(muster("paths", "root", "admin", "-o", "json:-").out)["paths"] == [{"steps": []}]
    several = muster("paths", "inventory", "admin")
    assert several.out.splitlines()[-1] == "1 identity is an admin already."


def test_a_path_may_end_in_a_method(muster: Muster, tmp_path: Path) -> None:
    """The target makes itself an admin by the rights of a holder that the start controls as well."""
    can = Way(kind="make_admin", on=("acme:app",), by="iam:PutRolePolicy by policy Ops")
    normal = {"privilege": Privilege(level="normal")}
    ops = make_identity("ops", key="acme:ops", reach=(can,), **normal)
    links = tuple(Link(relation="can_assume", target=f"acme:{to}", evidence=f"{to} trusts it") for to in ("app", "ops"))
    dev = make_identity("dev", key="acme:dev", links=links, **normal)
    with open_store(f"sqlite:///{tmp_path}/muster.db", create=False) as store:
        second = make_result(*map(make_assessment, (ops, dev, make_identity("app", key="acme:app", **normal))))
        store.save(replace(second, scan=replace(second.scan, id="second")))

    done = muster("paths", "dev", "admin", "-o", "json:-")

    assert (done.code, json.loads(done.out)["paths"]) == (
        0,
        [
            {
                "steps": [
                    {
                        "from": "acme:dev",
                        "to": "acme:app",
                        "relation": "can_assume",
                        "evidence": "app trusts it",
                        "conditional": False,
                    },
                    {
                        "from": "acme:app",
                        "to": "acme:app",
                        "relation": "makes_admin",
                        "evidence": "iam:PutRolePolicy by policy Ops; acme:dev can become acme:ops: ops trusts it",
                        "conditional": False,
                        "via": "acme:ops",
                    },
                ]
            }
        ],
    )
    text = " ".join(muster("paths", "dev", "admin").out.split())
    assert "step 2 app makes itself an admin with the rights of acme:ops: iam:PutRolePolicy by policy Ops" in text
    assert muster("paths", "ops", "admin").code == 1


def test_what_a_cut_changes(muster: Muster) -> None:
    """How many are left, and the fewest steps to cut."""
    without = ("--without-edge", "deploy", "root")
    left = muster("paths", "inventory", "root", *without)
    assert (left.code, left.out.splitlines()[-1]) == (0, "1 of 5 identities still have a path.")
    assert muster("paths", "ci", *without).out.splitlines()[-1] == "2 of 3 identities can still be reached."

    fewest = json.loads(muster("paths", "inventory", "admin", "--cut", "-o", "json:-").out)
    assert [(one["from"], one["to"], one["evidence"]) for one in fewest["cut"]] == [
        ('acme:<b>&"evil', "acme:root", "root trusts"),
        ("acme:deploy", "acme:root", "root trusts"),
    ]
    lines = muster("paths", "inventory", "admin", "--cut").out.splitlines()
    assert lines[0] == "Without 2 steps, no path is left:"
    assert [line.partition(":")[0] for line in lines[1:]] == [
        'step 1    <b>&"evil becomes root',
        "step 2    deploy becomes root",
    ]
    assert muster("paths", "alone", "admin", "--cut").code == 1


def test_an_api_asks_by_text(estate: Path) -> None:
    """The same answer as JSON values."""
    with open_store(f"sqlite:///{estate}/muster.db", create=False) as store:
        graph = store.attack_graph()
        asked = question(graph, "outside", avoid=("acme:ci",), most=1)
        with store.records() as records:
            answer = record(PathAnswer(scan=records.frame.scan, answer=ask(graph, asked)))
        with pytest.raises(UsageError, match="no identity has the key nowhere"):
            question(graph, "nowhere")

    assert [[step["to"] for step in path["steps"]] for path in answer.pop("paths")] == [
        ["acme:entry", "acme:deploy", "acme:root"]
    ]
    assert answer == {"chokes": [], "total": 1, "total_before": 1, "admins": 0, "more": False, "bounded": False}


def test_choke_points(muster: Muster) -> None:
    """The admin that all lead to, and what most lead through."""
    done = muster("paths", "--choke", "-o", "json:-")

    assert (done.code, json.loads(done.out)["chokes"]) == (
        0,
        [{"identity": "acme:root", "loses": 5}, {"identity": "acme:deploy", "loses": 3}],
    )
    assert "5  root" in muster("paths", "--choke").out


def test_a_terminal_shows_each_step(muster: Muster) -> None:
    """With its evidence, in 80 columns."""
    done = muster("paths", "outside", "admin")

    assert "999999999999 → root: 3 steps" in done.out
    assert "step 1 becomes entry: no condition" in " ".join(done.out.split())
    assert "step 2 becomes deploy: deploy trusts" in " ".join(done.out.split())
    assert max(map(len, done.out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "FROM is missing"),
        (["nowhere"], "no identity or view is called nowhere"),
        (["ci", "--choke"], "--choke is about the whole graph"),
        (["ci", "--cut"], "--cut needs FROM and TO"),
        (["ci", "root", "--max-length", "3"], "--max-length goes with --all"),
        (["outside", "admin", "--all"], "--all is about paths from one identity"),
        (["ci", "-o", "csv:x.csv"], "attack paths has no format csv"),
    ],
)
def test_what_cannot_be_asked(muster: Muster, arguments: list[str], message: str) -> None:
    """Exit 2."""
    done = muster("paths", *arguments)

    assert (done.code, message in done.err) == (2, True)


def test_the_graph_is_a_report(estate: Path, muster: Muster) -> None:
    """Read by networkx and by BloodHound's schema; names from outside stay names."""
    outputs = ("graphml:g.graphml", "dot:g.dot", "opengraph:g.json")
    assert muster("report", *(part for one in outputs for part in ("-o", one))).code == 0

    graph = nx.read_graphml(io.BytesIO((estate / "g.graphml").read_bytes()))
    assert graph.nodes["acme:root"]["privilege"] == "admin"
    assert graph.edges["acme:ci", "acme:deploy"] == {
        "id": "e0", "relation": "can_assume", "conditional": False, "becomes": True, "evidence": "deploy trusts",
    }  # fmt: skip
    assert nx.shortest_path(graph, "acme:ci", "acme:root") == ["acme:ci", "acme:deploy", "acme:root"]
    assert 'acme:<b>&"evil' in graph
    assert '"acme:<b>&\\"evil" -> "acme:root" [label="can_assume"];' in (estate / "g.dot").read_text()
    document = json.loads((estate / "g.json").read_text())
    jsonschema.validate(document, OPENGRAPH)
    assert {edge["kind"] for edge in document["graph"]["edges"]} == {"Muster_CanAssume"}
    whole = muster("paths", "-o", "graphml:again.graphml")
    assert (whole.code, (estate / "again.graphml").read_bytes()) == (0, (estate / "g.graphml").read_bytes())


def test_the_definition_of_the_graph_names_every_kind_in_it(estate: Path, muster: Muster) -> None:
    """As BloodHound's endpoint takes it: names in the namespace, edges that are paths, environments that are nodes."""
    out = io.BytesIO()
    with open_store(f"sqlite:///{estate}/muster.db", create=False) as store:
        result = store.load(None)
    OpengraphExtensionReport().write(result, "all", out, Screen())
    assert muster("report", "-o", "opengraph:g.json").code == 0
    graph = json.loads((estate / "g.json").read_text())["graph"]
    definition = json.loads(out.getvalue())
    kinds = {one["name"] for one in definition["node_kinds"]}
    edges = {one["name"]: one["is_traversable"] for one in definition["relationship_kinds"]}
    (environment,) = definition["environments"]

    assert set(definition) == {"schema", "node_kinds", "relationship_kinds", "environments", "relationship_findings"}
    assert all(name.startswith(f"{definition['schema']['namespace']}_") for name in (*kinds, *edges))
    assert {kind for node in graph["nodes"] for kind in node["kinds"]} - {environment["source_kind"]} <= kinds
    assert {edge["kind"] for edge in graph["edges"]} <= set(edges)
    assert {name for name, is_path in edges.items() if is_path} == {
        "Muster_CanAssume", "Muster_ActsAs", "Muster_RunsAs", "Muster_MakesAdmin",
    }  # fmt: skip
    scopes = {node["id"] for node in graph["nodes"] if environment["environment_kind"] in node["kinds"]}
    assert environment["environment_kind"] in kinds
    assert set(environment["principal_kinds"]) <= kinds
    assert {
        node["properties"]["environmentid"] for node in graph["nodes"] if "provider" in node["properties"]
    } == scopes


def test_a_view_is_a_part_of_the_graph(muster: Muster, estate: Path) -> None:
    """What its identities lead to is there as well."""
    muster("report", "--view", "coverage", "-o", "graphml:none.graphml")

    assert len(nx.read_graphml(io.BytesIO((estate / "none.graphml").read_bytes()))) == 0
