"""The board's page in every format that has it: one sheet, the same numbers, and nothing from outside that acts."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from playwright.sync_api import Browser

from reports.base import Screen
from reports.board import words
from reports.board.formats import BOARD_FORMATS
from reports.board.records import Measure
from reports.states import STATES
from scanner.model import Acknowledged, EntryAssessment, OwnershipVerdict, ScanPoint, ScanResult, Since, Summary, Upkeep
from scanner.model.retirement import RetirementState
from scanner.model.trends import TRENDS, TeamTrend, Trends, TrendScan
from tests.accessibility import violations_in_light_and_dark
from tests.browser import watched
from tests.contract.test_reports import ACTIVE
from tests.factories import (
    NOW,
    days_ago,
    make_assessment,
    make_credential,
    make_entry,
    make_finding,
    make_identity,
    make_result,
)
from tests.reports.html.estate import small_estate, with_history
from tests.reports.samples import (
    HOSTILE,
    estate,
    estate_with_activity,
    estate_with_gaps,
    hostile_result,
    provisional,
    without_registry,
)


def _with_every_line() -> ScanResult:
    """A trend in which everything is known, as far as a page has room for it, and one for each team."""
    counts = Summary(unexplained_findings=3, upkeep=Upkeep(entries=9, owner=9, purpose=7, review=1))
    points = (ScanPoint(id=f"{days}", started_at=days_ago(days), counts=counts) for days in (300, 200, 0))
    return with_trends(replace(estate_with_activity(), trend=tuple(points)))


def with_trends(result: ScanResult) -> ScanResult:
    """With the history of each of its teams."""
    names = dict.fromkeys(one.ownership.team for one in result.identities)
    scans = tuple(TrendScan(id=point.id, started_at=point.started_at) for point in result.trend)
    numbers = dict.fromkeys(TRENDS, tuple(range(len(scans), 0, -1)))
    history = tuple(TeamTrend(team=name, numbers=numbers) for name in names)
    return replace(result, trends=Trends(scans=scans, teams=history))


RESULTS = {
    "history": with_history(small_estate()),
    "estate": estate(),
    "gaps": estate_with_gaps(),
    "no registry": without_registry(),
    "activity": estate_with_activity(),
    "every line": _with_every_line(),
    "empty": make_result(),
}


def written(format_name: str, result: ScanResult) -> str:
    out = io.BytesIO()
    BOARD_FORMATS[format_name]().write(result, "all", out, Screen())
    return out.getvalue().decode()


def teams(*names: str) -> ScanResult:
    """An estate in which each of these teams has one orphan."""
    verdicts = [OwnershipVerdict(state="orphaned", reason="departed", team=name) for name in names]
    return make_result(*(make_assessment(f"svc-{at}", ownership=verdict) for at, verdict in enumerate(verdicts)))


def _rows(page: str) -> list[str]:
    """The rows of the table of teams."""
    return re.findall(r"<tr>(.*?)</tr>", page.partition('class="teams"')[2].partition("<tbody>")[2])


def _of_team(result: ScanResult, name: str) -> ScanResult:
    return replace(result, identities=(*result.identities, *teams(name).identities))


@pytest.mark.parametrize("format_name", BOARD_FORMATS)
@pytest.mark.parametrize("result", RESULTS.values(), ids=RESULTS)
def test_every_result_has_a_board(format_name: str, result: ScanResult) -> None:
    """Also where there is nothing, or nothing is known."""
    assert written(format_name, result) == written(format_name, result)


@pytest.mark.parametrize("format_name", BOARD_FORMATS)
@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_hostile_teams_stay_text(format_name: str, name: str) -> None:
    """Whatever a team is called, it acts on no terminal and adds no element."""
    text, harmless = (written(format_name, _of_team(hostile_result(one), one)) for one in (name, "x"))

    assert ACTIVE.findall(text) == []
    assert format_name != "html" or re.findall(r"<[^\s>]+", text) == re.findall(r"<[^\s>]+", harmless)


def test_the_page_runs_nothing_and_asks_for_nothing() -> None:
    """No script, no address, no inline style; its policy allows its own style alone."""
    page = written("html", RESULTS["history"])
    markup = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)

    assert not re.search(r"<script|\s(on\w+|style|src|href)=|https?:", markup)
    assert re.search(r"default-src 'none'; style-src 'sha256-[^']+'; base-uri 'none'; form-action 'none'", page)


def test_the_numbers_say_what_they_are_out_of_and_what_is_not_known() -> None:
    """Numerator, denominator, and how many more are unknown; gaps mark each number that depends on them."""
    page = written("html", provisional(estate_with_gaps()))

    assert re.search(r"<h2>Owned</h2>.*?\d+ of \d+ identities.*?<b>\d+ more unknown.</b>", page)
    assert page.count('class="incomplete"') == 7
    assert "could not be read in full" in page
    assert 'class="incomplete"' not in written("html", estate())


def test_many_teams_are_counted() -> None:
    """Those with the most to do have a row, the others share one, and the last row is the sum of them all."""
    result = teams(*(f"team {number:02}" for number in range(30)))
    rows = [re.findall(r"<bdi>(.*?)</bdi>|<td[^>]*>(.*?)</td>", row) for row in _rows(written("html", result))]
    cells = [[name or number for name, number in row] for row in rows]

    assert [row[0] for row in cells[-2:]] == ["22 more teams", "All"]
    assert [row[1:4] for row in cells[-2:]] == [["22", "0 %", "22"], ["30", "0 %", "30"]]
    assert "22 more teams" in written("table", result)
    assert len(json.loads(written("json", result))["teams"]) == 30


def test_every_card_has_one_direction_of_good() -> None:
    """The longer the green bar the better; a share where less is better is shown as its complement."""
    key = make_credential("svc", "AKIA1", never_expires=True)
    short = make_credential("svc", "AKIA2", created_at=days_ago(1), expires_at=days_ago(-1))
    result = make_result(make_assessment(make_identity("svc", credentials=(key, short, short))))
    page = written("html", result)

    assert "Long-lived" not in page
    card = re.search(r"<h2>Short-lived</h2>(.*?)</div>", page)
    assert card is not None
    assert "67 %" in card[1]
    assert "2 of 3 credentials" in card[1]
    assert re.findall(r'class="(good|bad)" x="[\d.]+" width="([\d.]+)"', card[1]) == [
        ("good", "66.67"),
        ("bad", "33.33"),
    ]
    (measure,) = (one for one in json.loads(written("json", result))["measures"] if one["name"] == "long_lived")
    assert (measure["count"], measure["better"]) == (1, "less")


def test_every_card_says_how_it_changed_since_the_last_scan() -> None:
    """In points of its share, up as good also where less is better; without a scan before nothing is said."""
    result = small_estate()
    before = {"owned": (0, 4), "registered": (1, 5), "long_lived": (1, 1), "read": (1, 2)}
    since = Since(scan="before", started_at=days_ago(1), shares=before)
    page, text = (written(name, replace(result, since=since)) for name in ("html", "table"))
    steps = dict(re.findall(r'<h2>([^<]*)</h2>(?:(?!</div>).)*<p class="step (\w+)">', page))

    assert steps == {"Owned": "good", "Registered": "quiet", "Short-lived": "quiet", "Read in full": "quiet"}
    assert '<p class="step good">+20 points since 2026-11-24</p>' in page
    assert "Since 2026-11-24" in text
    assert "+20 points" in text
    assert 'class="step' not in written("html", result)


def test_the_trend_has_axes_and_the_colours_of_its_states() -> None:
    """Each number has its own scale, its days, and the tone that its state has in every report."""
    page = written("html", RESULTS["history"])
    lines = re.findall(r"<figure><figcaption>(.*?) <b class='(\w+)'>(.*?)</b></figcaption>(.*?)</figure>", page)

    assert [line[:3] for line in lines] == [
        ("Owned", STATES["ownership"]["owned"].tone, "20 %"),
        ("Registered", STATES["registry"]["registered"].tone, "25 %"),
        ("Orphans", STATES["ownership"]["orphaned"].tone, "4"),
        ("Unregistered", STATES["registry"]["unregistered"].tone, "3"),
        ("Critical and high", STATES["severity"]["critical"].tone, "1"),
        ("Worsened", "bad", "0"),
        ("Acknowledged", "quiet", "0"),
    ]
    assert [re.findall(r"<text[^>]*>(.*?)</text>", line[3]) for line in lines[1:3]] == [
        ["100 %", "0 %", "2026-10-26", "2026-11-25"],
        ["9", "0", "2026-10-26", "2026-11-25"],
    ]


def test_counts_agree_or_say_why() -> None:
    """Shares are of all but the exempt; what the rows of the teams leave out is reported below them."""
    exempt = make_assessment("person", ownership=OwnershipVerdict(state="not_applicable"))
    owned = make_assessment("svc", ownership=OwnershipVerdict(state="owned", team="Data"))
    findings = (
        make_finding(fingerprint="1", severity="high", identity=owned.identity.key),
        make_finding(fingerprint="2", severity="high", identity=None, entry="NHI-1"),
    )
    page = written("html", make_result(exempt, owned, findings=findings))

    assert "Shares are of 1 of 2 identities. Not counted: 1 exempt (people, what providers manage" in page
    assert "Not in any team: 1 critical or high finding" in page
    assert "Shares are of all" in written("html", make_result(owned))


@pytest.mark.parametrize(
    ("share", "said"),
    [(None, "n/a"), (0, "0 %"), (0.004, "< 1 %"), (0.5, "50 %"), (0.996, "> 99 %"), (1, "100 %")],
)
def test_a_percentage_is_never_rounded_to_all_or_nothing(share: float | None, said: str) -> None:
    """The one that is missing is what matters."""
    assert words.percent(share) == said


def test_every_measure_has_its_words() -> None:
    """Each is explained, and nothing is that is not there."""
    measures = json.loads(written("json", estate()))["measures"]

    assert [one["name"] for one in measures] == list(words.MEASURES)
    assert words.fraction(Measure(name="owned", count=1, known=2_000, unknown=0)) == "1 of 2,000 identities"


def test_the_terminal_has_the_same_in_80_columns() -> None:
    """Shares, orphans, trend and teams."""
    text = written("table", RESULTS["history"])

    assert max(map(len, text.splitlines())) <= 80
    assert "owned 10 % to 20 %, registered n/a to 25 %, orphans 9 to 4" in re.sub(r"\s+", " ", text)
    assert "Resolved in 10 days" in re.sub(r"\s+", " ", text)


@pytest.mark.browser
@pytest.mark.parametrize("name", ["Growth", "x" * 5_000, "wide " * 60])
@pytest.mark.parametrize("result", [estate_with_gaps(), provisional(estate_with_gaps()), without_registry()])
def test_it_prints_on_one_sheet(browser: Browser, tmp_path: Path, result: ScanResult, name: str) -> None:
    """With every caveat, a full list of teams with long names, and a trend: one page of A4."""
    identities = (*result.identities, *teams(*(f"{at} {name}" for at in range(9))).identities)
    full = with_trends(replace(result, identities=identities, trend=_with_every_line().trend))
    file = tmp_path / "board.html"
    file.write_text(written("html", full), encoding="utf-8")
    with watched(browser, file.as_uri()) as seen:
        printed = seen.page.pdf(prefer_css_page_size=True)

        assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1
        assert seen.complaints == []
        assert seen.requests == [file.as_uri()]


@pytest.mark.browser
def test_a_phone_shows_teams_and_headings_whole(browser: Browser, tmp_path: Path) -> None:
    """Nothing is cut, no name is broken within a word, and the page is not wider than the screen."""
    file = tmp_path / "board.html"
    result = replace(teams("Growth", "Platform", "Payments"), trend=_with_every_line().trend)
    file.write_text(written("html", with_trends(result)), encoding="utf-8")
    with watched(browser, file.as_uri()) as seen:
        seen.page.set_viewport_size({"width": 390, "height": 844})
        seen.page.locator("summary").click()
        cut = "cells => cells.filter(cell => cell.scrollWidth > cell.clientWidth).map(cell => cell.textContent)"
        heights = "cells => cells.map(cell => cell.getClientRects().length)"

        assert seen.page.locator(".teams :is(th, td)").evaluate_all(cut) == []
        assert set(seen.page.locator(".teams tbody bdi").evaluate_all(heights)) == {1}
        assert seen.page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.mark.browser
@pytest.mark.parametrize("result", RESULTS.values(), ids=RESULTS)
def test_axe_finds_nothing(browser: Browser, tmp_path: Path, result: ScanResult) -> None:
    """Neither in light nor in dark."""
    file = tmp_path / "board.html"
    file.write_text(written("html", result), encoding="utf-8")
    with watched(browser, file.as_uri()) as seen:
        for closed in seen.page.locator("details:not([open]) summary").all():
            closed.click()
        assert violations_in_light_and_dark(seen.page) == []


def test_a_table_has_the_numbers_of_the_lines() -> None:
    """The latest scan first, and of many scans the last ones."""
    counts = [Summary(orphaned=at, unregistered=2 * at, worsened=at % 3, acknowledged=at % 5) for at in range(40)]
    points = tuple(ScanPoint(id=f"{at}", started_at=days_ago(40 - at), counts=one) for at, one in enumerate(counts))
    page = written("html", replace(estate(), trend=points))
    table = page.partition('<details class="nights">')[2].partition("</details>")[0]
    rows = [re.findall(r"<td>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", table)]

    assert "The numbers of the last 30, scan by scan" in table
    assert re.findall(r'scope="col">(.*?)</th>', table)[3:] == [
        "Orphans", "Unregistered", "Critical and high", "Worsened", "Acknowledged",
    ]  # fmt: skip
    assert [row[2:] for row in rows[1:3]] == [["39", "78", "0", "0", "4"], ["38", "76", "0", "2", "3"]]
    assert len(rows) == 31


def test_teams_have_their_orphans_over_time() -> None:
    """Also the row of those that share one, and the sum; without a history nothing is claimed."""
    result = replace(teams(*(f"team {number:02}" for number in range(12))), trend=_with_every_line().trend)
    cells = re.findall(r'<td class="number past">.*?<small>(.*?)</small>', written("html", with_trends(result)))
    document = json.loads(written("json", with_trends(result)))

    assert cells == ["was 3"] * 8 + ["was 12", "was 36"]
    assert [team["history"] for team in document["teams"]] == [[3, 2, 1]] * 12
    assert "was" not in written("html", result).partition('class="teams"')[2]


def _card(page: str, title: str) -> str:
    """The text of a card, in one line."""
    found = re.search(rf"<h2>{title}</h2>(.*?)</div>", page, re.DOTALL)
    assert found is not None
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split())


def test_use_is_counted_where_logs_cover_it() -> None:
    """Who is covered, how much of what they may use they use, and what nothing explains; the estate's sum."""
    page, text = (written(name, estate_with_activity()) for name in ("html", "table"))

    assert "33 %" in _card(page, "Covered by logs")
    assert "2 of 6 identities" in _card(page, "Covered by logs")
    assert "1 of 6 granted" in _card(page, "Services used")
    assert "1 more unknown" in _card(page, "Services used")
    assert "1 finding about what identities did that no known change explains" in page
    assert "Audit logs: 1 finding" in text
    assert json.loads(written("json", estate_with_activity()))["unexplained"] == 1


