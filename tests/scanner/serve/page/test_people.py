"""An owner, a reviewer and a security engineer: what each sees first, does in place, and takes back."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from scanner.model import EntryAssessment, OwnerCandidate, OwnershipVerdict, RegistryVerdict
from scanner.store.store import open_store
from tests.accessibility import violations, violations_in_light_and_dark
from tests.browser import new_page
from tests.factories import make_assessment, make_entry, make_finding, make_identity, make_result
from tests.scanner.serve.api.conftest import ask, send
from tests.scanner.serve.served import Served

pytestmark = pytest.mark.browser

ADA, BOB, CYD, EVA, GONE = (f"{name}@example.com" for name in ("ada", "bob", "cyd", "eva", "gone"))
PEOPLE = f"""email,name,status
{ADA},Ada Lovelace,active
{BOB},Bob Builder,active
{CYD},Cyd Charisse,active
{EVA},Eva Luator,active
{GONE},Dan Gone,left
"""
SERVE = f"""
[serve]
user_header = "X-User"
proxies = ["127.0.0.1"]
viewers = ["{CYD}"]
reviewers = ["{EVA}"]
"""
ALONE, FIRST, SECOND = (make_identity(f"svc-{name}") for name in ("billing", "feed-a", "feed-b"))
CLAIMED, STRAY = (make_identity(f"svc-{name}") for name in ("built", "stray"))
HIGH, MEDIUM, LOW, OTHERS = (digits * 16 for digits in ("a1", "b2", "c3", "d4"))


def prepared(folder: Path) -> Path:
    """Ada owns three, of which two share an entry; Bob is likely the owner of one that a leaver had."""
    (folder / "people.csv").write_text(PEOPLE)
    (folder / "config.toml").write_text('[[people]]\npath = "people.csv"\n')

    def owned(identity: Any, entry: str, *findings: str) -> Any:
        registry = RegistryVerdict(state="registered", entry=entry, rung="key", evidence="named")
        ownership = OwnershipVerdict(state="owned", owner=ADA, evidence="active")
        return make_assessment(identity, registry=registry, ownership=ownership, findings=findings)

    candidate = OwnerCandidate(person=BOB, score=0.8, evidence=f"created by {BOB}")
    departed = OwnershipVerdict(state="orphaned", reason="departed", owner=GONE, candidates=(candidate,))
    judged = (
        owned(ALONE, "E1", HIGH, MEDIUM),
        owned(FIRST, "E2", LOW),
        owned(SECOND, "E2"),
        make_assessment(CLAIMED, ownership=departed, findings=(OTHERS,)),
        make_assessment(STRAY, ownership=OwnershipVerdict(state="orphaned", reason="unregistered")),
    )
    entries = (
        EntryAssessment(entry=make_entry(ALONE.key, id="E1", owner=(ADA,)), state="found", identities=(ALONE.key,)),
        EntryAssessment(
            entry=make_entry("svc-feed-*", id="E2", owner=(ADA,)), state="found", identities=(FIRST.key, SECOND.key)
        ),
    )
    findings = tuple(
        make_finding(fingerprint=one, rule=rule, severity=severity, identity=of.key, title=title, remediation="Do it.")
        for one, rule, severity, of, title in (
            (HIGH, "admin", "high", ALONE, "Full control"),
            (MEDIUM, "key_too_old", "medium", ALONE, "Old key"),
            (LOW, "dormant", "low", FIRST, "Dormant"),
            (OTHERS, "orphaned", "high", CLAIMED, "Nobody owns it"),
        )
    )
    ordered = tuple(sorted(judged, key=lambda one: one.identity.key))
    with open_store(f"sqlite:///{folder / 'muster.db'}") as store:
        store.save(make_result(*ordered, findings=findings, entries=entries))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store that each test gets a copy of."""
    return prepared(tmp_path_factory.mktemp("people"))


@pytest.fixture
def served(folder: Path, tmp_path: Path) -> Iterator[Served]:
    """A server over a store of its own."""
    shutil.copytree(folder, tmp_path / "copy")
    with Served(tmp_path / "copy", SERVE) as running:
        yield running


@contextmanager
def visiting(browser: Browser, served: Served, person: str, address: str = "/", width: int = 1280) -> Iterator[Page]:
    """The page as a person sees it; nothing may go wrong in its script."""
    page = new_page(browser, extra_http_headers={"X-User": person}, viewport={"width": width, "height": 900})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(served.url + address)
    yield page
    assert errors == []
    page.close()


