"""Text from outside in Markdown, read back by a parser that is not ours (Rich's own)."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from reports.tables import Column, markdown_table
from scanner.text import markdown_text, printable
from tests.reports.samples import HOSTILE

PARSER = MarkdownIt("commonmark").enable("table")
MARKUP = st.text(st.sampled_from("\\`*_{}[]()<>#+-.!|~&:/=@1a w\n\r\t\"'"), max_size=30)
TEXTS = st.one_of(st.text(max_size=60), MARKUP, st.sampled_from(sorted(HOSTILE.values())))


def read_back(tokens: list[Token]) -> list[str]:
    """The text of each inline part; anything in it that is not text fails."""
    inline = [token for token in tokens if token.type == "inline"]
    assert {child.type for token in inline for child in token.children or ()} <= {"text", "text_special"}
    return ["".join(child.content for child in token.children or ()) for token in inline]


def as_shown(text: str) -> str:
    return re.sub(" +", " ", printable(text)).strip()


@given(TEXTS)
@example("a|b\\|c")
@example("    code")
@example("1. one")
@example("- [x] done")
@example("&lt;b&gt;")
def test_a_text_is_that_text_in_a_list(text: str) -> None:
    """No list, heading, code, emphasis, HTML or link comes of it."""
    tokens = PARSER.parse(f"- {markdown_text(text)}\n")
    blocks = [token.type for token in tokens if token.type != "inline"]
    assert set(blocks) <= {
        "bullet_list_open", "list_item_open", "paragraph_open", "paragraph_close", "list_item_close",
        "bullet_list_close",
    }  # fmt: skip
    assert blocks.count("bullet_list_open") == blocks.count("list_item_open") == 1
    assert "".join(read_back(tokens)) == as_shown(text)


@given(st.lists(TEXTS, min_size=1, max_size=3))
def test_a_text_is_that_text_in_a_table(texts: list[str]) -> None:
    """Each cell stays one, whatever is in it."""
    columns = [Column[str]("before", lambda _: 1, ""), Column[str]("text", lambda text: text, "")]
    cells = read_back(PARSER.parse(markdown_table(columns, texts)))
    assert cells == ["before", "text", *(cell for text in texts for cell in ("1", as_shown(text)))]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("arn:aws:iam::123456789012:user/svc-billing_2", None, id="an-arn"),
        pytest.param("ada@example.com", None, id="an-e-mail"),
        pytest.param("used 2026-11-20; owner (of 2).", None, id="a-sentence"),
        pytest.param("https://evil.example", r"https\://evil.example", id="a-link-on-github"),
        pytest.param("WWW.evil.example", r"WWW\.evil.example", id="another"),
        pytest.param("_x_", r"\_x\_", id="emphasis"),
    ],
)
def test_what_is_plain_stays_readable(text: str, shown: str | None) -> None:
    """Only what could be markup where it stands is escaped."""
    assert markdown_text(text) == (shown or text)
