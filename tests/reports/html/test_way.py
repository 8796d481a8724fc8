"""How one gets to what one looks for: addresses, the filter, groups, what changed, and out again as CSV."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from msgspec.structs import replace
from playwright.sync_api import Locator, Page, expect

from reports.html.payload import IN_FULL
from scanner.model import (
    Change,
    Grant,
    Link,
    OwnershipVerdict,
    Privilege,
    PrivilegeLevel,
    ScanResult,
    Since,
    Trust,
)
from tests.factories import (
    days_ago,
    make_assessment,
    make_coverage,
    make_credential,
    make_finding,
    make_identity,
    make_result,
)
from tests.reports.html.conftest import Opens
from tests.reports.html.estate import small_estate, with_history
from tests.reports.html.test_page import names, panel, rows

pytestmark = pytest.mark.browser

FINGERPRINT = "5f4dcc3b5aa765d61d8327deb882cf99"
KEY = "arn:aws:iam::123456789012:user/a+b c"


def title(page: Page) -> Locator:
    """What the panel is about."""
    return panel(page).get_by_role("heading", level=2)


def many_findings() -> ScanResult:
    """Twenty findings of one rule and one of another, on an identity each."""
    judged = [make_assessment(f"svc-{number:02}") for number in range(21)]
    findings = [
        make_finding(
            fingerprint=f"{number:032x}",
            rule="key_too_old" if number else "admin",
            title="A key is too old" if number else "It can do everything",
            severity="medium" if number else "critical",
            identity=one.identity.key,
            new=number == 3,
        )
        for number, one in enumerate(judged)
    ]
    return make_result(*judged, findings=tuple(findings))


# --- addresses ---------------------------------------------------------------


def test_an_address_names_a_finding_by_its_fingerprint(opens: Opens) -> None:
    """It leads there in the next report, too, where the finding has another position; eight digits are enough."""
    judged = make_assessment(make_identity("svc"))
    asked = make_finding(fingerprint=FINGERPRINT, identity=judged.identity.key, title="The one")
    other = make_finding(fingerprint="0" * 32, identity=judged.identity.key, title="Another")
    for findings in ((asked,), (other, asked)):
        for digits in (32, 8):
            with opens(make_result(judged, findings=findings), fragment=f"#finding={FINGERPRINT[:digits]}") as seen:
                expect(title(seen.page)).to_have_text("The one")
                expect(seen.page.get_by_role("tab", name="Findings")).to_have_attribute("aria-selected", "true")


def test_a_whole_fingerprint_leads_to_its_finding_in_a_page_that_has_the_first_digits(opens: Opens) -> None:
    """Of many findings the page has no more than make each unique."""
    judged = make_assessment(make_identity("svc"))
    others = (make_finding(fingerprint=f"{at:032x}"[::-1], identity=judged.identity.key) for at in range(IN_FULL))
    asked = make_finding(fingerprint=FINGERPRINT, identity=judged.identity.key, title="The one")
    with opens(make_result(judged, findings=(*others, asked)), fragment=f"#finding={FINGERPRINT}") as seen:
        expect(title(seen.page)).to_have_text("The one")


def test_opening_something_gives_the_address_that_leads_there(opens: Opens) -> None:
    """Without a filter it is that thing's own, and with one the filter's beside it."""
    judged = make_assessment(make_identity("svc", key=KEY))
    result = make_result(judged, findings=(make_finding(fingerprint=FINGERPRINT, identity=KEY),))
    with opens(result) as seen:
        rows(seen.page).first.click()
        expect(title(seen.page)).to_have_text("svc")
        assert seen.page.url.partition("#")[2] == "identity=arn:aws:iam::123456789012:user/a%2Bb%20c"
        seen.page.get_by_role("tab", name="Findings").click()
        seen.page.get_by_label("Filter the list").fill("key")
        seen.page.get_by_label("Filter the list").fill("")
        rows(seen.page).first.click()
        expect(title(seen.page)).to_be_visible()
        assert seen.page.url.partition("#")[2] == f"finding={FINGERPRINT}"
        seen.page.reload()
        expect(title(seen.page)).to_be_visible()


@pytest.mark.parametrize("fragment", [KEY, quote(KEY)], ids=["as it is", "quoted"])
def test_an_address_may_be_written_by_hand(opens: Opens, fragment: str) -> None:
    """A plus in a key is a plus."""
    with opens(make_result(make_assessment(make_identity("svc", key=KEY))), fragment=f"#identity={fragment}") as seen:
        expect(title(seen.page)).to_have_text("svc")


@pytest.mark.parametrize("kind", ["identity", "finding", "entry", "secret", "reading", "changed"])
def test_what_is_gone_is_reported_as(opens: Opens, kind: str) -> None:
    """An old address leads to a page that says so, not to a list without a word."""
    with opens(small_estate(), fragment=f"#{kind}=gone") as seen:
        expect(title(seen.page)).to_have_text("Not in this report")
        expect(panel(seen.page)).to_contain_text("gone")
        assert seen.complaints == []


def test_a_finding_shows_as_many_digits_as_report_it_apart(opens: Opens) -> None:
    """Eight, and one more where two begin alike; a button copies the command that suppresses it."""
    judged = make_assessment(make_identity("svc"))
    fingerprints = ("a" * 8 + "b" * 24, "a" * 8 + "c" * 24)
    findings = tuple(make_finding(fingerprint=one, identity=judged.identity.key, rule=one[8]) for one in fingerprints)
    with opens(make_result(judged, findings=findings), view="findings") as seen:
        seen.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        expect(seen.page.locator("td.fingerprint code")).to_have_text(["aaaaaaaab", "aaaaaaaac"])
        rows(seen.page).first.click()
        panel(seen.page).get_by_role("button", name="Copy acknowledge command").first.click()
        expect(panel(seen.page).get_by_role("button", name="Copied")).to_be_visible()
        assert (
            seen.page.evaluate("navigator.clipboard.readText()")
            == "muster acknowledge aaaaaaaab --reason TEXT --by PERSON"
        )


# --- the filter ---------------------------------------------------------------


@pytest.mark.parametrize("tab", ["Identities", "Findings", "Registry entries", "Credentials", "Changes", "Coverage"])
def test_what_it_holds_leads_to_its_holder_from_any_tab(opens: Opens, tab: str) -> None:
    """A credential's id, a grant, a service: the holder is one click away, and its row says why it is there."""
    holder = make_assessment(
        make_identity(
            "holder",
            credentials=(make_credential("holder", "AKIAHOLDER"),),
            grants=(Grant(name="s3:GetObject", via="direct", resource="arn:aws:s3:::lake/*"),),
            trusts=(Trust(principal="lambda.amazonaws.com", kind="service", evidence="its trust policy"),),
        ),
        consumers=("arn:aws:lambda:function/resize",),
    )
    with opens(make_result(make_assessment("another"), holder, coverage=(make_coverage(),))) as seen:
        for typed, why in (
            ("akiaholder", "credential AKIAHOLDER"),
            ("s3:GetObject", "grant s3:GetObject"),
            ("lake/*", "granted on arn:aws:s3:::lake/*"),
            ("lambda.amazonaws", "trusts lambda.amazonaws.com"),
            ("function/resize", "runs arn:aws:lambda:function/resize"),
        ):
            seen.page.get_by_role("tab", name=tab).click()
            seen.page.get_by_label("Filter the list").fill(typed)
            expect(seen.page.locator("#tab-identities .hits")).to_have_text("1")
            seen.page.get_by_role("tab", name="Identities").click()
            expect(names(seen.page)).to_have_text(["holder"])
            expect(rows(seen.page)).to_contain_text(why)


