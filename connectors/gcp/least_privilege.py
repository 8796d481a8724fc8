"""The custom role that the connector needs, made from what its sections declare."""

from __future__ import annotations

from collections.abc import Iterable

from connectors.base import Section

_HEAD = """\
# A custom role that only reads. Save it as muster-role.yaml, then:
#   gcloud iam roles create musterAudit --organization=ORGANIZATION --file=muster-role.yaml
#   gcloud organizations add-iam-policy-binding ORGANIZATION \\
#     --member=serviceAccount:SCANNER --role=organizations/ORGANIZATION/roles/musterAudit
#   gcloud projects add-iam-policy-binding QUOTA_PROJECT \\
#     --member=serviceAccount:SCANNER --role=roles/serviceusage.serviceUsageConsumer
title: Muster audit
description: Reads who is there and what they may do; no secret's value.
stage: GA
includedPermissions:
"""


def custom_role(sections: Iterable[Section]) -> str:
    """As YAML, as ``gcloud iam roles create --file`` takes it."""
    permissions = sorted({permission for section in sections for permission in section.permissions})
    return _HEAD + "".join(f"- {permission}\n" for permission in permissions)
