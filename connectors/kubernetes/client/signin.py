"""Tokens of the clouds' own sessions, obtained and renewed by their SDKs, which are imported on first use."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from connectors.core.contract import own_words
from scanner.errors import SourceError
from scanner.redaction.redact import mask

if TYPE_CHECKING:
    from requests import Response

RENEWED: Final = 120
"""A token is renewed this many seconds before it expires."""
_OF_EKS: Final = 15 * 60
"""Seconds for which a cluster of EKS accepts a signed request."""
_OF_GOOGLE: Final = 5 * 60
"""Seconds for which a Google token without an expiry is kept."""
_AKS: Final = "6dae42f8-4368-4678-94ff-3960e28e3630/.default"
"""The audience of tokens for clusters of AKS: an application that is the same in every cloud and tenant."""
_GOOGLE: Final = ("https://www.googleapis.com/auth/cloud-platform",)


class Token(NamedTuple):
    """A token. ``ends``: in seconds since 1970."""

    text: str
    ends: float


class TokenSignIn:
    """Signs requests in with a token that is renewed before it expires. Safe to share between threads."""

    def __init__(self, new: Callable[[], Token]) -> None:
        self._new = new
        self._lock = threading.Lock()
        self._token: Token | None = None

    def headers(self, method: str = "", url: str = "") -> Mapping[str, str]:
        """The header with the token. Raises SourceError if there is none."""
        del method, url
        with self._lock:
            if self._token is None or self._token.ends - time.time() < RENEWED:
                self._token = self._obtained()
            return {"Authorization": f"Bearer {self._token.text}"}

    def renewed(self, refused: Response) -> bool:
        """Whether there is another token than the refused one."""
        sent = refused.request.headers.get("Authorization")
        with self._lock:
            if self._token is None or sent == f"Bearer {self._token.text}":
                self._token = self._obtained()
            return sent != f"Bearer {self._token.text}"

    def _obtained(self) -> Token:
        token = self._new()
        mask(token.text)
        return token


class AwsSession:
    """Requests signed with the credentials of a profile or of the SDK's default chain. Methods raise SourceErrors."""

    def __init__(self, profile: str | None, region: str) -> None:
        self._profile = profile
        self._region = region

    def host(self, service: str) -> str:
        """The endpoint of a service in the region."""
        with self._translated():
            resolver = self._session.get_component("endpoint_resolver")
            found: str = resolver.construct_endpoint(service, self._region)["hostname"]
        return f"https://{found}"

    def headers(self, method: str, url: str) -> Mapping[str, str]:
        """A request to EKS, signed."""
        from botocore.auth import SigV4Auth

        return dict(self._signed(SigV4Auth, "eks", method, url, {}).headers.items())

    def signed(self, service: str, url: str, body: bytes, headers: Mapping[str, str]) -> Mapping[str, str]:
        """A POST to another service, signed with its body."""
        from botocore.auth import SigV4Auth

        return dict(self._signed(SigV4Auth, service, "POST", url, headers, body).headers.items())

    def renewed(self, refused: Response) -> bool:
        """Never: the SDK renews credentials before they expire."""
        del refused
        return False

    def token(self, cluster: str, sts: str) -> Token:
        """A presigned GetCallerIdentity request, which the cluster sends to STS. Source: aws-iam-authenticator."""
        from botocore.auth import SigV4QueryAuth

        now, url = time.time(), f"{sts}/?Action=GetCallerIdentity&Version=2011-06-15"

        def signer(*arguments: Any) -> Any:
            return SigV4QueryAuth(*arguments, expires=60)

        signed = self._signed(signer, "sts", "GET", url, {"x-k8s-aws-id": cluster}).url.encode()
        return Token(f"k8s-aws-v1.{base64.urlsafe_b64encode(signed).decode().rstrip('=')}", now + _OF_EKS)

    def _signed(
        self,
        signer: Callable[..., Any],
        service: str,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes = b"",
    ) -> Any:
        from botocore.awsrequest import AWSRequest
        from botocore.exceptions import NoCredentialsError

        request = AWSRequest(method=method, url=url, headers=dict(headers), data=body)
        with self._translated():
            if (credentials := self._session.get_credentials()) is None:
                raise NoCredentialsError
            signer(credentials, service, self._region).add_auth(request)
        return request

    @cached_property
    def _session(self) -> Any:
        import botocore.session

        return botocore.session.Session(profile=self._profile)

    def _translated(self) -> Any:
        from botocore.exceptions import BotoCoreError

        return _translated(BotoCoreError, "AWS", "set profile, or sign in with `aws sso login`")


class GoogleSession:
    """Application Default Credentials. Google's APIs and clusters accept the same token."""

    def __init__(self) -> None:
        self._own: Any = None

    def token(self) -> Token:
        """A new token. Raises SourceError."""
        import google.auth
        from google.auth.exceptions import GoogleAuthError
        from google.auth.transport.requests import Request
        from requests import Session

        from connectors.core.transport import bound_session

        hint = "run `gcloud auth application-default login`"
        with _translated(GoogleAuthError, "Google", hint), bound_session(Session()) as session:
            if self._own is None:
                self._own, _ = google.auth.default(scopes=list(_GOOGLE))
            self._own.refresh(Request(session))
            ends = self._own.expiry and self._own.expiry.replace(tzinfo=UTC).timestamp()
            return Token(self._own.token, ends or time.time() + _OF_GOOGLE)


class AzureSession:
    """The credentials that azure-identity finds: of the environment, a managed identity, or ``az login``.

    ``is_own_authority``: the authority in the environment is not Microsoft's, so it is not verified with Microsoft.
    """

    def __init__(self, *, is_own_authority: bool) -> None:
        self._is_own_authority = is_own_authority

    def of_arm(self, url: str) -> Token:
        """A token for Azure Resource Manager at that address. Raises SourceError."""
        return self._token(f"{url}/.default")

    def of_cluster(self) -> Token:
        """A token for clusters of AKS that accept tokens of Entra. Raises SourceError."""
        return self._token(_AKS)

    def _token(self, scope: str) -> Token:
        from azure.core.exceptions import AzureError

        hint = "run `az login`, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET"
        with _translated(AzureError, "Azure", hint):
            found = self._credential.get_token(scope)
        return Token(found.token, found.expires_on)

    @cached_property
    def _credential(self) -> Any:
        from azure.identity import DefaultAzureCredential

        return DefaultAzureCredential(disable_instance_discovery=self._is_own_authority)


@contextmanager
def _translated(errors: type[Exception], cloud: str, hint: str) -> Iterator[None]:
    """Convert exceptions of an SDK to SourceErrors with a short, printable message."""
    try:
        yield
    except errors as error:
        raise SourceError(f"{cloud}: not signed in ({type(error).__name__}): {own_words(error)}", hint=hint) from None
