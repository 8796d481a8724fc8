"""Secrets of Secret Manager, whoever listed them: names and dates, never a value (pure).

A value cannot be changed, only followed by another version: what a secret holds is as old as its newest enabled one.
Source: the Secret Manager API's Secret and SecretVersion.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from connectors.gcp.consumers.told import known
from connectors.gcp.keys import last_segment, stored_key
from connectors.gcp.labels import tags_of
from connectors.gcp.payloads import Moment, in_utc
from connectors.gcp.places import ProjectRef
from scanner.model import StoredSecret

ENABLED = "ENABLED"


class _Rotation(Struct, frozen=True, kw_only=True, rename="camel"):
    next_rotation_time: Moment | None = None
    rotation_period: str = ""


class _Replica(Struct, frozen=True, kw_only=True):
    location: str = ""


class _Replicas(Struct, frozen=True, kw_only=True):
    replicas: list[_Replica] = []


class _Replication(Struct, frozen=True, kw_only=True, rename="camel"):
    user_managed: _Replicas | None = None


class Secret(Struct, kw_only=True, rename="camel"):
    """``name``: ``projects/P/secrets/S``, or ``projects/P/locations/L/secrets/S``; P is the number or the id."""

    name: str
    create_time: Moment | None = None
    expire_time: Moment | None = None
    labels: dict[str, str] = {}
    rotation: _Rotation | None = None
    replication: _Replication = _Replication()
    secret_type: str = ""

    @property
    def path(self) -> str:
        """Its name within its project."""
        return self.name.partition("/")[2].partition("/")[2]


class SecretVersion(Struct, kw_only=True, rename="camel"):
    """One value's metadata. ``name``: its secret's, with ``/versions/N``."""

    name: str
    state: str = ""
    create_time: Moment | None = None

    @property
    def secret(self) -> str:
        """The name of its secret within its project."""
        return self.name.partition("/versions/")[0].partition("/")[2].partition("/")[2]


def parse_secret(
    source: str, project: ProjectRef, row: Secret, versions: Sequence[SecretVersion] | None
) -> StoredSecret:
    """A stored secret. ``versions``: of it; None where they were not read, and then its value's age is not known.

    Raises ValueError where its name is none.
    """
    if "secrets/" not in row.path:
        raise ValueError("no name of a secret")
    return StoredSecret(
        key=stored_key(project.id, row.path),
        provider="gcp",
        source=source,
        scope=project.id,
        name=last_segment(row.name),
        # A secret that seems never to have been rotated is judged by this date.
        created_at=None if versions is None else in_utc(row.create_time),
        rotated_at=_written(versions or ()),
        expires_at=row.expire_time,
        rotation_enabled=row.rotation is not None,
        tags=tags_of(project, row.labels),
        attributes=_attributes(row, versions),
    )


def _written(versions: Sequence[SecretVersion]) -> Any:
    dates = (in_utc(one.create_time) for one in versions if one.state == ENABLED)
    return max(filter(None, dates), default=None)


def _attributes(row: Secret, versions: Sequence[SecretVersion] | None) -> dict[str, Any]:
    """``rotation_enabled`` means that somebody is notified, who then has to make a new version."""
    rotation, replicas = row.rotation or _Rotation(), row.replication.user_managed
    place = row.path.split("/")[1] if row.path.startswith("locations/") else None
    facts = known(
        location=place,
        replicated_to=sorted(one.location for one in replicas.replicas) if replicas else None,
        type=row.secret_type,
        next_rotation=rotation.next_rotation_time and rotation.next_rotation_time.isoformat(),
        rotation_period=rotation.rotation_period,
    )
    if versions is None:
        return facts | {"versions_unread": True}
    return facts | {"enabled_versions": sum(one.state == ENABLED for one in versions)}
