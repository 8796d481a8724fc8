"""The served page in a real Chromium, over a real server: what an owner and an analyst do from beginning to end."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from scanner.serve.index.questions import LIST_NAMES
from scanner.store.store import open_store
from tests.accessibility import violations
from tests.browser import Watched, new_page
from tests.scanner.serve.page.estate import (
    ADMIN,
    ANALYST,
    BILLING,
    HOSTILE,
    INTERN,
    NEW_ONE,
    NEWCOMER,
    OLD_KEY,
    OWNER,
    RETURNING,
    REVIEW,
    SERVE,
    later,
    stored,
)
from tests.scanner.serve.served import Served

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with one store for all tests of this module: each writes about records of its own."""
    with Served(stored(tmp_path_factory.mktemp("page")), SERVE) as running:
        yield running


@contextmanager
def visiting(
    browser: Browser, served: Served, person: str, address: str = "/", *, width: int = 1280
) -> Iterator[Watched]:
    """The page as a person sees it. Nothing may be complained about, and nothing asked of another server."""
    headers = {"X-Person": person}
    page = new_page(browser, extra_http_headers=headers, viewport={"width": width, "height": 800})
    seen = Watched(page=page)
    page.on("console", lambda message: seen.complaints.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: seen.complaints.append(f"error: {error}"))
    page.on("dialog", lambda dialog: seen.complaints.append(f"dialog: {dialog.message}"))
    page.on("request", lambda request: seen.requests.append(request.url))
    page.goto(served.url + address)
    yield seen
    assert [one for one in seen.requests if not one.startswith((served.url, "data:"))] == []
    page.close()


def rows(page: Page) -> Locator:
    """The rows of the list that have their values."""
    return page.locator("#grid tbody tr[data-at]:not(.waiting)")


def tab(page: Page, name: str) -> Locator:
    """A tab by the beginning of its name: a number may follow."""
    return page.locator("#tabs").get_by_role("tab", name=name)


def test_the_round_of_an_owner(browser: Browser, served: Served) -> None:
    """They see only what they own, decide their item, and propose an owner; an error stands at its field."""
    with visiting(browser, served, OWNER) as seen:
        page = seen.page
        expect(rows(page)).to_have_count(1)
        expect(rows(page)).to_contain_text("svc-billing")
        expect(page.locator("#yours")).to_have_text("Yours: 1 identity")
        expect(page.locator("#headline")).to_have_text("1 thing needs you.")
        page.goto(f"{served.url}/identities/{quote(INTERN.key, safe='')}")
        expect(page.get_by_role("dialog")).to_contain_text("You may not see this")
        expect(page.get_by_role("dialog")).to_contain_text("Ask Cyd or Eve.")
        assert "its trust policy names it" not in page.content()
        page.keyboard.press("Escape")

        tab(page, "Reviews").click()
        page.get_by_role("link", name=REVIEW).click()
        expect(page.locator("#page h2")).to_have_text(f"{REVIEW}: 1 to decide")
        item = page.locator(".item")
        expect(item.locator("tbody tr")).to_have_count(len(BILLING.grants))
        item.get_by_role("button", name="Decide").click()
        expect(item.locator(".complaint:visible")).to_have_text("This is needed.")
        item.get_by_label("Decision").select_option("reassign")
        item.get_by_role("button", name="Decide").click()
        expect(item.locator(".complaint:visible")).to_contain_text("new_owner is empty")
        expect(item.get_by_label("New owner")).to_be_focused()
        item.get_by_label("Decision").select_option("keep")
        item.get_by_label("Reason").fill("still needed")
        item.get_by_role("button", name="Decide").click()
        expect(item).to_contain_text("svc-billing: keep")
        page.reload()
        expect(page.locator("#page")).to_contain_text("still needed")

        page.goto(f"{served.url}/identities/{quote(BILLING.key, safe='')}")
        page.get_by_role("dialog").get_by_role("button", name="It belongs to…").click()
        form = page.get_by_role("form", name="Propose")
        form.get_by_label("Owner").fill("nobody@example.com")
        form.get_by_role("button").click()
        expect(form.locator(".complaint:visible")).to_contain_text("nobody@example.com is not an active person")
        form.get_by_label("Owner").fill("bo@example.com")
        form.get_by_role("button").click()
        expect(page.get_by_role("dialog")).to_contain_text(f"bo@example.com was proposed by {OWNER}")
        expect(page.get_by_role("dialog")).to_contain_text("muster registry adopt --proposals")
        failures = [one for one in seen.complaints if "400" not in one and "404" not in one]  # the two refusals above
        assert failures == []


