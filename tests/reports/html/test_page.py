"""The page in a real Chromium: what a reader does, and what an attacker's names must not do."""

from __future__ import annotations

import re
from datetime import date

import pytest
from msgspec.structs import replace
from playwright.sync_api import Locator, Page, expect

from reports.base import View
from reports.summary import Digest
from scanner.model import (
    SEVERITIES,
    Acknowledged,
    AgentExposure,
    AgentVerdict,
    Consequence,
    Link,
    OwnershipVerdict,
    Privilege,
    RegistryVerdict,
    ScanResult,
    Trust,
    UsageVerdict,
)
from tests.factories import (
    NOW,
    days_ago,
    make_assessment,
    make_coverage,
    make_credential,
    make_finding,
    make_identity,
    make_result,
)
from tests.reports.html.conftest import Opens
from tests.reports.html.estate import small_estate
from tests.reports.samples import estate, estate_with_activity, estate_with_gaps

pytestmark = pytest.mark.browser


def rows(page: Page) -> Locator:
    """The rows of the list that exist at present."""
    return page.locator("#grid tbody tr[data-at]:not(.group)")


def names(page: Page) -> Locator:
    """Their names."""
    return page.locator("#grid tbody td.name .cell > :first-child")


def charts(page: Page) -> Locator:
    """The charts, unfolded."""
    page.get_by_text("Charts", exact=True).click()
    return page.locator("#charts figure")


def panel(page: Page) -> Locator:
    """The panel beside the list."""
    return page.get_by_role("dialog")


def test_it_opens_without_complaint_and_without_network(opens: Opens) -> None:
    """No console message, no policy violation, no request but the file itself."""
    with opens(small_estate()) as seen:
        expect(rows(seen.page)).to_have_count(5)
        expect(seen.page.locator("#headline")).to_have_text(re.compile("As far as could be read, 3 of 5 identities"))
        seen.page.locator("body[data-ready]").wait_for()

        assert seen.complaints == []
        assert [url.rpartition("/")[2] for url in seen.requests] == ["report.html"]


def test_gaps_come_first_and_mark_every_number(opens: Opens) -> None:
    """What could not be read stands above the numbers, with the permission it takes; each number says incomplete."""
    with opens(small_estate()) as seen:
        expect(seen.page.locator("#gaps")).to_contain_text("iam.roles of prod in 123456789012: AccessDenied")
        expect(seen.page.locator("#gaps")).to_contain_text("needs iam:ListRoles")
        expect(seen.page.locator("#cards .incomplete")).to_have_count(6)
        expect(seen.page.locator("#charts .incomplete")).to_have_count(6)


def test_unread_days_of_a_log_mark_no_number(opens: Opens) -> None:
    """They hide what identities did, and no identity."""
    with opens(estate_with_activity()) as seen:
        expect(seen.page.locator("#gaps")).to_contain_text("3 sections")
        expect(seen.page.locator(".incomplete")).to_have_count(0)


def test_what_is_new_is_the_first_number(opens: Opens) -> None:
    """It opens the findings that the last scan did not have; where there are none, nothing is said."""
    with opens(estate()) as seen:
        page = seen.page
        card = page.locator("#cards .card").first
        expect(card).to_contain_text("New findings2")
        card.click()
        expect(page.get_by_role("tab", name="Findings")).to_have_attribute("aria-selected", "true")
        expect(rows(page)).to_have_count(2)
    with opens(small_estate()) as seen:
        expect(seen.page.locator("#cards .card").first).to_contain_text("Unregistered")


def test_caveats_stand_above_the_numbers_and_notices_below(opens: Opens) -> None:
    """What a number depends on is read before it; what is merely worth knowing is folded away after the charts."""
    with opens(estate_with_gaps()) as seen:
        page = seen.page
        expect(page.locator("#caveats li")).to_have_text(Digest(estate_with_gaps()).caveats)
        expect(page.locator("#cards ~ #notices summary")).to_have_text("Notices 1")
        notice = page.get_by_text("is no longer listed by prod")
        expect(notice).to_be_hidden()
        page.locator("#notices summary").click()
        expect(notice).to_be_visible()


