"""The terminal report: whole pages against golden files, and what must hold on any screen."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from rich.cells import cell_len

from reports.base import VIEWS, Screen, View
from reports.terminal import TerminalReport
from scanner.model import (
    EntryAssessment,
    OwnershipVerdict,
    RegistryVerdict,
    ScanPoint,
    ScanResult,
    Severity,
    Summary,
    UsageVerdict,
)
from tests.factories import (
    NOW,
    days_ago,
    make_assessment,
    make_coverage,
    make_entry,
    make_exposure,
    make_finding,
    make_identity,
    make_result,
)
from tests.reports.samples import (
    HOSTILE,
    estate,
    estate_with_activity,
    estate_with_gaps,
    hostile_result,
    without_registry,
)

GOLDEN = Path(__file__).parent / "golden"
TREND = (
    ScanPoint(id="before", started_at=days_ago(1), counts=Summary(identities=9, orphaned=2)),
    ScanPoint(id="now", started_at=NOW, counts=Summary()),
)
ARN_END = "a-role-with-a-name-that-goes-on-and-on-and-ends-in-production"


def page(result: ScanResult, view: View = "all", screen: Screen | None = None) -> str:
    out = io.BytesIO()
    assert TerminalReport().write(result, view, out, screen or Screen()) == ()
    return out.getvalue().decode()


@pytest.mark.parametrize(
    ("name", "result", "view"),
    [
        ("estate", estate, "all"),
        ("gaps", estate_with_gaps, "all"),
        ("empty", make_result, "all"),
        ("no-registry", without_registry, "all"),
        ("orphans", estate_with_gaps, "orphans"),
        ("findings", estate, "findings"),
        ("inventory", estate, "inventory"),
        ("registry", estate, "registry"),
        ("credentials", estate, "credentials"),
        ("exposed", estate, "exposed"),
        ("coverage", estate_with_gaps, "coverage"),
        ("activity", estate_with_activity, "all"),
        ("activity-findings", estate_with_activity, "findings"),
        ("activity-coverage", estate_with_activity, "coverage"),
    ],
)
def test_the_whole_page(name: str, result: Callable[[], ScanResult], view: View) -> None:
    """What a reader sees on 80 columns without colour."""
    assert page(result(), view) == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("view", VIEWS)
def test_never_wider_than_the_screen(view: View, width: int) -> None:
    """Whatever anything is called; only a command is in one piece, for anyone who copies it."""
    for name in ("svc", *HOSTILE.values()):
        shown = page(hostile_result(name), view, Screen(width=width))
        lines = (line for line in shown.split("\n") if not line.strip().startswith("muster "))
        assert max(map(cell_len, lines)) <= width, name


def test_a_finding_on_an_exemption_is_about_its_pattern() -> None:
    """It has no identity, entry or credential to name."""
    found = make_finding(identity=None, evidence={"match": "arn:aws:iam::*:role/x", "until": "2026-12-01"})

    assert "exemption arn:aws:iam::*:role/x: " in page(make_result(findings=(found,)), "findings")


@pytest.mark.parametrize("view", VIEWS)
def test_every_command_on_it_is_about_the_same_scan(view: View) -> None:
    """With the config that the scan was started with, and in one piece, however long that is."""
    options = f" --config {'deep/' * 20}config.toml"
    shown = page(estate_with_gaps(), view, Screen(options=lambda _: options, longest=1))

    commands = [line for line in shown.splitlines() if "muster " in line and "Muster" not in line]
    assert commands or view in ("agents", "registry", "exposed", "coverage")
    assert [line for line in commands if not line.endswith(options)] == []


@pytest.mark.parametrize("view", VIEWS)
def test_a_screen_without_unicode_gets_ascii(view: View) -> None:
    """Ours and theirs."""
    for case, name in HOSTILE.items():
        assert page(hostile_result(name), view, Screen(unicode=False)).isascii(), case


def test_colour_only_where_asked_for_and_text_the_same() -> None:
    """Colour adds nothing that cannot be read without it, and no blanks at the ends of lines."""
    plain, coloured = page(estate()), page(estate(), screen=Screen(color=True))
    assert "\x1b" not in plain
    assert "\x1b[1;31m" in coloured
    stripped = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert stripped == plain


def test_markup_in_names_is_text() -> None:
    """Rich's own, too."""
    assert HOSTILE["rich markup"] in page(hostile_result(HOSTILE["rich markup"]), "orphans", Screen(width=200))