def test_the_round_of_an_analyst(browser: Browser, served: Served) -> None:
    """They search, filter, sort, follow a path, go back, reload a deep link, and export what is shown."""
    with visiting(browser, served, ANALYST) as seen:
        page = seen.page
        grid = page.locator("table#grid")
        expect(grid).to_have_attribute("aria-rowcount", "6")
        expect(page.locator("#gaps")).to_contain_text("AccessDenied")
        page.get_by_role("searchbox").fill("c-4711")
        expect(grid).to_have_attribute("aria-rowcount", "2")
        expect(rows(page)).to_contain_text("tag c-4711")
        assert page.url == f"{served.url}/?q=c-4711"
        page.get_by_role("searchbox").fill("")
        expect(grid).to_have_attribute("aria-rowcount", "6")
        page.locator("#facets").get_by_text("Ownership", exact=True).click()
        page.get_by_role("checkbox", name="orphaned").check()
        expect(grid).to_have_attribute("aria-rowcount", "5")
        page.keyboard.press("Escape")
        page.get_by_role("button", name="Name").click()
        page.get_by_role("button", name="Name").click()
        expect(rows(page).first).to_contain_text("newcomer")
        listed = page.url
        assert listed == f"{served.url}/?ownership=orphaned&sort=-name"

        with page.expect_download() as download:
            page.locator("#export").get_by_text("CSV").click()
        exported = list(csv.DictReader(StringIO(Path(download.value.path()).read_text())))
        assert len(exported) == 4
        assert {row["ownership_state"] for row in exported} == {"orphaned"}

        page.get_by_text("intern-bot").click()
        dialog = page.get_by_role("dialog")
        expect(dialog).to_contain_text("Path to admin")
        expect(dialog).to_contain_text("its trust policy names it")
        deep = page.url
        dialog.get_by_role("link", name="deployer").first.click()
        expect(dialog.locator("h2")).to_have_text("deployer")
        page.go_back()
        expect(dialog.locator("h2")).to_have_text("intern-bot")
        page.go_back()
        expect(dialog).to_be_hidden()
        assert page.url == listed
        page.goto(deep)
        expect(dialog.locator("h2")).to_have_text("intern-bot")
        expect(grid).to_have_attribute("aria-rowcount", "5")
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        assert seen.complaints == []


def test_attack_paths_are_listed_and_drawn(browser: Browser, served: Served) -> None:
    """From an identity to any admin, with the evidence of each step, at an address that stays."""
    with visiting(browser, served, ANALYST) as seen:
        page = seen.page
        tab(page, "Paths").click()
        page.get_by_label("From").fill(INTERN.key)
        page.get_by_role("button", name="Find paths").click()
        expect(page.locator("#page ol.path")).to_contain_text("its trust policy names it")
        expect(page.locator("#page .goal")).to_contain_text("deployer")
        expect(page.locator("#page .attack")).to_contain_text("deployer")
        expect(page.get_by_role("row", name="deployer 1")).to_be_visible()
        page.reload()
        expect(page.locator("#page ol.path")).to_have_count(1)
        assert seen.complaints == []
        page.goto(f"{served.url}/?nothing=1")
        expect(page.get_by_role("alert")).to_contain_text("there is no facet 'nothing'")