def test_where_nothing_could_be_read_nothing_is_claimed(opens: Opens) -> None:
    """No identity under gaps: the page says that none could be read, in its headline and in its empty list."""
    with opens(replace(estate_with_gaps(), identities=())) as seen:
        expect(seen.page.locator("#headline")).to_have_text("No identities could be read.")
        expect(seen.page.locator("#empty")).to_have_text("No identities could be read.")


def test_provisional_verdicts_are_marked(opens: Opens) -> None:
    """An unregistered identity whose match a gap may hide says so in the list."""
    with opens(estate_with_gaps()) as seen:
        expect(rows(seen.page).filter(has_text="support-agent")).to_contain_text("provisional")
        expect(rows(seen.page).filter(has_text="deploy-pipeline")).not_to_contain_text("provisional")


def test_without_gaps_nothing_is_called_incomplete(opens: Opens) -> None:
    """A complete reading carries no warning."""
    with opens(make_result(make_assessment())) as seen:
        expect(rows(seen.page)).to_have_count(1)
        expect(seen.page.locator(".gaps, .incomplete")).to_have_count(0)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        pytest.param("DEPLOY", ["deployer"], id="name, whatever the case"),
        pytest.param("user/svc", ["svc-billing"], id="key"),
        pytest.param("billing@example", ["svc-billing"], id="alias"),
        pytest.param("ada@", ["svc-billing"], id="owner"),
        pytest.param("finance", ["svc-billing"], id="tag"),
        pytest.param("export legacy", ["legacy-export"], id="words in any order"),
        pytest.param("<b>", [], id="nothing"),
    ],
)
def test_typing_narrows_the_list(opens: Opens, typed: str, found: list[str]) -> None:
    """The filter looks at name, key, aliases, owner and tags."""
    with opens(small_estate()) as seen:
        seen.page.get_by_label("Filter the list").press_sequentially(typed)

        expect(names(seen.page)).to_have_text(found)
        expect(seen.page.locator("#shown")).to_have_text(f"{len(found)} of 5")
        expect(seen.page.locator("#empty")).to_be_visible(visible=not found)


def test_a_heading_sorts_up_then_down_then_not(opens: Opens) -> None:
    """Third time, the list's own order is back: most urgent first."""
    urgent = ["deployer", "legacy-export", "build-bot", "svc-billing", "triage-agent"]
    with opens(small_estate()) as seen:
        heading = seen.page.locator("#grid th.name")
        expect(names(seen.page)).to_have_text(urgent)
        for order, direction in ((sorted(urgent), "ascending"), (sorted(urgent)[::-1], "descending"), (urgent, "none")):
            heading.get_by_role("button").click()
            expect(names(seen.page)).to_have_text(order)
            expect(heading).to_have_attribute("aria-sort", direction)


def test_severity_sorts_by_gravity_and_none_comes_last(opens: Opens) -> None:
    """States sort by how grave they are, not by their letters."""
    with opens(small_estate(), fragment="#view=identities&sort=severity") as seen:
        cells = seen.page.locator("#grid td.severity")
        expect(cells).to_have_text(["critical", "medium", "no finding", "no finding", "no finding"])


def test_facets_narrow_and_count(opens: Opens) -> None:
    """A facet shows how many rows each value would leave; its own choice does not change its own counts."""
    with opens(small_estate()) as seen:
        menu = seen.page.locator("details.facet", has_text="Registry").first
        menu.locator("summary").click()
        expect(menu.locator("label")).to_have_text(["unregistered3", "ambiguous1", "registered1"])

        menu.get_by_role("checkbox").first.check()
        expect(rows(seen.page)).to_have_count(3)
        expect(menu.locator("label")).to_have_text(["unregistered3", "ambiguous1", "registered1"])

        menu.get_by_role("checkbox").nth(1).check()
        expect(rows(seen.page)).to_have_count(4)
        seen.page.get_by_role("button", name="Clear").click()
        expect(rows(seen.page)).to_have_count(5)


