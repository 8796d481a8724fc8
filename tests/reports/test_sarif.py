"""The SARIF report: valid, stable, in place, and within what code-scanning hosts take."""

from __future__ import annotations

import gzip
import io
import random
import re
from collections.abc import Callable
from pathlib import PurePath
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reports.base import VIEWS, Screen, View
from reports.sarif.report import SarifReport, artifact
from scanner.model import SEVERITIES, EntryAssessment, Origin, RegistryVerdict, ScanResult
from tests.factories import make_assessment, make_coverage, make_entry, make_finding, make_identity, make_result
from tests.reports.published import complaints, document, sarif
from tests.reports.samples import HOSTILE, estate, estate_with_gaps, hostile_result, without_registry

RESULTS: dict[str, Callable[[], ScanResult]] = {
    "estate": estate,
    "gaps": estate_with_gaps,
    "no registry": without_registry,
    "empty": make_result,
}


def run_of(result: ScanResult, view: View = "findings") -> dict[str, Any]:
    (run,) = document(SarifReport(), result, view)["runs"]
    found: dict[str, Any] = run
    return found


def results_of(result: ScanResult) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = run_of(result)["results"]
    return found


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("result", RESULTS.values(), ids=RESULTS)
def test_it_is_valid(result: Callable[[], ScanResult], view: View) -> None:
    """By the published schema, in every view."""
    assert complaints(sarif(), document(SarifReport(), result(), view)) == []


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_it_is_valid_whatever_things_are_called(name: str) -> None:
    """Names, files and all."""
    result = hostile_result(name)
    entry = EntryAssessment(entry=make_entry(name, id=name, origin=Origin(file=name, row=3)), state="not_found")
    assert complaints(sarif(), document(SarifReport(), replace(result, entries=(entry,)))) == []


def test_a_result_is_a_finding() -> None:
    """The highest severity first, each with its rule, its level, and what to do."""
    run = run_of(estate())
    first = run["results"][0]
    assert [one["level"] for one in run["results"]] == ["error", "error", "error", "error", "warning", "note"]
    assert first["message"]["text"].startswith("Identity is unregistered: arn:aws:iam::123456789012:user/")
    assert first["message"]["text"].endswith("failures: last used 2026-01-29.")
    assert all(run["tool"]["driver"]["rules"][one["ruleIndex"]]["id"] == one["ruleId"] for one in run["results"])


def test_a_rule_has_help() -> None:
    """Its text and its Markdown, how grave it is for hosts that sort by a number, and no more tags than are shown."""
    rules = {rule["id"]: rule for rule in run_of(estate())["tool"]["driver"]["rules"]}
    assert set(rules) == {finding.rule for finding in estate().findings}
    unregistered = rules["unregistered"]
    assert "Why it matters: An unregistered identity has no declared owner" in unregistered["help"]["text"]
    assert "**What to do.** Ask the best owner" in unregistered["help"]["markdown"]
    assert unregistered["defaultConfiguration"] == {"level": "error"}
    assert unregistered["properties"]["security-severity"] == "8.0"
    assert unregistered["properties"]["tags"][:2] == ["security", "owasp-nhi-2025:NHI1"]
    assert all(len(rule["properties"]["tags"]) <= 10 for rule in rules.values())


def test_a_rule_is_tagged_with_what_its_findings_cite() -> None:
    """Each control once, in the order of the findings, and none that only the catalog knows."""
    cited = (("owasp-nhi-2025:NHI1", "cis-aws-7.0.0:2.11"), ("owasp-nhi-2025:NHI1", "cis-gcp-5.0.0:1.8"))
    findings = tuple(
        make_finding(fingerprint=f"f-{number}", rule="dormant", controls=controls)
        for number, controls in enumerate(cited)
    )
    (rule,) = run_of(make_result(findings=findings))["tool"]["driver"]["rules"]
    assert rule["properties"]["tags"] == ["security", "owasp-nhi-2025:NHI1", "cis-aws-7.0.0:2.11", "cis-gcp-5.0.0:1.8"]


