"""The App that reads an organization: its manifest, and which section takes which permission."""

from __future__ import annotations

import json
from collections.abc import Iterator

from connectors.github.settings import GithubSettings
from connectors.github.spec import READINGS, GithubSection


def readings(settings: GithubSettings) -> Iterator[GithubSection]:
    """The sections that a source reads."""
    return (one for one in READINGS if not one.setting or getattr(settings, one.setting))


def permissions(settings: GithubSettings) -> dict[str, str]:
    """The permissions of the App: by name, always ``read``."""
    names = {one.app for reading in readings(settings) for one in reading.permissions if one.app}
    return dict.fromkeys(sorted(names), "read")


def app_manifest(settings: GithubSettings) -> str:
    """The manifest of an App that may read what a scan reads, and which section takes which permission, as JSON."""
    manifest = {
        "name": f"muster-{settings.organization or 'ORGANIZATION'}",
        "url": "https://github.com/apps",
        "public": False,
        "default_permissions": permissions(settings),
        "default_events": [],
    }
    by_section = {
        reading.name: sorted({one.app for one in reading.permissions if one.app}) for reading in readings(settings)
    }
    given = {"manifest": manifest, "sections": by_section, "classicTokenScopes": token_scopes(settings)}
    return json.dumps(given, indent=2) + "\n"


def token_scopes(settings: GithubSettings) -> list[str]:
    """The scopes of a classic token: the first of those that would do, for each permission that a token can have."""
    found = {one.scopes[0] for reading in readings(settings) for one in reading.permissions}
    return sorted(scope for scope in found if " " not in scope)
