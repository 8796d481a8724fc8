"""The view of AI agents: what each runs as, may do and did, and who is accountable."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reports.agents import (
    acts_as,
    agent_rows,
    did,
    has_person_in_loop,
    may_do,
    runs_as,
    servers,
    short,
    sponsors,
    tools,
)
from reports.base import Screen
from reports.columns import TABLES
from reports.listing import LISTINGS
from reports.terminal import TerminalReport
from scanner.model import (
    AgentVerdict,
    Consequence,
    EntryAssessment,
    Link,
    OwnershipState,
    OwnershipVerdict,
    RegistryVerdict,
    ScanResult,
)
from scanner.model.activity import Activity, ServiceUse
from tests.factories import days_ago, make_assessment, make_entry, make_identity, make_result
from tests.reports.samples import estate

AGENT = AgentVerdict(is_agent=True)
ROLE = "arn:aws:iam::123456789012:role/support"


def cells(result: ScanResult) -> list[dict[str, Any]]:
    """The rows of the table, each as its cells by name."""
    table = TABLES["agents"]
    return [{column.name: column.get(row) for column in table.columns} for row in table.rows(result)]


def test_a_row_says_what_an_agent_is_may_do_and_did() -> None:
    """Of the sample's one agent; other identities have no row."""
    (row,) = cells(estate())
    said = {
        "name": "support-agent",
        "runs_as": ROLE,
        "tools": "refund; search",
        "mcp_servers": "tickets (mcp.example.com)",
        "sponsor": "ada@example.com",
        "human_in_the_loop": False,
    }
    assert {name: row[name] for name in said} == said
    assert str(row["blast_radius"]).startswith("At worst")
    assert (row["registry_state"], row["findings"]) == ("unregistered", "unregistered")


def test_a_weak_sign_makes_no_row_and_a_part_of_a_scan_has_no_blast_radius() -> None:
    """What is within reach may not be in a part."""
    agent = make_assessment("helper", agent=AGENT)
    result = make_result(agent, make_assessment("rag-bot"), make_assessment("svc"))
    assert [row["name"] for row in cells(result)] == ["helper"]
    assert cells(replace(result, only="Some."))[0]["blast_radius"] is None
    assert list(agent_rows(make_result())) == []


@pytest.mark.parametrize(
    ("declared", "is_set", "expected"),
    [(True, None, True), (False, True, False), (None, True, True), (None, "yes", None), (None, None, None)],
)
def test_a_declared_person_in_the_loop_counts_before_the_providers_setting(
    declared: bool | None, is_set: object, expected: bool | None
) -> None:
    """And neither is unknown."""
    identity = make_identity("helper", attributes={"human_in_the_loop": is_set})
    entry = make_entry(identity.key, id="E1", human_in_the_loop=declared)
    registry = RegistryVerdict(state="registered", entry="E1", rung="key", evidence="it is named")
    assessment = make_assessment(identity, agent=AGENT, registry=registry)
    result = make_result(assessment, entries=(EntryAssessment(entry=entry, state="found"),))
    (row,) = cells(result)
    said = {True: "; a person is", False: "; no person is"}
    assert row["human_in_the_loop"] is expected
    assert said.get(expected, "") in str(row["blast_radius"])
    assert (expected is None) != ("in the loop" in str(row["blast_radius"]))
    assert has_person_in_loop(identity, declared) is expected


@pytest.mark.parametrize(
    ("state", "shown"), [("owned", "ada@example.com"), ("unchecked", "ada@example.com"), ("orphaned", "")]
)
def test_the_list_names_the_owner_also_where_no_roster_was_given(state: OwnershipState, shown: str) -> None:
    """One who is known to have left is none."""
    ownership = OwnershipVerdict(state=state, owner="ada@example.com")
    result = make_result(make_assessment("helper", agent=AGENT, ownership=ownership))
    (line,) = LISTINGS["agents"].lines(result)
    assert dict(zip([one.text for one in LISTINGS["agents"].headings], line, strict=True))["Owner, sponsor"] == shown


