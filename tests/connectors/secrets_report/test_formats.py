"""Rows of every scanner: the same leak from each, and never the secret."""

from __future__ import annotations

import gzip
import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.exposed import PublicIds, exposure_of
from connectors.secrets_report.documents import rows_of
from connectors.secrets_report.rows import NoLeak
from scanner.errors import SourceError
from tests.connectors.secrets_report.reports import (
    ACCOUNT,
    ARN,
    COMMIT,
    GCP_ID,
    KEY_ID,
    SERVICE_ACCOUNT,
    TOKEN,
    TOKEN_HASH,
    VALUE,
    alert,
    audited,
    baseline,
    betterleaks,
    discover,
    gitleaks,
    kingfisher,
    lines,
    sarif,
    scanned,
    trufflehog,
    written,
)
from tests.examples import examples
from tests.hostile_json import mutated

COMMITTED = datetime(2026, 11, 1, 10, tzinfo=UTC)
REPORTS: dict[str, Any] = {
    "gitleaks": [gitleaks()],
    "gitleaks with a link": [gitleaks(Link=f"https://github.com/acme/shop/blob/{COMMIT}/prod.env#L3")],
    "SARIF": sarif(),
    "TruffleHog": lines("\U0001f437 TruffleHog. Unearth your secrets.", trufflehog(),
                        {"level": "info-0", "ts": "2026-11-01T10:00:00Z", "msg": "finished scanning"}),
    "detect-secrets": baseline(),
    "Betterleaks": {"schema_version": "1", "findings": [betterleaks()], "scan": scanned()},
    "Betterleaks, lines": lines({"schema_version": "1", "finding": betterleaks()},
                                {"schema_version": "1", "scan": scanned()}),
    "Kingfisher": {"findings": [kingfisher()], "audit": audited(), "metadata": {"command_line_args": [VALUE]}},
    "Kingfisher, lines": lines(kingfisher(), {"audit": audited()}),
    "alerts": [alert()],
    "alerts as --slurp has them": [[alert()], []],
    "alerts of two pages": json.dumps([alert()]) + json.dumps([]),
    "alerts as lines": lines(alert()),
    "with a byte order mark": "\ufeff" + json.dumps([gitleaks()]),
    "from PowerShell": json.dumps([gitleaks()]).encode("utf-16"),
    "packed": gzip.compress(json.dumps([gitleaks()]).encode()),
}  # fmt: skip


@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
def test_each_scanner_has_the_same_leak(tmp_path: Path, report: Any) -> None:
    """Key, place and what else it says; no secret in any form."""
    (found,), coverage = discover(written(tmp_path, report), repository="acme/shop")

    assert (coverage.status, coverage.identities, coverage.detail) == ("complete", 1, None)
    assert found.key_id in (KEY_ID, f"sha1:{baseline()['results']['prod.env'][0]['hashed_secret']}")
    assert (found.provider, found.file, found.line) == ("aws", "prod.env", 3)
    assert found.repository == "acme/shop"
    assert found.commit in (COMMIT, None)
    assert found.committer in ("ada@example.com", None)
    assert found.exposed_at in (COMMITTED, None)
    assert VALUE not in repr(found)


def test_what_only_some_scanners_say(tmp_path: Path) -> None:
    """Whether the key works, whom it belongs to, and whether anyone can read it."""
    say = ("verified", "holder", "public")
    cases = {
        "gitleaks": ([gitleaks()], (None, None, None)),
        "detect-secrets": (baseline(is_verified=True), (True, None, None)),
        "TruffleHog": (lines(trufflehog()), (True, ARN, None)),
        "a dead key": (lines(trufflehog(Verified=False)), (False, ARN, None)),
        "not tried": (lines(trufflehog(Verified=False, VerificationError="timeout")), (None, ARN, None)),
        "Betterleaks": ({"findings": [betterleaks(analysis={"status": "valid"})]}, (True, None, None)),
        "revoked": ({"findings": [betterleaks(analysis={"status": "revoked"})]}, (False, None, None)),
        "needs more": ({"findings": [betterleaks(analysis={"status": "needs_validation"})]}, (None, None, None)),
        "Kingfisher": ([kingfisher(validation={"outcome": "verified_active"})], (True, None, None)),
        "inactive there": ([kingfisher(validation={"outcome": "verified_inactive"})], (False, None, None)),
        "assumed": ([kingfisher(validation={"outcome": "assumed"})], (None, None, None)),
        "no ARN": (lines(trufflehog(ExtraData={"user_id": "AIDA1"})), (True, "AIDA1", None)),
        "an alert": ([alert()], (True, None, False)),
        "inactive": ([alert(validity="inactive")], (False, None, False)),
        "public": ([alert(validity="unknown", repository={"private": False})], (None, None, True)),
        "leaked": ([alert(publicly_leaked=True)], (True, None, True)),
        "of one repository": ([{**alert(), "repository": None}], (True, None, None)),
    }
    for name, (report, expected) in cases.items():
        (found,), _ = discover(written(tmp_path, report))

        assert tuple(getattr(found, field) for field in say) == expected, name


