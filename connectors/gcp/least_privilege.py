"""The custom role of the connector, generated from the table of requests.

The commands that create and grant it are printed beside the role, as a script, and for Terraform.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Sequence

from connectors.core.contract import Section
from connectors.gcp.client.requests import REQUESTS, TEST_PROJECT
from connectors.gcp.settings import GcpSettings
from connectors.gcp.spec import SPEC

ROLE = "musterAudit"
_NOT_IN_PROJECTS = ("resourcemanager.organizations.", "resourcemanager.folders.")
"""A role of a project may not have these. Source: IAM's documentation of custom roles."""
_HEAD = """\
# A custom role that only reads: no value of a secret, and nothing is changed. Save this file as muster-role.yaml, then:
"""
_ROLE = """\
title: Muster audit
description: Reads identities and their permissions.
stage: GA
includedPermissions:
"""


def custom_role(sections: Iterable[Section], settings: GcpSettings | None = None, more: Collection[str] = ()) -> str:
    """As YAML, as ``gcloud iam roles create --file`` takes it, with the commands before it as comments.

    ``settings``: those of the source; without them, places have names to be filled in. ``more``: permissions besides.
    """
    settings = settings or GcpSettings()
    permissions = {*more, *(permission for section in sections for permission in section.permissions)}
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
        return
    for folder in settings.named_folders:
        yield from _granted(f"resource-manager folders add-iam-policy-binding {folder}", role, settings)


def _of_projects(projects: Sequence[str], settings: GcpSettings) -> Iterator[str]:
    for project in projects:
        yield f"gcloud iam roles create {ROLE} --project={project} --file=muster-role.yaml"
        yield from _granted(f"projects add-iam-policy-binding {project}", f"projects/{project}/roles/{ROLE}", settings)


def _of_quota(permissions: Iterable[str], settings: GcpSettings) -> Iterator[str]:
    """The commands for the quota project."""
    project = settings.quota_project or "QUOTA_PROJECT"
    yield from _granted(
        f"projects add-iam-policy-binding {project}", "roles/serviceusage.serviceUsageConsumer", settings
    )
    yield f"gcloud services enable --project={project} \\"
    yield "  " + " ".join(_apis(permissions))


def _apis(permissions: Iterable[str]) -> list[str]:
    """The services that receive requests, by host."""
    wanted = {*permissions, TEST_PROJECT.permission}
    return sorted({f"{one.api}.googleapis.com" for one in REQUESTS if one.permission in wanted})


def _granted(command: str, role: str, settings: GcpSettings) -> Iterator[str]:
    yield f"gcloud {command} \\"
    yield f"  --member=serviceAccount:{settings.impersonate or 'SCANNER'} --role={role}"


_SCRIPT = f"""\
#!/bin/sh
# Makes the custom role {ROLE} in an organization, or brings it up to date, and grants it to the service account that
# Muster runs as: sh role.sh ORGANIZATION SCANNER QUOTA_PROJECT
# (the organization's number, the account's e-mail, the project that requests are charged to)
set -eu
organization=${{1:?the number of the organization}}
scanner=${{2:?the e-mail of the service account}}
project=${{3:?the project that requests are charged to}}

role=$(mktemp)
trap 'rm -f "$role"' EXIT
cat >"$role" <<'END'
{_ROLE}PERMISSIONSEND

if gcloud iam roles describe {ROLE} --organization="$organization" >/dev/null 2>&1; then
  gcloud iam roles update {ROLE} --organization="$organization" --file="$role" --quiet
else
  gcloud iam roles create {ROLE} --organization="$organization" --file="$role" --quiet
fi
gcloud organizations add-iam-policy-binding "$organization" --condition=None \\
  --member="serviceAccount:$scanner" --role="organizations/$organization/roles/{ROLE}"
gcloud projects add-iam-policy-binding "$project" --condition=None \\
  --member="serviceAccount:$scanner" --role=roles/serviceusage.serviceUsageConsumer
gcloud services enable --project="$project" \\
  APIS
"""
_TERRAFORM = f"""\
# The custom role that Muster reads an organization with, and what its service account needs besides.
terraform {{
  required_providers {{
    google = {{ source = "hashicorp/google", version = ">= 6.0" }}
  }}
}}

variable "organization" {{
  type        = string
  description = "The organization's number."
}}

variable "scanner" {{
  type        = string
  description = "E-mail of the service account that Muster runs as."
}}

variable "quota_project" {{
  type        = string
  description = "The project that requests are charged to."
}}

resource "google_organization_iam_custom_role" "muster" {{
  role_id     = "{ROLE}"
  org_id      = var.organization
  title       = "Muster audit"
  description = "Reads identities and their permissions."
  permissions = PERMISSIONS
}}

resource "google_organization_iam_member" "muster" {{
  org_id = var.organization
  role   = google_organization_iam_custom_role.muster.name
  member = "serviceAccount:${{var.scanner}}"
}}

resource "google_project_iam_member" "quota" {{
  project = var.quota_project
  role    = "roles/serviceusage.serviceUsageConsumer"
  member  = "serviceAccount:${{var.scanner}}"
}}

resource "google_project_service" "asked" {{
  for_each           = toset(APIS)
  project            = var.quota_project
  service            = each.key
  disable_on_destroy = false
}}
"""


def _permissions() -> list[str]:
    return sorted({permission for section in SPEC.sections for permission in section.permissions})


def gcloud_script() -> str:
    """The role of an organization as a shell script that can be run again."""
    permissions = _permissions()
    listed = "".join(f"- {permission}\n" for permission in permissions)
    return _SCRIPT.replace("PERMISSIONS", listed).replace("APIS", " ".join(_apis(permissions)))


def terraform() -> str:
    """The role of an organization as a Terraform module."""
    permissions = _permissions()
    texts = (("PERMISSIONS", permissions), ("APIS", _apis(permissions)))
    text = _TERRAFORM
    for word, values in texts:
        text = text.replace(word, json.dumps(values, indent=2).replace("\n", "\n  "))
    return text
