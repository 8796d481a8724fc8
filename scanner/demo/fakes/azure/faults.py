"""Planned faults: responses that replace the regular ones."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from scanner.demo.fakes.azure.wire import Call, Reply, Service, refusal

FOREVER = 1_000_000
_DENIED = {"graph": "Authorization_RequestDenied", "arm": "AuthorizationFailed", "vault": "Forbidden"}


class Fault(Struct, kw_only=True):
    """A ``reply`` that replaces the regular one ``times`` times, after ``after`` matching requests.

    ``path``: a regular expression that matches path and query from the start. A reply of None drops the connection.
    """

    service: Service
    path: str
    reply: Reply | None
    method: str | None = None
    times: int = FOREVER
    after: int = 0

    def fits(self, call: Call) -> bool:
        """Whether it applies to this request."""
        query = "&".join(f"{name}={value}" for name, value in call.query.items())
        return (
            call.service == self.service
            and self.method in (None, call.method)
            and re.match(self.path, f"{call.path}?{query}", re.IGNORECASE) is not None
        )


class Faults:
    """The active faults; can be added while the server runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self.taken = 0
        """The number of responses that were replaced."""

    def add(self, fault: Fault) -> None:
        """Add a fault."""
        with self._lock:
            self._faults.append(fault)

    def deny(self, service: Service, path: str, *, inner: str | None = None) -> None:
        """Add a 403 in the form of the service. ``inner``: the inner code, such as ForbiddenByFirewall."""
        payload: dict[str, Any] = {} if inner is None else {"code": inner}
        self.add(Fault(service=service, path=path, reply=refusal(service, 403, _DENIED[service], **payload)))

    def throttle(
        self, service: Service, path: str, *, times: int = 1, retry_after: str | None = None, method: str | None = None
    ) -> None:
        """Add a 429, with or without ``Retry-After``."""
        headers: Mapping[str, str] = {} if retry_after is None else {"Retry-After": retry_after}
        said = refusal(service, 429, "TooManyRequests")
        reply = Reply(status=429, body=said.body, headers=headers)
        self.add(Fault(service=service, path=path, reply=reply, times=times, method=method))

    def take(self, call: Call) -> Fault | None:
        """The first fault that applies to this request and is due."""
        with self._lock:
            for fault in self._faults:
                if not fault.fits(call):
                    continue
                if fault.after > 0:
                    fault.after -= 1
                elif fault.times > 0:
                    fault.times -= 1
                    self.taken += 1
                    return fault
        return None
