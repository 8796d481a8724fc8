"""The OCSF report: an event a line, written as it is made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, BinaryIO, ClassVar

from reports.base import Screen, View
from reports.json import encoded
from reports.ocsf import objects as make
from reports.phrases import evidence_line, joined
from reports.summary import Digest
from reports.views import select
from scanner.model import Assessment, Credential, Finding, ScanInfo, ScanResult
from scanner.rules.next_step import step_of
from scanner.rules.wording import ABOUT_A_DAY, evidence_of, explained


class OcsfReport:
    """The scan itself with its gaps, then findings, then the inventory."""

    name: ClassVar[str] = "ocsf"
    title: ClassVar[str] = "events for a security lake or SIEM (OCSF 1.6), one a line"
    default_view: ClassVar[View] = "all"
    extra: ClassVar[str | None] = None

    def write(self, result: ScanResult, view: View, out: BinaryIO, screen: Screen) -> tuple[str, ...]:
        """Write the scan's line, then one for each finding and each identity of the view."""
        del screen
        shown = select(result, view)
        identities = {judged.identity.key: judged for judged in result.identities}
        out.write(encoded(scan_event(Digest(result))) + b"\n")
        out.writelines(
            encoded(finding_event(finding, identities.get(finding.identity or ""), result.scan)) + b"\n"
            for finding in shown.findings
        )
        out.writelines(encoded(inventory_event(judged, result.scan)) + b"\n" for judged in shown.identities)
        return ()


# --- Events ---

_NEW, _OPEN, _SUPPRESSED = (1, "New"), (99, "Open"), (3, "Suppressed")
_SUCCESS, _INCOMPLETE = (1, "Success"), (99, "Incomplete")
_CREATE, _UPDATE, _COLLECT, _COMPLETED = 1, 2, 2, 2
GAPS_NAMED = 100
_VERDICTS = ("nature", "agent", "registry", "ownership", "usage", "privilege", "drift", "not_compared", "activity")


def scan_event(digest: Digest) -> dict[str, Any]:
    """Scan Activity (6007): the counts with their caveats. With a gap it was no success."""
    result = digest.result
    status_id, status = _INCOMPLETE if digest.gaps else _SUCCESS
    return {
        **_classified(6, "Application Activity", 6007, "Scan Activity", _COMPLETED),
        "severity_id": 1,
        "severity": "Informational",
        "status_id": status_id,
        "status": status,
        **make.known(status_detail=joined(digest.caveats)),
        "time": make.millis(result.scan.finished_at),
        "start_time": make.millis(result.scan.started_at),
        "end_time": make.millis(result.scan.finished_at),
        "message": digest.headline,
        "metadata": make.metadata(result.scan, "scan", ()),
        "scan": {"uid": result.scan.id, "name": "non-human identities", "type_id": 0},
        "total": len(result.identities),
        "num_detections": len(result.findings),
        "num_skipped_items": len(digest.gaps),
        "unmapped": {
            "summary": result.summary,
            "policy": result.policy,
            "notices": (*filter(None, (result.only,)), *result.notices)[:GAPS_NAMED],
            "gaps": digest.gaps[:GAPS_NAMED],
        },
    }


def finding_event(finding: Finding, about: Assessment | None, scan: ScanInfo) -> dict[str, Any]:
    """Detection Finding (2004) about a day, else IAM Analysis Finding (2008). ``about``: the identity it is about."""
    if finding.rule in ABOUT_A_DAY:
        return _detection(finding, about, scan)
    identity = about.identity if about else None
    named = make.concerned(identity, finding.credential) if identity else ()
    return {
        **_classified(2, "Findings", 2008, "IAM Analysis Finding", _CREATE if finding.new else _UPDATE),
        **_common(finding, about, scan),
        "finding_info": _info(finding, about),
        **(_identity(finding, about, named) if about else {"applications": [_resource(finding)]}),
        "unmapped": make.known(
            **_beside(finding),
            credential=finding.credential,
            assignment=finding.assignment,
            **(make.left_out(identity, named) if identity else {}),
        ),
    }


