"""The default token of jobs, and the private registries, of an organization (pure)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from connectors.github.client.payloads import Registry, WorkflowPolicy, moment
from connectors.github.identities.place import GithubScope
from connectors.planned.shapes import key_of
from scanner.model import Consequence, Identity, Link, Privilege, Signal, StoredSecret
from scanner.model.attributes import BY_DEFAULT, FEDERATES_TO

NAMED = 20
"""Maximum number of workflows that are named; the rest are counted."""
_FEDERATED = "oidc_"
_ACCOUNT = re.compile(r"\d{12}", re.ASCII)
_PARTITIONS = {"cn": "aws-cn", "us-gov": "aws-us-gov"}
"""Of AWS, by what their regions begin with."""


def jobs_token(place: GithubScope, policy: WorkflowPolicy, attributes: Mapping[str, Any]) -> Identity:
    """The token that GitHub makes for each job. Audit logs name what it did ``github-actions[bot]``."""
    writes, approves = policy.default_workflow_permissions == "write", policy.can_approve_pull_request_reviews
    why = ("workflows may write to their repository by default, and approve pull requests",)
    return Identity(
        **place.facts("actions/token", "actions_token", "GITHUB_TOKEN"),
        aliases=("github-actions[bot]",),
        managed_by="a token that GitHub makes for each job of a workflow",
        attributes=attributes,
        signals=(Signal(says="machine", sort="provider", evidence="the token of workflows' jobs"),),
        privilege=Privilege(level="high", evidence=why) if writes and approves else Privilege(level="normal"),
        consequences=(Consequence(kind="read_data", actions=("contents",), narrow=True),),
    )


def with_workflows(token: Identity, workflows: Sequence[str]) -> Identity:
    """The token of jobs with the first of the workflows that do not say what it may do, and their number."""
    shown = {BY_DEFAULT: list(workflows[:NAMED]), f"number_of_{BY_DEFAULT}": len(workflows)}
    return replace(token, attributes={**token.attributes, **shown})


def registry(place: GithubScope, row: Registry) -> Identity | StoredSecret:
    """A registry that is signed in to with GitHub's tokens is an identity; one with a stored secret is that secret."""
    below = f"private-registries/{row.name}"
    shown = {"registry_type": row.registry_type, "host": row.url, "visibility": row.visibility}
    attributes: dict[str, Any] = {name: value for name, value in shown.items() if value}
    if not (row.auth_type or "").startswith(_FEDERATED):
        return StoredSecret(
            **place.of(f"{place.root}/{below}", row.name),
            created_at=moment(row.created_at),
            rotated_at=moment(row.updated_at),
            rotation_enabled=False,
            attributes={"store": "private_registries", **attributes},
        )
    targets = dict.fromkeys(_targets(row))
    attributes |= {"signs_in_with": row.auth_type, FEDERATES_TO: list(targets)}
    return Identity(
        **place.facts(below, "private_registry", row.name),
        created_at=moment(row.created_at),
        attributes=attributes,
        signals=(Signal(says="machine", sort="provider", evidence="a private registry that GitHub signs in to"),),
        privilege=Privilege(level="normal" if targets else "unknown"),
        links=tuple(Link(relation="federates", target=one, evidence="private registry") for one in targets),
    )


def _targets(row: Registry) -> Iterator[str]:
    """The keys of what it signs in as, as the connectors of those systems call them."""
    if row.role_name and _ACCOUNT.fullmatch(row.account_id or ""):
        region = row.aws_region or ""
        partition = next((name for start, name in _PARTITIONS.items() if region.startswith(f"{start}-")), "aws")
        yield f"arn:{partition}:iam::{row.account_id}:role/{row.role_name}"
    elif row.service_account:
        yield key_of(row.service_account)
    elif row.workload_identity_provider:
        named = row.workload_identity_provider
        yield f"//iam.googleapis.com/{named}" if named.startswith("projects/") else named
    elif row.client_id:
        tenant, client = (row.tenant_id or "").lower(), row.client_id.lower()
        yield f"azure://{tenant}/applications/{client}" if tenant else client
    elif row.jfrog_oidc_provider_name or row.service_slug:
        yield str(row.jfrog_oidc_provider_name or row.service_slug)
