"""The settings of ``[[source]] type = "gcp"``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from connectors.core.address import check_url, is_loopback
from connectors.gcp.client.requests import APIS
from connectors.gcp.sections import USUAL, wanted
from scanner.redaction.redact import SecretRef

Names = str | tuple[str, ...]

_NUMBER = re.compile(r"\d{1,20}", re.ASCII)
# Ids as they are today, the older ones with a domain before a colon, and numbers.
_PROJECT = re.compile(r"(?:[a-z0-9.-]{1,62}:)?[a-z0-9][a-z0-9-]{0,61}[a-z0-9]", re.ASCII)
_LOCATION = re.compile(r"[a-z]+(?:-[a-z0-9]+)*", re.ASCII)
_ACCOUNT = re.compile(r"[\w.+-]+@[a-z0-9][a-z0-9.-]*\.gserviceaccount\.com", re.ASCII)
_GRPC = re.compile(r"(?P<host>\[[0-9a-f:]+\]|[A-Za-z0-9.-]+):\d{1,5}", re.ASCII)


class GcpSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of Google Cloud. Without credentials named here, Application Default Credentials are used.

    ``organization`` (its number), ``folders`` (numbers) and ``projects`` (ids, or numbers): where to start; without
    any, all visible ones. ``skip_projects``: projects to leave out. ``credentials_file``: a service account's or an
    external account's JSON file. ``access_token``: the output of ``gcloud auth print-access-token``. ``impersonate``:
    e-mail of the service account to become. ``quota_project``: the project to which requests are charged.
    ``endpoint_url``: one address that answers instead of all APIs; their paths do not collide. ``endpoints``: the same
    for single APIs, by the first label of their hosts. ``grpc_endpoint``: ``host:port`` of IAM by gRPC, without TLS on
    this machine; without it, accounts are listed by REST where IAM's address is given, or ``ca_file``. ``locations``:
    where agents are looked for. ``resources``: ``usual``, ``all``, or sections beyond the usual. ``max_attempts``:
    attempts for one request, including the first. ``backoff``: seconds before the second attempt, doubled each time.
    ``timeout``: seconds for one request. ``workers``: requests in flight at once for one scope. ``from_files``: a
    folder, or a file, that gcloud wrote; no request is sent. ``files_are_complete``: what has no file is not there,
    such as accounts that are described one by one, of each type that has files.
    """

    organization: str | None = None
    folders: Names = ()
    projects: Names = ()
    skip_projects: Names = ()
    credentials_file: Path | None = None
    access_token: SecretRef | None = None
    impersonate: str | None = None
    quota_project: str | None = None
    endpoint_url: str | None = None
    endpoints: Mapping[str, str] = {}
    grpc_endpoint: str | None = None
    ca_file: Path | None = None
    insecure_http: bool = False
    locations: Names = ("us-central1", "us-east4", "europe-west1", "europe-west4", "asia-northeast1")
    resources: Names = USUAL
    max_attempts: int = 6
    backoff: float = 1.0
    timeout: float = 60
    workers: int = 8
    from_files: Path | None = None
    files_are_complete: bool = False

    def __post_init__(self) -> None:
        if self.credentials_file is not None and self.access_token is not None:
            raise ValueError("give either credentials_file or access_token")
        self._check_names()
        self._check_addresses()
        wanted(listed(self.resources))
        if self.max_attempts < 1 or self.workers < 1 or self.timeout <= 0 or self.backoff < 0:
            raise ValueError("max_attempts and workers are at least 1, timeout is above 0, backoff not below 0")

    def _check_names(self) -> None:
        organization = () if self.organization is None else (self.organization,)
        for names, shape, what in (
            (organization, _NUMBER, "an organization's number, such as 123456789012"),
            (listed(self.folders), _NUMBER, "a folder's number, such as 123456789012"),
            (listed(self.projects), _PROJECT, "a project's id, such as acme-prod"),
            (listed(self.skip_projects), _PROJECT, "a project's id, such as acme-prod"),
            (() if self.quota_project is None else (self.quota_project,), _PROJECT, "a project's id"),
            (() if self.impersonate is None else (self.impersonate,), _ACCOUNT, "a service account's e-mail"),
            (listed(self.locations), _LOCATION, "a location, such as europe-west1"),
        ):
            for name in names:
                if not shape.fullmatch(name):
                    raise ValueError(f"{name!r} is not {what}")

    def _check_addresses(self) -> None:
        for api, url in self.endpoints.items():
            if api not in APIS:
                raise ValueError(f"endpoints: {api!r} is none of {', '.join(APIS)}")
            check_url(url, insecure_http=self.insecure_http)
        if self.endpoint_url is not None:
            check_url(self.endpoint_url, insecure_http=self.insecure_http)
        if self.grpc_endpoint is not None and not _GRPC.fullmatch(self.grpc_endpoint):
            raise ValueError("grpc_endpoint is host:port")

    @property
    def grpc_is_local(self) -> bool:
        """Whether the gRPC endpoint is on this machine, so that it needs no TLS and gets no credentials."""
        match = _GRPC.fullmatch(self.grpc_endpoint or "")
        return match is not None and is_loopback(match["host"].strip("[]"))

    @property
    def accounts_by_rest(self) -> bool:
        """Whether IAM is called by REST instead of gRPC: it has another address, or certificates unknown to gRPC."""
        redirected = self.endpoint_url is not None or "iam" in self.endpoints
        return self.grpc_endpoint is None and (redirected or self.ca_file is not None)

    @property
    def named_folders(self) -> tuple[str, ...]:
        """The folders to start at, each once and in their order."""
        return listed(self.folders)

    @property
    def named_projects(self) -> tuple[str, ...]:
        """The projects to start at."""
        return listed(self.projects)

    @property
    def skipped_projects(self) -> frozenset[str]:
        """The projects not to read."""
        return frozenset(listed(self.skip_projects))

    @property
    def named_locations(self) -> tuple[str, ...]:
        """The locations that are searched for agents."""
        return listed(self.locations)

    @property
    def sections(self) -> frozenset[str]:
        """The names of the sections that are to be read."""
        return wanted(listed(self.resources))


def listed(names: Names) -> tuple[str, ...]:
    """The names in order and without duplicates; a single name may be a plain text."""
    return (names,) if isinstance(names, str) else tuple(dict.fromkeys(names))
