"""The formats with a page for the gate; others write its result like that of a scan."""

from __future__ import annotations

from collections.abc import Mapping

from reports.base import Report
from reports.gate.markdown import GateMarkdown
from reports.gate.table import GateTable

GATE_FORMATS: Mapping[str, type[Report]] = {one.name: one for one in (GateTable, GateMarkdown)}
"""By the format's name."""