def dialog(page: Page) -> Locator:
    """The open item."""
    return page.get_by_role("dialog")


def link_to(key: str) -> str:
    """The address of an identity, as a mail has it."""
    return f"/identities/{quote(key, safe='')}"


def test_an_owner_begins_with_what_needs_them(browser: Browser, served: Served) -> None:
    """The worst first, why it is theirs, no number that is zero for every owner, only the tabs that concern them."""
    with visiting(browser, served, ADA) as page:
        expect(page.locator("#headline")).to_have_text("2 things need you.")
        needs = page.locator(".needs > li")
        expect(needs).to_have_count(2)
        expect(needs.first).to_contain_text("svc-billing")
        expect(needs.first).to_contain_text("You are its owner, by entry E1.")
        expect(needs.first.locator(".waits").first).to_contain_text("Full control")
        expect(page.locator("#yours")).to_have_text("Yours: 3 identities")
        expect(page.locator("#grid tbody tr[data-at]")).to_have_count(3)
        expect(page.locator("#cards")).to_be_hidden()
        expect(page.get_by_role("tab")).to_have_text(
            ["Yours", "Findings", "Registry entries", "Credentials", "New", "Reviews", "Trends"]
        )
        expect(page.get_by_text("Is this yours?")).to_have_count(0)
        assert violations_in_light_and_dark(page) == []
    with visiting(browser, served, CYD) as page:
        expect(page.locator("#cards")).to_be_visible()
        expect(page.get_by_role("tab", name="Paths")).to_be_visible()
        expect(page.get_by_role("tab", name="For you")).to_have_count(0)


def test_acknowledged_from_the_mail_and_taken_back(browser: Browser, served: Served) -> None:
    """Three clicks from the link; the row, the counts and the start show it at once."""
    with visiting(browser, served, ADA, f"/?finding={MEDIUM}") as page:
        expect(dialog(page)).to_contain_text("You are its owner, by entry E1.")
        item = dialog(page).locator(".finding").first
        item.get_by_role("button", name="Acknowledge").click()
        expect(item.get_by_label("Reason")).to_be_focused()
        page.keyboard.type("the move replaces it")
        item.get_by_role("button", name="Acknowledge it").click()

        expect(item).to_contain_text("Acknowledged on 20")
        expect(item).to_contain_text(f"the move replaces it ({ADA}, until")
        row = page.locator("#grid tbody tr[data-at]", has_text="Old key")
        expect(row).to_contain_text("acknowledged")
        listed = ask(served, ADA, "/api/v1/findings", params={"state": "acknowledged"}).json()
        assert [one["fingerprint"] for one in listed["items"]] == [MEDIUM]
        item.get_by_role("button", name="Take it back").click()
        expect(row).to_contain_text("open")
        expect(item).not_to_contain_text("Acknowledged on")
        assert ask(served, ADA, "/api/v1/findings", params={"state": "acknowledged"}).json()["total"] == 0


def test_what_waits_for_a_reviewer(browser: Browser, served: Served) -> None:
    """An owner asks, which is a state of its own; the reviewer begins with it, and approves in place."""
    with visiting(browser, served, ADA, f"/findings/{HIGH}") as page:
        item = dialog(page).locator(".finding").first
        item.get_by_role("button", name="Ask to acknowledge").click()
        page.keyboard.type("it is the break-glass account")
        item.get_by_role("button", name="Ask", exact=True).click()
        expect(item).to_contain_text("It waits for a reviewer.")
    states = {one["fingerprint"]: one["state"] for one in ask(served, ADA, "/api/v1/findings").json()["items"]}
    assert states == {HIGH: "asked", MEDIUM: "open", LOW: "open"}
    with visiting(browser, served, EVA) as page:
        expect(page.locator(".needs > li")).to_contain_text("1 acknowledgement to approve")
        page.get_by_role("link", name="1 acknowledgement to approve").click()
        page.get_by_role("link", name="Full control").click()
        dialog(page).get_by_role("button", name="Approve what was asked for").click()
        expect(dialog(page)).to_contain_text(f"approved by {EVA}")
        expect(page.locator("#headline")).to_have_text("Nothing needs you now.")