@pytest.mark.parametrize(
    ("facts", "unknown"),
    [
        pytest.param({"evidence": {"explained": None}}, 2, id="unknown"),
        pytest.param(
            {"evidence": {"explained": None}, "acknowledged": Acknowledged(reason="x", by="ada", until=NOW.date())},
            1,
            id="acknowledged",
        ),
        pytest.param({"evidence": {"explained": True}}, 1, id="explained"),
        pytest.param({}, 1, id="not about a day"),
    ],
)
def test_findings_that_a_change_may_explain_are_counted_apart(facts: dict[str, Any], unknown: int) -> None:
    """What is unknown is neither explained nor unexplained; of the estate's findings, one is."""
    result = estate_with_activity()
    more = make_finding(**facts)

    text = " ".join(written("table", replace(result, findings=(*result.findings, more))).split())

    assert f"1 finding about what identities did that no known change explains; {unknown} more unknown." in text


def _retired(days: float, **facts: Any) -> RetirementState:
    """A retirement that ended with a deletion so many days ago."""
    given: dict[str, Any] = {"stage": "deleted", "stage_since": days_ago(days), "is_heard": True, **facts}
    return RetirementState(identity=f"svc-{days}", started_at=days_ago(200), by="ada", wait_days=30, **given)


def test_what_was_retired_in_the_quarter_is_counted_by_who_was_harmed() -> None:
    """Only where a log would have named who is refused, nobody was harmed; unknown ones are told apart."""
    done = (
        _retired(1),
        _retired(50),
        _retired(100),  # in the quarter before: this one began on 1 October
        _retired(2, heard_at=days_ago(9)),
        _retired(3, is_heard=None),
        _retired(4, is_heard=None),
        _retired(5, stage_since=None),
    )
    going = replace(_retired(6), stage="lowered")
    result = replace(make_result(), retired=done, retirements=(*done[:1], going))
    page, text, document = (written(name, result) for name in ("html", "table", "json"))

    assert json.loads(document)["retired"] == {
        "since": "2026-10-01", "unharmed": 2, "called": 1, "unknown": 2, "under_way": 1,
    }  # fmt: skip
    said = "Deleted since 2026-10-01: 5. Somebody was refused: 1. Unknown, as no log would tell: 2. Under way: 1."
    assert re.search(
        rf">{words.RETIRED}</h2>\s*<p class=\"share\">2</p>\s*<p class=\"note\">{re.escape(said)}</p>", page
    )
    assert f"2. {said}" in " ".join(text.split())
    assert "Deleted since 2026-10-01: 0. Under way: 0." in written("html", make_result())


