"""Faults of the fake cloud: throttling, missing rights, a disabled API, and other errors."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


class Refused(Exception):
    """An error, with a body in Google's form."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        reason: str | None = None,
        metadata: Mapping[str, str] | None = None,
        old_reason: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.old_reason = old_reason
        self.headers = dict(headers or {})

    def body(self) -> dict[str, Any]:
        """A google.rpc.Status as JSON; ``old_reason`` as in Compute and Storage."""
        error: dict[str, Any] = {"code": self.code, "message": str(self)}
        if self.old_reason is not None:
            error["errors"] = [{"message": str(self), "domain": "usageLimits", "reason": self.old_reason}]
            return {"error": error}
        error["status"] = _STATUS.get(self.code, "UNKNOWN")
        if self.reason is not None:
            error["details"] = [
                {
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": self.reason,
                    "domain": "googleapis.com",
                    "metadata": self.metadata,
                }
            ]
        return {"error": error}


class _Fault(Struct, kw_only=True):
    """A fault. None as ``api`` or ``place`` matches any, as ``times`` it never ends. ``place``: the prefix of a path.

    ``after``: the number of matching requests that succeed first.
    """

    refused: Refused
    api: str | None = None
    place: str | None = None
    part: str = ""
    times: int | None = None
    after: int = 0

    def fits(self, api: str, path: str) -> bool:
        place = self.place
        near = place is None or path == place or path.startswith((f"{place}/", f"{place}:"))
        return near and self.api in (None, api) and self.part in path and self.times != 0


class Faults:
    """The active faults. Paths are canonical and without version: ``projects/acme/serviceAccounts``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[_Fault] = []
        self.empty_first_pages = False
        """Listings begin with a page without rows, but with a token."""
        self.unlisted_types: set[str] = set()
        """Asset types that Cloud Asset does not support."""
        self.unlisted_accounts: set[str] = set()
        """E-mails of accounts that are not yet in Cloud Asset."""
        self.only_first_pages = False
        """Listings fail after their first page."""
        self.unreachable_zones: list[str] = []
        """Zones that are unreachable for Compute Engine."""
        self.unheeded_key_types = False
        """Keys that Google manages are returned although only user-managed keys were requested."""
        self.endless_pages = False
        """Each page of a listing has the token of the same page."""

    def throttle(self, api: str, times: int | None = None, *, part: str = "") -> None:
        """429 without Retry-After."""
        refused = Refused(429, "Quota exceeded for quota metric 'Read requests'", reason="RATE_LIMIT_EXCEEDED")
        self._plant(_Fault(refused=refused, api=api, part=part, times=times))

    def rate_limit(self, api: str, times: int | None = None) -> None:
        """403 rateLimitExceeded, as in Compute and Storage."""
        self._plant(_Fault(refused=Refused(403, "Rate limit", old_reason="rateLimitExceeded"), api=api, times=times))

    def disable_api(self, api: str, project: str, number: str, *, everywhere: bool = False) -> None:
        """403 SERVICE_DISABLED in a project. ``everywhere``: in the quota project of all requests."""
        service = f"{api}.googleapis.com"
        refused = Refused(
            403,
            f"{service} has not been used in project {number} before or it is disabled.",
            reason="SERVICE_DISABLED",
            metadata={"consumer": f"projects/{number}", "service": service},
        )
        self._plant(_Fault(refused=refused, api=api, place=None if everywhere else f"projects/{project}"))

    def deny(self, *, api: str | None = None, place: str | None = None, part: str = "") -> None:
        """403 at a path and below it: ``organizations/1`` does not include the projects in it."""
        refused = Refused(403, "The caller does not have permission", reason="IAM_PERMISSION_DENIED")
        self._plant(_Fault(refused=refused, api=api, place=place, part=part))

    def fail(
        self, code: int, *, api: str | None = None, times: int | None = None, part: str = "", after: int = 0
    ) -> None:
        """Any other status."""
        self._plant(_Fault(refused=Refused(code, "it went wrong"), api=api, part=part, times=times, after=after))

    def refuse(
        self, refused: Refused, *, api: str | None = None, place: str | None = None, times: int | None = None
    ) -> None:
        """A custom error."""
        self._plant(_Fault(refused=refused, api=api, place=place, times=times))

    def meet(self, api: str, path: str) -> None:
        """Raises Refused if a fault applies."""
        with self._lock:
            for fault in self._faults:
                if fault.fits(api, path):
                    if fault.after > 0:
                        fault.after -= 1
                        continue
                    if fault.times is not None:
                        fault.times -= 1
                    raise fault.refused

    def _plant(self, fault: _Fault) -> None:
        with self._lock:
            self._faults.append(fault)
