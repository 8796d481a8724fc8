"""The custom role that the connector needs, and the commands that make and grant it, from the table of requests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from connectors.base import Section
from connectors.gcp.requests import REQUESTS, TEST_PROJECT
from connectors.gcp.settings import GcpSettings

ROLE = "musterAudit"
_NOT_IN_PROJECTS = ("resourcemanager.organizations.", "resourcemanager.folders.")
"""A role of a project may not have these. Source: IAM's documentation of custom roles."""
_HEAD = """\
# A custom role that only reads: no value of a secret, and nothing is changed. Save this file as muster-role.yaml, then:
"""
_ROLE = """\
title: Muster audit
description: Reads who is there and what they may do.
stage: GA
includedPermissions:
"""


def custom_role(sections: Iterable[Section], settings: GcpSettings | None = None) -> str:
    """As YAML, as ``gcloud iam roles create --file`` takes it, with the commands before it as comments.

    ``settings``: those of the source; without them, places have names to be filled in.
    """
    settings = settings or GcpSettings()
    permissions = {permission for section in sections for permission in section.permissions}
    projects = () if settings.organization or settings.named_folders else settings.named_projects
    if projects:
        permissions = {one for one in permissions if not one.startswith(_NOT_IN_PROJECTS)}
    commands = _of_projects(projects, settings) if projects else _of_organization(settings)
    lines = [f"#   {line}\n" for line in (*commands, *_of_quota(permissions, settings))]
    return "".join((_HEAD, *lines, _ROLE, *(f"- {permission}\n" for permission in sorted(permissions))))


def _of_organization(settings: GcpSettings) -> Iterator[str]:
    """Made in the organization, and granted where reading starts."""
    organization = settings.organization or "ORGANIZATION"
    role = f"organizations/{organization}/roles/{ROLE}"
    yield f"gcloud iam roles create {ROLE} --organization={organization} --file=muster-role.yaml"
    if settings.organization or not settings.named_folders:
        yield from _granted(f"organizations add-iam-policy-binding {organization}", role, settings)
    for folder in () if settings.organization else settings.named_folders:
        yield from _granted(f"resource-manager folders add-iam-policy-binding {folder}", role, settings)


def _of_projects(projects: Sequence[str], settings: GcpSettings) -> Iterator[str]:
    for project in projects:
        yield f"gcloud iam roles create {ROLE} --project={project} --file=muster-role.yaml"
        yield from _granted(f"projects add-iam-policy-binding {project}", f"projects/{project}/roles/{ROLE}", settings)


def _of_quota(permissions: Iterable[str], settings: GcpSettings) -> Iterator[str]:
    """What the project that requests are charged to needs."""
    project = settings.quota_project or "QUOTA_PROJECT"
    yield from _granted(
        f"projects add-iam-policy-binding {project}", "roles/serviceusage.serviceUsageConsumer", settings
    )
    wanted = {*permissions, TEST_PROJECT.permission}
    apis = sorted({one.api for one in REQUESTS if one.permission in wanted})
    yield f"gcloud services enable --project={project} \\"
    yield "  " + " ".join(f"{api}.googleapis.com" for api in apis)


def _granted(command: str, role: str, settings: GcpSettings) -> Iterator[str]:
    yield f"gcloud {command} \\"
    yield f"  --member=serviceAccount:{settings.impersonate or 'SCANNER'} --role={role}"
