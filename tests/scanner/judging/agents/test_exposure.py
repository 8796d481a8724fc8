"""What outsiders could make an agent do: triples and near misses, through the real pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.discovery.inventory import Inventory
from scanner.judging.last_known.remembered import Remembered
from scanner.judging.pipeline import Declared, judge
from scanner.model import AgentVerdict, Consequence, Finding, Identity, Link, Privilege, ScanInfo, Signal
from scanner.model.terms import PrivilegeLevel
from tests.factories import NOW, make_coverage, make_identity

SCAN = ScanInfo(id="s", started_at=NOW, finished_at=NOW, version="0")
AN_AGENT = Signal(says="agent", sort="provider", evidence="an agent of a platform")
SECRETS = Consequence(kind="read_secrets", actions=("secretsmanager:GetSecretValue",), by="policy Deploy")
DATA = Consequence(kind="read_data", actions=("s3:GetObject",), by="policy Read")
SENDS = Consequence(kind="send", actions=("ses:SendEmail",), by="policy Mail")
DELETES = Consequence(kind="delete", actions=("s3:DeleteObject",), by="policy Clean")
RULES = ("agent_exfiltration", "agent_takeover", "agent_role_shared")


def server(name: str, *tools: str, **facts: Any) -> dict[str, Any]:
    """An MCP server, with these tools only."""
    return {"name": name, **({"tools": list(tools)} if tools else {}), **facts}


GITHUB = server("github", host="api.githubcopilot.com")
ISSUES = server("github", "get_issue", "list_issues", host="api.githubcopilot.com")
COMMENTS = server("github", "add_issue_comment", host="api.githubcopilot.com")
FETCH = server("web", package="mcp-server-fetch")
SEARCH = server("search", package="@brave/brave-search-mcp-server")
DATABASE = server("crm", package="@modelcontextprotocol/server-postgres@0.6.2")
UNKNOWN = server("erp", host="erp.example.com")
ISSUE = {"what": "an issue of acme/shop", "from": "anybody", "gate": None}


def agent(name: str = "triage-bot", /, *servers: Mapping[str, Any], **facts: Any) -> Identity:
    """An agent with these MCP servers that runs as the role ``runner``, or as itself."""
    attributes = {"tools": [], "mcp_servers": list(servers), **facts.pop("attributes", {})}
    defaults = {"signals": (AN_AGENT,), "privilege": Privilege(level="normal"), "consequences": ()}
    return make_identity(name, attributes=attributes, **(defaults | facts))


def job(*inputs: Mapping[str, Any]) -> Identity:
    """An agent of code that nobody lists tools of, started by these."""
    return make_identity("a", attributes={"inputs": list(inputs)}, signals=(AN_AGENT,), links=(RUNS,))


def role(*consequences: Consequence, level: PrivilegeLevel = "high") -> Identity:
    """The role that agents run as."""
    return make_identity("runner", privilege=Privilege(level=level), consequences=consequences or None)


RUNS = Link(relation="runs_as", target=make_identity("runner").key, evidence="says so")


def judged(*identities: Identity) -> tuple[AgentVerdict, list[Finding]]:
    """The verdict of the first, and the findings of the rules about agents."""
    inventory = Inventory(identities=identities, coverage=(make_coverage(kinds=("*",)),))
    result = judge(inventory, Declared(), Remembered(), SCAN)
    first = next(one for one in result.identities if one.identity.key == identities[0].key)
    return first.agent, [one for one in result.findings if one.rule in RULES]


def found(*identities: Identity) -> list[tuple[str, str]]:
    """The rules that fire, with severity."""
    return sorted((one.rule, one.severity) for one in judged(*identities)[1])


@pytest.mark.parametrize(
    ("case", "identities", "expected"),
    [
        ("one server is all three", (agent("a", GITHUB),), [("agent_exfiltration", "high")]),
        ("issues, database, page", (agent("a", ISSUES, DATABASE, FETCH),), [("agent_exfiltration", "high")]),
        (
            "secrets by the role",
            (agent("a", FETCH, links=(RUNS,)), role(SECRETS)),
            [("agent_exfiltration", "critical")],
        ),
        ("data by the role", (agent("a", FETCH, links=(RUNS,)), role(DATA)), [("agent_exfiltration", "high")]),
        (
            "an admin",
            (agent("a", FETCH, links=(RUNS,)), role(level="admin")),
            [("agent_exfiltration", "critical"), ("agent_takeover", "critical")],
        ),
        (
            "an approval is never critical",
            (agent("a", FETCH, links=(RUNS,), attributes={"human_in_the_loop": True}), role(level="admin")),
            [("agent_exfiltration", "high"), ("agent_takeover", "high")],
        ),
        ("it deletes", (agent("a", FETCH, links=(RUNS,)), role(DELETES)), [("agent_takeover", "high")]),
        (
            "an issue starts a job that sends by its role",
            (job(ISSUE), role(SECRETS, SENDS)),
            [("agent_exfiltration", "critical")],
        ),
        (
            "of insiders",
            (job(ISSUE | {"from": "insiders"}), role(SECRETS, SENDS)),
            [("agent_exfiltration", "medium")],
        ),
    ],
)
def test_a_triple_is_found(case: str, identities: Sequence[Identity], expected: list[tuple[str, str]]) -> None:
    """With the severity of its widest input and its worst reach."""
    assert found(*identities) == expected, case


def test_one_identity_of_several_agents_is_reported_where_it_is() -> None:
    """On the identity that they share."""
    (finding,) = judged(role(), agent("a", links=(RUNS,)), agent("b", links=(RUNS,)))[1]

    assert (finding.rule, finding.severity, finding.identity) == ("agent_role_shared", "medium", RUNS.target)
    assert finding.evidence == {"agents": [make_identity("a").key, make_identity("b").key]}


@pytest.mark.parametrize(
    ("case", "identities", "state"),
    [
        ("search is no way out", (agent("a", SEARCH, DATABASE),), "none"),
        ("only reading tools", (agent("a", ISSUES, DATABASE),), "none"),
        ("no input", (agent("a", DATABASE, COMMENTS, attributes={"inputs": []}),), "none"),
        ("whose texts, unknown", (agent("a", DATABASE, COMMENTS),), "unknown"),
        ("nothing private", (agent("a", FETCH),), "none"),
        ("an unknown server", (agent("a", UNKNOWN, FETCH),), "unknown"),
        ("the role was not read", (agent("a", FETCH, links=(RUNS,)),), "unknown"),
        ("a server that is off", (agent("a", ISSUES, DATABASE, FETCH | {"enabled": False}),), "none"),
        ("a search cannot act", (agent("a", SEARCH, links=(RUNS,)), role(DELETES)), "none"),
        ("a client's own tools", (agent("a", DATABASE, kind="mcp_client", attributes={"tools": ["fetch"]}),), "none"),
        ("no tools listed", (make_identity("a", signals=(AN_AGENT,)),), "unknown"),
        ("no tools", (agent("a"),), "none"),
    ],
)
def test_a_near_miss_is_not_reported(case: str, identities: Sequence[Identity], state: str) -> None:
    """What is not known leaves the verdict unknown; ``none`` needs all of it to be known."""
    verdict, findings = judged(*identities)

    assert (verdict.exposure, findings) == (state, []), case
    assert bool(verdict.unknown_because) == (state == "unknown")


def test_the_evidence_names_each_part_and_the_cheapest_cut() -> None:
    """The page is an input and the only way out; an issue comes in, too."""
    verdict, (finding,) = judged(agent("a", ISSUES, DATABASE, FETCH))

    assert finding.evidence["input"].startswith("issues, comments and pull requests of public repositories")
    assert (finding.evidence["reach"], finding.evidence["way_out"]) == (
        "private data, read with get_issue of github",
        "the MCP server web",
    )
    assert finding.evidence["cut"] == "take the MCP server web from it"
    assert finding.evidence["ended_by_cut"] == finding.evidence["combinations"]
    assert [tool.server for tool in verdict.tools or ()] == ["github", "github", "crm", "web"]
    assert verdict.exposures[0].cut_in == ("way_out",)


@pytest.mark.parametrize(
    ("identities", "cut_in"),
    [
        ((agent("a", GITHUB),), ("input", "reach", "way_out")),
        ((job(ISSUE), role(SECRETS, SENDS)), ("input",)),
        ((agent("a", FETCH, ISSUES, DATABASE), role()), ("way_out",)),
        # Named are the issue, the database and the page; the cut is the server that is each part of the rest.
        ((agent("a", DATABASE, {**GITHUB, "name": "zz"}, FETCH, attributes={"inputs": [ISSUE]}),), ()),
    ],
)
def test_the_cut_says_which_of_the_named_parts_go(identities: Sequence[Identity], cut_in: tuple[str, ...]) -> None:
    """None where it ends other combinations than the one that is named."""
    verdict, _ = judged(*identities)

    assert verdict.exposures[0].cut_in == cut_in


SERVERS = st.lists(st.sampled_from([GITHUB, ISSUES, COMMENTS, FETCH, SEARCH, DATABASE]), unique_by=str, max_size=4)


@given(SERVERS)
def test_the_cut_ends_what_it_says(servers: list[Mapping[str, Any]]) -> None:
    """Without the tool or server that it names, the rest of the combinations remains."""
    named = [{**one, "name": f"{one['name']}{number}"} for number, one in enumerate(servers)]
    verdict, _ = judged(agent("a", *named, kind="mcp_client"))
    tools = [(tool, f"{tool.name} of {tool.server}") for tool in verdict.tools or ()]
    legs = [
        [name for tool, name in tools if getattr(tool, leg)]
        for leg in ("reads_outside", "reads_private", "acts_outwards")
    ]

    every = list(product(*legs))
    assert verdict.exposure == ("exposed" if every else "none")
    for exposure in verdict.exposures:
        cut = exposure.cut.removeprefix("take ").removesuffix(" from it").replace("the MCP server ", "* of ")
        assert exposure.of == len(every)
        assert exposure.ends == sum(cut in parts for parts in every)
        assert exposure.ends == max(sum(name in parts for parts in every) for _, name in tools)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "tools", "host", "package", "what", "from"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["tools", "mcp_servers", "inputs"]), ANYTHING))
def test_facts_of_any_shape_end_no_scan(attributes: Mapping[str, Any]) -> None:
    """Any source may set them."""
    verdict, _ = judged(make_identity("a", signals=(AN_AGENT,), attributes=attributes))

    assert verdict.exposure in ("exposed", "none", "unknown")