def test_a_chart_opens_the_list_it_counts(opens: Opens) -> None:
    """Each number in a chart is a way into the list."""
    with opens(small_estate()) as seen:
        charts(seen.page).filter(has_text="Ownership").get_by_role("button", name="orphaned").click()

        expect(rows(seen.page)).to_have_count(4)
        assert "ownership=orphaned" in seen.page.url


def test_a_row_opens_all_the_evidence(opens: Opens) -> None:
    """Every verdict, candidate, grant, link, trust, finding and the next step of an identity is one click away."""
    with opens(small_estate()) as seen:
        rows(seen.page).filter(has_text="deployer").click()
        for text in (
            "arn:aws:iam::123456789012:user/deployer",
            "ask bo@example.com (confidence 0.80) what that is",
            "orphaned: no registry entry matches",
            "AdministratorAccess allows * on *",
            "group:ops",
            "can become",
            "its policy allows sts:AssumeRole",
            "anyone, external",
            "It can do everything",
            "iam.roles of prod in 123456789012: AccessDenied",
        ):
            expect(panel(seen.page)).to_contain_text(text)

        panel(seen.page).get_by_role("link", name="svc-billing").click()
        expect(panel(seen.page)).to_contain_text("Entry NHI-1, matched by its full id")
        for text in (
            "can be assumed by",
            "Declared the same by component:default/billing",
            "Declared differently by NHI-2",
            "About to leave: ada@example.com",
            "environmentstagingprod",
            "arn:aws:iam::123456789012:user/ada",
        ):
            expect(panel(seen.page)).to_contain_text(text)
        assert seen.complaints == []


def test_a_panel_has_the_blast_radius_in_words_and_numbers(opens: Opens) -> None:
    """And what its own permissions allow, by which of them."""
    mailer = make_identity(
        "mailer",
        privilege=Privilege(level="normal"),
        consequences=(Consequence(kind="send", actions=("ses:SendEmail",), by="policy Mail (direct)", narrow=True),),
        links=(Link(relation="can_assume", target=make_identity().key, evidence="its policy"),),
    )
    with opens(make_result(make_assessment(mailer), make_assessment())) as seen:
        rows(seen.page).filter(has_text="mailer").click()
        for text in (
            "At worst, as far as is known, it can send messages; within its reach are at least 1 other identity",
            "Other identitiesat least 1",
            "send messagesses:SendEmail, by policy Mail (direct)its own scope, some resources",
            "Not known: permissions within reach could not be read",
        ):
            expect(panel(seen.page)).to_contain_text(text)
        assert seen.complaints == []


def test_an_exposed_agent_is_a_sentence_and_a_picture(opens: Opens) -> None:
    """From the input to the way out, with the cut where it is made; also on a phone."""
    exposure = AgentExposure(
        kind="exfiltration",
        input="an issue in the public repository acme/shop",
        opened_by="anybody",
        reach="read secrets: secretsmanager:GetSecretValue",
        reached="secrets",
        way_out="the tool shell",
        cut="take the tool shell from it",
        cut_in=("way_out",),
        ends=2,
        of=3,
    )
    acts = replace(exposure, kind="takeover", way_out=None, cut="remove policy P", cut_in=(), gate="a person starts it")
    verdict = AgentVerdict(is_agent=True, exposure="exposed", exposures=(exposure, acts))
    with opens(make_result(make_assessment("triage", agent=verdict), make_assessment()), view="agents") as seen:
        expect(rows(seen.page).filter(has_text="triage")).to_contain_text("exposed")
        rows(seen.page).filter(has_text="triage").click()
        pictures = panel(seen.page).get_by_role("figure")
        first, other = pictures.nth(0), pictures.nth(1)
        expect(first.get_by_role("listitem")).to_contain_text(
            [
                "an issue in the public repository acme/shop",
                "anybody writes it; the agent reads itAgenttriage",
                "it readsWhat it could readread secrets",
                "Cut here: take the tool shell from it, which ends 2 of 3 such waysWay outthe tool shell",
            ]
        )
        expect(first).to_contain_text("Anybody can, by an issue in the public repository acme/shop, make triage read")
        expect(other).to_contain_text("anybody writes it, and a person starts it; the agent reads it")
        expect(other.get_by_role("listitem")).to_have_count(3)
        expect(other).to_contain_text("Cut: remove policy P")
        assert seen.complaints == []
        seen.page.set_viewport_size({"width": 390, "height": 844})
        assert seen.page.evaluate("document.querySelector('#panel').scrollWidth") <= 390


