"""The drawing of attack paths in an identity's panel: what it shows, and that all can use it."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from scanner.model import Assessment, Link, Privilege, ScanResult, Trust, Way
from tests.accessibility import violations_in_light_and_dark
from tests.factories import make_assessment, make_identity, make_result
from tests.reports.html.conftest import Opens

pytestmark = pytest.mark.browser

HOSTILE = '<img src=x onerror=alert(1)>"'


def bot(name: str, *targets: str, level: Any = "normal", **facts: Any) -> Assessment:
    """An identity that can become these."""
    links = tuple(Link(relation="can_assume", target=f"acme:{to}", evidence=f"{to} trusts {name}") for to in targets)
    privilege = Privilege(level=level, evidence=("its permissions",), goal=facts.pop("goal", None))
    return make_assessment(make_identity(name, key=f"acme:{name}", links=links, **facts), privilege=privilege)


def estate() -> ScanResult:
    """A path of two certain steps to an admin and one under a condition, and an identity that many can become."""
    ways = (Way(kind="assume", on=("acme:root",), conditional=True, by="sts"),)
    trust = Trust(principal="acme:guest", kind="principal", evidence="root trusts guest")
    return make_result(
        bot("ci", "deploy", "build", level="escalation"),
        bot("deploy", "root", HOSTILE, level="escalation"),
        bot("build", "elsewhere"),
        bot("root", level="admin", trusts=(trust,), scope="1"),
        bot("guest", level="high", reach=ways, scope="2", goal="acme:root"),
        bot(HOSTILE),
        *(bot(f"dev-{number:02}", "ci", level="escalation") for number in range(70)),
    )


def nodes(page: Page) -> Locator:
    """The identities that are drawn."""
    return page.locator(".drawn .node")


def drawn(page: Page) -> list[str]:
    """Their names."""
    expect(nodes(page).first).to_be_visible()
    return nodes(page).locator(".name").all_text_contents()


def node(page: Page, name: str) -> Locator:
    """One of them."""
    return nodes(page).filter(has=page.locator(".name", has_text=name)).first


def about(page: Page) -> Locator:
    """What is said of the chosen one."""
    return page.locator(".attack .about")


def test_a_path_is_drawn_and_grows(opens: Opens) -> None:
    """Each step with its evidence; a click opens what is next to a node, a pin keeps it, and a link leads to it."""
    with opens(estate(), fragment="#identity=acme:ci") as seen:
        page = seen.page
        assert drawn(page) == ["ci", "deploy", "root"]
        expect(page.locator(".drawn .onpath text")).to_have_text(["1. deploy trusts ci", "2. root trusts deploy"])
        expect(about(page)).to_contain_text("can become deploy: deploy trusts ci")

        node(page, "deploy").click()
        expect(node(page, "<img")).to_be_visible()
        assert node(page, "deploy").get_attribute("aria-expanded") == "true"
        node(page, "<img").click()
        about(page).get_by_role("button", name="Pin").click()
        expect(page.locator(".attack [role=status]")).to_contain_text("pinned")
        node(page, "deploy").click()
        assert drawn(page) == ["ci", "deploy", "root", "<img src=x onerror…"]
        node(page, "<img").click()
        about(page).get_by_role("link", name="Go to").click()
        expect(page.get_by_role("dialog").get_by_role("heading", level=2)).to_have_text(HOSTILE)
        assert seen.complaints == []


def test_many_neighbours_are_counted(opens: Opens) -> None:
    """Six in each direction are drawn."""
    with opens(estate(), fragment="#identity=acme:ci") as seen:
        node(seen.page, "ci").click()
        expect(nodes(seen.page)).to_have_count(10)
        expect(about(seen.page)).to_contain_text("64 more neighbours are not drawn.")
        assert drawn(seen.page)[:2] == ["dev-00", "dev-01"]
        node(seen.page, "build").click()
        expect(node(seen.page, "elsewhere")).to_be_visible()  # no identity of the scan


def test_a_condition_is_not_shown_by_colour_alone(opens: Opens) -> None:
    """Dashes and a word in the drawing, words beside it."""
    with opens(estate(), fragment="#identity=acme:guest") as seen:
        edge = seen.page.locator(".drawn .conditional")
        expect(edge.locator("text")).to_contain_text("1. if a condition of its own policies")
        assert edge.locator(".edge").evaluate("edge => getComputedStyle(edge).strokeDasharray") != "none"
        expect(about(seen.page)).to_contain_text("can become root under a condition")
        expect(seen.page.locator("ol.path")).to_contain_text("under a condition")


def test_keyboard_phone_and_screen_reader(opens: Opens) -> None:
    """Arrows move, Enter opens, P pins; focus stays; nothing is wider than a phone; axe finds nothing."""
    with opens(estate(), fragment="#identity=acme:ci") as seen:
        page = seen.page
        page.set_viewport_size({"width": 390, "height": 800})
        expect(nodes(page).first).to_be_visible()
        node(page, "ci").focus()
        page.keyboard.press("ArrowDown")
        expect(node(page, "deploy")).to_be_focused()
        page.keyboard.press("Enter")
        expect(node(page, "<img")).to_be_visible()
        expect(node(page, "deploy")).to_be_focused()
        page.keyboard.press("End")
        page.keyboard.press("p")
        expect(page.locator(".drawn .pinned")).to_be_focused()
        assert "pinned" in (page.locator(".drawn .pinned").get_attribute("aria-label") or "")
        page.keyboard.press("Home")
        expect(node(page, "ci")).to_be_focused()
        assert page.locator(".drawn").evaluate("one => one.scrollWidth <= one.clientWidth")
        assert violations_in_light_and_dark(page) == []