def test_the_environment_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page depends on result, view and screen alone."""
    before = page(estate())
    for name, value in {"COLUMNS": "40", "FORCE_COLOR": "1", "TERM": "xterm-256color"}.items():
        monkeypatch.setenv(name, value)
    assert page(estate()) == before


def test_a_long_name_keeps_its_end() -> None:
    """Where names differ."""
    shown = page(make_result(make_assessment(make_identity(ARN_END))), "inventory")
    assert re.search(r"a-role-\S*…\S*-production", shown)


def test_a_long_address_keeps_its_beginning() -> None:
    """All owners have the same domain."""
    entry = make_entry(owner=("elena.petrova@a-company-with-a-long-name.example",))
    shown = page(make_result(entries=(EntryAssessment(entry=entry, state="found"),)), "registry")
    assert "  elena.petrova@a-com…\n" in shown


@pytest.mark.parametrize("view", ["all", "orphans", "unregistered", "inventory"])
def test_an_identity_has_one_name_in_every_list(view: View) -> None:
    """Its display name, where it has one."""
    result = make_result(make_assessment(make_identity("Pr1TqlI6", display_name="nightly token")))

    result = replace(result, summary=replace(result.summary, orphaned=1, unregistered=1))
    assert "nightly token" in page(result, view)


def test_disabled_identities_are_counted_once() -> None:
    """As a state of use, not as notable as well."""
    assessment = make_assessment(usage=UsageVerdict(state="disabled", window_days=90, evidence="disabled"))
    result = make_result(assessment, summary=Summary(identities=1, disabled=1))

    assert page(result).count("1 disabled") == 1


def test_a_place_of_a_leaked_key_is_whole() -> None:
    """It is what one looks for, so it is on its own line; a log's name is whole, too."""
    file = f"{'notebooks/' * 4}backfill.ipynb"
    read = make_coverage(source="a-log-with-a-long-name", detail="2 events without a caller")
    result = make_result(exposures=(make_exposure(file=file),), coverage=(read,))

    assert f"      acme/shop {file}:3\n" in page(result, "exposed")
    assert "complete  a-log-with-a-long-name " in page(result, "coverage")


def test_a_long_list_is_cut_and_says_how_to_get_the_rest() -> None:
    """Never cut in silence."""
    judged = tuple(make_assessment(f"svc-{number:02}", findings=(f"{number:032}",)) for number in range(13))
    findings = tuple(
        make_finding(fingerprint=one.findings[0], identity=one.identity.key, rule=f"rule-{rule}")
        for rule in range(6)
        for one in judged[rule::6]
    )
    shown = page(make_result(*judged, findings=findings))
    assert "and 3 more: muster orphans -o csv:orphans.csv" in shown
    assert "and 1 more group: muster report --view findings" in shown
    assert all(f"svc-{number:02}" in page(make_result(*judged), "orphans") for number in range(13))


@pytest.mark.parametrize("view", ["orphans", "unregistered", "findings", "inventory"])
def test_a_screen_for_few_gets_the_most_severe_and_a_file_all(view: View) -> None:
    """A hundred thousand of them scroll by for a minute; what is left out is counted, and can be had."""
    judged = tuple(make_assessment(f"svc-{number}", findings=(f"{number:032}",)) for number in range(5))
    severities: tuple[Severity, ...] = ("critical", "high", "medium", "low", "info")
    findings = tuple(
        make_finding(fingerprint=one.findings[0], identity=one.identity.key, severity=severity)
        for one, severity in zip(judged, severities, strict=True)
    )
    result = make_result(*judged, findings=findings)

    shown = page(result, view, Screen(longest=2))

    assert re.findall(r"svc-\d\b", shown)[0] == "svc-0"
    assert set(re.findall(r"svc-\d\b", shown)) == {"svc-0", "svc-1"}
    assert shown.endswith(f"and 3 more: muster report --view {view} -o csv:{view}.csv\n")
    assert set(re.findall(r"svc-\d\b", page(result, view))) == {f"svc-{number}" for number in range(5)}
    assert page(result, view, Screen(longest=5)) == page(result, view)


def test_many_of_one_sort_are_counted_with_a_few_named() -> None:
    """Three examples and how many more, those of the same name in other places included."""
    keys = [f"arn:aws:iam::{account}:user/svc" for account in range(5)]
    judged = tuple(make_assessment(make_identity("svc", key=key), findings=(f"{key[13]:0>32}",)) for key in keys)
    findings = tuple(make_finding(fingerprint=one.findings[0], identity=one.identity.key) for one in judged)
    shown = page(make_result(*judged, findings=findings))
    assert "Identity is unregistered (5)" in shown
    assert "and 2 more" in shown


@pytest.mark.parametrize(
    ("result", "sentence"),
    [
        (make_result(), "No identities were found."),
        (make_result(make_assessment()), "1 of 1 identity is unregistered; 1 is orphaned."),
        (
            make_result(
                make_assessment(registry=RegistryVerdict(state="registered"), ownership=OwnershipVerdict(state="owned"))
            ),
            "Of 1 identity, none is unregistered and none is orphaned.",
        ),
        (
            replace(estate_with_gaps(), identities=()),
            "No identities could be read.",
        ),
    ],
    ids=["nothing", "one", "all well", "nothing readable"],
)
def test_the_headline(result: ScanResult, sentence: str) -> None:
    """The first line is the answer; it is never green when blind."""
    assert page(result).startswith(f"{sentence}\n")