def test_findings_are_acknowledged_and_queries_saved(browser: Browser, served: Served) -> None:
    """A reason and a day suppress a finding; a saved query leads to its list again."""
    with visiting(browser, served, ANALYST, f"/findings/{OLD_KEY[:12]}") as seen:
        page = seen.page
        page.get_by_role("button", name="Acknowledge", exact=True).first.click()
        form = page.get_by_role("form", name="Acknowledge it")
        form.get_by_label("Reason").fill("the vendor rotates it")
        form.get_by_label("Until").fill("2020-01-01")
        form.get_by_role("button").click()
        expect(form.locator(".complaint:visible")).to_contain_text("in the past")
        form.get_by_label("Until").fill("")
        form.get_by_role("button").click()
        expect(page.get_by_role("dialog")).to_contain_text("Acknowledged: the vendor rotates it")

        page.goto(f"{served.url}/findings?severity=high&group=none")
        page.get_by_text("Saved queries").click()
        page.get_by_role("form", name="Save this query").get_by_label("Name").fill("high ones")
        page.get_by_role("button", name="Save this query").click()
        expect(page.get_by_role("link", name="high ones")).to_be_visible()
        page.goto(f"{served.url}/coverage")
        page.get_by_text("Saved queries").click()
        page.get_by_role("link", name="high ones").click()
        expect(rows(page)).to_have_count(2)
        assert page.url.endswith("/findings?severity=high&group=none")
        assert [one for one in seen.complaints if "400" not in one] == []


def test_what_is_new_and_what_changed(browser: Browser, served: Served) -> None:
    """On a first visit it is what the latest scan changed; any two scans compare; an older one has its own lists."""
    returning = served.http.get("/page/news", headers={"X-Person": RETURNING}).json()
    assert returning["last_visit"] == "2026-11-24T08:00:00Z"
    assert {row["key"] for row in returning["changes"]} == {NEWCOMER.key, NEW_ONE}
    with visiting(browser, served, ANALYST, "/new") as seen:
        page = seen.page
        expect(page.locator("#page")).to_contain_text("New since the previous scan")
        expect(page.locator("#page")).to_contain_text("newcomer")
        tab(page, "Scans").click()
        page.get_by_role("button", name="Compare").click()
        expect(page.locator("#page")).to_contain_text("1 joined")
        page.locator("#page").get_by_role("link", name="Unregistered").click()
        expect(page.get_by_role("dialog").locator("h2")).to_have_text("Unregistered")
        page.goto(f"{served.url}/?scan=first")
        expect(page.locator("table#grid")).to_have_attribute("aria-rowcount", "5")
        tab(page, "Findings").click()
        expect(page.locator("#shown")).to_have_text("3")
        assert "scan=first" in page.url
        assert seen.complaints == []


def test_it_is_for_everybody(browser: Browser, served: Served) -> None:
    """No violation of axe-core on any list, page and panel; a phone shows all without scrolling sideways."""
    places = ("/", "/findings", f"/findings/{NEW_ONE}", "/registry", "/credentials", "/exposed", "/changes",
              "/coverage", "/new", "/paths", "/owners", "/activity", "/reviews", f"/reviews?review={REVIEW}",
              "/trends", "/decisions", "/scans")  # fmt: skip
    with visiting(browser, served, ANALYST, width=360) as seen:
        for place in places:
            seen.page.goto(served.url + place)
            expect(seen.page.locator("#grid tbody tr[data-at], #page > *").first).to_be_attached()
            expect(seen.page.locator("#headline")).to_contain_text("5 identities")
            assert violations(seen.page) == [], place
            assert not re.search("NaN|undefined", seen.page.locator("body").inner_text()), place
            assert seen.page.evaluate("document.documentElement.scrollWidth") <= 360, place
        assert seen.complaints == []


