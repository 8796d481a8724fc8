"""What made things worse: the cause of one finding, and one change behind the growth of many identities."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reports.base import Screen
from reports.diff import WRITERS
from scanner.diff.causes import BY_TIME, LONGEST, cause_of
from scanner.diff.compare import Differences, compare
from scanner.diff.records import Diff
from scanner.model import Assessment, Grant, Link, Privilege
from tests.factories import make_assessment, make_finding, make_identity
from tests.factories import make_result as scan

BOSS = make_identity("boss", kind="role")
NUMBER = 14


def _holder(number: int, *, can: bool) -> Assessment:
    name = f"svc-{number:02}"
    key = make_identity(name).key
    path = f"{key} can become the admin {BOSS.key}: its trust policy"
    level = Privilege(level="escalation", evidence=(path,)) if can else Privilege(level="normal")
    links = (Link(relation="can_assume", target=BOSS.key, evidence="trust policy"),)
    return make_assessment(make_identity(name, links=links), privilege=level)


def _boss(*, admin: bool) -> Assessment:
    grants = (Grant(name="AdministratorAccess", via="direct", admin=True),) if admin else ()
    level = Privilege(level="admin", evidence=("AdministratorAccess",)) if admin else Privilege(level="normal")
    return make_assessment(replace(BOSS, grants=grants, privilege=level), privilege=level)


def _diff() -> Diff:
    holders = [(_holder(number, can=False), _holder(number, can=True)) for number in range(NUMBER)]
    worse = [
        (
            make_finding(fingerprint=f"{number:032x}", severity="low", identity=old.identity.key),
            make_finding(fingerprint=f"{number:032x}", severity="high", identity=old.identity.key),
        )
        for number, (old, _) in enumerate(holders)
    ]
    intruder = make_assessment(make_identity("intruder"), privilege=Privilege(level="admin"))
    return compare(
        Differences(
            old=scan(),
            new=scan(),
            identities=[*holders, (_boss(admin=False), _boss(admin=True)), (None, intruder)],
            findings=worse,
        )
    )


def _written(name: str) -> str:
    out = BytesIO()
    WRITERS[name](_diff(), out, Screen(width=120))
    return out.getvalue().decode()


def test_one_cause_is_one_item() -> None:
    """Fourteen identities that reach a role that gained rights are one line, and name the role."""
    page = " ".join(_written("table").split())

    assert "14 identities: reach grew, because boss gained AdministratorAccess via direct" in page
    assert page.count("reach grew, because") == 1
    assert "svc-00, svc-01, svc-02, svc-03, svc-04 and 9 more" in page


def test_arrivals_worse_findings_and_admins_come_first() -> None:
    """On the page, and among the changes."""
    page = _written("table")
    order = [
        page.index(text) for text in ("Appeared without an entry: 1", "Worse: 14", "Became admin: 1", "Reach grew")
    ]
    assert order == sorted(order)
    assert page.splitlines()[-1] == "joined 1, moved 15, left 0, returned 0, not re-checked 0"

    kinds = [(row.appeared, row.change, row.became_admin) for row in _diff().changes]
    assert kinds[0] == (True, "joined", True)
    assert {kind[1] for kind in kinds[1 : NUMBER + 1]} == {"worsened"}
    assert kinds[NUMBER + 1] == (False, "moved", True)


def test_the_document() -> None:
    """Who appeared, both severities and the cause of what is worse, and the groups."""
    document: dict[str, Any] = json.loads(_written("json"))

    assert document["appeared"] == [make_identity("intruder").key]
    worse = document["findings"]["worsened"]
    assert {(one["was"], one["severity"]) for one in worse} == {("low", "high")}
    assert all(BOSS.key in one["cause"] for one in worse)
    assert (document["summary"]["worsened"], document["summary"]["appeared"]) == (NUMBER, 1)
    (group,) = [one for one in document["groups"] if "reach grew" in one["text"]]
    assert len(group["keys"]) == NUMBER


@pytest.mark.parametrize(
    ("before", "after", "cause"),
    [
        pytest.param({"grace_days": 7}, {}, "its 7 days of grace are over", id="grace"),
        pytest.param({"grace_days": 1}, {}, "its 1 day of grace are over", id="a day of grace"),
        pytest.param({"trusts": ["a"]}, {"trusts": ["a", "b"]}, "trusts: b", id="an item"),
        pytest.param({"level": "x"}, {"level": "y"}, "level: x -> y", id="a value"),
        pytest.param({"level": "x"}, {"level": "x"}, BY_TIME, id="nothing but the day"),
    ],
)
def test_a_cause_without_a_changed_identity(before: dict[str, Any], after: dict[str, Any], cause: str) -> None:
    """It is in the evidence, or in the calendar."""
    assert cause_of(make_finding(evidence=before), make_finding(evidence=after), None, None) == cause


facts = st.dictionaries(st.text(max_size=9), st.none() | st.integers() | st.text() | st.lists(st.text(max_size=99)))


@given(facts, facts)
def test_a_cause_is_never_empty_and_never_long(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Whatever a rule has as evidence."""
    cause = cause_of(make_finding(evidence=before), make_finding(evidence=after), None, None)

    assert 0 < len(cause) <= LONGEST
