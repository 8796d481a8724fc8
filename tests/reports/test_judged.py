"""Identities with their findings, and the order of a work list."""

from __future__ import annotations

from reports.judged import judged_identities, most_urgent_first
from scanner.model import Privilege
from tests.factories import make_assessment, make_finding, make_result
from tests.reports.samples import DORMANT


def test_an_identity_comes_with_its_findings() -> None:
    """In the order in which it names them; those that are not there are skipped."""
    high, low = make_finding(fingerprint="aa"), make_finding(fingerprint="cc", severity="low")
    named = make_assessment(findings=("aa", "bb", "cc"))
    (judged,) = judged_identities(make_result(named, findings=(high, low)))
    assert (judged.identity, judged.verdicts, judged.findings) == (named.identity, named, [high, low])


def test_severity_is_the_most_severe_and_unknown_without_findings() -> None:
    """None is not the same as info."""
    findings = (make_finding(fingerprint="aa", severity="critical"), make_finding(fingerprint="bb", severity="info"))
    assessments = (make_assessment("a", findings=("aa", "bb")), make_assessment("b"))
    judged = judged_identities(make_result(*assessments, findings=findings))
    assert [one.severity for one in judged] == ["critical", None]


def test_work_lists_put_the_urgent_first() -> None:
    """Severity, then privilege, then what no one uses, then the key."""
    result = make_result(
        make_assessment("a"),
        make_assessment("b"),
        make_assessment("c", privilege=Privilege(level="admin")),
        make_assessment("d", usage=DORMANT),
        make_assessment("z", findings=("grave",)),
        findings=(make_finding(fingerprint="grave", severity="critical"),),
    )
    listed = most_urgent_first(judged_identities(result))
    assert [judged.identity.name for judged in listed] == ["z", "c", "d", "a", "b"]
