"""Retirements on the served page and in its API: what is under way, what is next, and who would notice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from msgspec.structs import replace
from playwright.sync_api import Browser, Locator, Page, expect

from scanner.lifecycle.retirement.plans import plan_of
from scanner.lifecycle.retirement.stages import CALLED
from scanner.model import (
    EntryAssessment,
    Grant,
    Identity,
    Link,
    OwnershipVerdict,
    RegistryVerdict,
    ScanResult,
    StoredSecret,
)
from scanner.model.decisions import Actor
from scanner.model.retirement import RetirementStarted, grants_of
from scanner.store.store import open_store
from tests.accessibility import violations_in_light_and_dark
from tests.browser import new_page
from tests.factories import (
    ACCOUNT,
    NOW,
    days_ago,
    make_assessment,
    make_coverage,
    make_credential,
    make_entry,
    make_exposure,
    make_finding,
    make_identity,
    make_result,
)
from tests.processes import run_muster
from tests.scanner.serve.api.conftest import ask, send
from tests.scanner.serve.served import Served

ADA, CYD, SAM = (f"{name}@example.com" for name in ("ada", "cyd", "sam"))
PEOPLE = f"email,name,status\n{ADA},Ada,active\n{CYD},Cyd,active\n{SAM},Sam,active\n"
SERVE = f"""
[serve]
user_header = "X-User"
proxies = ["127.0.0.1"]
viewers = ["{CYD}"]
"""
HOSTILE = "<img src=x onerror=alert(1)>'; rm -rf /"
GRANTS = tuple(Grant(name=name, via="direct", resource="*") for name in ("ReadLedger", "WriteLedger"))
LEDGER = make_identity(
    "svc-ledger", unique_id="AIDA1", grants=GRANTS, credentials=(make_credential("svc-ledger", "K1"),)
)
OLD, GONE, QUIET = (make_identity(name, unique_id=name, enabled=True) for name in (HOSTILE, "svc-gone", "svc-quiet"))
BATCH = make_identity(
    "nightly", kind="role", links=(Link(relation="runs_as", target=LEDGER.key, evidence="its task definition"),)
)
BOSS = make_identity("boss", links=(Link(relation="can_assume", target=LEDGER.key, evidence="its trust policy"),))
SECRET = StoredSecret(
    key="arn:secret/ledger", provider="aws", source="prod", scope=ACCOUNT, name="ledger", tags={"identity": LEDGER.key}
)
SCREAM = "e5" * 16


def _scan(name: str, days: int, *identities: Identity) -> ScanResult:
    """A scan in which Ada owns the ledger's user, and nobody the others."""
    verdict = RegistryVerdict(state="registered", entry="E1", rung="key", evidence="named")
    mine = {"registry": verdict, "ownership": OwnershipVerdict(state="owned", owner=ADA, evidence="active")}
    judged = [
        make_assessment(
            one, **(mine if one.key == LEDGER.key else {}), findings=(SCREAM,) if one is identities[0] else ()
        )
        for one in identities
    ]
    entry = EntryAssessment(
        entry=make_entry(LEDGER.key, id="E1", owner=(ADA,)), state="found", identities=(LEDGER.key,)
    )
    (key,) = LEDGER.credentials
    facts = {
        "last_at": days_ago(1).isoformat(), "caller": "curl/8.5", "host": "192.0.2.7", "events": 3, "day": "2026-11-24",
    }  # fmt: skip
    result = make_result(
        *sorted(judged, key=lambda one: one.identity.key),
        entries=(entry,),
        findings=(make_finding(fingerprint=SCREAM, rule=CALLED, severity="high", identity=LEDGER.key, evidence=facts),),
        secrets=(SECRET,),
        exposures=(make_exposure(key, identity=LEDGER.key, credential=key.key, repository="ledger-app"),),
        coverage=(
            make_coverage(),
            make_coverage(scope="999", section="ecs.tasks", status="denied", records=("workload",)),
        ),
    )
    at = NOW - timedelta(days=days)
    return replace(result, scan=replace(result.scan, id=name, started_at=at, finished_at=at))


