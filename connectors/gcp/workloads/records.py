"""The common form of resources that run as a service account, and their records: workloads or agents (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal, Protocol

from msgspec import Struct

from connectors.gcp.keys import secret_key, stored_key
from connectors.gcp.reader import GcpReader
from connectors.gcp.units import ProjectRef, tags_of
from scanner.model import Identity, Link, Privilege, Signal, Workload

_AUTH = "https://www.googleapis.com/auth/"


class Details(Struct, frozen=True, kw_only=True, gc=False):
    """The facts of a resource.

    ``accounts``: e-mails, or resource names that end in one. ``secrets``: resource names of secrets, or bare names of
    those in the resource's own project. ``acts``: whether it is declared an agent or an MCP server. ``code_in``: the
    bucket with the code that it runs.
    """

    name: str
    accounts: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()
    created_at: datetime | None = None
    created_by: str | None = None
    labels: Mapping[str, str] = {}
    attributes: Mapping[str, Any] = {}
    acts: Literal["agent", "mcp_server"] | None = None
    code_in: str = ""


class Consumer(Protocol):
    """The payload of one type of resource."""

    def details(self, project: ProjectRef, /) -> Details | None:
        """Its facts; None if it has ended and will not run again. ``project``: the resource's project."""
        ...


def default_compute(project: ProjectRef) -> str:
    """The e-mail of the default Compute Engine account, which most workloads without an account of their own get."""
    return f"{project.number}-compute@developer.gserviceaccount.com"


def default_app_engine(project: ProjectRef) -> str:
    """The e-mail of the default account of App Engine and of first-generation functions."""
    domain, _, name = project.id.rpartition(":")
    return f"{domain}.{name}@appspot.gserviceaccount.com" if domain else f"{name}@appspot.gserviceaccount.com"


def known(**facts: Any) -> dict[str, Any]:
    """The facts that are not empty."""
    return {name: fact for name, fact in facts.items() if fact not in (None, "", [], ())}


def short_scopes(scopes: Iterable[str]) -> list[str]:
    """The short names of OAuth scopes, sorted. They limit what an account may do from a workload."""
    return sorted({scope.removeprefix(_AUTH) for scope in scopes})


# --- Records of workloads and agents ---

_IN_PROJECT = re.compile(r"(?P<host>//[^/]+/)projects/[^/]+/")
_SECRET = re.compile(r"projects/(?P<project>[^/]+)/(?P<rest>(?:locations/[^/]+/)?secrets/[^/]+)(?:/versions/[^/]+)?")
_PATH = re.compile(r"projects/[^?#]+")
_WORDS: dict[str, tuple[Literal["agent", "machine"], str]] = {
    "agent": ("agent", "Cloud Run has it as an agent"),
    "mcp_server": ("machine", "Cloud Run has it as an MCP server"),
}


def record_of(reader: GcpReader, project: ProjectRef, name: str, kind: str, details: Details) -> Workload | Identity:
    """The record. ``name``: the full resource name, with the project's number or id."""
    key = _IN_PROJECT.sub(lambda found: f"{found['host']}projects/{project.id}/", name, count=1)
    accounts = tuple(dict.fromkeys(account_key_of(reader, one) for one in details.accounts))
    secrets = tuple(dict.fromkeys(secret_key_of(reader, project, one) for one in details.secrets))
    if details.code_in:
        reader.found.code_in[details.code_in].add((project.id, key))
    if details.acts is not None:
        return _agent(reader, project, key, kind, details, accounts, secrets)
    return Workload(
        key=key,
        provider="gcp",
        source=reader.scope.source,
        scope=project.id,
        kind=kind,
        name=details.name,
        runs_as=accounts,
        uses=secrets,
        created_at=details.created_at,
        created_by=details.created_by,
        tags=tags_of(project, details.labels),
        attributes=details.attributes,
    )


def _agent(
    reader: GcpReader,
    project: ProjectRef,
    key: str,
    kind: str,
    details: Details,
    accounts: tuple[str, ...],
    secrets: tuple[str, ...],
) -> Identity:
    says, evidence = _WORDS[details.acts or "agent"]
    facts = {"runs_on": kind, "uses": list(secrets)} if secrets else {"runs_on": kind}
    return Identity(
        key=key,
        provider="gcp",
        source=reader.scope.source,
        scope=project.id,
        kind=details.acts or "agent",
        name=details.name,
        enabled=True,
        created_at=details.created_at,
        created_by=details.created_by,
        tags=tags_of(project, details.labels),
        attributes={**details.attributes, **facts},
        signals=(Signal(says=says, sort="provider", evidence=evidence),),
        privilege=Privilege(level="normal"),
        consequences=(),
        links=tuple(Link(relation="runs_as", target=one, evidence="it runs as this account") for one in accounts),
    )


def account_key_of(reader: GcpReader, account: str) -> str:
    """The key of an account, by its e-mail or by a resource name that ends in it."""
    return reader.account_key(account.rpartition("/")[2])


def secret_key_of(reader: GcpReader, project: ProjectRef, secret: str) -> str:
    """The key of a secret, by its resource name, or by its bare name in the project."""
    found = _SECRET.fullmatch(secret)
    if found is None:
        return secret_key(project.id, secret)
    home = reader.project(found["project"])
    return stored_key(home.id if home else found["project"], found["rest"])


def path_in(link: str) -> str:
    """The resource name in a resource's link; empty if it has none."""
    found = _PATH.search(link)
    return found.group() if found else ""