def test_without_a_log_nothing_is_claimed() -> None:
    """Neither 0 % nor 100 %: what identities do is unknown."""
    page, text = (written(name, estate()) for name in ("html", "table"))

    assert _card(page, "Covered by logs").startswith("n/a no audit log was read")
    assert _card(page, "Services used").startswith("n/a none known, or no log")
    assert "No audit log was read, so what identities do is unknown." in page
    assert "No audit log was read" in text
    assert json.loads(written("json", estate()))["unexplained"] is None


def test_unexplained_findings_have_a_line_once_a_log_was_read() -> None:
    """A scan before the first log has no point on it, rather than 0."""
    scans = ((60, None), (30, 4), (0, 1))
    points = tuple(
        ScanPoint(id=f"{days}", started_at=days_ago(days), counts=Summary(unexplained_findings=count))
        for days, count in scans
    )
    page = written("html", replace(estate_with_activity(), trend=points))
    without = written("html", replace(estate(), trend=points[:1] * 2))

    assert re.findall(r"<figcaption>(.*?) <b", page)[-1] == "Unexplained"
    (drawn,) = re.findall(r'<polyline class="bad" points="([^"]*)"', page.rpartition("<figcaption>")[2])
    assert len(drawn.split()) == 2
    assert "Unexplained" not in without
    later = replace(estate_with_activity(), trend=points[1:])
    assert "unexplained findings 4 to 1" in written("html", later)


