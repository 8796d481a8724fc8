"""The Markdown report, read back by a parser that is not ours: its tables, its length, and text that stays text."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from reports.base import VIEWS, Screen, View
from reports.markdown import MarkdownReport
from scanner.model import AgentVerdict, ScanResult
from scanner.text import markdown_code, markdown_sentence, markdown_unlinked, printable
from tests.factories import make_assessment, make_finding, make_identity, make_result
from tests.reports.samples import HOSTILE, estate, estate_with_gaps, hostile_result, without_registry

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
NAMES = {
    **HOSTILE,
    "mention": "@octo-team/all hi @x",
    "issue": "#1 and owner/repo#2 GH-3 gh-4",
    "link": "[x](http://evil.example) ![y](http://evil.example/p.png) <http://a.b> www.evil.example",
    "table": "a | b |\n|---|---|\n\\| c `d` | ``e``",
    "code": "`` ` ``` x",
    "blocks": "# h\n> q\n- l\n1. n\n```\ncode\n    x",
    "html": "<!-- --><details><summary>x</summary><img src=x>",
    "mail": "mallory@evil.example",
}
BLOCKS = {
    "heading_open", "heading_close", "inline", "paragraph_open", "paragraph_close", "bullet_list_open",
    "bullet_list_close", "list_item_open", "list_item_close", "table_open", "table_close", "thead_open",
    "thead_close", "tbody_open", "tbody_close", "tr_open", "tr_close", "th_open", "th_close", "td_open", "td_close",
}  # fmt: skip
PLAIN = {"text", "code_inline", "strong_open", "strong_close", "text_special", "softbreak"}
TEXTS = st.one_of(st.text(max_size=60), st.text(st.sampled_from("`|\\@#GH-1a <>[]()!*_\n"), max_size=30))


def written(result: ScanResult, view: View = "all") -> tuple[str, tuple[str, ...]]:
    out = io.BytesIO()
    notices = MarkdownReport().write(result, view, out, Screen())
    return out.getvalue().decode(), notices


def inline(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        if token.type == "inline":
            yield from token.children or ()


def tables(text: str) -> list[list[list[str]]]:
    """The cells of each table, by row."""
    found: list[list[list[str]]] = []
    tokens = PARSER.parse(text)
    for number, token in enumerate(tokens):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type in {"th_open", "td_open"}:
            found[-1][-1].append("".join(child.content for child in tokens[number + 1].children or ()))
    return found


@pytest.mark.parametrize("view", VIEWS)
def test_hostile_names_stay_text(view: View) -> None:
    """No link, image, HTML, emphasis or block of theirs, and every row has as many cells as its heading.

    Nor do they call anyone: a host looks for mentions and numbers in the text as shown, code excepted.
    """
    for case, name in NAMES.items():
        text, _ = written(hostile_result(name), view)
        tokens = PARSER.parse(text)
        inlines = list(inline(tokens))
        assert {token.type for token in inlines} <= PLAIN, case
        assert {token.type for token in tokens} <= BLOCKS, case
        raw = [line for line in text.splitlines() if line.startswith("|")]
        found = tables(text)
        assert all(len(row) == len(table[0]) for table in found for row in table), case
        assert len(raw) == sum(len(table) + 1 for table in found), case
        shown = " ".join(token.content for token in inlines if token.type != "code_inline")
        assert not re.search(r"@\w|#\w|GH-\d", shown, re.IGNORECASE), case


@given(TEXTS)
@example("`|`")
@example("   ")
def test_code_is_one_piece_of_code(text: str) -> None:
    """In a table's cell, too; with what ends code and cells shown as an escape."""
    ((_, (cell, after)),) = tables(f"| a | b |\n| --- | --- |\n| {markdown_code(text)} | x |\n")
    assert after == "x"
    (paragraph,) = [token for token in PARSER.parse(f"a {markdown_code(text)} b") if token.type == "inline"]
    kinds = [token.type for token in paragraph.children or ()]
    assert kinds == (["text", "code_inline", "text"] if markdown_code(text) else ["text"])
    assert not markdown_code(text) or cell == (paragraph.children or [])[1].content