def test_a_newer_scan_is_said_and_moves_nothing(browser: Browser, tmp_path: Path) -> None:
    """What is being read stays until the reader asks for the new scan, and while the server cannot be reached."""
    looked = """() => {
        document.dispatchEvent(new Event("visibilitychange"));
        return !document.getElementById("newer").hidden;
    }"""
    with Served(stored(tmp_path), SERVE) as served, visiting(browser, served, ANALYST) as seen:
        grid = seen.page.locator("table#grid")
        expect(grid).to_have_attribute("aria-rowcount", "6")
        with open_store(f"sqlite:///{tmp_path / 'muster.db'}") as store:
            store.save(later())
        seen.page.wait_for_function(looked, polling=500)
        seen.page.get_by_role("searchbox").fill("newcomer")
        expect(grid).to_have_attribute("aria-rowcount", "2")
        seen.page.get_by_role("searchbox").fill("")
        seen.page.get_by_role("button", name="Show it").click()
        expect(grid).to_have_attribute("aria-rowcount", "5")
        assert seen.complaints == []

        seen.page.context.set_offline(True)
        seen.page.get_by_role("searchbox").fill("intern")
        expect(seen.page.get_by_role("alert")).to_contain_text("The server does not answer")
        expect(grid).to_have_attribute("aria-rowcount", "5")
        seen.page.context.set_offline(False)
        seen.page.get_by_role("searchbox").fill("intern-bot")
        expect(grid).to_have_attribute("aria-rowcount", "2")
        expect(seen.page.get_by_role("alert")).to_be_hidden()


def test_names_from_outside_stay_text_and_nothing_is_inline(browser: Browser, served: Served) -> None:
    """The markup holds no data; the policy allows only the page's own files; a name with markup is a text."""
    answer = served.http.get("/", headers={"X-Person": ANALYST})
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "nonce" not in policy
    assert "trusted-types 'none'" in policy
    assert "<script>" not in answer.text
    assert "style=" not in answer.text
    with visiting(browser, served, ANALYST, "/?q=onerror") as seen:
        expect(rows(seen.page)).to_contain_text(HOSTILE)
        rows(seen.page).click()
        expect(seen.page.get_by_role("dialog").locator("h2")).to_have_text(HOSTILE)
        assert seen.complaints == []


def test_owners_get_nothing_of_others(served: Served) -> None:
    """Neither rows, counts and panels nor the overview and changes hold what someone else owns."""
    panels = (
        ("identity", BILLING.key, 200), ("identity", INTERN.key, 404), ("finding", ADMIN, 404), ("entry", "E1", 200),
        ("secret", "arn:secret/db", 404), ("reading", "prod 123456789012 iam.roles", 404),
        ("changed", NEWCOMER.key, 404),
    )  # fmt: skip
    asked = [f"/page/panel/{kind}?key={quote(key, safe='')}" for kind, key, _ in panels]
    for path, (_, _, status) in zip(asked, panels, strict=True):
        assert served.http.get(path, headers={"X-Person": ANALYST}).status_code == 200, path
        assert served.http.get(path, headers={"X-Person": OWNER}).status_code == status, path
    lists = [f"/page/{what}/{name}" for what in ("list", "counts") for name in LIST_NAMES]
    for path in (
        *asked,
        *lists,
        "/page/groups/findings",
        "/page/overview",
        "/page/news",
        "/page/compare?old=first&new=second",
    ):
        text = served.http.get(path, headers={"X-Person": OWNER}).text
        for other in ("intern-bot", "deployer", "newcomer", "AKIASTRAY", "db-password", "iam.roles of", "AccessDenied"):
            assert other not in text or (path.endswith("svc-billing") and other == "AccessDenied"), (path, other)


def test_static_files_never_change_under_their_name(served: Served) -> None:
    """Script and style are cached for good, packed for those who take that, and unknown ones are not there."""
    person = {"X-Person": ANALYST}
    page = served.http.get("/identities/any/thing", headers=person).text
    name = page.partition('src="')[2].partition('"')[0]
    script = served.http.get(name, headers=person)
    assert "immutable" in script.headers["cache-control"]
    assert script.headers["content-encoding"] == "gzip"
    assert "class FetchedSource" in script.text
    assert served.http.get("/static/other.js", headers=person).status_code == 404
    for path in ("/page/list/nothing", "/page/panel/nothing?key=x", "/page/nothing", "/page/list/identities/more"):
        assert served.http.get(path, headers=person).status_code == 404, path
    for query in ("limit=x", "offset=-1", "nothing=1", "sort=nothing", "scan=nothing"):
        assert served.http.get(f"/page/list/identities?{query}", headers=person).status_code in (400, 404), query