def _detection(finding: Finding, about: Assessment | None, scan: ScanInfo) -> dict[str, Any]:
    """``is_alert``: no known change explains it, and it is not acknowledged."""
    identity = about.identity if about else None
    actor = make.user(about, ()) if about else {"uid": finding.identity or finding.about}
    state = explained(finding)
    return {
        **_classified(2, "Findings", 2004, "Detection Finding", _CREATE if finding.new else _UPDATE),
        **_common(finding, about, scan),
        "finding_info": {**_info(finding, about), **make.seen(finding)},
        "evidences": make.evidences(finding, actor),
        "is_alert": state != "explained" and finding.acknowledged is None,
        **make.known(
            resources=[make.known(uid=actor.get("uid"), name=actor.get("name"), type=identity.kind)]
            if identity
            else [],
            observables=make.observables(make.observed(about, (), "evidences.actor.user")) if about else [],
        ),
        "unmapped": {**make.known(**_beside(finding)), "explained": state},
    }


def _common(finding: Finding, about: Assessment | None, scan: ScanInfo) -> dict[str, Any]:
    """The common attributes of events of findings."""
    identity = about.identity if about else None
    severity_id, severity = make.SEVERITIES[finding.severity]
    status_id, status = _status(finding)
    return {
        "severity_id": severity_id,
        "severity": severity,
        "status_id": status_id,
        "status": status,
        "time": make.millis(scan.finished_at),
        "message": joined((finding.title, *finding.subjects)),
        "metadata": make.metadata(scan, finding.fingerprint, make.profiles_of(identity)),
        "remediation": {"desc": step_of(finding, about)},
        **make.cloud(identity),
    }


def _beside(finding: Finding) -> dict[str, Any]:
    return {
        "evidence": evidence_of(finding),
        "owner": finding.owner,
        "entry": finding.entry,
        "rechecked": finding.rechecked,
        "acknowledged": finding.acknowledged,
        "asked": finding.asked,
    }


def _status(finding: Finding) -> tuple[int, str]:
    if finding.acknowledged is not None:
        return _SUPPRESSED
    return _NEW if finding.new else _OPEN


def inventory_event(judged: Assessment, scan: ScanInfo) -> dict[str, Any]:
    """User Inventory Info (5003): an identity with its verdicts, grants and credentials."""
    credentials = judged.identity.credentials
    return {
        **_classified(5, "Discovery", 5003, "User Inventory Info", _COLLECT),
        "severity_id": 1,
        "severity": "Informational",
        "time": make.millis(scan.finished_at),
        "metadata": make.metadata(scan, judged.identity.key, make.profiles_of(judged.identity)),
        "user": make.user(judged, credentials),
        **make.cloud(judged.identity),
        "observables": make.observables(make.observed(judged, credentials)),
        "unmapped": {
            **{axis: getattr(judged, axis) for axis in _VERDICTS},
            "provider": judged.identity.provider,
            "kind": judged.identity.kind,
            "enabled": judged.identity.enabled,
            "created_at": judged.identity.created_at,
            "environment": judged.identity.environment,
            "findings": judged.findings,
            "rechecked": judged.rechecked,
        },
    }


def _classified(category_uid: int, category: str, class_uid: int, name: str, activity_id: int) -> dict[str, Any]:
    return {
        "category_uid": category_uid,
        "category_name": category,
        "class_uid": class_uid,
        "class_name": name,
        "activity_id": activity_id,
        "type_uid": class_uid * 100 + activity_id,
    }


def _info(finding: Finding, about: Assessment | None) -> dict[str, Any]:
    return make.known(
        uid=finding.fingerprint,
        title=finding.title,
        desc=evidence_line(finding),
        types=[finding.rule],
        analytic={"uid": finding.rule, "name": finding.title, "type_id": 1, "type": "Rule"},
        data_sources=[about.identity.source] if about else [],
        tags=make.tags(
            (catalog, number) for catalog, _, number in (control.partition(":") for control in finding.controls)
        ),
    )


def _identity(finding: Finding, about: Assessment, named: Sequence[Credential]) -> dict[str, Any]:
    return make.known(
        user=make.user(about, named),
        identity_activity_metrics=make.activity(about.identity, named),
        permission_analysis_results=make.permissions(about, finding),
        observables=make.observables(make.observed(about, named)),
    )


def _resource(finding: Finding) -> dict[str, Any]:
    """The subject of a finding without an identity, in the only attribute of the class for it."""
    resources = (
        ("registry entry", finding.entry),
        ("assignment", finding.assignment),
        ("stored secret", finding.credential),
    )
    for kind, uid in resources:
        if uid:
            return {"uid": uid, "type": kind}
    return {"uid": finding.fingerprint, "name": finding.rule, "type": "exemption"}
