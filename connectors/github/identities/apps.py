"""Installed Apps, runner groups and webhooks as identities (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.github.client.payloads import Hook, HostedRunner, Installation, Runner, RunnerGroup, moment
from connectors.github.identities.place import GithubScope
from connectors.github.rights.privileges import of_permissions, ways
from scanner.model import Identity, Privilege, Signal
from scanner.model.attributes import OWNERS

RUNNERS_NAMED = 20
BYPASSES = "bypasses_rulesets"
"""Names of the organization's rulesets that do not hold for an App or a deploy key."""


def app(place: GithubScope, row: Installation, installed_by: str | None, bypasses: Sequence[str]) -> Identity:
    """An App's installation. Audit logs name it ``SLUG[bot]``. ``bypasses``: rulesets that do not hold for it."""
    rights = of_permissions(row.permissions, row.repository_selection)
    attributes: dict[str, Any] = {
        "app_id": row.app_id,
        "repositories": row.repository_selection,
        "events": sorted(row.events),
        "updated_at": row.updated_at,
    }
    if row.contact_email:
        attributes[OWNERS] = [{"id": row.contact_email, "name": None, "email": row.contact_email}]
    if row.suspended_by is not None:
        attributes["suspended_by"] = row.suspended_by.login
    if bypasses:
        attributes[BYPASSES] = sorted(bypasses)
    aliases = (f"{row.app_slug}[bot]", *([row.client_id] if row.client_id else []))
    return Identity(
        **place.facts(f"installations/{row.id}", "app", row.app_slug or f"app {row.app_id}"),
        unique_id=f"installation:{row.id}",
        aliases=aliases,
        enabled=row.suspended_at is None,
        created_at=moment(row.created_at),
        created_by=installed_by,
        attributes=attributes,
        signals=(Signal(says="machine", sort="provider", evidence="a GitHub App"),),
        grants=rights.grants,
        privilege=rights.privilege,
        consequences=rights.consequences,
        reach=ways(row.permissions, row.repository_selection, place.root),
    )


def runner_group(
    place: GithubScope, row: RunnerGroup, runners: Sequence[Runner], hosted: Sequence[HostedRunner] = ()
) -> Identity:
    """A group of runners: anyone who runs a job on a self-hosted one can become what the machine is.

    ``hosted``: those that GitHub runs for the organization, which alone say when they were last used.
    """
    attributes: dict[str, Any] = {
        "visibility": row.visibility,
        "allows_public_repositories": row.allows_public_repositories,
        "restricted_to_workflows": row.restricted_to_workflows,
        "selected_workflows": sorted(row.selected_workflows or ()),
        "runners": [_runner(one) for one in sorted(runners, key=lambda one: one.name)[:RUNNERS_NAMED]],
        "runners_count": len(runners),
    }
    if hosted:
        attributes["hosted_runners"] = [
            {
                "name": one.name,
                "platform": one.platform,
                "status": one.status,
                "public_ip": one.public_ip_enabled,
                "last_active_on": one.last_active_on,
            }
            for one in sorted(hosted, key=lambda one: one.name)[:RUNNERS_NAMED]
        ]
    open_to_all = row.allows_public_repositories and not row.restricted_to_workflows
    used = [when for one in hosted if (when := moment(one.last_active_on)) is not None]
    why = ("pull requests from forks of public repositories can run code on it",) if open_to_all else ()
    return Identity(
        **place.facts(f"runner-groups/{row.id:g}", "runner_group", row.name or f"group {row.id:g}"),
        unique_id=f"runner_group:{row.id:g}",
        last_used_at=max(used, default=None),
        attributes=attributes,
        signals=(Signal(says="machine", sort="provider", evidence="a group of runners"),),
        privilege=Privilege(level="high" if open_to_all else "normal", evidence=why),
    )


def _runner(row: Runner) -> Mapping[str, Any]:
    return {
        "name": row.name,
        "os": row.os,
        "status": row.status,
        "ephemeral": row.ephemeral,
        "labels": sorted(one.name for one in row.labels),
    }


def webhook(place: GithubScope, row: Hook, repository: str = "") -> Identity:
    """A webhook: events, and with them code and names, are sent to its host. ``repository``: OWNER/NAME."""
    of = f"{repository.partition('/')[2]}/hooks/{row.id}" if repository else f"hooks/{row.id}"
    host = row.config.url or "unknown host"
    return Identity(
        **place.facts(of, "webhook", host),
        unique_id=f"hook:{row.id}",
        enabled=row.active,
        created_at=moment(row.created_at),
        attributes={
            "host": host,
            "events": sorted(row.events),
            "verifies_tls": str(row.config.insecure_ssl or "0") in ("0", "0.0"),
            "repository": repository or None,
        },
        signals=(Signal(says="machine", sort="provider", evidence="a webhook"),),
        privilege=Privilege(level="normal"),
    )
