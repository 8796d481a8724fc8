"""What the page shows of activity: in its data, and in Chromium."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace
from playwright.sync_api import Locator, expect

from reports.html.payload import blocks
from scanner.model import ScanResult
from tests.accessibility import violations_in_light_and_dark
from tests.browser import Watched
from tests.factories import make_assessment, make_result
from tests.reports.html.conftest import Opens
from tests.reports.html.test_packing import unpacked
from tests.reports.samples import ACTIVITY, EVENT_IDS, SILENT, estate_with_activity

NIGHTLY = "#identity=arn:aws:iam::123456789012:role/nightly"
SERVICE = ACTIVITY.services[1]


def values(result: ScanResult, table: str, name: str) -> list[Any]:
    """A column of a table about activity."""
    return unpacked(blocks(result)["activity"][table]["columns"][name])


def acting(**facts: Any) -> ScanResult:
    """One identity with that activity."""
    return make_result(make_assessment("svc", activity=replace(ACTIVITY, **facts)))


def test_of_many_values_the_first_are_packed_and_the_others_counted() -> None:
    """An identity that calls thousands of actions must not be the whole page."""
    many = tuple(f"{number:04}" for number in range(1_000))
    service = replace(SERVICE, actions=many)
    result = acting(services=(service,) * 1_000, networks=many, assumed_by=many)

    assert values(result, "activity", "networks") == [(*many[:30], 970)]
    assert values(result, "activity", "services") == [1_000]
    assert values(result, "activity", "assumers") == [1_000]
    assert values(result, "services", "actions") == [(*many[:30], 970)] * 30
    assert len(values(result, "assumers", "who")) == 30


def test_identities_without_a_log_take_no_room() -> None:
    """Only those with activity have rows."""
    result = estate_with_activity()

    assert len(values(result, "activity", "events")) == 2
    assert len(values(make_result(make_assessment()), "activity", "events")) == 0


def test_only_findings_about_a_day_are_explained_or_not() -> None:
    """The others have no answer; event ids stand apart from the other evidence."""
    columns = blocks(estate_with_activity())["findings"]["findings"]["columns"]
    rows = dict(zip(unpacked(columns["fingerprint"]), unpacked(columns["explained"]), strict=True))

    assert {rows[one * 16] for one in ("b1", "b2", "b3")} == {"unexplained", "unknown", "explained"}
    assert {state for name, state in rows.items() if name[0] == "a"} == {None}
    assert set(unpacked(columns["events"])) == {(), EVENT_IDS}


# --- In the browser ---


def activity(seen: Watched) -> Locator:
    """The panel's section."""
    return seen.page.locator("section", has=seen.page.get_by_role("heading", name="Activity", exact=True))


@pytest.mark.browser
def test_the_panel_draws_activity(opens: Opens) -> None:
    """Span, services, hours, where from, and who became it, as links where known."""
    with opens(estate_with_activity(), fragment=NIGHTLY) as seen:
        shown = activity(seen)
        for text in (
            "12,345 events, 12 of them denied, in 90 covered days, 2026-08-27 to 2026-11-24.",
            "Used 1 of 5 granted services in 90 days; no log shows all use of dynamodb.",
            "02:00 to 05:00 (up to 90 days), 14:00 to 15:00 (1 day)",
            "10.0.3.0/24, office",
            "boto3, terraform",
            "bedrock model anthropic.claude-v4",
        ):
            expect(shown).to_contain_text(text)
        expect(shown.locator("tbody tr")).to_have_text(
            [
                "iamnothing succeeded122026-11-242026-11-24",
                "s3GetBucketPolicy, ListAllMyBuckets12,3332026-08-282026-11-24",
            ]
        )
        heights = shown.locator("svg.hours rect").evaluate_all("bars => bars.map(bar => +bar.getAttribute('height'))")
        assert [hour for hour, height in enumerate(heights) if height] == [2, 3, 4, 14]
        assert max(heights) == heights[3]
        shown.get_by_role("link", name="deploy-pipeline").click()
        expect(seen.page.get_by_role("dialog").get_by_role("heading", level=2)).to_have_text("deploy-pipeline")
        assert seen.complaints == []


