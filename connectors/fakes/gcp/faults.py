"""How the fake cloud refuses: for load, for want of rights, for an API that is off, or for no reason at all."""

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
    """An answer other than success, with the body that Google gives it."""

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
        """As google.rpc.Status in JSON; ``old_reason`` as Compute and Storage give it."""
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
    """``api`` or ``place`` of None fits any; ``times`` of None never ends. ``place``: the beginning of a path.

    ``after``: so many requests that it fits are answered first.
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
    """The faults that are planted. Paths are canonical and without version: ``projects/acme/serviceAccounts``."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[_Fault] = []
        self.empty_first_pages = False
        """Listings begin with a page that has no rows and a token."""
        self.unlisted_types: set[str] = set()
        """Types of assets that Cloud Asset does not have."""
        self.unlisted_accounts: set[str] = set()
        """E-mails of accounts that Cloud Asset does not have yet."""
        self.only_first_pages = False
        """Listings break off after their first page."""
        self.unreachable_zones: list[str] = []
        """Zones that Compute Engine cannot look at."""
        self.unheeded_key_types = False
        """Keys that Google manages are reported though only those of users were asked for."""
        self.endless_pages = False
        """Each page of a listing has the token of itself."""

    def throttle(self, api: str, times: int | None = None, *, part: str = "") -> None:
        """429 without Retry-After."""
        refused = Refused(429, "Quota exceeded for quota metric 'Read requests'", reason="RATE_LIMIT_EXCEEDED")
        self._plant(_Fault(refused=refused, api=api, part=part, times=times))

    def rate_limit(self, api: str, times: int | None = None) -> None:
        """403 rateLimitExceeded, as Compute and Storage say it."""
        self._plant(_Fault(refused=Refused(403, "Rate limit", old_reason="rateLimitExceeded"), api=api, times=times))

    def disable_api(self, api: str, project: str, number: str, *, everywhere: bool = False) -> None:
        """403 SERVICE_DISABLED in a project; ``everywhere``: it is the one that requests are charged to."""
        service = f"{api}.googleapis.com"
        refused = Refused(
            403,
            f"{service} has not been used in project {number} before or it is disabled.",
            reason="SERVICE_DISABLED",
            metadata={"consumer": f"projects/{number}", "service": service},
        )
        self._plant(_Fault(refused=refused, api=api, place=None if everywhere else f"projects/{project}"))

    def deny(self, *, api: str | None = None, place: str | None = None, part: str = "") -> None:
        """403 at a place and below its path: ``organizations/1`` does not reach the projects in it."""
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
        """An answer of one's own."""
        self._plant(_Fault(refused=refused, api=api, place=place, times=times))

    def meet(self, api: str, path: str) -> None:
        """Raises Refused where a fault fits."""
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
