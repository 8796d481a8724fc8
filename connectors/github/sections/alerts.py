"""The section of alerts of secret scanning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from connectors.core.contract import DiscoveredRecord, SectionReading
from connectors.exposed import NAMELESS, Alert, DescribedAlert, exposure_of, leak_of_alert
from connectors.github import keys
from connectors.github import spec as s
from connectors.github.client import requests as r
from connectors.github.client.repositories import is_of
from connectors.github.client.requests import names
from connectors.github.reader import GithubReader


def read_alerts(reader: GithubReader) -> Iterator[DiscoveredRecord]:
    """Alerts of secret scanning, open and closed, without their secrets; alerts closed as no leak are only counted."""
    scope = reader.place.scope
    if not reader.settings.secret_scanning_alerts:
        yield scope.coverage(s.ALERTS, "off")
        return
    no_leaks = nameless = 0
    with reader.section(s.ALERTS) as section:
        alerts = reader.listed(section, r.SECRET_ALERTS, Alert)
        ids = _ids_of_leaked(reader, section) if alerts else {}
        for row in alerts:
            leak = leak_of_alert(row, ids.get(row.place, {}))
            no_leaks += not row.is_leak
            nameless += row.is_leak and not leak.is_kept
            if row.is_leak and leak.is_kept:
                yield exposure_of(leak, scope.source, scope.id)
                section.found()
        for number, why in ((no_leaks, "closed as no leak"), (nameless, NAMELESS)):
            if number:
                section.note(f"alerts left out: {number:,} {why}")
    yield reader.done(section)


def _ids_of_leaked(reader: GithubReader, section: SectionReading) -> Mapping[tuple[str, int], Mapping[str, str]]:
    """Ids of leaked keys that GitHub got from their providers, by the alert's repository and number.

    A filtered list has the alerts with ids, and each of these is read. Enterprise Servers and files have none.
    """
    if reader.settings.from_files is not None or keys.is_server(reader.place.organization.host):
        return {}
    listed = (
        row.place
        for request in (r.ALERTS_WITH_ID, r.ALERTS_WITH_OWNER)
        for row in reader.listed(section, request, Alert)
        if row.is_leak
    )
    places = [one for one in dict.fromkeys(listed) if is_of(one[0], reader.org)]

    def read(place: tuple[str, int]) -> Mapping[str, str]:
        alert = reader.api.one(r.SECRET_ALERT, DescribedAlert, **names(place[0]), alert_number=str(place[1]))
        return alert.ids

    return dict(reader.each(section, "alerts", read, places, lambda one: f"{one[0]} {one[1]}"))
