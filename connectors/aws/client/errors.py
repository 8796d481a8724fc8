"""Translates the errors of botocore and AWS into SourceError.

The tables are from the services' API references; one translation serves every service. botocore is imported only
when a call is made.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from connectors.core.contract import Gone, own_words
from scanner.errors import Denied, NotOffered, SourceError, Throttled, Unreachable

THROTTLED = frozenset({
    "Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException", "TooManyRequestsError",
    "RequestLimitExceeded", "RequestThrottled", "RequestThrottledException", "SlowDown", "LimitExceededException",
    "PriorRequestNotComplete",
})  # fmt: skip
_DENIED = frozenset({
    "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "UnauthorizedException",
    "403",
})  # fmt: skip
_UNKNOWN_OPERATION = frozenset({
    "InvalidAction", "UnknownOperation", "UnknownOperationException", "NotImplemented", "OptInRequired",
})  # fmt: skip
_SWITCHED_OFF = frozenset({"FeatureDisabled"})
_GONE = frozenset({
    "NoSuchEntity", "NoSuchEntityException", "ResourceNotFoundException", "ResourceNotFound", "NotFoundException",
    "ClusterNotFoundException", "ServiceNotFoundException", "PipelineNotFoundException", "StateMachineDoesNotExist",
})  # fmt: skip
_REPORT_NOT_READY = frozenset({"ReportInProgress", "ReportNotPresent", "ReportExpired"})
_BAD_CREDENTIALS = frozenset({
    "InvalidClientTokenId", "UnrecognizedClientException", "ExpiredToken", "ExpiredTokenException", "AuthFailure",
    "SignatureDoesNotMatch", "InvalidAccessKeyId", "IncompleteSignature", "MissingAuthenticationToken",
})  # fmt: skip
_NOT_TAKEN = frozenset({"InvalidInput", "NotSupportedService", "ValidationError"})
_FORBIDDEN, _NOT_IMPLEMENTED, _SERVER_ERROR = 403, 501, 500
# Pages of an emulator's web framework for a missing operation or service. AWS has no such page.
_EMULATOR_PAGES = {
    500: b"the server is overloaded or there is an error in the application",
    404: b"If you entered the URL manually please check your spelling",
}

_CAUSE = re.compile(r"with an explicit deny in an? [\w -]+|because no [\w -]+ allows")

_GIVE_CREDENTIALS = (
    "give some: set profile, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or sign in with `aws sso login`"
)
_SIGN_IN = "sign in again: `aws sso login`"
_SDK_HINTS = {
    "NoCredentialsError": _GIVE_CREDENTIALS,
    "PartialCredentialsError": _GIVE_CREDENTIALS,
    "ProfileNotFound": "set profile to one of `aws configure list-profiles`",
    "CredentialRetrievalError": "check what the profile runs or assumes to get its credentials",
    "TokenRetrievalError": _SIGN_IN,
    "UnauthorizedSSOTokenError": _SIGN_IN,
    "SSOTokenLoadError": _SIGN_IN,
}


# Raised by the SDK's parsers for an answer of another shape, or one that is nested too deeply.
_PARSER_STUMBLES = (LookupError, ValueError, TypeError, AttributeError, RecursionError)


class NotReady(SourceError):
    """The credential report does not exist yet; ``must_order``: it has to be generated (again)."""

    def __init__(self, message: str, *, must_order: bool) -> None:
        super().__init__(message)
        self.must_order = must_order


class NotValidHere(SourceError):
    """AWS does not accept these credentials, or not in this region."""


class SwitchedOff(NotOffered):
    """The account has not enabled that feature."""


class NotTaken(SourceError):
    """AWS does not accept a request of this form."""


@contextmanager
def translated(permission: str) -> Iterator[None]:
    """Run one call. Raises SourceError that names the permission for the call."""
    from botocore import exceptions as sdk
    from botocore.parsers import ResponseParserError

    try:
        yield
    except sdk.ClientError as error:
        raise _of_answer(error.response, permission) from error
    except (sdk.HTTPClientError, sdk.ConnectionError, ResponseParserError) as error:
        spent = given_up(error)
        if spent is not None:
            raise spent from error
        raise Unreachable(f"{permission}: no usable response ({type(error).__name__}: {own_words(error)})") from error
    except _PARSER_STUMBLES as error:
        raise Unreachable(f"{permission}: unexpected response ({type(error).__name__})") from error
    except sdk.UnknownServiceError as error:
        raise NotOffered(f"{permission}: the installed boto3 does not know this service") from error
    except sdk.BotoCoreError as error:
        hint = next((_SDK_HINTS[kind.__name__] for kind in type(error).mro() if kind.__name__ in _SDK_HINTS), None)
        raise SourceError(f"{permission}: {own_words(error)}", hint=hint) from error


def given_up(error: Exception | None) -> SourceError | None:
    """The SourceError that an error of the SDK wraps, if the budget ran out while it waited for an answer."""
    from botocore.exceptions import BotoCoreError

    spent = error.kwargs.get("error") if isinstance(error, BotoCoreError) else error
    return spent if isinstance(spent, SourceError) else None


def is_nowhere(error: SourceError) -> bool:
    """Whether the address does not exist or refuses connections."""
    from botocore.exceptions import EndpointConnectionError

    return isinstance(error.__cause__, EndpointConnectionError)


def refuse_emulator_page(response_dict: dict[str, Any], operation_model: Any, **_: Any) -> None:
    """A hook on every answer before the SDK reads it. Raises NotOffered for an emulator that has no such operation.

    The SDK would retry it as a server error.
    """
    body, page = response_dict["body"], _EMULATOR_PAGES.get(response_dict["status_code"])
    if page is not None and isinstance(body, bytes) and page in body:
        raise NotOffered(f"{operation_model.name}: this emulator does not have it")


def _of_answer(response: dict[str, Any], permission: str) -> SourceError:
    answer = response.get("Error", {})
    code, message = str(answer.get("Code", "")), own_words(answer.get("Message", ""))
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    text = f"{permission}: {code}: {message}" if message else f"{permission}: {code}"
    if code in _BAD_CREDENTIALS:
        hint = "these credentials are not valid here: they have expired, or the region is not enabled for them"
        return NotValidHere(text, hint=hint)
    if code in _REPORT_NOT_READY:
        return NotReady(text, must_order=code != "ReportInProgress")
    kind = _kind_of(code, status)
    if kind is Denied:
        cause = _CAUSE.search(message)
        because = f" {cause[0].removesuffix(' allows')}" if cause else ""
        return Denied(f"{permission} is denied{because}", permission=permission)
    return kind(text)


def _kind_of(code: str, status: int) -> type[SourceError]:
    by_status = (
        NotOffered
        if status == _NOT_IMPLEMENTED
        else Denied
        if status == _FORBIDDEN
        else Unreachable
        if status >= _SERVER_ERROR
        else SourceError
    )
    return next((kind for codes, kind in _KINDS if code in codes), by_status)


_KINDS: tuple[tuple[frozenset[str], type[SourceError]], ...] = (
    (_GONE, Gone),
    (THROTTLED, Throttled),
    (_NOT_TAKEN, NotTaken),
    (_SWITCHED_OFF, SwitchedOff),
    (_UNKNOWN_OPERATION, NotOffered),
    (_DENIED, Denied),
)