def test_credentials_and_findings_show_their_dates_and_controls(opens: Opens) -> None:
    """A key has its id and dates, a finding its evidence, remediation and controls."""
    with opens(small_estate()) as seen:
        rows(seen.page).filter(has_text="legacy-export").click()
        for text in ("AKIALEGACY", "2024-06-08", "abandoned", "owasp-nhi-2025:NHI7", "last used 2025-02-01", "/old/"):
            expect(panel(seen.page)).to_contain_text(text)


@pytest.mark.parametrize(
    ("tab", "opened", "shown"),
    [
        ("Findings", "A key is too old", "nightly export"),
        ("Registry entries", "Ghost", "iam.users was read"),
        ("Registry entries", "Ghost", "Possible match build-bot 70 %both say bot"),
        ("Registry entries", "Ghost", "Possible match arn:elsewhere"),
        ("Credentials", "db-password", "its value was not read"),
        ("Credentials", "AKIALEGACY", "dormant"),
        ("Coverage", "iam.roles", "iam:ListRoles"),
    ],
)
def test_every_list_opens_its_rows(opens: Opens, tab: str, opened: str, shown: str) -> None:
    """Findings, entries, credentials, stored secrets and sections have a panel of their own."""
    with opens(small_estate()) as seen:
        seen.page.get_by_role("tab", name=tab).click()
        rows(seen.page).filter(has_text=opened).click()

        expect(panel(seen.page)).to_contain_text(shown)
        expect(panel(seen.page)).not_to_contain_text(re.compile(r"\[object|undefined|NaN"))
        assert seen.complaints == []


def test_the_address_brings_everything_back(opens: Opens) -> None:
    """View, filter, facets, order and open identity survive a reload."""
    with opens(small_estate()) as seen:
        seen.page.get_by_label("Filter the list").fill("e")
        seen.page.locator("#grid th.name").get_by_role("button").click()
        charts(seen.page).first.get_by_role("button", name="unregistered").click()
        seen.page.get_by_label("Filter the list").fill("e")
        rows(seen.page).filter(has_text="triage-agent").click()
        expect(panel(seen.page)).to_be_visible()
        seen.page.reload()

        expect(seen.page.get_by_label("Filter the list")).to_have_value("e")
        expect(names(seen.page)).to_have_text(["deployer", "legacy-export", "triage-agent"])
        expect(panel(seen.page).get_by_role("heading", level=2)).to_have_text("triage-agent")
        expect(seen.page.locator("#grid tr.active")).to_contain_text("triage-agent")
        seen.page.go_back()
        expect(panel(seen.page)).to_be_hidden()


@pytest.mark.parametrize(
    "fragment",
    [
        "#view=nowhere",
        "#open=nothing:gone",
        "#view=constructor",
        "#view=identities&__proto__=x&constructor=y&sort=toString",
        "#%",
    ],
)
def test_an_address_from_elsewhere_does_no_harm(opens: Opens, fragment: str) -> None:
    """Unknown views, facets, columns and identities are left aside."""
    with opens(small_estate(), fragment=fragment) as seen:
        expect(seen.page.get_by_role("tab", name="Identities")).to_have_attribute("aria-selected", "true")
        expect(panel(seen.page)).to_be_hidden()
        assert seen.complaints == []


def test_the_keyboard_is_enough(opens: Opens) -> None:
    """Slash filters; arrows, End and Home move; Enter opens; Escape closes and gives the list its focus back."""
    with opens(small_estate()) as seen:
        page = seen.page
        expect(rows(page)).to_have_count(5)
        page.keyboard.press("/")
        expect(page.get_by_label("Filter the list")).to_be_focused()

        page.locator("#grid").focus()
        for key, active in (("ArrowDown", 1), ("End", 4), ("ArrowDown", 4), ("ArrowUp", 3), ("Home", 0)):
            page.keyboard.press(key)
            expect(page.locator("#grid")).to_have_attribute("aria-activedescendant", f"row-{active}")
        page.keyboard.press("Enter")
        expect(panel(page).get_by_role("heading", level=2)).to_have_text("deployer")
        expect(panel(page).get_by_role("heading", level=2)).to_be_focused()

        panel(page).get_by_role("button", name="Next in the list").press("Enter")
        expect(panel(page).get_by_role("heading", level=2)).to_have_text("legacy-export")
        page.keyboard.press("Escape")
        expect(panel(page)).to_be_hidden()
        expect(page.locator("#grid")).to_be_focused()


