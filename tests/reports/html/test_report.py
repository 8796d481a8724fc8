"""The file itself: what a browser may run in it, and that nothing from outside is in its markup."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import get_args

import pytest

from reports.base import Screen, View
from reports.html.report import HtmlReport
from scanner.model import ScanResult
from tests.factories import make_assessment, make_identity, make_result
from tests.reports.html.estate import small_estate, written


@pytest.fixture(scope="module")
def page() -> str:
    """A whole report."""
    return written(small_estate()).decode()


def _policy(page: str) -> str:
    found = re.search(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    assert found
    return found[1]


def _sha256(content: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() + "'"


@pytest.mark.parametrize(
    ("directive", "element"),
    [("script-src", r'<script type="module">(.*?)</script>'), ("style-src", r"<style>(.*?)</style>")],
)
def test_only_our_own_script_and_style_may_run(page: str, directive: str, element: str) -> None:
    """The policy names the hash of exactly the one script and the one style."""
    (content,) = re.findall(element, page, re.DOTALL)

    assert f"{directive} {_sha256(content)};" in _policy(page)


def test_nothing_else_is_allowed(page: str) -> None:
    """Everything is forbidden by default, and no directive opens the network."""
    policy = _policy(page)

    assert policy.startswith("default-src 'none'; ")
    assert not re.search(r"unsafe|https?:|\*|connect-src", policy)


def test_the_page_takes_no_markup_from_text(page: str) -> None:
    """No inline handler, no style attribute, no way to turn text into markup or code, no address to fetch."""
    markup = re.sub(r"<(script|style)[^>]*>.*?</\1>", "", page, flags=re.DOTALL)
    (script,) = re.findall(r'<script type="module">(.*?)</script>', page, re.DOTALL)

    assert not re.search(r"\s(on\w+|style|src)=", markup)
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|fetch\(|import\(", script
    )
    assert re.findall(r"https?://[^\"'\s]+", page) == ["http://www.w3.org/2000/svg"]


def test_what_comes_from_outside_is_not_in_the_markup(page: str) -> None:
    """Names travel in blocks only."""
    assert "svc-billing" not in page
    assert "legacy-export" not in page


@pytest.mark.parametrize("view", get_args(View))
def test_a_view_is_where_the_page_opens(view: View) -> None:
    """Everything is in the page whatever the view, which only says where it opens."""
    opened, whole = written(small_estate(), view).decode(), written(small_estate()).decode()

    assert f'<body data-view="{view}">' in opened
    assert opened.replace(f'data-view="{view}"', 'data-view="all"') == whole


def test_the_same_result_gives_the_same_bytes() -> None:
    """Reports can be compared and signed."""
    assert written(small_estate()) == written(small_estate())


@pytest.mark.parametrize(
    ("name", "notices"),
    [
        ("x" * 10_000, ()),
        ("x" * 10_001, ("texts of 1 identity are cut at 10,000 characters",)),
    ],
    ids=["in full", "cut"],
)
def test_a_cut_is_reported(name: str, notices: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> None:
    """What is not shown in full is said."""
    result: ScanResult = make_result(make_assessment(make_identity(name, key="k")))

    with (tmp_path_factory.mktemp("report") / "report.html").open("wb") as out:
        assert HtmlReport().write(result, "all", out, Screen()) == notices