def test_a_rule_that_we_do_not_know_is_reported_by_its_finding() -> None:
    """Of another version's store, or a plugin's."""
    finding = make_finding(rule="of_another", title="Odd indeed", remediation="Look *at* it.")
    (rule,) = run_of(make_result(findings=(finding,)))["tool"]["driver"]["rules"]
    assert (rule["name"], rule["shortDescription"], rule["help"]["text"]) == (
        "OddIndeed",
        {"text": "Odd indeed"},
        "Look *at* it.",
    )
    assert rule["help"]["markdown"] == r"Look \*at\* it."


def test_fingerprints_are_ours() -> None:
    """The host would make one from a line of the registry, which moves."""
    prints = [one["partialFingerprints"] for one in results_of(estate())]
    assert [one["muster/v1"] for one in prints] == [finding.fingerprint for finding in estate().findings]
    assert all(one["primaryLocationLineHash"] == f"{one['muster/v1']}:1" for one in prints)


def test_what_is_new_is_reported() -> None:
    """So that a host does not have to compare."""
    states = [one["baselineState"] for one in results_of(estate())]
    assert states == ["new" if finding.new else "unchanged" for finding in estate().findings]
    assert set(states) == {"new", "unchanged"}


@pytest.mark.parametrize(
    ("entry", "identity", "line"),
    [
        ("NHI-1", None, 7),
        (None, "declared", 7),
        (None, "undeclared", 1),
        (None, None, 1),
        ("gone", None, 1),
    ],
)
def test_a_finding_is_where_its_entry_is(entry: str | None, identity: str | None, line: int) -> None:
    """What no one declared is at the top of the registry it belongs in."""
    declared = make_assessment(
        make_identity("declared", key="declared"), registry=RegistryVerdict(state="registered", entry="NHI-1")
    )
    undeclared = make_assessment(make_identity("undeclared", key="undeclared"))
    origin = Origin(file="lists/registry.csv", row=7)
    result = make_result(
        declared,
        undeclared,
        entries=(EntryAssessment(entry=make_entry("x", origin=origin), state="found"),),
        findings=(make_finding(entry=entry, identity=identity),),
    )
    (found,) = results_of(result)
    (place,) = found["locations"]
    assert place["physicalLocation"]["artifactLocation"] == {"uri": "lists/registry.csv", "uriBaseId": "%SRCROOT%"}
    assert place["physicalLocation"]["region"] == {"startLine": line}
    assert [one["fullyQualifiedName"] for one in place["logicalLocations"]] == list(filter(None, (entry, identity)))