HOSTILE = (
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "<svg onload=alert(1)>",
    "${alert(1)} {{7*7}} $policy",
    "constructor",
    "__proto__",
    "safe\u202egnp.exe\u2066",
    "bell\x07esc\x1b]0;x\x07null\x00",
    "x" * 10_000,
)


def hostile_estate() -> ScanResult:
    """Every field that someone else writes says something that could act."""
    assessments = []
    for text in HOSTILE:
        identity = make_identity(
            text,
            description=text,
            scope=text,
            kind=text,
            display_name=text,
            aliases=(text,),
            tags={text: text},
            attributes={text: text},
            credentials=(make_credential(text, text),),
            links=(Link(relation="can_assume", target=text, evidence=text),),
            trusts=(Trust(principal=text, kind="anyone", evidence=text),),
        )
        assessments.append(
            make_assessment(
                identity,
                registry=RegistryVerdict(state="registered", entry=text, evidence=text),
                ownership=OwnershipVerdict(state="orphaned", owner=text, team=text, evidence=text),
            )
        )
    findings = tuple(
        make_finding(
            fingerprint=str(number),
            identity=judged.identity.key,
            title=text,
            remediation=text,
            evidence={text: text},
            controls=(text,),
        )
        for number, (judged, text) in enumerate(zip(assessments, HOSTILE, strict=True))
    )
    coverage = tuple(
        make_coverage(status="failed", section=text, scope=text, detail=text, permission=text) for text in HOSTILE
    )
    return make_result(*assessments, findings=findings, coverage=coverage, notices=HOSTILE)


def test_hostile_names_stay_text(opens: Opens) -> None:
    """Whatever they say, names are shown, run nothing, load nothing, and add no element."""
    with opens(hostile_estate()) as seen:
        expect(rows(seen.page)).to_have_count(len(HOSTILE))
        for at in range(len(HOSTILE)):
            rows(seen.page).nth(at).click()
            expect(panel(seen.page)).to_be_visible()
            seen.page.keyboard.press("Escape")
        for menu in seen.page.locator("details.facet:visible").all():
            menu.locator("summary").click()
            expect(menu.get_by_role("checkbox")).not_to_have_count(0)
        for tab in ("Findings", "Coverage"):
            seen.page.get_by_role("tab", name=tab).click()
            expect(rows(seen.page)).to_have_count(len(HOSTILE))

        assert seen.page.locator("img, iframe, script:not([id]):not([type=module]), [onload], [onerror]").count() == 0
        assert seen.complaints == []
        assert len(seen.requests) == 1


def test_names_from_outside_are_shown_letter_by_letter(opens: Opens) -> None:
    """Our states become words; a name, scope or owner with an underscore keeps it, in the list and in the facets."""
    identity = make_identity("svc_under_score", scope="my_scope", kind="service_user")
    owned = OwnershipVerdict(state="owned", owner="team_a@example.com")
    with opens(make_result(make_assessment(identity, ownership=owned), make_assessment("other"))) as seen:
        for text in ("svc_under_score", "my_scope", "service_user", "team_a@example.com"):
            expect(rows(seen.page).filter(has_text=text)).to_have_count(1)
        seen.page.locator("details.facet summary", has_text="Scope").click()
        expect(seen.page.get_by_role("checkbox", name="my_scope")).to_be_visible()


def test_a_direction_override_is_seen(opens: Opens) -> None:
    """A name cannot pass for another by turning its letters round."""
    with opens(hostile_estate()) as seen:
        seen.page.get_by_label("Filter the list").fill("gnp")
        expect(names(seen.page).first).to_have_text("safe\\u202egnp.exe\\u2066")


