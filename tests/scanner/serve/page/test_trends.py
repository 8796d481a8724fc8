"""Trends and the log of decisions on the served page, in Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from msgspec.structs import replace
from playwright.sync_api import Browser, Page, expect

from scanner.model import Acknowledged, OwnershipVerdict
from scanner.model.served import FindingAcknowledged, OwnerProposed
from scanner.model.summary import summarise
from scanner.store.store import open_store
from tests.accessibility import violations_in_light_and_dark
from tests.factories import NOW
from tests.scanner.serve.page.estate import ANALYST, BILLING, HOSTILE, NEW_ONE, OLD_KEY, OWNER, PEOPLE, scans, stored
from tests.scanner.serve.page.test_page import tab, visiting
from tests.scanner.serve.served import Served

pytestmark = pytest.mark.browser

REVIEWER = "bo@example.com"
SERVE = f"""
[serve]
user_header = "X-Person"
proxies = ["127.0.0.1"]
viewers = ["{ANALYST}"]
reviewers = ["{REVIEWER}"]
"""
UNTIL = date(2027, 1, 1)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Three scans: in the last one two orphans have a team, a finding is acknowledged, and one got worse."""
    folder = stored(tmp_path_factory.mktemp("trends"))
    assert REVIEWER in PEOPLE
    _add(folder)
    with Served(folder, SERVE) as running:
        yield running


def _add(folder: Path) -> None:
    _, third = scans()
    at = third.scan.started_at + timedelta(days=1)
    third = replace(third, scan=replace(third.scan, id="third", started_at=at, finished_at=at))
    names = {"deployer": "ops", HOSTILE: HOSTILE}
    identities = tuple(
        replace(one, ownership=OwnershipVerdict(state="orphaned", reason="unregistered", team=names[one.identity.name]))
        if one.identity.name in names
        else one
        for one in third.identities
    )
    given = Acknowledged(reason="known", by=OWNER, until=UNTIL)
    findings = tuple(
        replace(one, acknowledged=given) if one.fingerprint == OLD_KEY else replace(one, was="low")
        for one in third.findings
    )
    third = replace(third, identities=identities, findings=findings)
    with open_store(f"sqlite:///{folder / 'muster.db'}") as store:
        store.save(replace(third, summary=summarise(third)))
        for number in range(120):
            at = NOW + timedelta(minutes=number)
            store.served.append(OwnerProposed(identity=BILLING.key, owner=OWNER, by=ANALYST, at=at, reason=HOSTILE))
        store.served.append(
            FindingAcknowledged(finding=NEW_ONE, reason="later", until=UNTIL, by=REVIEWER, at=NOW + timedelta(days=1)),
            known_by="proxy",
        )


def table(page: Page, number: int) -> list[list[str]]:
    """The cells of a table of the page."""
    rows = page.locator("#page table").nth(number).locator("tbody tr")
    return [row.locator("td").all_inner_texts() for row in rows.all()]


def test_a_viewer_sees_lines_tables_and_teams(browser: Browser, served: Served) -> None:
    """Of everything and, by keyboard, of one team, which has an address; each scan has its own."""
    with visiting(browser, served, ANALYST) as seen:
        page = seen.page
        tab(page, "Trends").click()
        expect(page.locator("#page h2")).to_have_text("Trends of everything")
        expect(page.locator("#page .line")).to_have_count(4)
        expect(page.locator("#page .line .number")).to_have_text(["3 → 4", "3 → 4", "0 → 3", "0 → 1"])
        assert [row[1:] for row in table(page, 0)] == [["4", "4", "3", "1"], ["4", "4", "0", "0"], ["3", "3", "0", "0"]]
        assert table(page, 1) == [
            ["no team", "3 → 2", "3 → 2", "0 → 2", "0"],
            ["ops", "0 → 1", "0 → 1", "0 → 1", "0"],
            [HOSTILE, "0 → 1", "0 → 1", "0", "0 → 1"],
        ]

        choice = page.get_by_label("Trends of")
        choice.focus()
        page.keyboard.type("ops")
        expect(page.locator("#page h2")).to_have_text("Trends of ops")
        expect(choice).to_be_focused()
        assert page.url == f"{served.url}/trends?team=ops"
        expect(page.locator("#page .line .number")).to_have_text(["0 → 1", "0 → 1", "0 → 1", "0 → 0"])
        page.reload()
        expect(page.locator("#page h2")).to_have_text("Trends of ops")
        page.goto(f"{served.url}/trends?team=")
        expect(page.locator("#page h2")).to_have_text("Trends of no team")
        page.goto(f"{served.url}/trends?team={quote(HOSTILE)}")
        expect(page.locator("#page h2")).to_have_text(f"Trends of {HOSTILE}")
        page.locator("#page table").first.get_by_role("link").first.click()
        assert page.url == f"{served.url}/?scan=third"
        assert seen.complaints == []