def test_without_a_registry_it_is_where_one_would_be() -> None:
    """Hosts refuse a whole file for one result that is in no file."""
    (found,) = results_of(make_result(findings=(make_finding(),)))
    assert found["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "registry.csv"


@pytest.mark.parametrize(
    ("file", "place"),
    [
        ("registry.csv", {"uri": "registry.csv", "uriBaseId": "%SRCROOT%"}),
        ("a b/r:1.csv", {"uri": "a%20b/r%3A1.csv", "uriBaseId": "%SRCROOT%"}),
        ("../registry.csv", {"uri": "../registry.csv"}),
        ("/srv/registry.csv", {"uri": "file:///srv/registry.csv"}),
        ("postgresql://db/nhi", {"uri": "postgresql%3A/db/nhi", "uriBaseId": "%SRCROOT%"}),
    ],
)
def test_a_file_is_reported_by_its_uri(file: str, place: dict[str, str]) -> None:
    """Relative to the root of the sources where that can be."""
    assert artifact(file) == place


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_uri_leads_back_to_the_file(file: str) -> None:
    """And is one: nothing in it that a URI may not hold."""
    uri = artifact(file)["uri"]
    assert re.fullmatch(r"[\w.~/%:-]*", uri, re.ASCII)
    assert unquote(urlsplit(uri).path) == PurePath(file).as_posix()


@pytest.mark.parametrize("text", ["[x](http://evil.example)", "{0}", r"\[x](1)"])
def test_a_message_stays_text(text: str) -> None:
    """Square brackets would be a link in it, braces a placeholder."""
    (found,) = results_of(make_result(findings=(make_finding(evidence={"name": text}),)))
    message = found["message"]["text"]
    assert not re.search(r"(?<!\\)(\\\\)*\[", message)
    assert not re.search(r"(?<!\{)(\{\{)*\{(?!\{)", message)
    assert re.sub(r"\\(.)", r"\1", message).replace("{{", "{").replace("}}", "}").count(text) == 1


def test_a_long_message_is_cut() -> None:
    """A host would show a wall of text."""
    found, _ = results_of(hostile_result(HOSTILE["ten thousand long"]))
    assert len(found["message"]["text"]) < 2_500


def many(count: int, evidence: Callable[[int], str]) -> ScanResult:
    """As many findings, the first of them critical, the last for information."""
    return make_result(
        findings=tuple(
            make_finding(
                fingerprint=f"{number:032x}",
                severity=SEVERITIES[number * len(SEVERITIES) // count],
                evidence={"text": evidence(number)},
            )
            for number in range(count)
        )
    )


def test_more_results_than_a_host_takes_are_left_out_and_counted() -> None:
    """The most severe stay; both the report and what reads it are reported."""
    out = io.BytesIO()
    notices = SarifReport(results_taken=3).write(many(5, str), "findings", out, Screen())
    (run,) = msgspec.json.decode(out.getvalue())["runs"]
    assert [one["properties"]["severity"] for one in run["results"]] == ["critical", "high", "medium"]
    (notice,) = notices
    assert notice == (
        "it holds 3 of 5 findings, highest severity first: code-scanning hosts take no more. "
        "The others are in every other format"
    )
    (expected,) = run["invocations"][0]["toolExecutionNotifications"]
    assert (expected["level"], expected["message"]["text"]) == ("warning", notices[0])


def test_as_many_as_a_host_takes_are_all_there() -> None:
    """None is left out without need."""
    out = io.BytesIO()
    assert SarifReport(results_taken=5).write(many(5, str), "findings", out, Screen()) == ()
    assert len(msgspec.json.decode(out.getvalue())["runs"][0]["results"]) == 5


def test_it_stays_smaller_than_a_host_takes() -> None:
    """Compressed, also when nothing in it can be."""
    noise = random.Random(1)  # noqa: S311  # no secret, only hard to compress
    out = io.BytesIO()
    result = many(1_000, lambda _: noise.randbytes(500).hex())
    (notice,) = SarifReport(bytes_taken=200_000).write(result, "findings", out, Screen())
    (run,) = msgspec.json.decode(out.getvalue())["runs"]
    assert len(gzip.compress(out.getvalue())) < 220_000
    assert 100 < len(run["results"]) < 1_000
    assert f"it holds {len(run['results'])} of 1,000 findings" in notice


def test_gaps_are_reported_and_it_was_no_success() -> None:
    """What is not in it may only be unseen."""
    (invocation,) = run_of(estate_with_gaps())["invocations"]
    expected = [(one["level"], one["message"]["text"]) for one in invocation["toolExecutionNotifications"]]
    assert invocation["executionSuccessful"] is False
    assert ("error", "denied: aws 123456789012 iam.credential-report: needs iam:GenerateCredentialReport") in expected
    assert ("warning", "partial: vault root auth.approle: row 3 could not be read: no name") in expected
    assert [text for level, text in expected if level == "note"] == list(estate_with_gaps().notices)
    assert run_of(estate())["invocations"][0]["executionSuccessful"] is True


def test_of_very_many_gaps_the_first_are_named() -> None:
    """And the others counted."""
    coverage = tuple(make_coverage(scope=f"{number:012}", status="denied") for number in range(300))
    (invocation,) = run_of(make_result(coverage=coverage))["invocations"]
    expected = invocation["toolExecutionNotifications"]
    assert len(expected) == 101
    assert expected[-1]["message"]["text"] == "and 201 more: muster report --view coverage"