@pytest.mark.parametrize(
    ("view", "tab", "count"),
    [
        ("orphans", "Identities", 4),
        ("unregistered", "Identities", 3),
        ("findings", "Findings", 2),
        ("registry", "Registry entries", 2),
        ("credentials", "Credentials", 2),
        ("exposed", "Leaked keys", 2),
        ("coverage", "Coverage", 2),
    ],
)
def test_a_view_opens_its_list(opens: Opens, view: View, tab: str, count: int) -> None:
    """The view that was asked for is what one sees first."""
    with opens(small_estate(), view=view) as seen:
        expect(seen.page.get_by_role("tab", name=tab)).to_have_attribute("aria-selected", "true")
        expect(rows(seen.page)).to_have_count(count)


def test_a_rule_has_its_counts_beside_its_title(opens: Opens) -> None:
    """Not in the columns of other facts. On a phone, a long title is whole: two rules can begin with the same words."""
    title = "Identity was used with a credential that its entry does not declare"
    judged = [make_assessment(f"svc-{severity}") for severity in SEVERITIES]
    findings = tuple(
        make_finding(title=title, severity=severity, identity=one.identity.key, fingerprint=severity.ljust(32, "0"))
        for severity, one in zip(SEVERITIES, judged, strict=True)
    )
    result = make_result(*judged, findings=findings)
    with opens(result, view="findings", fragment="#view=findings") as seen:
        page = seen.page
        group = page.locator("tr.group")
        cell = group.locator("td.name")
        expect(cell).to_contain_text("1 critical, 1 high, 1 medium, 1 low, 1 info")
        expect(cell).to_contain_text("5 identities")
        expect(group.locator("td")).to_have_count(3)
        assert group.locator("td").evaluate_all("all => all.reduce((sum, one) => sum + one.colSpan, 0)") == 7

        page.set_viewport_size({"width": 390, "height": 844})
        shown = cell.locator(".cell > :first-child")
        assert shown.evaluate("one => one.scrollWidth <= one.clientWidth && one.getBoundingClientRect().height > 20")


def test_without_a_registry_nothing_is_claimed(opens: Opens) -> None:
    """No registry: no number of unregistered ones, and the empty list says why."""
    unchecked = make_assessment(
        registry=RegistryVerdict(state="unchecked"), ownership=OwnershipVerdict(state="unchecked")
    )
    with opens(make_result(unchecked)) as seen:
        expect(seen.page.locator(".card", has_text="Unregistered")).to_contain_text("unchecked: no registry was given")
        seen.page.get_by_role("tab", name="Registry entries").click()
        expect(seen.page.locator("#empty")).to_contain_text("No registry was given")


def test_what_was_not_read_this_time_is_marked(opens: Opens) -> None:
    """A verdict that only stands from an earlier scan says so in the list and in the panel."""
    with opens(small_estate()) as seen:
        row = rows(seen.page).filter(has_text="triage-agent")
        expect(row).to_contain_text("not re-checked")
        row.click()
        expect(panel(seen.page)).to_contain_text("not re-checked")


def test_what_someone_lets_be_is_marked(opens: Opens) -> None:
    """An acknowledged finding says so in the list, and in its panel why, by whom and until when."""
    result = small_estate()
    known = Acknowledged(reason="until the <b>move</b>", by="ada@example.com", until=date(2027, 3, 31))
    findings = tuple(replace(one, acknowledged=known) for one in result.findings)
    with opens(replace(result, findings=findings)) as seen:
        seen.page.get_by_role("tab", name="Findings").click()
        row = rows(seen.page).filter(has_text="A key is too old")
        expect(row).to_contain_text("acknowledged")
        row.click()
        expected = "Acknowledged: until the <b>move</b> (ada@example.com, until 2027-03-31)"
        expect(panel(seen.page)).to_contain_text(expected)
        assert seen.complaints == []


