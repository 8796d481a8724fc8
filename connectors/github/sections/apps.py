"""The sections of installed Apps, and of the audit log: who installed Apps, and when repositories were renamed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from connectors.core.reading import ReadSection
from connectors.github import spec as s
from connectors.github.client import payloads as p
from connectors.github.client import requests as r
from connectors.github.identities.apps import app
from connectors.github.reader import GithubReader
from connectors.github.sections.organization import Bypasses

INSTALLED, RENAMED = "integration_installation.create", "repo.rename"
_YEAR_5138: Final = 10**14
"""In milliseconds. Larger numbers are not valid times."""


class Made(Struct, frozen=True):
    """Facts from the audit log. ``installed_by``: by an App's slug; ``renamed``: by a repository's name."""

    installed_by: Mapping[str, str] = {}
    renamed: Mapping[str, datetime] = {}


def read_audit_log(reader: GithubReader) -> ReadSection[Made]:
    """Read installations of Apps and renamed repositories. The newest event counts: GitHub lists these first."""
    installed: dict[str, str] = {}
    renamed: dict[str, datetime] = {}
    with reader.section(s.AUDIT_LOG) as section:
        for event in reader.listed(section, r.INSTALLED, p.AuditEvent):
            if event.action == INSTALLED and event.actor and (name := event.integration or event.name):
                # The slug of an App's name.
                installed.setdefault(re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-"), event.actor)
        for event in reader.listed(section, r.RENAMED, p.AuditEvent):
            if event.action == RENAMED and event.repo and event.timestamp and 0 < event.timestamp < _YEAR_5138:
                renamed.setdefault(event.repo.lower(), datetime.fromtimestamp(event.timestamp / 1000, UTC))
    yield reader.done(section)
    return Made(installed, renamed)


def read_apps(reader: GithubReader, made: Made, bypasses: Bypasses) -> ReadSection[None]:
    """Installed Apps."""
    with reader.section(s.APPS) as section:
        for row in reader.listed(section, r.INSTALLATIONS, p.Installation):
            slug = row.app_slug.lower()
            yield app(reader.place, row, made.installed_by.get(slug), bypasses.apps.get(slug, ()))
            section.found()
    yield reader.done(section)
