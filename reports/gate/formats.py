"""The formats that have a page of their own for the gate; the others write its result as that of a scan."""

from __future__ import annotations

from collections.abc import Mapping

from reports.base import Report
from reports.gate.markdown import GateMarkdown
from reports.gate.table import GateTable

GATE_FORMATS: Mapping[str, type[Report]] = {one.name: one for one in (GateTable, GateMarkdown)}
"""By the format's name."""
