"""Decoding of Google's answers, and the errors in them as SourceErrors.

A null in JSON counts as missing: in the JSON mapping of protocol buffers it represents a field's default. Google omits
such fields, but emulators write null.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Raw, Struct

from connectors.core.contract import Gone, Malformed, own_words
from connectors.gcp.client.requests import Request
from scanner.errors import Denied, NotOffered, SourceError, Throttled, Unreachable

if TYPE_CHECKING:
    from requests import Response


def decoded(content: bytes | Raw, payload: Any) -> Any:
    """The content as ``payload``. Raises MsgspecError, UnicodeDecodeError and RecursionError."""
    try:
        return msgspec.json.decode(content, type=payload)
    except msgspec.ValidationError:
        if b"null" not in bytes(content):
            raise
        try:
            cleaned = msgspec.json.encode(_without_nulls(msgspec.json.decode(content)))
        except OverflowError:  # a number that is too large for any field
            cleaned = bytes(content)
        return msgspec.json.decode(cleaned, type=payload)


def answer_as(content: bytes | Raw, payload: Any) -> Any:
    """A whole answer as ``payload``. Raises Malformed or NotGoogle."""
    try:
        return decoded(content, payload)
    except msgspec.ValidationError as error:
        raise Malformed(f"a response has an unexpected structure: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise NotGoogle("unexpected response: not JSON") from None


def _without_nulls(value: Any) -> Any:
    match value:
        case dict():
            return {name: _without_nulls(each) for name, each in value.items() if each is not None}
        case list():
            return [_without_nulls(each) for each in value]
        case _:
            return value


# --- SourceErrors by HTTP status, and by the reasons in the body or the status details ---
#
# Source: cloud.google.com/apis/design/errors, and the ErrorInfo reasons of google.api.ErrorReason.

BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, TOO_MANY = 400, 401, 403, 404, 429
RETRIED_STATUSES = frozenset({TOO_MANY, 500, 502, 503, 504})
_RATE = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "RATE_LIMIT_EXCEEDED"})
_USED_UP = frozenset({"quotaExceeded", "dailyLimitExceeded", "RESOURCE_QUOTA_EXCEEDED"})
_OFF = frozenset({"SERVICE_DISABLED", "accessNotConfigured"})
_THERE_ANYWAY = frozenset({"apikeys", "iam", "logging", "policyanalyzer", "recommender", "storage"})
"""APIs that also list resources of projects in which they are disabled: accounts, keys, their use, logs."""
_CONFIGURATION = {
    "USER_PROJECT_DENIED": "grant roles/serviceusage.serviceUsageConsumer on the quota project, or name another",
    "CONSUMER_INVALID": "name a project that exists as quota_project",
    "CONSUMER_SUSPENDED": "name a project that is not suspended as quota_project",
    "BILLING_DISABLED": "enable billing there, or name another quota_project",
    "SECURITY_POLICY_VIOLATED": "allow the scanner through the VPC Service Controls perimeter",
    "vpcServiceControls": "allow the scanner through the VPC Service Controls perimeter",
}


class Rejected(SourceError):
    """The request is valid but not possible for this resource (400)."""


class ApiOff(SourceError):
    """An API is not enabled in the project that requests are charged to: so it cannot be used at all."""


class Misconfigured(SourceError):
    """The quota project, its billing or a service perimeter prevents the request; no role would help."""


class NotGoogle(Unreachable):
    """The answer is not from the API, but from an emulator without it, a portal, or another server."""


class NoCredentials(SourceError):
    """There are no credentials, or Google does not accept them."""


class Reported(Struct, frozen=True, kw_only=True):
    """An answer other than success, by HTTP or by gRPC. ``reasons``: the machine-readable ones."""

    status: int
    message: str = ""
    reasons: tuple[str, ...] = ()
    metadata: Mapping[str, str] = {}

    @property
    def is_throttled(self) -> bool:
        """Whether it throttles; some APIs do so with a 403."""
        return self.status == TOO_MANY or (self.status == FORBIDDEN and not _RATE.isdisjoint(self.reasons))

    @property
    def is_transient(self) -> bool:
        """Whether the same request may succeed later."""
        return self.is_throttled or self.status in RETRIED_STATUSES

    def has(self, reasons: frozenset[str]) -> bool:
        """Whether one of these is among its reasons."""
        return not reasons.isdisjoint(self.reasons)


class _Details(Struct):
    code: int = 0
    message: str = ""
    status: str = ""
    errors: list[Any] = []
    details: list[Any] = []


class _GcpErrorBody(Struct):
    error: _Details


def read_refusal(status: int, body: bytes) -> Reported:
    """The refusal in an HTTP answer. Raises NotGoogle if the answer cannot be Google's."""
    try:
        error: _Details = decoded(body, _GcpErrorBody).error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        if status in RETRIED_STATUSES:  # front ends answer these with an HTML page
            return Reported(status=status)
        raise NotGoogle(f"HTTP {status} with an unexpected response") from None
    reasons = tuple(reason for part in (*error.details, *error.errors) for reason in _texts(part, "reason"))
    metadata: dict[str, str] = {}
    for part in error.details:
        found = part.get("metadata") if isinstance(part, dict) else None
        if isinstance(found, dict):
            metadata |= {str(name): str(text) for name, text in found.items()}
    return Reported(status=status, message=error.message, reasons=reasons, metadata=metadata)