def test_a_terminal_shows_as_many_columns_as_fit() -> None:
    """In 80 characters what matters first, and more on wider ones, in the same order."""
    identity = make_identity("helper", attributes={"tools": ["search"], "unresolved": ["execution_role is ${ROLE}"]})
    result = make_result(make_assessment(identity, agent=replace(AGENT, exposure="exposed")))

    def shown(width: int) -> list[str]:
        out = io.BytesIO()
        TerminalReport().write(result, "agents", out, Screen(width=width, longest=10))
        heading, _, line = out.getvalue().decode().splitlines()[-3:]
        assert max(len(heading), len(line)) <= width
        assert line.split()[:3] == ["helper", "exposed", "unknown"]
        assert ("search" in line) == ("Tools" in heading)
        return re.split(r"\s{2,}", heading)

    assert shown(80) == ["Agent", "Exposure", "Runs as", "Privilege", "Owner, sponsor"]
    assert shown(100) == [*shown(80), "Registry"]
    assert shown(200) == [*shown(100), "Used", "In the loop", "Made in", "Tools and servers", "Acts for"]


def test_what_it_runs_as_comes_from_links_and_names_elsewhere() -> None:
    """Each once; a trust or a group is nothing that it runs as."""
    links = (
        Link(relation="member_of", target="group", evidence=""),
        Link(relation="runs_as", target=ROLE, evidence=""),
        Link(relation="acts_as", target=ROLE, evidence=""),
        Link(relation="can_assume", target="other", evidence=""),
    )
    identity = make_identity("helper", links=links, attributes={"federates_to": ["elsewhere", ROLE]})
    assert runs_as(identity) == (ROLE, "elsewhere")
    assert runs_as(make_identity("plain")) == ()
    unresolved = {"unresolved": ["execution_role is ${ROLE}", 7]}
    assert acts_as(make_identity("plain", attributes=unresolved)) == "unknown (execution_role is ${ROLE})"
    assert (acts_as(identity, short), acts_as(make_identity("plain"))) == ("support; elsewhere", None)
    for key, name in {ROLE: "support", "vault://h/auth/approle/role/x/": "x", "plain": "plain", "//": "//"}.items():
        assert short(key) == name


def test_what_it_may_do_and_did_is_empty_only_where_it_is_not_known() -> None:
    """Nothing of consequence is an empty list, not an unknown one; both are an empty cell."""
    kinds = (Consequence(kind="read_secrets"), Consequence(kind="read_secrets"), Consequence(kind="invoke_models"))
    assert may_do(make_identity("helper", consequences=kinds)) == "read secrets; invoke models"
    assert may_do(make_identity("helper")) is None
    uses = (
        ServiceUse(service="bedrock", actions=(), events=1, first_at=days_ago(2), last_at=days_ago(1)),
        ServiceUse(service="s3", actions=tuple("abcdefg"), events=1, first_at=days_ago(2), last_at=days_ago(1)),
    )
    activity = Activity(covered_from=None, covered_to=None, covered_days=1, services=uses)
    assert did(activity) == "bedrock; s3: a, b, c, d, e and 2 more"
    assert did(None) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["name", "host", "email", "id"]), inner),
    max_leaves=10,
)


@given(st.fixed_dictionaries(dict.fromkeys(("tools", "mcp_servers", "sponsors", "federates_to", "model"), JSON)))
def test_attributes_of_any_shape_are_read_without_harm(attributes: dict[str, Any]) -> None:
    """Any source may set them; what does not have their shape is left out."""
    identity = make_identity("helper", attributes=attributes)
    for texts in (tools(identity), servers(identity), sponsors(identity), runs_as(identity)):
        assert all(type(text) is str and text for text in texts)
    assert len(cells(make_result(make_assessment(identity, agent=AGENT)))) == 1