@given(TEXTS)
def test_what_is_unlinked_reads_the_same(text: str) -> None:
    """Apart from what is not seen."""
    (paragraph,) = [token for token in PARSER.parse(f"a {markdown_unlinked(text)} b") if token.type == "inline"]
    shown = "".join(token.content for token in paragraph.children or ())
    assert not re.search(r"(@|#|\bGH-)(?=\w)", shown, re.IGNORECASE)
    assert {token.type for token in paragraph.children or ()} <= {"text", "text_special"}
    assert re.sub(" +", " ", shown.replace("\u2060", "")) == re.sub(" +", " ", f"a {printable(text).strip()} b")


@given(st.lists(st.one_of(TEXTS, st.sampled_from(["`", "``", "` `", "`a|b`", "@x", "\\"])), max_size=6).map("".join))
@example("run `muster check --draft FILE` `")
def test_a_sentence_is_text_and_code(text: str) -> None:
    """In a cell of a table: never markup or a link, and only code holds what could be a mention."""
    table = f"| a | b |\n| --- | --- |\n| {markdown_sentence(text)} | x |\n"
    inlines = [token for token in PARSER.parse(table) if token.type == "inline"]
    children = inlines[2].children or []
    shown = "".join(token.content for token in children if token.type != "code_inline")
    assert len(inlines) == 4
    assert {token.type for token in children} <= {"text", "text_special", "code_inline"}
    assert not re.search(r"(@|#|\bGH-)(?=\w)", shown, re.IGNORECASE)


def test_commands_in_sentences_are_code() -> None:
    """To copy as they are."""
    (paragraph,) = [
        token
        for token in PARSER.parse(markdown_sentence("Run `muster own --by ada@x.example 'a_b*'` of @team."))
        if token.type == "inline"
    ]
    assert [(token.type, token.content.replace("\u2060", "")) for token in paragraph.children or ()] == [
        ("text", "Run "),
        ("code_inline", "muster own --by ada@x.example 'a_b*'"),
        ("text", " of @team."),
    ]


def test_what_is_new_comes_first() -> None:
    """Then the others, most severe first in each."""
    text, notices = written(estate())
    assert notices == ()
    counts, new, others, _ = tables(text)
    assert ["Ownership", "1 owned · 3 orphaned · 1 not applicable"] in counts
    assert [row[0] for row in new[1:]] == ["critical, new", "high, new"]
    assert [row[0] for row in others[1:]] == ["high", "high", "medium", "low"]
    assert new[1][2] == "legacy-admin in aws 123456789012"
    assert text.index("### New since the last scan: 2\n") < text.index("### Other findings: 4\n")


@pytest.mark.parametrize("view", ["all", "findings"])
def test_what_to_do_is_reported_once_for_each_rule(view: View) -> None:
    """Its findings all have the same next step, which would fill the page."""
    findings = tuple(make_finding(fingerprint=f"{number:032x}", remediation="Ask someone.") for number in range(20))
    other = make_finding(fingerprint="f" * 32, rule="orphaned", title="Nobody answers for it", remediation="Assign it.")
    text, _ = written(make_result(findings=(*findings, other)), view)

    (steps,) = [table for table in tables(text) if table[0] == ["What", "How many", "Next step"]]
    assert [row[1:] for row in steps[1:]] == [["20", "Ask someone."], ["1", "Assign it."]]
    assert text.count("Ask someone.") == 1


def test_gaps_come_before_the_numbers() -> None:
    """Each with the permission that is missing."""
    text, _ = written(estate_with_gaps())
    assert text.startswith("## As far as could be read, 2 of 5 identities")
    gap = "- denied: `aws 123456789012 iam.credential-report: needs iam:GenerateCredentialReport`"
    assert text.index("**Incomplete: 2 sections") < text.index(gap) < text.index("| Axis |")