def is_throttled(response: Response) -> bool:
    """Whether an HTTP answer throttles."""
    try:
        refused = response.status_code in {FORBIDDEN, TOO_MANY}
        return refused and read_refusal(response.status_code, response.content).is_throttled
    except NotGoogle:
        return False


def _texts(part: Any, field: str) -> Iterator[str]:
    text = part.get(field) if isinstance(part, dict) else None
    if isinstance(text, str):
        yield text


def source_error(refusal: Reported, request: Request, *, own_project: frozenset[str] = frozenset()) -> SourceError:
    """The SourceError for it. ``own_project``: id and number of the project of the request, if there is one."""
    asked = f"{request.method} {request.path}"
    said = own_words(" ".join(refusal.message.split()))
    words = f"{asked}: {said}" if said else f"{asked}: HTTP {refusal.status}"
    if refusal.is_throttled or refusal.has(_USED_UP):
        return Throttled(f"{words} (the retries or the quota are used up)")
    if refusal.status == UNAUTHORIZED:
        return NoCredentials(words, hint="the credentials are wrong, expired or revoked: replace them")
    if refusal.status == FORBIDDEN:
        return _forbidden(refusal, request, words, own_project)
    if refusal.status == NOT_FOUND:
        return Gone(f"{asked}: nothing there")
    if refusal.status == BAD_REQUEST:
        return Rejected(words)
    return Unreachable(words) if refusal.status in RETRIED_STATUSES else SourceError(words)


def _forbidden(refusal: Reported, request: Request, words: str, own_project: frozenset[str]) -> SourceError:
    if refusal.has(_OFF):
        consumer = own_words(refusal.metadata.get("consumer", "").removeprefix("projects/"))
        service = own_words(refusal.metadata.get("service", f"{request.api}.googleapis.com"))
        if request.api not in _THERE_ANYWAY and (not consumer or consumer in own_project):
            return NotOffered(f"{service} is not enabled in the project")
        return ApiOff(
            f"{service} is not enabled in {f'project {consumer}' if consumer else 'the project'}, which requests are "
            "charged to",
            hint=f"gcloud services enable {service} --project={consumer or 'PROJECT'}",
        )
    for reason, hint in _CONFIGURATION.items():
        if reason in refusal.reasons:
            return Misconfigured(f"{words} ({reason})", hint=hint)
    return Denied(f"{request.method} {request.path}: denied", permission=request.permission)
