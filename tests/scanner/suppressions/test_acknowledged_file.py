"""The list of acknowledged findings as a file."""

from __future__ import annotations

import tomllib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.errors import ConfigError
from scanner.model import Acknowledged
from scanner.suppressions.acknowledgements import changed_lines, parse, with_findings
from tests.scanner.store.strategies import of

TODAY = date(2026, 11, 25)
LINE = """
[[acknowledged]]
finding = "0f0f"
reason = "trial"
by = "ada@example.com"
until = 2027-01-31
"""


def test_each_line_knows_where_it_stands() -> None:
    """Notices name file and line."""
    (first, second) = parse(LINE + LINE.replace("0f0f", "1e1e"), "ack.toml", [], TODAY)

    assert (first.finding, first.given.until, str(first.origin)) == ("0f0f", date(2027, 1, 31), "ack.toml:2")
    assert str(second.origin) == "ack.toml:8"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("reason", "raeson", "ack.toml:4: acknowledged[0].raeson: unknown key (did you mean reason?)"),
        ("2027-01-31", "2027-11-27", "more than a year ahead"),
        ("2027-01-31", '"soon"', "ack.toml:6: acknowledged[0].until"),
        ('finding = "0f0f"', 'rule = "dormatn"\nmatch = "svc"', "there is no rule dormatn (did you mean dormant?)"),
        ('finding = "0f0f"', 'rule = "dormant"', "or a rule with a match"),
        ('finding = "0f0f"', "", "or a rule with a match"),
        ('finding = "0f0f"', 'finding = "x"\nrule = "dormant"\nmatch = "y"', "or a rule with a match"),
        ('finding = "0f0f"', 'rule = "dormant"\nmatch = "**"', "is too broad"),
        ('by = "ada@example.com"', 'by = " "', "needs a reason, and the person"),
        ("until = 2027-01-31", "", "until"),
        ("[[acknowledged]]", "[[acknowledged", "is not TOML"),
        ("2027-01-31", "9" * 5000, "is not TOML"),
    ],
)
def test_errors_name_their_place(old: str, new: str, message: str) -> None:
    """File, line, key and what to write instead."""
    with pytest.raises(ConfigError) as raised:
        parse(LINE.replace(old, new), "ack.toml", ["dormant"], TODAY)

    assert "ack.toml" in str(raised.value)
    assert message in str(raised.value)


def test_a_finding_is_added_at_the_end() -> None:
    """What stood there stays to the byte, comments included."""
    before = f"# ours\n{LINE}"

    after = with_findings(before, {"aa": "high: x\n[[evil]]"}, Acknowledged(reason='a "b"', by="bo", until=TODAY))

    assert after.startswith(before.rstrip())
    assert [one.finding for one in parse(after, "a", [], TODAY)] == ["0f0f", "aa"]
    assert r"# high: x\n[[evil]]" in after
    assert "+[[acknowledged]]\n" in changed_lines(before, after, "ack.toml")


@given(
    of(Acknowledged),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, unique=True),
)
def test_what_is_added_is_read_back(acknowledged: Acknowledged, remark: str, findings: list[str]) -> None:
    """No text breaks out of its quotes or its comment."""
    after = with_findings("", dict.fromkeys(findings, remark), acknowledged)

    lines = tomllib.loads(after)["acknowledged"]
    expected = {"reason": acknowledged.reason, "by": acknowledged.by, "until": acknowledged.until}
    assert lines == [{"finding": finding, **expected} for finding in findings]