@pytest.mark.parametrize(
    ("text", "provider", "key_id", "holder"),
    [
        (KEY_ID, "aws", KEY_ID, None),
        (f"key={KEY_ID}:{VALUE}", "aws", KEY_ID, None),
        ("ABIA" + "A" * 16, "aws", "ABIA" + "A" * 16, None),
        ("ACCA" + "2" * 16, "aws", "ACCA" + "2" * 16, None),
        ("ASIA" + "A" * 16, "unknown", None, None),
        (f"x{KEY_ID}", "unknown", None, None),
        (f"{KEY_ID}A", "unknown", None, None),
        (SERVICE_ACCOUNT, "gcp", GCP_ID, ACCOUNT),
        (json.dumps(SERVICE_ACCOUNT), "gcp", GCP_ID, ACCOUNT),
        (f'key_id":"{GCP_ID}"', "gcp", GCP_ID, None),
        (GCP_ID, "unknown", None, None),
        (TOKEN, "github", TOKEN_HASH, None),
        (VALUE, "unknown", None, None),
        ("", "unknown", None, None),
    ],
)
def test_public_ids_are_taken_by_their_form(text: str, provider: str, key_id: str | None, holder: str | None) -> None:
    """Of GitHub's tokens only a hash; of anything else, nothing."""
    taken = PublicIds(text)

    assert (taken.provider, taken.key_id, taken.holder) == (provider, key_id, holder)


def test_redacted_keys_are_a_gap(tmp_path: Path) -> None:
    """They are listed with their place, and cannot be matched; a redacted password is none of our keys."""
    rows = [gitleaks(Secret="REDACTED", Match="REDACTED"), gitleaks(RuleID="generic", Secret="REDACTED", Match="x")]
    (found,), coverage = discover(written(tmp_path, rows))

    assert (found.provider, found.key_id, found.place) == ("aws", None, "prod.env:3")
    assert coverage.status == "partial"
    assert "report.json is redacted: 1 of its findings cannot be matched with a key" in (coverage.detail or "")
    assert "1 without a public id, of no known provider" in (coverage.detail or "")
    _, hidden = discover(written(tmp_path, [{key: fact for key, fact in alert().items() if key != "secret"}]))
    assert hidden.status == "partial"


def test_what_is_no_leak_is_counted(tmp_path: Path) -> None:
    """Canaries, and what people closed or audited as none."""
    canary = trufflehog(ExtraData={"arn": ARN, "is_canary": "true"})
    cases = {
        "1 canary": lines(canary),
        "2 canary": lines(canary, kingfisher(validation={"status": "Canary Token (Skipped)"})),
        "1 closed as no leak": [alert(state="resolved", resolution="false_positive")],
        "1 audited as no secret": baseline(is_secret=False),
        "1 without a public id, of no known provider": [gitleaks(RuleID="generic", Secret=VALUE, Match=VALUE)],
    }
    for why, report in cases.items():
        found, coverage = discover(written(tmp_path, report))

        assert found == [], why
        assert (coverage.status, coverage.detail) == ("complete", f"findings left out: {why}")
    (revoked,), _ = discover(written(tmp_path, [alert(state="resolved", resolution="revoked")]))
    assert revoked.key_id == KEY_ID


def test_a_scan_that_did_not_end_is_a_gap(tmp_path: Path) -> None:
    """Both scanners say so; what they found counts."""
    line = {"schema_version": "1", "finding": betterleaks()}
    cases: dict[str, Any] = {
        "stopped": {"schema_version": "1", "findings": [betterleaks()], "scan": scanned("incomplete")},
        "stopped, lines": lines(line, {"schema_version": "1", "scan": scanned("error")}),
        "partial": {"findings": [kingfisher()], "audit": audited(scan_partial=1)},
        "not fetched, lines": lines(kingfisher(), {"audit": audited(fetch_failed=1)}),
    }
    for name, report in cases.items():
        found, coverage = discover(written(tmp_path, report))

        assert ([one.key_id for one in found], coverage.status) == ([KEY_ID], "partial"), name
        assert "could not be read: the scanner did not scan everything" in (coverage.detail or ""), name


def test_masked_findings_of_both(tmp_path: Path) -> None:
    """As ``--redact`` writes them: listed, and a gap."""
    rows = [betterleaks(match={"full": "REDACTED", "value": "REDACTED"}), kingfisher(snippet="[REDACTED:0b248d9a]")]
    found, coverage = discover(written(tmp_path, rows))

    assert [(one.provider, one.key_id) for one in found] == [("aws", None)] * 2
    assert coverage.status == "partial"
    assert "2 of its findings cannot be matched with a key" in (coverage.detail or "")


