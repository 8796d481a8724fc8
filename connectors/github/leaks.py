"""Alerts of secret scanning as exposures. Secrets are never asked for, so that only people can match most keys.

Source: GitHub's REST API, "List secret scanning alerts for an organization".
"""

from __future__ import annotations

from collections.abc import Iterator

from connectors.base import DiscoveredRecord
from connectors.exposed import NAMELESS, Alert, exposure_of, leak_of_alert
from connectors.github import spec as s
from connectors.github.client import requests as r
from connectors.github.reading import Reader


def read_alerts(reader: Reader) -> Iterator[DiscoveredRecord]:
    """Open and closed alerts; what people closed as no leak, and what opens nothing known, is counted."""
    scope = reader.place.scope
    if not reader.settings.secret_scanning_alerts:
        yield scope.coverage(s.ALERTS, "off")
        return
    no_leaks = nameless = 0
    with reader.section(s.ALERTS) as section:
        for row in reader.listed(section, r.SECRET_ALERTS, Alert):
            leak = leak_of_alert(row)
            no_leaks += not row.is_leak
            nameless += row.is_leak and not leak.is_kept
            if row.is_leak and leak.is_kept:
                yield exposure_of(leak, scope.source, scope.id)
                section.found()
        for number, why in ((no_leaks, "closed as no leak"), (nameless, NAMELESS)):
            if number:
                section.note(f"alerts left out: {number:,} {why}")
    yield reader.done(section)
