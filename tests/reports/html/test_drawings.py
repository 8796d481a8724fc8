"""What the page draws: charts, a credential's life, and what an identity is linked with."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from playwright.sync_api import Page, expect

from scanner.model import Link, OwnershipVerdict
from tests.factories import NOW, days_ago, make_assessment, make_credential, make_identity, make_result
from tests.reports.html.conftest import Opens
from tests.reports.html.estate import small_estate, with_history
from tests.reports.html.test_page import charts, names

pytestmark = pytest.mark.browser


def opened(page: Page, name: str) -> None:
    """Open the panel of the identity with this name."""
    page.locator("#grid tbody tr[data-at]").filter(has_text=name).click()
    expect(page.get_by_role("dialog")).to_be_visible()


def test_the_ages_of_credentials_open_the_list_they_count(opens: Opens) -> None:
    """Keys and stored secrets by the age of their value; what cannot be determined is a bar of its own."""
    with opens(small_estate()) as seen:
        chart = charts(seen.page).filter(has_text="Age of credentials")
        expect(chart.locator("li")).to_have_text(["over 2 years150 %", "unknown150 %"])
        chart.get_by_role("button", name="over 2 years").click()

        expect(seen.page.locator("#grid tbody tr[data-at]")).to_have_count(1)
        expect(seen.page.locator("#grid tbody td.age")).to_have_text("over 2 years")
        assert "age=over%202%20years" in seen.page.url


def test_orphans_stand_by_team_and_else_by_reason(opens: Opens) -> None:
    """A team has its orphans; those that belong to none stand under why they are orphans. Each opens its list."""
    growth = OwnershipVerdict(state="orphaned", reason="departed", owner="ada@example.com", team="Growth")
    judged = [make_assessment(name, ownership=growth) for name in ("a", "b")]
    judged.append(make_assessment("owned", ownership=OwnershipVerdict(state="owned", team="Growth")))
    with opens(make_result(*judged, make_assessment("c"))) as seen:
        chart = charts(seen.page).filter(has_text="Whose orphans")
        expect(chart.locator("li")).to_have_text(["Growth2", "unregistered1"])
        chart.get_by_role("button", name="Growth").click()
        expect(names(seen.page)).to_have_text(["a", "b"])
        chart.get_by_role("button", name="unregistered").click()
        expect(names(seen.page)).to_have_text(["c"])


def test_a_trend_takes_two_scans(opens: Opens) -> None:
    """Each number has axes and the colour of its state; from one scan nothing is said."""
    with opens(with_history(small_estate())) as seen:
        lines = charts(seen.page).filter(has_text="Trend").locator(".line")
        expect(lines.locator("> p:first-child")).to_have_text(
            ["Owned10 % → 20 %", "Registeredunknown → 25 %", "Orphans9 → 4", "Critical and high findings3 → 1"]
        )
        expect(lines.locator(".axis")).to_have_text(["100 %0", "100 %0", "90", "30"])
        expect(lines.locator(".days").first).to_have_text("2026-10-262026-11-25")
        tones = lines.locator("polyline").evaluate_all("lines => lines.map(line => line.getAttribute('class'))")
        assert tones == ["tone-good", "tone-good", "tone-bad", "tone-critical"]
    with opens(small_estate()) as seen:
        expect(charts(seen.page).first).to_be_visible()
        expect(seen.page.locator("figure.trend")).to_have_count(0)


def test_scans_of_one_minute_are_drawn_side_by_side(opens: Opens) -> None:
    """As long as no one waited between the first scans, their order is all the time there is."""
    month = with_history(small_estate())
    at_once = tuple(replace(point, started_at=NOW) for point in month.trend)
    with opens(replace(month, trend=at_once)) as seen:
        drawn = seen.page.locator("figure.trend polyline")
        expect(drawn).to_have_count(4)
        lines = [line.get_attribute("points") or "" for line in drawn.all()]
        assert [[point.split(",")[0] for point in line.split()] for line in lines] == [
            ["4", "296"],
            ["296"],
            ["4", "296"],
            ["4", "296"],
        ]


def test_a_credentials_life_is_drawn_to_scale(opens: Opens) -> None:
    """From when it was made to when it ends, with its last use between, and the scan where it was."""
    rotated = make_credential(
        "svc", "AKIA1", created_at=days_ago(400), last_used_at=days_ago(200), expires_at=days_ago(-100)
    )
    eternal = make_credential("svc", "AKIA2", created_at=days_ago(40), never_expires=True)
    unknown = make_credential("svc", "AKIA3", created_at=None)
    held = make_assessment(make_identity("svc", credentials=(rotated, eternal, unknown)))
    with opens(make_result(held)) as seen:
        opened(seen.page, "svc")
        drawn = seen.page.locator("svg.timeline")
        lives = drawn.locator("g").evaluate_all(
            """groups => groups.map(g => {
                const x = (what, name) => Number(g.querySelector(what)?.getAttribute(name) ?? NaN);
                return [x("circle", "cx"), x(".use", "x"), x("line.end", "x1")];
            })"""
        )
        scan = float(drawn.locator("line.today").get_attribute("x1") or "nan")
        (made, used, ends), (later, _, _) = lives

        assert made < used < scan < ends
        assert made < later < scan
        assert (scan - made) / (ends - made) == pytest.approx(400 / 500, abs=0.01)
        expect(drawn.locator("path.end")).to_have_count(1)
        listed = seen.page.locator("section", has=seen.page.get_by_role("heading", name="Credentials", exact=True))
        expect(listed.locator("tbody tr")).to_have_count(3)


def test_what_an_identity_is_linked_with_is_drawn_and_leads_on(opens: Opens) -> None:
    """Both directions, who can assume it, and a click goes there."""
    with opens(small_estate()) as seen:
        opened(seen.page, "deployer")
        graph = seen.page.locator("svg.graph")
        expect(graph.locator("g title")).to_have_text(["can assume it *", "can become svc-billing"])
        graph.locator("g.open text").first.click()

        expect(seen.page.get_by_role("dialog").get_by_role("heading", level=2)).to_have_text("svc-billing")
        expect(seen.page.locator("svg.graph g title")).to_have_text(["can become deployer"])


def test_many_neighbours_are_counted_not_drawn(opens: Opens) -> None:
    """A drawing stays readable, and says how many it leaves to the table."""
    links = tuple(Link(relation="can_assume", target=f"arn:{number}", evidence="policy") for number in range(40))
    with opens(make_result(make_assessment(make_identity("hub", links=links)))) as seen:
        opened(seen.page, "hub")
        expect(seen.page.locator("svg.graph g")).to_have_count(7)
        expect(seen.page.locator("svg.graph g").last).to_contain_text("and 34 more")


@pytest.mark.parametrize("moment", [NOW.replace(year=1), NOW.replace(year=9999)], ids=["year 1", "year 9999"])
def test_absurd_dates_break_no_drawing(opens: Opens, moment: object) -> None:
    """A provider that says nonsense gets nonsense drawn, within the frame."""
    credential = make_credential("svc", "AKIA1", created_at=moment, expires_at=moment, last_used_at=moment)
    result = make_result(make_assessment(make_identity("svc", credentials=(credential,))))
    with opens(replace(result, scan=replace(result.scan, started_at=NOW))) as seen:
        opened(seen.page, "svc")
        xs = seen.page.locator("svg.timeline line").evaluate_all(
            "lines => lines.map(l => Number(l.getAttribute('x2')))"
        )

        assert all(0 <= x <= 541 for x in xs)
        assert seen.complaints == []