def _begun(identity: Identity, **facts: Any) -> RetirementStarted:
    held = next((one for one in identity.credentials if one.key == facts.get("credential")), None)
    plan = plan_of(identity, held, 30)
    return RetirementStarted(
        identity=identity.key,
        name=identity.name,
        unique_id=identity.unique_id,
        at=days_ago(20),
        by=ADA,
        wait_days=30,
        verdict="unknown",
        switch=plan.switch,
        grants=tuple(sorted(grants_of(identity))),
        plan=plan.stages,
        heard_in=plan.heard_in,
        **facts,
    )


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One is lowered and somebody was refused, one is disabled, one deleted; and one key is about to be retired."""
    folder = tmp_path_factory.mktemp("retirements")
    (folder / "people.csv").write_text(PEOPLE)
    (folder / "config.toml").write_text('[[people]]\npath = "people.csv"\n')
    lowered, off = replace(LEDGER, grants=GRANTS[:1]), replace(OLD, enabled=False)
    with open_store(f"sqlite:///{folder / 'muster.db'}") as store:
        store.save(_scan("first", 30, LEDGER, OLD, GONE, QUIET, BATCH, BOSS))
        for one in (_begun(LEDGER), _begun(LEDGER, credential=LEDGER.credentials[0].key), _begun(OLD), _begun(GONE)):
            store.retirements.start(one, Actor(person=ADA, known_by="stated"))
        store.save(_scan("second", 10, lowered, off, QUIET, BATCH, BOSS))
        store.save(_scan("third", 0, lowered, off, QUIET, BATCH, BOSS))
    with Served(folder, SERVE) as running:
        yield running


class Seen:
    """A page that a person opened; nothing may go wrong in its script."""

    def __init__(self, browser: Browser, served: Served, person: str, address: str, width: int = 1280) -> None:
        self._page = new_page(browser, extra_http_headers={"X-User": person}, viewport={"width": width, "height": 900})
        self._wrong: list[str] = []
        self._page.on("pageerror", lambda error: self._wrong.append(str(error)))
        self._page.on("dialog", lambda dialog: self._wrong.append(dialog.message))
        self._page.goto(served.url + address)

    def __enter__(self) -> Page:
        return self._page

    def __exit__(self, *_: object) -> None:
        assert self._wrong == []
        self._page.close()


def _listed(page: Page) -> Locator:
    return page.locator("#page .need")


def _panel(identity: Identity) -> str:
    return f"/identities/{quote(identity.key, safe='')}"


# --- the page ---


@pytest.mark.browser
def test_everything_under_way_is_listed_with_what_is_next(browser: Browser, served: Served) -> None:
    """Where somebody was refused first, with caller and host; the stage, since when, by whom; commands to copy."""
    with Seen(browser, served, CYD, "/retirements") as page:
        expect(page.locator("#page h2")).to_have_text("Retirements under way: 4")
        expect(_listed(page)).to_have_count(4)
        first = _listed(page).first
        expect(first).to_contain_text("svc-ledger")
        expect(first.locator("[aria-current=step]")).to_have_text("lowered since 2026-11-15 08:00 UTC")
        expect(first).to_contain_text(f"Begun 2026-11-05 08:00 UTC by {ADA}")
        expect(first.get_by_role("row").nth(1)).to_contain_text("curl/8.5")
        expect(first.get_by_role("row").nth(1)).to_contain_text("192.0.2.7")
        expect(first).to_contain_text("If it is needed, run the way back")
        expect(first.get_by_label("Way back")).to_contain_text("delete-user-policy --user-name svc-ledger")

        gone = _listed(page).filter(has_text="svc-gone")
        expect(gone.locator("[aria-current=step]")).to_have_text("deleted since 2026-11-15 08:00 UTC")
        expect(gone.get_by_label("Commands")).to_have_text(f"muster retire --stop {GONE.key}")
        expect(gone.get_by_role("link", name="svc-gone")).to_have_count(0)  # it is in no panel any more

        off = _listed(page).filter(has_text="onerror")
        expect(off.locator("[aria-current=step]")).to_contain_text("disabled")
        expect(off).to_contain_text("Next: waited")
        expect(off).to_contain_text("Wait until 2026-12-15 08:00.")
        expect(off).to_contain_text("is unknown: no log that would name it is read")
        assert violations_in_light_and_dark(page) == []


@pytest.mark.browser
def test_commands_are_copied_as_they_run(browser: Browser, served: Served) -> None:
    """A hostile name stays one word of the shell."""
    with Seen(browser, served, CYD, _panel(OLD)) as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.get_by_role("dialog").locator("summary").first.click()
        page.get_by_role("button", name="Copy the way back").first.click()
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        copied = page.evaluate("navigator.clipboard.readText()")
        stages = {one.stage: one for one in plan_of(OLD, None, 30).stages}

        assert copied == "\n".join((*stages["disabled"].undo, *stages["lowered"].undo))


@pytest.mark.browser
def test_a_phone_shows_it_whole(browser: Browser, served: Served) -> None:
    """Nothing is wider than the screen, neither in the list nor in the panel."""
    for address, shown in (("/retirements", "#page .need"), (_panel(LEDGER), "[role=dialog] .stages")):
        with Seen(browser, served, CYD, address, width=390) as page:
            expect(page.locator(shown).first).to_be_visible()
            if shown.startswith("["):
                expect(page.get_by_role("dialog")).to_contain_text("The shortest way to know")
            assert page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.mark.browser
def test_the_panel_says_who_would_notice(browser: Browser, served: Served) -> None:
    """The verdict with its reasons, dependents with source and date, what was not read, and the plan."""
    with Seen(browser, served, CYD, _panel(LEDGER)) as page:
        panel = page.get_by_role("dialog")
        expect(panel.get_by_role("heading", name="Retirement under way")).to_have_count(2)
        notice = panel.locator("section").filter(has=page.get_by_role("heading", name="Safe to switch off?"))
        expect(notice.locator(".mark")).to_have_text("unknown")
        notice.get_by_text("Who would notice: 4; not read: 1").click()
        row = notice.get_by_role("row").filter(has_text="its task definition")
        expect(row).to_contain_text(BATCH.key)
        expect(row).to_contain_text("workload")
        expect(row).to_contain_text("prod")
        expect(row).to_contain_text("2026-11-25 08:00 UTC")
        expect(notice).to_contain_text("ecs.tasks of 999, denied")
        expect(notice).to_contain_text("The shortest way to know")
        notice.get_by_text("The plan, and the way back").click()
        expect(notice.get_by_label("Commands of disabled")).to_contain_text("update-access-key --user-name svc-ledger")
        expect(notice.get_by_label("Command that begins")).to_have_count(0)
        assert violations_in_light_and_dark(page) == []
    with Seen(browser, served, CYD, _panel(QUIET)) as page:
        expect(page.get_by_label("Command that begins", exact=True)).to_have_text(f"muster retire {QUIET.key} --start")
        expect(page.get_by_role("dialog").get_by_role("heading", name="Retirement under way")).to_have_count(0)
    with Seen(browser, served, CYD, f"{_panel(LEDGER)}?scan=first") as page:
        expect(page.get_by_role("dialog")).to_contain_text("svc-ledger")
        expect(page.get_by_role("heading", name="Safe to switch off?")).to_have_count(0)


@pytest.mark.browser
def test_an_owner_sees_those_of_theirs(browser: Browser, served: Served) -> None:
    """Two of theirs; whoever owns nothing that is being retired has no such tab."""
    with Seen(browser, served, ADA, "/") as page:
        page.get_by_role("tab", name="Retirements").click()
        expect(page.locator("#page h2")).to_have_text("Retirements under way: 2")
        expect(page.locator("#page .need h3")).to_have_text(["svc-ledger", "svc-ledger"])
    with Seen(browser, served, SAM, "/") as page:
        expect(page.get_by_role("tab", name="Yours")).to_be_visible()
        expect(page.get_by_role("tab", name="Retirements")).to_have_count(0)


# --- the API ---


def test_the_api_gives_what_the_command_line_gives(served: Served) -> None:
    """The same names and values, in the list, for one identity, and for one of its keys."""
    key = quote(LEDGER.key, safe="")
    run_muster(served.folder, "retire", "--list", "-o", "json:list.json")
    run_muster(served.folder, "retire", LEDGER.key, "--window", "3000", "-o", "json:one.json")
    run_muster(served.folder, "retire", "K1", "-o", "json:key.json")
    listed, one, held = (json.loads((served.folder / f"{name}.json").read_text()) for name in ("list", "one", "key"))
    answered = ask(served, CYD, "/api/v1/retirements").json()
    answer = ask(served, CYD, f"/api/v1/retirements/{key}?window=3000").json()
    of_key = ask(served, CYD, f"/api/v1/retirements/{key}?credential={quote(held['credential'], safe='')}").json()

    assert answered == {"retirements": listed["retirements"], "scan": "third"}
    assert {**one, "scan": "third"} == {"schema": one["schema"], **answer}
    assert {**held, "scan": "third"} == {"schema": held["schema"], **of_key}
    record = ask(served, CYD, f"/api/v1/identities/{key}").json()
    assert record["retirements"] == [state for state in listed["retirements"] if state["identity"] == LEDGER.key]
    assert [(state["name"], state["stage"]) for state in listed["retirements"]] == [
        (HOSTILE, "disabled"), ("svc-gone", "deleted"), ("svc-ledger", "lowered"), ("svc-ledger", None),
    ]  # fmt: skip


def test_nothing_begins_or_ends_here(served: Served) -> None:
    """It is no address for writing, and what is unknown is refused."""
    key = quote(LEDGER.key, safe="")
    assert send(served, CYD, "/api/v1/retirements", {"identity": LEDGER.key}).status_code == 405
    assert send(served, CYD, f"/api/v1/retirements/{key}", None, "DELETE").status_code == 405
    assert ask(served, CYD, f"/api/v1/retirements/{key}?window=0").status_code == 400
    assert ask(served, CYD, f"/api/v1/retirements/{key}?credential=none").status_code == 404
    assert ask(served, CYD, "/api/v1/retirements/nobody").status_code == 404


def test_who_depends_on_what_is_theirs_is_counted_for_an_owner(served: Served) -> None:
    """A viewer reads the names, and where something was not read; the verdict and the plan are the same for both."""
    address = f"/api/v1/retirements/{quote(LEDGER.key, safe='')}"
    owner, viewer = (ask(served, person, address).json() for person in (ADA, CYD))
    one = "1 thing that you may not see"

    assert [(each["kind"], each["what"], each["starts"]) for each in owner["dependents"]] == [
        ("stored_copy", "ledger-app prod.env:3", True),
        ("workload", one, True),
        ("stored_copy", one, True),
        ("becomes", one, False),
    ]
    named = {each["what"] for each in viewer["dependents"]}
    assert named >= {BATCH.key, SECRET.key, BOSS.key}
    assert (owner["verdict"], owner["plan"]) == (viewer["verdict"], viewer["plan"])
    said = json.dumps(owner)
    assert not [each for each in (BATCH.key, SECRET.key, BOSS.key, "999") if each in said]
    assert "ecs.tasks of a place that you may not see, denied" in said
    assert ask(served, SAM, address).status_code == 404