def test_a_list_without_a_hit_names_those_that_have_one(opens: Opens) -> None:
    """Nothing here is no end."""
    with opens(small_estate(), fragment="#view=coverage&q=legacy") as seen:
        seen.page.locator("#elsewhere").get_by_role("button", name="Identities: 1").click()
        expect(names(seen.page)).to_have_text(["legacy-export"])


def test_six_filters_stand_in_the_bar_and_one_that_narrows_always(opens: Opens) -> None:
    """The others are one click away."""
    with opens(small_estate(), fragment="#view=identities&scope=root") as seen:
        menus = seen.page.locator("details.facet:visible")
        expect(menus).to_have_count(6)
        expect(menus.filter(has_text="Scope")).to_have_count(1)
        seen.page.get_by_role("button", name=re.compile("more filters")).click()
        assert menus.count() > 6
        seen.page.get_by_role("button", name="Fewer filters").click()
        expect(menus).to_have_count(6)


# --- the page as a whole ------------------------------------------------------


def test_the_first_row_is_above_the_fold(opens: Opens) -> None:
    """At 1280 x 900 with all that can stand above it: gaps, caveats, notices, a trend, what changed."""
    unread = tuple(make_coverage(section=f"iam.{at}", status="denied", permission=f"iam:{at}") for at in range(30))
    full = replace(
        with_history(small_estate()),
        coverage=unread,
        notices=("a scope is no longer listed",) * 9,
        since=Since(scan="before", started_at=days_ago(1)),
    )
    with opens(full) as seen:
        seen.page.set_viewport_size({"width": 1280, "height": 900})
        expect(rows(seen.page).first).to_be_in_viewport(ratio=1)
        expect(seen.page.locator(".gaps summary")).to_contain_text("What could not be read 30 sections")


