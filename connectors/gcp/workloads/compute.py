"""Compute Engine instances and instance templates. One without a service account runs as none (pure).

Source: the Compute Engine API's Instance and InstanceTemplate. Metadata is not read, as it may hold secrets.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import Raw, Struct

from connectors.core.reading import Moment, in_utc
from connectors.gcp.keys import last_segment
from connectors.gcp.units import ProjectRef
from connectors.gcp.workloads.records import Details, default_compute, known, short_scopes

DEFAULT = "default"


class AttachedAccount(Struct, frozen=True, kw_only=True):
    """A service account that is attached to an instance, and the access scopes of its tokens there."""

    email: str = ""
    scopes: list[str] = []


class Instance(Struct, kw_only=True, rename="camel"):
    """An instance."""

    name: str
    zone: str = ""
    self_link: str = ""
    creation_timestamp: Moment | None = None
    labels: dict[str, str] = {}
    service_accounts: list[AttachedAccount] = []

    def details(self, project: ProjectRef) -> Details:
        """See ``Consumer.details``."""
        place = {"zone": last_segment(self.zone)}
        return _instance_details(project, self.name, self.service_accounts, self.creation_timestamp, self.labels, place)


class _ComputeProperties(Struct, frozen=True, kw_only=True, rename="camel"):
    labels: dict[str, str] = {}
    service_accounts: list[AttachedAccount] = []


class InstanceTemplate(Struct, kw_only=True, rename="camel"):
    """A template from which instances are created."""

    name: str
    creation_timestamp: Moment | None = None
    properties: _ComputeProperties = _ComputeProperties()

    def details(self, project: ProjectRef) -> Details:
        """See ``Consumer.details``."""
        own = self.properties
        return _instance_details(project, self.name, own.service_accounts, self.creation_timestamp, own.labels, {})


class Zone(Struct, kw_only=True):
    """The instances of one zone in an aggregated list."""

    instances: list[Raw] = []


def account_or_default(email: str, project: ProjectRef) -> str:
    """The e-mail; if it is empty or ``default``, that of the project's default Compute Engine account."""
    return default_compute(project) if email in ("", DEFAULT) else email


def _instance_details(
    project: ProjectRef,
    name: str,
    accounts: list[AttachedAccount],
    created: datetime | None,
    labels: dict[str, str],
    facts: dict[str, Any],
) -> Details:
    scopes = short_scopes(scope for one in accounts for scope in one.scopes)
    return Details(
        name=name,
        accounts=tuple(account_or_default(one.email, project) for one in accounts),
        created_at=in_utc(created),
        labels=labels,
        attributes=known(**facts, scopes=scopes),
    )