def test_an_owner_sees_the_own_ones(browser: Browser, served: Served) -> None:
    """And nothing of others: neither numbers nor teams."""
    with visiting(browser, served, OWNER, "/trends") as seen:
        page = seen.page
        expect(page.locator("#page h2")).to_have_text("Trends of what you own")
        expect(page.locator("#page .line .number")).to_have_text(["0 → 0"] * 4)
        assert "ops" not in page.locator("#page").inner_text()
        assert seen.complaints == []


def test_decisions_are_read_narrowed_and_taken_along(browser: Browser, served: Served) -> None:
    """Newest first, older ones by a button, by person, and as CSV; texts stay text."""
    with visiting(browser, served, ANALYST) as seen:
        page = seen.page
        tab(page, "Decisions").click()
        expect(page.locator("#page tbody tr")).to_have_count(50)
        first = table(page, 0)[0]
        assert (first[2], first[6], first[7]) == ("acknowledged", "until 2027-01-01", "later")
        for shown in (100, 121 + 1):
            page.get_by_role("button", name="Show older ones").click()
            expect(page.locator("#page tbody tr")).to_have_count(shown)  # and that the review was opened
        expect(page.get_by_role("button", name="Show older ones")).to_be_hidden()
        expect(page.locator("#page")).to_contain_text("The whole log has 122 records; its head is 122:")

        page.get_by_role("textbox", name="By").fill(REVIEWER)
        page.keyboard.press("Enter")
        expect(page.locator("#page tbody tr")).to_have_count(1)
        assert page.url == f"{served.url}/decisions?by={quote(REVIEWER, safe='@')}"
        with page.expect_download() as downloading:
            page.get_by_role("link", name="All of these as CSV").click()
        lines = downloading.value.path().read_text(encoding="utf-8-sig").splitlines()
        assert len(lines) == 2
        assert "later" in lines[1]
        page.get_by_label("Since").fill("2040-01-01")
        page.get_by_role("button", name="Filter").click()
        expect(page.locator("#page")).to_contain_text("No decision fits.")
        assert seen.complaints == []


def test_decisions_are_for_viewers_and_reviewers(browser: Browser, served: Served) -> None:
    """Reviewers see their own; owners have no tab, and the address says for whom it is."""
    with visiting(browser, served, REVIEWER, "/decisions") as seen:
        expect(seen.page.locator("#page tbody tr")).to_have_count(1)
        assert seen.complaints == []
    with visiting(browser, served, OWNER) as seen:
        expect(tab(seen.page, "Trends")).to_be_visible()
        expect(tab(seen.page, "Decisions")).to_have_count(0)
        seen.page.goto(f"{served.url}/decisions")
        expect(seen.page.locator("#page [role=alert]")).to_be_visible()
        assert [one for one in seen.complaints if "403" not in one] == []


@pytest.mark.parametrize("place", ["/trends", "/trends?team=ops", "/decisions"])
def test_they_are_for_everybody(browser: Browser, served: Served, place: str) -> None:
    """No violation of axe-core in light and dark, and nothing wider than a phone."""
    with visiting(browser, served, ANALYST, place, width=390) as seen:
        expect(seen.page.locator("#page table").first).to_be_visible()
        assert violations_in_light_and_dark(seen.page) == []
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= 390
        assert seen.complaints == []