def test_no_word_is_broken_in_a_panel(opens: Opens) -> None:
    """Ids break where their parts meet; words, dates and names stay whole, and nothing is wider than the panel."""
    long = "arn:aws:iam::123456789012:role/service-role/a-very-long-path/for-one-of-the-many/warehouse-administrators"
    identity = make_identity(
        "etl",
        key=long,
        grants=(Grant(name="AmazonRedshiftDataFullAccess", via="group:warehouse-administrators", resource=long),),
        links=(Link(relation="can_assume", target=long, evidence="its trust policy names administrators"),),
        trusts=(Trust(principal=long, kind="principal", evidence="conditions narrow administratively"),),
        credentials=(make_credential("etl", "AKIAIOSFODNN7EXAMPLE"),),
        attributes={"permissions_boundary": long},
    )
    judged = make_assessment(identity, privilege=Privilege(level="admin", evidence=(f"{long} allows everything",)))
    finding = make_finding(identity=long, evidence={"statements": [long, long]})
    broken = """panel => {
        const found = [];
        const texts = document.createTreeWalker(panel, NodeFilter.SHOW_TEXT);
        while (texts.nextNode()) {
            for (const match of texts.currentNode.data.matchAll(/[A-Za-z0-9]{2,40}/g)) {
                const range = document.createRange();
                range.setStart(texts.currentNode, match.index);
                range.setEnd(texts.currentNode, match.index + match[0].length);
                const tops = new Set([...range.getClientRects()].map(box => Math.round(box.top)));
                if (tops.size > 1) found.push(match[0]);
            }
        }
        return found;
    }"""
    with opens(make_result(judged, findings=(finding,)), fragment=f"#identity={long}") as seen:
        for width in (1280, 390):
            seen.page.set_viewport_size({"width": width, "height": 900})
            expect(panel(seen.page)).to_be_visible()
            assert panel(seen.page).evaluate(broken) == []
            assert panel(seen.page).evaluate("panel => panel.scrollWidth <= panel.clientWidth")


def test_anyone_who_left_looks_like_it(opens: Opens) -> None:
    """In lists and panels, by a line through the name and a word beside it; anyone who is here does not."""
    gone = OwnershipVerdict(state="orphaned", reason="departed", owner="gone@example.com")
    here = OwnershipVerdict(state="owned", owner="here@example.com")
    judged = (make_assessment("a", ownership=gone), make_assessment("b", ownership=here))
    finding = make_finding(identity=judged[0].identity.key, owner="gone@example.com")
    with opens(make_result(*judged, findings=(finding,))) as seen:
        expect(seen.page.locator("td.owner .left")).to_have_text(["gone@example.com"])
        expect(rows(seen.page).first).to_contain_text("gone@example.comleft")
        rows(seen.page).first.click()
        expect(panel(seen.page).locator(".left").first).to_have_css("text-decoration-line", "line-through")
        seen.page.keyboard.press("Escape")
        seen.page.get_by_role("tab", name="Findings").click()
        expect(seen.page.locator("td.owner .left")).to_have_count(1)


@pytest.mark.parametrize("end", ["admin", "escalation"])
def test_the_whole_path_to_admin_is_drawn(opens: Opens, end: PrivilegeLevel) -> None:
    """Every step with its evidence and a link, up to the admin, or to anyone who can make itself one and how."""
    keys = [f"arn:aws:iam::123456789012:role/{name}" for name in ("first", "second", "third", "last")]
    levels: list[PrivilegeLevel] = ["escalation", "escalation", "escalation", end]
    judged = []
    for at, (key, level) in enumerate(zip(keys, levels, strict=True)):
        onward = keys[at + 1 : at + 2]
        links = tuple(Link(relation="can_assume", target=to, evidence=f"trusted in step {at}") for to in onward)
        evidence = tuple(f"{key} can become {to}: trusted" for to in onward) or ("can change its own rights",)
        identity = make_identity(key.rpartition("/")[2], key=key, links=links)
        goal = keys[-1] if onward else None
        judged.append(make_assessment(identity, privilege=Privilege(level=level, evidence=evidence, goal=goal)))
    with opens(make_result(*judged), fragment=f"#identity={keys[0]}") as seen:
        path = panel(seen.page).locator("ol.path")
        steps = ["first", "second", "third", "last", *(["full administrative rights"] if end == "escalation" else [])]
        expect(path.locator("li")).to_have_count(len(steps))  # all() waits for nothing
        for item, name in zip(path.locator("li").all(), steps, strict=True):
            expect(item.locator(".node > :first-child")).to_have_text(name)
        expect(path.locator(".why").first).to_have_text("trusted in step 0")
        path.get_by_role("link", name="third").click()
        expect(title(seen.page)).to_have_text("third")


