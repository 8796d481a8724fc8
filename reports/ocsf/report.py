"""The OCSF report: an event a line, written as it is made."""

from __future__ import annotations

from typing import BinaryIO, ClassVar

from reports.base import Screen, View
from reports.json import encoded
from reports.ocsf.events import finding_event, inventory_event, scan_event
from reports.summary import Digest
from reports.views import select
from scanner.model import ScanResult


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