def test_whose_it_is(browser: Browser, served: Served) -> None:
    """Suggested: one click says that it is mine; by the keyboard, who it is is looked up; it is taken back."""
    with visiting(browser, served, BOB, link_to(CLAIMED.key), 390) as page:
        expect(dialog(page)).to_contain_text("You are suggested (80 %): is it yours?")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        dialog(page).get_by_role("button", name="It is mine").click()
        expect(dialog(page)).to_contain_text(f"{BOB} was proposed by {BOB} on 20")
        dialog(page).get_by_role("button", name="Take it back").click()
        expect(dialog(page)).not_to_contain_text("was proposed")

        dialog(page).get_by_role("button", name="It belongs to…").focus()
        page.keyboard.press("Enter")
        owner = dialog(page).get_by_role("combobox", name="Owner")
        expect(owner).to_be_focused()
        page.keyboard.type("lov")
        expect(dialog(page).get_by_role("option")).to_have_text([f"Ada Lovelace {ADA}"])
        assert violations(page) == []
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(owner).to_have_value(ADA)
        dialog(page).get_by_role("button", name="Propose").click()
        expect(dialog(page)).to_contain_text(f"{ADA} was proposed by {BOB}")
        page.goto(served.url)
        expect(page.locator("#headline")).to_have_text("Nothing needs you now.")
    (proposal,) = [
        one for one in ask(served, CYD, f"/api/v1{link_to(CLAIMED.key)}").json()["proposals"] if not one["withdrawn_at"]
    ]
    assert (proposal["owner"], proposal["by"]) == (ADA, BOB)
    listed = ask(served, CYD, "/api/v1/findings", params={"state": "proposed"}).json()["items"]
    assert [one["fingerprint"] for one in listed] == [OTHERS]


def test_the_others_of_an_entry_stand_before_the_choice(browser: Browser, served: Served) -> None:
    """For this one alone, unless all are chosen, which are named."""
    with visiting(browser, served, ADA, link_to(FIRST.key)) as page:
        for choice, said in (("", "was proposed by"), ("all", "was proposed for all 2 of its entry by")):
            dialog(page).get_by_role("button", name="It belongs to…").click()
            expect(dialog(page).locator(".chosen").first).to_contain_text("Entry E2 also stands for:")
            expect(dialog(page).locator(".chosen").first).to_contain_text("svc-feed-b")
            dialog(page).get_by_label("Owner").fill(BOB)
            dialog(page).get_by_label("For").select_option(choice)
            dialog(page).get_by_role("button", name="Propose").click()
            expect(dialog(page)).to_contain_text(f"{BOB} {said}")
    proposals = ask(served, ADA, f"/api/v1{link_to(FIRST.key)}").json()["proposals"]
    assert [one["identities"] for one in proposals] == [[], [FIRST.key, SECOND.key]]


def test_what_one_may_not_see(browser: Browser, served: Served) -> None:
    """Is said so, with whom to ask, and in the same words whether it is there or not; a leaver is marked."""
    seen = []
    for key in (STRAY.key, STRAY.key[:-1]):
        with visiting(browser, served, ADA, link_to(key)) as page:
            expect(dialog(page).get_by_role("heading")).to_have_text("You may not see this")
            seen.append(dialog(page).inner_text().replace(key, ""))
            expect(dialog(page)).to_contain_text("Ask Cyd Charisse.")
            page.goto(f"{served.url}/paths")
            expect(page.get_by_role("alert").first).to_contain_text(
                "you may not see attack paths, which lead through everything: ask Cyd Charisse"
            )
    assert seen[0] == seen[1]
    answers = [
        served.http.get(f"/page/panel/identity?key={quote(key)}", headers={"X-User": ADA}) for key in (STRAY.key, "x")
    ]
    assert answers[0].json() == answers[1].json()
    assert send(served, ADA, f"/api/v1{link_to(STRAY.key)}/owner", {"owner": ADA}).status_code == 404
    with visiting(browser, served, CYD, link_to(CLAIMED.key)) as page:
        expect(dialog(page).locator(".gone").first).to_have_text("left")
        expect(dialog(page)).to_contain_text(f"Ask {BOB} 80 %")
        reason, drawing = dialog(page).locator(".finding").first, dialog(page).locator(".attack")
        expect(reason).to_be_visible()
        assert drawing.count() == 0