# --- groups -------------------------------------------------------------------


def test_findings_stand_under_their_rule_with_their_number(opens: Opens) -> None:
    """The highest severity first; a click, or Enter, unfolds one and folds it again; the address keeps it flat."""
    with opens(many_findings(), view="findings") as seen:
        page = seen.page
        groups = page.locator("#grid tr.group")
        expect(groups).to_have_count(2)
        expect(groups.first).to_contain_text("It can do everything1")
        expect(groups.nth(1)).to_contain_text("A key is too old20 identities")
        expect(groups.nth(1)).to_contain_text("1 new")
        expect(rows(page)).to_have_count(0)
        groups.nth(1).click()
        expect(rows(page)).to_have_count(20)
        page.locator("#grid").focus()
        page.keyboard.press("Enter")
        expect(rows(page)).to_have_count(0)
        page.get_by_role("button", name="Group by rule").click()
        expect(groups).to_have_count(0)
        assert "group=none" in page.url


def test_a_filter_narrows_what_groups_count(opens: Opens) -> None:
    """And where few are left, they stand unfolded."""
    with opens(many_findings(), view="findings") as seen:
        seen.page.get_by_label("Filter the list").fill("svc-1")
        expect(seen.page.locator("#grid tr.group")).to_contain_text("A key is too old10")
        expect(rows(seen.page)).to_have_count(10)


# --- what changed, and the way out ---------------------------------------------


def test_what_joined_moved_and_left_leads_to_its_list(opens: Opens) -> None:
    """Counted at the top; anyone who left is still reported about, anyone who moved with what it is now."""
    result = small_estate()
    bot = next(one.identity for one in result.identities if one.identity.name == "build-bot")
    facts: dict[str, Any] = {"provider": "aws", "source": "prod", "scope": "123456789012", "kind": "role"}
    changes = (
        Change(
            subject="identity",
            change="moved",
            key=bot.key,
            name="build-bot",
            aspect="owner",
            before="ada",
            after="bo",
            **facts,
        ),
        Change(subject="identity", change="left", key="arn:old", name="old-exporter", before="was owned", **facts),
        Change(subject="entry", change="joined", key="NHI-9", name="Nine"),
    )
    since = Since(scan="before", started_at=days_ago(1), changes=changes, total=3)
    with opens(replace(result, since=since)) as seen:
        page = seen.page
        expect(page.locator("#since")).to_have_text(re.compile(r"Since 2026-11-24\s*1 moved\s*1 left"))
        page.get_by_role("button", name="1 left").click()
        expect(rows(page)).to_have_count(1)
        rows(page).first.click()
        expect(panel(page)).to_contain_text("was owned")
        assert "changed=arn:old" in page.url
        page.goto(page.url.partition("#")[0] + f"#changed={bot.key}")
        expect(panel(page)).to_contain_text("Current state")
        expect(panel(page).locator("section").first).to_contain_text("adabo")
        assert seen.complaints == []
    with opens(result) as seen:
        expect(seen.page.locator("#since")).to_be_empty()
        seen.page.get_by_role("tab", name="Changes").click()
        expect(seen.page.locator("#empty")).to_contain_text("no earlier scan")


@pytest.mark.parametrize("name", ["=1+1", "a;=1+1", " +1", "-1", "@sum", "\uff1d1", 'quoted "name", with comma'])
def test_the_filtered_list_is_saved_as_csv(opens: Opens, tmp_path: Path, name: str) -> None:
    """Just the rows that are found, with their keys; no cell is a formula."""
    judged = (make_assessment(make_identity(name, key="k1")), make_assessment(make_identity("other", key="k2")))
    with opens(make_result(*judged), fragment="#view=identities&q=k1") as seen:
        expect(rows(seen.page)).to_have_count(1)
        with seen.page.expect_download() as saved:
            seen.page.get_by_role("button", name="Save as CSV").click()
        saved.value.save_as(tmp_path / "list.csv")
        assert saved.value.suggested_filename == "muster-identities.csv"
        with (tmp_path / "list.csv").open(encoding="utf-8", newline="") as file:
            heading, *lines = csv.reader(file)
        cells = dict(zip(heading, *lines, strict=True))
        assert cells["key"] == "k1"
        assert cells["name"].replace("'", "") == name
        assert not re.search(r"(^|;)[\s'\"]*[=+\-@\uff1d]", cells["name"].replace("'", "x", 1))
        assert seen.complaints == []