@pytest.mark.browser
def test_the_list_is_searched_for_what_was_used(opens: Opens) -> None:
    """As permissions name it, and the hit is shown."""
    with opens(estate_with_activity()) as seen:
        seen.page.get_by_label("Filter the list").fill("s3:listallmy")
        expect(seen.page.locator("#grid .reason")).to_have_count(1)
        expect(seen.page.locator("#grid .reason")).to_contain_text("used")
        expect(seen.page.locator("#grid .reason")).to_contain_text("s3:ListAllMyBuckets")
        assert seen.complaints == []


@pytest.mark.browser
@pytest.mark.parametrize(
    ("facts", "text"),
    [
        pytest.param(SILENT, "No event in 90 covered days, 2026-08-27 to 2026-11-24", id="silence"),
        pytest.param(None, "No audit log covers it, so what it did is unknown.", id="no log"),
        pytest.param(
            replace(SILENT, covered_from=None, covered_to=None, covered_days=0),
            "0 events seen, but no day is covered in full by its logs: it may have done more.",
            id="no covered day",
        ),
        pytest.param(
            replace(SILENT, events=1, covered_days=1, covered_from=date(2026, 11, 24)),
            "1 event, in 1 covered day, 2026-11-24 to 2026-11-24.",
            id="one",
        ),
    ],
)
def test_silence_is_not_the_same_as_no_log(opens: Opens, facts: Any, text: str) -> None:
    """That a log has nothing is a fact; that there is no log says nothing."""
    judged = make_assessment("svc", activity=facts)
    with opens(make_result(judged), fragment=f"#identity={judged.identity.key}") as seen:
        expect(activity(seen)).to_contain_text(text)


@pytest.mark.browser
def test_a_finding_about_a_day_shows_what_it_rests_on(opens: Opens) -> None:
    """Reasons in words, whether it is explained and by what, and ids to look for in the log."""
    with opens(estate_with_activity(), fragment=f"#finding={'b3' * 16}") as seen:
        finding = seen.page.get_by_role("dialog").locator("article.finding").first
        for text in (
            "denied burst, new action (iam:CreateAccessKey), new network (203.0.113.0/24)",
            "iam:CreateAccessKey (2 times), iam:ListUsers, and 9 more",
            "permissions changed between the scans of 2026-11-23 04:00 and 2026-11-24 04:00",
            EVENT_IDS[4],
        ):
            expect(finding).to_contain_text(text)
        expect(finding.locator(".mark").nth(2)).to_have_text("explained")
        button = finding.get_by_role("button", name="Copy event ids")
        assert button.get_attribute("title") == "\n".join(EVENT_IDS)
        button.focus()
        seen.page.keyboard.press("Enter")
        expect(finding.locator("button.copy", has_text="event ids")).to_have_count(0)


@pytest.mark.browser
def test_findings_are_narrowed_to_unexplained_ones(opens: Opens) -> None:
    """By a filter whose choice is in the address."""
    with opens(estate_with_activity(), fragment="#view=findings") as seen:
        page = seen.page
        page.locator("details.facet summary", has_text="Explained").click()
        expect(page.locator("details.facet[open] li")).to_have_text(
            ["unexplained1", "unknown1", "explained1", "not about a day6"]
        )
        page.locator("details.facet[open] input").first.press("Space")
        rows = page.locator("#grid tbody tr[data-at]:not(.group)")
        expect(rows).to_have_count(1)
        expect(rows).to_contain_text("unexplained")
        assert "explained=unexplained" in page.url


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280], ids=["phone", "desktop"])
def test_everybody_can_use_it(opens: Opens, width: int) -> None:
    """Axe finds nothing, and nothing is wider than the screen."""
    with opens(estate_with_activity(), fragment=NIGHTLY) as seen:
        seen.page.set_viewport_size({"width": width, "height": 800})
        activity(seen).scroll_into_view_if_needed()

        assert violations_in_light_and_dark(seen.page) == []
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.browser
def test_days_of_a_log_that_were_not_read_are_one_gap(opens: Opens) -> None:
    """With how many days, and all of them counted."""
    with opens(estate_with_activity()) as seen:
        expect(seen.page.locator("#gaps summary")).to_contain_text("3 sections")
        expect(seen.page.locator("#gaps ul li")).to_have_text(
            "partialactivity of 3 days, 2026-11-20 to 2026-11-24 of trail in 123456789012: a file is cut off"
        )
