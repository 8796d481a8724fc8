"""Services for which an identity has permissions that it never used, from IAM's access advisor.

Each identity takes at least two calls, so only the most privileged are read.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, structs

from connectors.aws.client.reading import IAM_PAGES, AwsReader, expect, goes_on, must_know, read_each
from connectors.aws.client.session import call, permission_of
from connectors.aws.spec import LAST_ACCESSED
from connectors.core.budget import current
from scanner.errors import SourceError
from scanner.model import Coverage, Identity, PrivilegeLevel
from scanner.model.attributes import SERVICES_LAST_USED, SERVICES_UNUSED, SERVICES_USED
from scanner.text import counted

MOST = 200
"""Maximum number of identities, the most privileged first."""
PATIENCE = 60.0
"""Seconds to wait for the report of one identity."""
TRACKED_DAYS = 400

_ORDER: tuple[PrivilegeLevel, ...] = ("admin", "escalation")
_GENERATE, _GET = "generate_service_last_accessed_details", "get_service_last_accessed_details"


class _LastAccessedService(Struct, frozen=True, kw_only=True, rename="pascal"):
    """IAM ``ServiceLastAccessed``: a service for which the identity's policies allow an action."""

    service_namespace: str
    last_authenticated: Any = None

    @property
    def last_day(self) -> str | None:
        at = self.last_authenticated
        return f"{at.astimezone(UTC):%Y-%m-%d}" if isinstance(at, datetime) and at.tzinfo else None


class LastAccessed:
    """The services each identity has used and not used in the time that AWS keeps (400 days)."""

    def __init__(self) -> None:
        self._services: Mapping[str, Sequence[_LastAccessedService]] = {}

    def read(self, account: AwsReader, levels: Mapping[str, PrivilegeLevel]) -> Iterator[Coverage]:
        """Read the services of the most privileged of these identities. ``levels``: privilege by ARN."""
        candidates = sorted(
            (arn for arn in levels if levels[arn] in _ORDER), key=lambda arn: (_ORDER.index(levels[arn]), arn)
        )
        asked = candidates[:MOST]
        with account.section(LAST_ACCESSED) as section:
            for method in (_GENERATE, _GET):
                must_know(account.client, method)
            read = read_each(asked, lambda arn: services_of(account.client, arn), of="identities' services")
            self._services = read.answers
            section.found(len(read.answers))
            if len(candidates) > len(asked):
                left_out = counted(len(candidates) - len(asked), "other powerful identity", "other powerful identities")
                section.note(f"{left_out} skipped")
            if read.error is not None:
                section.lost(read.error)
        yield section.coverage

    def sign(self, identity: Identity) -> Identity:
        """Add the services that an identity uses and does not use, if they were read."""
        if identity.key not in self._services:
            return identity
        services = self._services[identity.key]
        used = sorted(one.service_namespace for one in services if one.last_authenticated is not None)
        unused = sorted(one.service_namespace for one in services if one.last_authenticated is None)
        attributes = {
            **identity.attributes,
            SERVICES_USED: used,
            SERVICES_UNUSED: unused,
            SERVICES_LAST_USED: {one.service_namespace: day for one in services if (day := one.last_day) is not None},
        }
        all_services = counted(len(services), "service", "services")
        summary = f"it used {len(used)} of the {all_services} that it has rights to in {TRACKED_DAYS} days"
        privilege = structs.replace(identity.privilege, evidence=(*identity.privilege.evidence, summary))
        return structs.replace(identity, attributes=attributes, privilege=privilege)


def services_of(iam: Any, arn: str, *, patience: float = PATIENCE, pause: float = 1.0) -> list[_LastAccessedService]:
    """The services for which the identity's policies allow an action. Raises SourceError."""
    permission = f"{permission_of(iam, _GET)} of {arn}"
    job = call(iam, _GENERATE, expecting="JobId", Arn=arn, Granularity="SERVICE_LEVEL")["JobId"]
    at: dict[str, Any] = {"JobId": job}
    answer = _finished(iam, at, permission, patience, pause)
    found = _services(answer, permission)
    while goes_on(answer, at, IAM_PAGES, permission):
        answer = call(iam, _GET, expecting="JobStatus", **at)
        found += _services(answer, permission)
    return found


def _finished(iam: Any, job: Mapping[str, Any], permission: str, patience: float, pause: float) -> dict[str, Any]:
    give_up_at = time.monotonic() + patience
    while (answer := call(iam, _GET, expecting="JobStatus", **job))["JobStatus"] == "IN_PROGRESS":
        if time.monotonic() + pause > give_up_at:
            raise SourceError(f"{permission}: not ready after {patience:g} seconds")
        current().pause(pause)
    if answer["JobStatus"] != "COMPLETED":
        raise SourceError(f"{permission}: AWS could not say")
    return answer


def _services(answer: Mapping[str, Any], permission: str) -> list[_LastAccessedService]:
    return [expect(row, _LastAccessedService, permission) for row in answer.get("ServicesLastAccessed", ())]