def test_no_roster_is_reported() -> None:
    """Owners that no one could check are not called owned."""
    unchecked = make_assessment(
        registry=RegistryVerdict(state="registered"), ownership=OwnershipVerdict(state="unchecked")
    )
    assert "No roster was given" in page(make_result(unchecked))


def test_what_is_new_comes_before_what_is_most_severe() -> None:
    """By the day of the scan before; what is not new is not among it."""
    judged = [make_assessment(name) for name in ("old-one", "new-one")]
    findings = (
        make_finding(
            fingerprint="1", identity=judged[0].identity.key, severity="critical", rule="admin", title="Admin"
        ),
        make_finding(fingerprint="2", identity=judged[1].identity.key, new=True),
    )
    shown = page(make_result(*judged, findings=findings, trend=TREND))
    news = shown[shown.index("1 finding new since 2026-11-24") : shown.index("Other findings by severity")]

    assert "new-one" in news
    assert "old-one" not in news
    assert "new since the last scan" in page(make_result(*judged, findings=findings))
    assert "new since" not in page(make_result(*judged, findings=findings[:1], trend=TREND))


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (Summary(identities=9, orphaned=2), "Change    none · since 2026-11-24"),
        (
            Summary(identities=10, orphaned=1, unregistered=2),
            "+1 identity · +2 unregistered · -1 orphaned · since 2026",
        ),
        (Summary(identities=9, orphaned=2, findings={"low": 1_200}), "Change    +1,200 findings · since 2026-11-24"),
    ],
)
def test_what_moved_since_the_scan_before(now: Summary, said: str) -> None:
    """What there is more or less of."""
    assert said in page(make_result(make_assessment(), summary=now, trend=TREND))


def test_the_scan_before_of_the_same_day_is_reported_by_its_time() -> None:
    """A date alone would be the day of both."""
    before = ScanPoint(id="before", started_at=NOW - timedelta(minutes=5), counts=Summary())

    shown = page(make_result(make_assessment(), trend=(before, TREND[1])))

    assert f"since {before.started_at:%Y-%m-%d %H:%M} UTC" in shown


def test_a_first_scan_moved_nothing() -> None:
    """There is nothing to compare it with, and nothing is said of it."""
    assert "Moved" not in page(make_result(make_assessment(), trend=TREND[-1:]))


def test_what_matters_is_on_the_first_screen() -> None:
    """On 24 lines: the headline, what is not known, the counts, and the most severe finding with its remedy."""
    first = "\n".join(page(estate_with_gaps()).split("\n")[:23])

    assert all(one in first for one in ("As far as could be read", "denied", "Registry", "Findings", "Next: "))


def test_findings_stand_under_their_rule_with_digits_that_report_them_apart() -> None:
    """The highest severity first, then the most; eight digits, and more where two begin alike."""
    alike = "ab" * 4
    findings = [
        make_finding(
            fingerprint=f"{alike}{at}{'0' * 23}", rule="stale", title="Stale", identity=f"k{at}", severity="high"
        )
        for at in range(3)
    ]
    findings.append(make_finding(fingerprint="c" * 32, rule="admin", title="Admin", identity="k9", severity="critical"))
    findings.append(make_finding(fingerprint="d" * 32, rule="rare", title="Rare", identity="k8", severity="high"))
    shown = page(make_result(findings=tuple(findings)), "findings")

    assert re.findall(r"^(\w+) +(\w+) \((\d)\)$", shown, re.MULTILINE) == [
        ("critical", "Admin", "1"),
        ("high", "Stale", "3"),
        ("high", "Rare", "1"),
    ]
    assert re.findall(r"^([0-9a-f]{8,})  ?(k\d)", shown, re.MULTILINE) == [
        ("c" * 9, "k9"),
        *((f"{alike}{at}", f"k{at}") for at in range(3)),
        ("d" * 9, "k8"),
    ]


def test_a_long_list_shows_every_rule_and_counts_the_rest() -> None:
    """On a terminal, which lists the first of each."""
    findings = [make_finding(fingerprint=f"{at:032}", rule="stale", identity=f"k{at}") for at in range(30)]
    findings.append(make_finding(fingerprint="d" * 32, rule="rare", identity="rare-one"))
    shown = page(make_result(findings=tuple(findings)), "findings", Screen(longest=20))

    assert len(re.findall(r"\bk\d+\b", shown)) == 10
    assert "and 20 more: muster report --view findings" in shown
    assert "rare-one" in shown