def test_only_the_rows_in_sight_exist_and_all_can_be_reached(opens: Opens) -> None:
    """Five thousand rows are a few dozen elements, and the last is one key away."""
    many = replace(small_estate(), identities=tuple(make_assessment(f"svc-{number:04d}") for number in range(5000)))
    with opens(many) as seen:
        expect(seen.page.locator("#grid")).to_have_attribute("aria-rowcount", "5001")
        assert rows(seen.page).count() < 100

        seen.page.locator("#grid").focus()
        seen.page.keyboard.press("End")
        expect(rows(seen.page).last).to_contain_text("svc-4999")
        expect(rows(seen.page).last).to_be_in_viewport(ratio=0.9)


def test_it_is_dark_where_the_reader_wants_it_dark(opens: Opens) -> None:
    """Colours follow the reader's system."""
    shades = []
    for dark in (False, True):
        with opens(small_estate(), dark=dark) as seen:
            shades.append(seen.page.evaluate("getComputedStyle(document.body).backgroundColor"))

    assert shades == ["rgb(245, 246, 248)", "rgb(14, 17, 22)"]


def test_every_control_has_a_name(opens: Opens) -> None:
    """A screen reader can name each button, box, link and dialog."""
    with opens(
        small_estate(), fragment="#view=identities&open=identity:arn:aws:iam::123456789012:user/deployer"
    ) as seen:
        expect(panel(seen.page)).to_be_visible()
        nameless = seen.page.locator("button, input, a, [role=dialog], [role=tabpanel], [role=grid]").evaluate_all(
            """controls => controls
                .filter(c => !(c.textContent.trim() || c.ariaLabel || c.labels?.length))
                .filter(c => !c.getAttribute("aria-labelledby"))
                .map(c => c.outerHTML)"""
        )

        assert nameless == []


def test_paper_has_rows_with_whole_names(opens: Opens) -> None:
    """On the width of A4 a list is a table, not the cards of a narrow screen, and names are not cut."""
    long = make_identity("a-name-that-goes-on-" * 6)
    with opens(make_result(make_assessment(long))) as seen:
        seen.page.set_viewport_size({"width": 718, "height": 1000})
        seen.page.emulate_media(media="print")
        seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
        row = rows(seen.page).first
        cut = "cell => cell.scrollWidth > cell.clientWidth + 1 || cell.scrollHeight > cell.clientHeight + 1"

        assert row.evaluate("row => getComputedStyle(row).display") == "table-row"
        assert row.locator("td.name .cell > :first-child").evaluate(cut) is False
        expect(seen.page.locator("#bar")).to_be_hidden()


def test_a_phone_has_rows_with_whole_states(opens: Opens) -> None:
    """Each state stands inside of its row, whatever the kind is called."""
    unused = UsageVerdict(state="unknown", window_days=90, evidence="no use recorded")
    with opens(make_result(make_assessment(make_identity(kind="service_account"), usage=unused))) as seen:
        seen.page.set_viewport_size({"width": 390, "height": 844})
        out_of_row = """row => [...row.cells].filter(cell => cell.offsetParent !== null).filter(cell => {
            const inner = cell.getBoundingClientRect(), outer = row.getBoundingClientRect();
            return inner.top < outer.top || inner.bottom > outer.bottom || inner.right > outer.right;
        }).map(cell => cell.textContent)"""

        assert rows(seen.page).first.evaluate(out_of_row) == []
        expect(rows(seen.page).first).to_contain_text("unknown")


def test_the_last_use_is_reported_once_and_to_the_minute_among_the_facts(opens: Opens) -> None:
    """The verdict's evidence has the day already."""
    used = UsageVerdict(state="active", window_days=90, last_used_at=NOW, evidence="last used 2026-11-25")
    with opens(make_result(make_assessment("svc-billing", usage=used))) as seen:
        rows(seen.page).first.click()
        usage = panel(seen.page).locator(".verdict").filter(has_text="Usage")

        expect(usage).to_contain_text("last used 2026-11-25")
        assert usage.inner_text().count("last used") == 1
        expect(panel(seen.page)).to_contain_text("last used2026-11-25 08:00 UTC")


