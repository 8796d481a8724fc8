"""Translates errors of azure-core and the services into SourceError. azure-core is imported only when a call is made.

The codes are from the error references of Graph, Azure Resource Manager and Key Vault.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

from connectors.core.contract import Gone, own_words
from scanner.errors import Denied, NotOffered, SourceError, Throttled, Unreachable

if TYPE_CHECKING:
    from requests import Response

T = TypeVar("T")

OK = 200
TOO_MANY = 429
TRANSIENT = (408, TOO_MANY, 500, 502, 503, 504)
"""Statuses that may be transient."""
_BAD_REQUEST, _UNAUTHORIZED, _FORBIDDEN, _SERVER_ERROR = 400, 401, 403, 500
_NO_LICENCE = "Authentication_RequestFromNonPremiumTenantOrB2CTenant"
_CLOSED_TO_US = frozenset({"ForbiddenByFirewall", "ForbiddenByConnection", "ForbiddenByPolicy"})
_EXPIRED_PAGE = frozenset({"Directory_ExpiredPageToken", "InvalidPageToken"})
# Raised by the SDK's parsers for JSON of another shape.
_PARSER_ERRORS = (LookupError, ValueError, TypeError, AttributeError, RecursionError)


class NotSignedIn(SourceError):
    """There is no token, or the service does not accept it: no permission would help."""


class NotTaken(SourceError):
    """The service does not accept a request of this form; a simpler one may succeed."""


class ExpiredPage(NotTaken):
    """The link to the next page has expired: the list has to be read again."""


class NoLicence(NotOffered):
    """The tenant's licence does not include this."""


class ClosedToUs(Unreachable):
    """The network of the scanner is not allowed; the permission may exist."""


class AzureAnswer(Protocol):
    """The parts of an HTTP response that are used. Responses of azure-core and inner responses of a batch have them."""

    @property
    def status_code(self) -> int: ...
    @property
    def content(self) -> bytes: ...


class _Inner(msgspec.Struct):
    code: Any = None
    message: Any = None
    innererror: Any = None


class _ErrorBody(msgspec.Struct):
    error: Any = None
    code: Any = None
    message: Any = None


def of_answer(answer: AzureAnswer, asked: str, permission: str, *, next_page: bool = False) -> SourceError:
    """The error for a status other than success. ``asked``: a description of the request."""
    status = answer.status_code
    code, inner, message = _error_of(answer.content)
    text = f"{asked}: {code or f'HTTP {status}'}" + (f": {message}" if message else "")
    if code == _NO_LICENCE:
        return NoLicence(f"{asked}: the tenant's licence does not include it")
    if _CLOSED_TO_US & {code, inner}:
        return ClosedToUs(f"{asked}: its firewall blocks this network", hint="scan from a network that it allows")
    if status == _FORBIDDEN:
        return Denied(f"{asked}: denied" + (f" ({code})" if code else ""), permission=permission or None)
    if status == _UNAUTHORIZED:
        return NotSignedIn(f"{text} (the token was not accepted)")
    if next_page and (status == _BAD_REQUEST or code in _EXPIRED_PAGE):
        return ExpiredPage(text)
    return _kind_of(status)(text)


def is_throttled(answer: Response) -> bool:
    """Whether an answer throttles requests; some do so with another status and ``Retry-After``."""
    is_refusal = _BAD_REQUEST <= answer.status_code < _SERVER_ERROR
    return answer.status_code == TOO_MANY or (is_refusal and "retry-after" in answer.headers)


def _kind_of(status: int) -> type[SourceError]:
    by_status = {_BAD_REQUEST: NotTaken, 404: Gone, 405: NotTaken, 410: Gone, TOO_MANY: Throttled, 501: NotTaken}
    if status in by_status:
        return by_status[status]
    return Unreachable if status >= _SERVER_ERROR or status < _BAD_REQUEST else SourceError


def _error_of(content: bytes) -> tuple[str, str, str]:
    """Code, inner code and message of an error; each may be empty."""
    try:
        body = msgspec.json.decode(content, type=_ErrorBody)
        error = msgspec.convert(body.error, _Inner) if isinstance(body.error, dict) else _Inner(body.code, body.message)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "", "", ""
    inner = error.innererror.get("code") if isinstance(error.innererror, dict) else None
    return own_words(error.code or ""), own_words(inner or ""), own_words(error.message or "")


@contextmanager
def translated(asked: str) -> Iterator[None]:
    """Run one call of an SDK. Raises SourceError for its failures."""
    from azure.core import exceptions as sdk

    try:
        yield
    except sdk.ClientAuthenticationError as error:
        raise NotSignedIn(
            f"{asked}: no token: {own_words(error.message.splitlines()[0] if error.message else error)}",
            hint="check tenant_id, client_id and the secret or certificate, or sign in with `az login`",
        ) from error
    except sdk.DecodeError as error:
        raise Unreachable(f"{asked}: unexpected response: not JSON") from error
    except (sdk.ServiceRequestError, sdk.ServiceResponseError) as error:
        raise Unreachable(f"{asked}: no response ({type(error).__name__})") from error
    except sdk.AzureError as error:
        raise SourceError(f"{asked}: {own_words(error.message)}") from error
    except OSError as error:
        raise Unreachable(f"{asked}: {own_words(error)}", hint="check ca_file") from error
    except _PARSER_ERRORS as error:
        raise Unreachable(f"{asked}: unexpected response ({type(error).__name__})") from error


def each_of(models: Iterable[T], asked: str) -> Iterator[T]:
    """Iterate over a list of an SDK. Only failures of the SDK are translated."""
    ahead = iter(models)
    while True:
        with translated(asked):
            try:
                one = next(ahead)
            except StopIteration:
                return
        yield one