def test_a_row_that_is_none_costs_itself_alone(tmp_path: Path) -> None:
    """It is named by file and line, without its text."""
    rows = [gitleaks(), {"RuleID": 7, "Secret": VALUE}, {"other": VALUE}, [], gitleaks(File="b.env")]
    found, coverage = discover(written(tmp_path, rows))

    assert [one.file for one in found] == ["prod.env", "b.env"]
    assert coverage.status == "partial"
    for line, why in ((22, "Expected `str`, got `int` - at `$.RuleID`"), (26, "it is not a row of gitleaks")):
        assert f"row report.json line {line} could not be read: {why}" in (coverage.detail or "")
    assert VALUE not in (coverage.detail or "")
    broken = lines(trufflehog(), '{"DetectorName": "AWS", ' + VALUE, trufflehog(ExtraData=None, Raw=TOKEN, Redacted=""))
    found, coverage = discover(written(tmp_path, broken))
    assert len(found) == 2
    assert "row report.json line 2 could not be read" in (coverage.detail or "")


def test_a_report_that_breaks_off_keeps_what_came_before(tmp_path: Path) -> None:
    """And what comes after a damaged row."""
    whole = json.dumps([gitleaks(File=f"{number}.env") for number in range(4)], indent=1)
    found, coverage = discover(written(tmp_path, whole[: whole.index("2.env")]))
    assert [one.file for one in found] == ["0.env", "1.env"]
    assert coverage.status == "partial"
    assert "report.json line 42 could not be read: the report is broken off or damaged here" in (coverage.detail or "")

    found, _ = discover(written(tmp_path, whole.replace('"File": "1.env"', '"File": "1.env')))
    assert [one.file for one in found] == ["0.env", "2.env", "3.env"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "report.json is empty"),
        (b"\xff\xfe{", "its text is broken off"),
        (gzip.compress(b"[]" * 99, mtime=0)[:-9], "its text is broken off"),
        (b"no report\n", "line 1 could not be read: it has no row of a report"),
        (b"<html></html>", "it has no row of a report"),
        (b"[" * 100_000, "broken off or damaged"),
        (b'{"a": {"b": 1}}', "it is not a row of gitleaks"),
        (b"17", "it has no row of a report"),
    ],
)
def test_what_is_no_report_is_a_gap(tmp_path: Path, content: bytes, why: str) -> None:
    """Never a clean one."""
    found, coverage = discover(written(tmp_path, content))

    assert (found, coverage.status) == ([], "partial")
    assert why in (coverage.detail or "")


def test_an_empty_list_is_a_clean_report(tmp_path: Path) -> None:
    """As gitleaks writes it where it found nothing."""
    clean: list[Any] = [
        "[]",
        {"runs": [{"results": []}]},
        {"runs": [{"results": None}]},
        {"results": {}},
        {"findings": []},
    ]
    for content in clean:
        found, coverage = discover(written(tmp_path, content))

        assert (found, coverage.status, coverage.detail) == ([], "complete", None)


@pytest.mark.parametrize(
    ("address", "repository"),
    [
        ("https://github.com/acme/shop.git", "acme/shop"),
        (f"https://x:{VALUE}@gitlab.example.com:8443/a/b/c/", "a/b/c"),
        ("git@github.com:acme/shop.git", "acme/shop"),
        ("ssh://git@example.com:22/acme/shop.git", "acme/shop"),
        ("file:///srv/shop", "file:///srv/shop"),
        ("https://[", "https://["),
    ],
)
def test_a_repository_has_one_name(tmp_path: Path, address: str, repository: str) -> None:
    """That of its address, so that two scanners' findings in one place are one."""
    report = trufflehog({"Git": {"repository": address, "commit": COMMIT, "file": "prod.env", "line": 3}})
    (found,), _ = discover(written(tmp_path, lines(report)))

    assert found.repository == repository


WITH_ENDS = {"findings": [betterleaks(), kingfisher()], "scan": scanned(), "audit": audited()}


@given(mutated([gitleaks(), trufflehog(), alert()]) | mutated(sarif()) | mutated(baseline()) | mutated(WITH_ENDS))
@examples(100, smoke=100)
def test_no_row_ends_the_reading(report: Any) -> None:
    """Whatever is in it: each row is a leak, no leak, or a SourceError."""
    for row in rows_of(json.dumps(report).encode()):
        with suppress(SourceError):
            found = row.read()
            assert isinstance(found, NoLeak) or exposure_of(found, "leaks", "leaks").key


@given(st.binary(max_size=200) | st.text(alphabet='{}[]",:\n aA1', max_size=200).map(str.encode))
@examples(200, smoke=200)
def test_no_bytes_end_the_reading(data: bytes) -> None:
    """Rows or problems, with lines in order."""
    found = [row.line for row in rows_of(data)]

    assert found == sorted(found)