def test_without_a_registry_it_is_reported() -> None:
    """And finds nothing to print_error about."""
    text, _ = written(without_registry())
    assert "**No registry was given" in text
    assert "###" not in text


def test_where_nothing_was_found_there_is_no_table() -> None:
    """One with nothing but headings would look as if something had gone wrong."""
    text, _ = written(make_result())
    assert text.startswith("## No identities were found.")
    assert tables(text) == []


def test_agents_are_named_as_everywhere() -> None:
    """The heading keeps the capitals of AI."""
    agents = [make_assessment(name, agent=AgentVerdict(is_agent=True)) for name in ("one", "two")]
    text, _ = written(make_result(*agents), "agents")
    assert "### 2 AI agents\n" in text


def test_orphans_come_with_who_to_ask() -> None:
    """The most urgent first."""
    ((heading, admin, departed, agent),) = tables(written(estate(), "orphans")[0])
    assert heading == ["Severity", "Identity", "Where", "Why", "Use", "Holds", "Next step"]
    assert [row[1] for row in (admin, departed, agent)] == ["legacy-admin", "approle/billing", "support-agent"]
    assert admin[-1].replace("\u2060", "").startswith("Ask grace@example.com (confidence 0.80)")


@pytest.mark.parametrize(
    ("view", "rows"),
    [
        ("findings", 6),
        ("unregistered", 2),
        ("inventory", 5),
        ("registry", 3),
        ("credentials", 2),
        ("exposed", 2),
        ("coverage", 2),
    ],
)
def test_a_view_has_its_own_table(view: View, rows: int) -> None:
    """With a row for each of its records."""
    assert len(tables(written(estate(), view)[0])[-1]) == rows + 1


@pytest.mark.parametrize("view", ["findings", "orphans", "inventory"])
def test_it_ends_before_a_comment_does(view: View) -> None:
    """And says how many are missing, and how to see them; characters count as a host counts them."""
    identities = [make_assessment(make_identity(f"svc-{number:05}-\U0001f600")) for number in range(2_000)]
    findings = tuple(
        make_finding(fingerprint=f"{number:032x}", identity=one.identity.key) for number, one in enumerate(identities)
    )
    text, notices = written(make_result(*identities, findings=findings), view)
    assert len(text.encode("utf-16-le")) // 2 < 65_536
    assert notices == ("it is cut to 65,536 characters, the most that a comment holds",)
    shown = len(tables(text)[-1]) - 1
    assert shown > 100
    assert f"\nand {2_000 - shown:,} more: `muster report --view {view} -o csv:{view}.csv`" in text


@pytest.mark.parametrize("view", VIEWS)
def test_it_ends_in_time_whatever_things_are_called(view: View) -> None:
    """Escapes are longer than what they represent."""
    hostile = hostile_result("\x00|`*" * 2_000)
    findings = tuple(
        make_finding(fingerprint=f"{number:032x}", title="\x00*" * 5_000, new=number < 50) for number in range(100)
    )
    text, _ = written(
        make_result(
            *hostile.identities, findings=findings, coverage=hostile.coverage * 50, notices=hostile.notices * 50
        ),
        view,
    )
    assert len(text) < 65_536


def test_all_shows_a_few_of_each() -> None:
    """A comment is read on the way; the others are counted, without a notice, for nothing was cut for want of room."""
    findings = tuple(make_finding(fingerprint=f"{number:032x}") for number in range(30))
    text, notices = written(make_result(findings=findings))
    assert "and 5 more: `muster report --view findings" in text
    assert notices == ()


def test_findings_show_the_digits_that_report_them_apart() -> None:
    """Enough for ``muster acknowledge``: eight, and one more where two begin alike."""
    findings = tuple(make_finding(fingerprint=f"{'ab' * 4}{at}{'0' * 23}", identity=f"k{at}") for at in range(2))
    text, _ = written(make_result(findings=findings), "findings")

    assert re.findall(r"`(abababab\w*)` \|$", text, re.MULTILINE) == ["abababab0", "abababab1"]
