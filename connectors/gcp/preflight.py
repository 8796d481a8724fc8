"""Checks before a scan: for each permission the cheapest request, whose answer is dropped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec
from msgspec import Struct, structs

from connectors.core.contract import Check, Meter, Scope, Section
from connectors.core.reading import read_all
from connectors.gcp.client import requests as r
from connectors.gcp.client.api import GcpApi, GcpPage
from connectors.gcp.client.errors import ApiOff, Misconfigured, NoCredentials, Rejected
from connectors.gcp.client.payloads import Anything
from connectors.gcp.client.requests import Request
from connectors.gcp.client.session import GcpSession
from connectors.gcp.sections import SECTIONS
from connectors.gcp.settings import GcpSettings
from connectors.gcp.units import GcpUnit
from scanner.errors import NotOffered, SourceError
from scanner.model import Coverage

FORBIDDEN: Mapping[str, str] = {
    "resourcemanager.projects.setIamPolicy": "grant permissions",
    "iam.serviceAccounts.getAccessToken": "impersonate other service accounts",
    "iam.serviceAccounts.actAs": "run workloads as other service accounts",
    "iam.serviceAccountKeys.create": "create keys of other service accounts",
    "secretmanager.versions.access": "read the values of secrets",
    "apikeys.keys.getKeyString": "read API keys",
    "storage.objects.get": "read objects in buckets",
}
"""Permissions that the scanner must not have, with what they allow."""
_OF_PARENT = frozenset(
    {
        "resourcemanager.projects",
        "iam.policies",
        "iam.roles",
        "iam.deny_policies",
        "privilegedaccessmanager.entitlements",
    }
)
"""Sections of an organization or folder whose projects are units of their own."""
_TOO_MUCH = "grant it only the role that `muster connectors gcp --policy SOURCE` prints"
_TESTS: Mapping[str, Request] = {
    "organization": r.TEST_ORGANIZATION, "folder": r.TEST_FOLDER, "project": r.TEST_PROJECT
}  # fmt: skip
# Requests below an existing resource: the listing that finds one, and the field with its name.
_SAMPLES: Mapping[str, tuple[Request, str]] = {
    "account": (r.SERVICE_ACCOUNTS, "email"),
    "pool": (r.WORKLOAD_POOLS, "name"),
    "secret": (r.SECRETS, "name"),
}


class _Granted(Struct):
    permissions: list[str] = []


def preflight(session: GcpSession, found: Iterable[Scope | Coverage]) -> Iterator[Check]:
    """Places, then each permission at the first unit of each sort, then what the credentials should not be able to do.

    A request that needs the name of a resource is not tried if there is no such resource.
    """
    scopes: dict[tuple[str, bool], Scope] = {}
    for record in found:
        if isinstance(record, Coverage):
            name = f"{record.section} of {record.scope}"
            yield Check(name=name, ok=not record.is_gap, detail=record.detail or record.status, fix=record.permission)
        else:
            scopes.setdefault((record.context.kind, record.context.bulk), record)
    tried: set[str] = set()
    failures: list[SourceError] = []
    for scope in scopes.values():
        yield from _Unit(session, scope, tried, failures).checks()
    if scopes:
        yield _charged(session.settings, failures)


def _charged(settings: GcpSettings, failures: Iterable[SourceError]) -> Check:
    """Whether the project that requests are charged to is in the way."""
    charged_to = f"requests are charged to {settings.quota_project or 'the project of the credentials'}"
    wrong = next((one for one in failures if isinstance(one, ApiOff | Misconfigured | NoCredentials)), None)
    if wrong is None:
        return Check(name="quota project", ok=True, detail=charged_to)
    return Check(name="quota project", ok=False, detail=f"{charged_to}: {wrong}", fix=wrong.hint)


class _Unit:
    """The checks of one unit; of one with many projects, what is asked of a project is asked of the first.

    ``tried``: permissions that were tried for all places at once; ``failures``: where those of all units go.
    """

    def __init__(self, session: GcpSession, scope: Scope, tried: set[str], failures: list[SourceError]) -> None:
        self._settings = session.settings
        self._tried = tried
        self._failures = failures
        self._place: GcpUnit = scope.context
        self._project = next(iter(self._place.projects), None)
        own = (self._project.id, self._project.number) if self._project and not self._place.bulk else ()
        self._api = GcpApi(session, Meter(), own_project=own)
        self._names = self._known()

    def checks(self) -> Iterator[Check]:
        """A line for each permission, and one for rights that are too many."""
        self._names |= self._samples()
        without: dict[str, list[str]] = {}
        for section in SECTIONS:
            for permission in self._needed(section):
                if self._request(permission) is not None and permission not in self._tried:
                    without.setdefault(permission, []).append(section.without)
        self._tried |= {one for one in without if not self._asked(one).places}
        outcomes = list(read_all(self._ask, tuple(without), self._settings.workers))
        for permission, error in outcomes:
            self._failures += [] if error is None else [error]
            yield self._line(permission, error, "; ".join(dict.fromkeys(without[permission])))
        yield from self._excess()

    def _needed(self, section: Section) -> tuple[str, ...]:
        """Its permissions: those for bulk listing alone, if it has any, or all but these, as the unit is read."""
        is_read = section.name in self._settings.sections
        if not is_read or (self._project is None and section.name not in _OF_PARENT):
            return ()
        bulk = tuple(one for one in section.permissions if one.startswith("cloudasset."))
        own = tuple(one for one in section.permissions if one not in bulk)
        return bulk or own if self._place.bulk else own

    def _known(self) -> dict[str, str]:
        place = self._place
        kind, _, name = place.name.partition("/")
        names = {"parent": place.name, "kind": kind, "place": name, kind.removesuffix("s"): name}
        names |= {"location": next(iter(self._settings.named_locations), "-")}
        return names | ({"project": self._project.id} if self._project else {})

    def _samples(self) -> dict[str, str]:
        """Names of things that there are, to ask about."""
        names: dict[str, str] = {}
        if self._project is None or self._place.bulk:
            return names
        for place, (request, member) in _SAMPLES.items():
            try:
                page = self._first(request)
                row = msgspec.json.decode(page.rows[0], type=dict[str, object])
                names[place] = str(row[member]).rpartition("/")[2]
            except (SourceError, msgspec.MsgspecError, IndexError, KeyError):
                continue
        return names

    def _first(self, request: Request) -> GcpPage:
        """The first page of a project's listing, asked for as a scan asks."""
        project = self._names["project"]
        if request is r.SERVICE_ACCOUNTS:
            return next(self._api.service_accounts(project))
        return next(self._api.pages(structs.replace(request, size=1), project=project))

    def _request(self, permission: str) -> Request | None:
        """The first request that the permission is for and that can be made here."""
        fitting = (one for one in r.REQUESTS if one.permission == permission and set(one.places) <= self._names.keys())
        return next(fitting, None)

    def _asked(self, permission: str) -> Request:
        request = self._request(permission)
        assert request is not None
        return request

    def _ask(self, permission: str) -> None:
        """Send the permission's request. Raises SourceError."""
        request = self._asked(permission)
        try:
            if request is r.SERVICE_ACCOUNTS:
                self._first(request)
            elif request.method == "POST":
                self._api.post(request, Anything, r.POLICY_BODY, **self._names)
            else:
                query: dict[str, str | tuple[str, ...]] = {request.sized_by: "1"} if request.size is not None else {}
                self._api.get(request, Anything, query, **self._names)
        except Rejected:
            if "pool" not in request.places:  # the first pool may be a trust domain, which has no providers
                raise

    def _line(self, permission: str, error: SourceError | None, without: str) -> Check:
        name = f"{permission} at {self._place.name}"
        if error is None:
            return Check(name=name, ok=True, detail="allowed")
        if isinstance(error, NotOffered):
            return Check(name=name, ok=True, detail=str(error))
        fix = f"grant {error.permission}" if error.permission else error.hint
        return Check(name=name, ok=False, detail=f"{error}: {without}", fix=fix)

    def _excess(self) -> Iterator[Check]:
        """A warning for what the credentials should not be able to do."""
        try:
            body = {"permissions": sorted(FORBIDDEN)}
            granted = self._api.post(_TESTS[self._place.kind], _Granted, body, **self._names).permissions
        except SourceError:
            return
        excess = [f"{FORBIDDEN[one]} ({one})" for one in sorted(granted) if one in FORBIDDEN]
        if excess:
            detail = f"these credentials could {', '.join(excess)} at {self._place.name}"
            yield Check(name="credentials' rights", ok=False, detail=detail, fix=_TOO_MUCH)