def test_the_registry_is_measured_against_the_first_scan_that_counted_it() -> None:
    """A scan of an earlier version counted nothing, which is unknown and not 0."""
    counts = (None, Upkeep(entries=4, owner=1), Upkeep(entries=2, owner=1, purpose=2))
    points = tuple(
        ScanPoint(id=f"{place}", started_at=days_ago(30 - place), counts=Summary(upkeep=one))
        for place, one in enumerate(counts)
    )
    declared = (
        make_entry(owner=("ada@example.com",), purpose="bills", team="Data"),
        make_entry(owner=(), purpose=None, blast_radius="all", last_reviewed=NOW.date(), team="DATA"),
        make_entry(owner=(), status="retired"),
    )
    entries = tuple(EntryAssessment(entry=one, state="found") for one in declared)
    result = replace(make_result(), entries=entries, trend=points)
    document = json.loads(written("json", result))

    assert {one["name"]: (one["count"], one["known"]) for one in document["kept"]} == {
        "owner": (1, 2),
        "purpose": (1, 2),
        "review": (1, 2),
        "blast_radius": (1, 2),
    }
    assert [point["kept"]["owner"] for point in document["trend"]] == [None, 0.25, 0.5]
    assert [(team["name"], team["upkeep"]["entries"]) for team in document["teams"]] == [(None, 0), ("Data", 2)]
    page = written("html", result)
    assert "50 % <small>was 25 %</small>" in page
    assert re.findall(r"<figcaption>(.*?) <b class='good'>(.*?)</b>", page)[-1] == ("Entries kept", "38 %")
    assert f"Of 2 registry entries that are not retired; was: on {days_ago(29):%Y-%m-%d}." in page
    text = written("table", result)
    assert "Name an owner     50 %    1        25 %" in text
    assert "No registry entries, so how well they are kept is unknown." in written("table", make_result())
