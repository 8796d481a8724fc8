"""Texts of tickets in each system's format, for any text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from scanner.notify.links import identity_page
from scanner.notify.tickets.content import Point, Text
from scanner.notify.tickets.github import markdown
from scanner.notify.tickets.jira import adf
from scanner.notify.tickets.servicenow import plain
from tests.examples import examples
from tests.servers.trackers.described import check_document

SAID = st.text(max_size=40).map("HIGH {}".format)
LINKS = st.none() | st.text(max_size=40).map(lambda key: identity_page("https://muster.example", key))
POINTS = st.builds(
    Point, heading=SAID, subject=st.text(max_size=40), details=st.lists(SAID, max_size=2).map(tuple), link=LINKS
)
TEXTS = st.builds(
    Text,
    opening=st.just("Found."),
    points=st.lists(POINTS, max_size=2).map(tuple),
    closing=st.lists(SAID, max_size=1).map(tuple),
    page=LINKS,
)


@examples(60)
@given(TEXTS)
def test_any_text_is_a_document(text: Text) -> None:
    """For Jira."""
    check_document(adf(text))


@examples(60)
@given(TEXTS)
def test_any_text_stays_text_in_markdown(text: Text) -> None:
    """For GitHub: lists, emphasis and code that are ours, and nothing else."""
    tokens = MarkdownIt("commonmark").parse(markdown(text))
    kinds = {child.type for token in tokens for child in token.children or ()}
    ours = {"strong_open", "strong_close", "code_inline", "link_open", "link_close"}
    assert kinds <= {"text", "text_special", "softbreak", *ours}
    links = [child.attrs["href"] for token in tokens for child in token.children or () if child.type == "link_open"]
    assert links == [link for link in (*(point.link for point in text.points), text.page) if link is not None]
    assert not {token.type for token in tokens} & {"html_block", "code_block", "fence", "heading_open", "hr"}


@examples(60)
@given(TEXTS)
def test_any_text_keeps_its_lines(text: Text) -> None:
    """For ServiceNow: no line comes from outside."""
    points = sum(2 + len(point.details) + (point.link is not None) for point in text.points)
    last = len(text.last) + len(text.links)
    breaks = len(text.points) + last
    assert len(plain(text).split("\n")) == 1 + points + last + breaks