def test_the_panel_reports_since_when_an_identity_is_known(opens: Opens) -> None:
    """Where a store was asked; else nothing is said of it."""
    judged = make_assessment("svc-billing")
    with opens(make_result(judged, first_seen={judged.identity.key: days_ago(30)})) as seen:
        rows(seen.page).first.click()
        expect(panel(seen.page)).to_contain_text("first seen2026-10-26 08:00 UTC")
    with opens(make_result(judged)) as seen:
        rows(seen.page).first.click()
        expect(panel(seen.page)).not_to_contain_text("first seen")


def test_findings_narrow_by_the_identity_they_are_on(opens: Opens) -> None:
    """Provider, source, scope, team and agent are the identity's; a finding on an entry has none of them."""
    judged = [
        make_assessment(make_identity("a"), ownership=OwnershipVerdict(state="orphaned", team="Data")),
        make_assessment(make_identity("b", provider="vault", source="vault")),
    ]
    on = [*(one.identity.key for one in judged), None]
    findings = tuple(make_finding(fingerprint=str(at), identity=key, entry="NHI-1") for at, key in enumerate(on))
    with opens(make_result(*judged, findings=findings), view="findings") as seen:
        for label, values in (("Provider", ["aws1", "vault1", "none1"]), ("Team", ["none2", "Data1"])):
            menu = seen.page.locator("details.facet", has_text=label).first
            menu.locator("summary").click()
            expect(menu.locator("label")).to_have_text(values)
        menu.locator("label", has_text="Data").get_by_role("checkbox").check()
        expect(rows(seen.page)).to_have_count(1)


def test_a_panel_of_hundreds_of_findings_shows_its_beginning(opens: Opens) -> None:
    """One identity may have a finding on each of its thousands of keys: all at once would take seconds to lay out."""
    found = tuple(make_finding(fingerprint=f"f{number}", identity="k") for number in range(120))
    judged = make_assessment(make_identity(key="k"), findings=tuple(one.fingerprint for one in found))
    with opens(make_result(judged, findings=found)) as seen:
        rows(seen.page).first.click()
        findings = panel(seen.page).locator("section", has_text="Findings").first.locator("article")
        expect(findings).to_have_count(50)
        panel(seen.page).get_by_role("button", name="Show all 120").click()
        expect(findings).to_have_count(120)


def test_what_could_do_everything_is_reported_with_those_of_which_no_one_knows(opens: Opens) -> None:
    """No admin among identities whose rights could not be read is no good news."""
    judged = [make_assessment(str(at), privilege=Privilege(level="unknown")) for at in range(3)]
    with opens(make_result(*judged)) as seen:
        card = seen.page.locator("#cards .card", has_text="Admins")
        expect(card).to_contain_text("full control; unknown for 3")
    with opens(make_result(make_assessment("a", privilege=Privilege(level="normal")))) as seen:
        expect(seen.page.locator("#cards .card", has_text="Admins")).not_to_contain_text("unknown")


@pytest.mark.parametrize("key", ["Enter", "ArrowDown"])
def test_from_the_filter_the_keyboard_goes_on_to_the_list(opens: Opens, key: str) -> None:
    """Not past all the menus between; Enter then opens what stands first."""
    with opens(small_estate()) as seen:
        expect(rows(seen.page)).to_have_count(5)
        seen.page.keyboard.press("/")
        seen.page.keyboard.type("legacy")
        expect(rows(seen.page)).to_have_count(1)
        seen.page.keyboard.press(key)
        expect(seen.page.locator("#grid")).to_be_focused()
        seen.page.keyboard.press("Enter")
        expect(panel(seen.page)).to_contain_text("legacy-export")


def test_the_facts_of_a_finding_read_as_people_write_them(opens: Opens) -> None:
    """Its evidence is named for programs; a page has no underscores and no fractions of a second."""
    made = NOW.replace(second=12, microsecond=713_454)
    found = make_finding(fingerprint="f", identity="k", evidence={"created_at": made, "limit_days": 90})
    judged = make_assessment(make_identity(key="k"), findings=("f",))
    with opens(make_result(judged, findings=(found,))) as seen:
        rows(seen.page).first.click()
        facts = panel(seen.page).locator("article.finding dl")
        expect(facts).to_contain_text("created at2026-11-25 08:00 UTC")
        expect(facts).to_contain_text("limit days90")
