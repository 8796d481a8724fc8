"""Checks with few calls, before a scan: permissions that are missing, and permissions that are not needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing

from connectors.core.contract import Check, Meter
from connectors.github import spec as s
from connectors.github.client import payloads as p
from connectors.github.client import requests as r
from connectors.github.client.api import GithubApi
from connectors.github.least_privilege import permissions, readings, token_scopes
from connectors.github.settings import GithubSettings
from connectors.github.spec import GithubSection
from scanner.errors import SourceError

_POLICY = "`muster connectors github --policy` prints what it takes"
_IMPLIED: Mapping[str, tuple[str, ...]] = {
    "admin:org": ("write:org", "read:org", "manage_runners:org"),
    "write:org": ("read:org",),
    "repo": ("repo:status", "repo_deployment", "public_repo", "repo:invite", "security_events"),
    "admin:enterprise": ("manage_runners:enterprise", "manage_billing:enterprise", "read:enterprise"),
    "admin:repo_hook": ("write:repo_hook", "read:repo_hook"),
}
"""Scopes that another one has in it."""


def preflight(settings: GithubSettings) -> Iterator[Check]:
    """The organization, and each section's permission."""
    if settings.from_files is not None:
        is_there = settings.from_files.is_dir()
        fix = None if is_there else "write the files with gh api"
        yield Check(
            name="files", ok=is_there, detail=f"{settings.from_files} {'is' if is_there else 'is not'} there", fix=fix
        )
        return
    try:
        with closing(GithubApi(settings, Meter())) as api:
            row = api.one(r.ORGANIZATION, p.OrganizationRow, org=settings.organization)
            yield Check(name="organization", ok=True, detail=f"{row.login} can be read")
            if api.app is not None:
                yield from _of_app(settings, api.app.permissions)
            else:
                yield from _of_token(settings, api)
    except SourceError as error:
        yield Check(name="organization", ok=False, detail=str(error), fix=error.hint or error.permission)


def _of_app(settings: GithubSettings, held: Mapping[str, str]) -> Iterator[Check]:
    for reading in readings(settings):
        lacking = sorted({one.app or one.line for one in reading.permissions} - held.keys() - {"metadata"})
        yield _section(reading, lacking)
    needed = permissions(settings)
    excess = sorted(f"{name}: {access}" for name, access in held.items() if name not in needed or access != "read")
    if excess:
        yield Check(name="App's rights", ok=False, detail=f"the App may do more: {', '.join(excess)}", fix=_POLICY)


def _of_token(settings: GithubSettings, api: GithubApi) -> Iterator[Check]:
    """Classic tokens say their scopes with every answer; others do not, and are tried by the scan alone."""
    answer = api.client.request(r.RATE_LIMIT.path)
    text = answer.headers.get("X-OAuth-Scopes")
    if text is None:
        yield Check(name="token", ok=True, detail="not a classic token: its permissions show when it is used")
        return
    given = {one.strip() for one in text.split(",") if one.strip()}
    held = given | {one for scope in given for one in _IMPLIED.get(scope, ())}
    for reading in readings(settings):
        lacking = sorted(" or ".join(one.scopes) for one in reading.permissions if not held & set(one.scopes))
        if reading.name == s.ACCESS_TOKENS:
            yield Check(name=reading.name, ok=False, detail="only an App may list these", fix="sign in as an App")
        else:
            yield _section(reading, lacking)
    needed = set(token_scopes(settings))
    excess = sorted(given - needed - {one for scope in needed for one in _IMPLIED.get(scope, ())})
    if excess:
        yield Check(name="token's rights", ok=False, detail=f"the token may do more: {', '.join(excess)}", fix=_POLICY)


def _section(reading: GithubSection, lacking: list[str]) -> Check:
    if lacking:
        return Check(name=reading.name, ok=False, detail="not permitted", fix=f"give {', '.join(lacking)}")
    return Check(name=reading.name, ok=True, detail="permitted")
