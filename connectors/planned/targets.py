"""Identities of clouds as manifests and workflows name them, by their keys."""

from __future__ import annotations

import re

_GOOGLE = re.compile(r"(?P<name>[^@\s]+)@(?P<project>[a-z0-9-]+)\.iam\.gserviceaccount\.com")


def key_of(named: str) -> str:
    """Return the key of an ARN or a Google service account's address; any other id as it is."""
    if found := _GOOGLE.fullmatch(named):
        return f"//iam.googleapis.com/projects/{found['project']}/serviceAccounts/{named}"
    return named
