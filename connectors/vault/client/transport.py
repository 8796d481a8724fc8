"""hvac over Muster's HTTP client: hvac knows how to sign in to Vault, the client limits, counts and retries requests.

hvac comes with the extra, so import this module when a client is created.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_never

import hvac
from hvac.adapters import RawAdapter

from connectors.core.http import Client
from connectors.core.reading import is_installed
from connectors.vault.settings import ApproleAuth, AwsAuth, CertAuth, JwtAuth, KubernetesAuth, VaultSettings
from scanner.errors import MissingExtra, SourceError

if TYPE_CHECKING:
    from requests import Response


class _Transport(RawAdapter):  # type: ignore[misc]  # hvac ships no types
    """Sends the requests of an hvac client through a :class:`Client`, to the server of the settings and no other.

    Answers are returned whatever their status.
    """

    def __init__(self, http: Client, **given: Any) -> None:
        super().__init__(base_uri=http.url, token=given["token"], session=http.session, namespace=given["namespace"])
        self._http = http

    def request(
        self,
        method: str,
        url: str,
        headers: dict[str, Any] | None = None,
        raise_exception: bool = True,  # hvac's signature
        **given: Any,
    ) -> Response:
        """See ``Adapter.request``."""
        del raise_exception
        said: dict[str, str | bytes] = dict(headers or {})
        if self.token:
            said["X-Vault-Token"] = self.token
        if self.namespace:
            # As bytes: the server accepts UTF-8, and a text header would be sent in another encoding.
            said["X-Vault-Namespace"] = self.namespace.encode(errors="surrogatepass")
        return self._http.request(url, method=method.upper(), body=given.get("json"), headers=said)


def vault_client(http: Client, *, namespace: str = "") -> hvac.Client:
    """An hvac client. Address, token and certificates come from the settings, never from the environment."""

    def adapter(**given: Any) -> RawAdapter:
        return _Transport(http, **given)

    return hvac.Client(url=http.url, token="", namespace=namespace, adapter=adapter)


def sign_in(http: Client, settings: VaultSettings) -> Response:
    """Sign in by the settings' ``auth``; returns the server's answer. Raises SourceError before a request is sent."""
    auth = settings.auth
    assert auth is not None
    client = vault_client(http, namespace=settings.start if auth.namespace is None else auth.namespace.strip("/"))
    login: Response
    match auth:
        case ApproleAuth():
            secret_id = auth.secret_id.resolve() if auth.secret_id is not None else None
            login = client.auth.approle.login(auth.role_id.resolve(), secret_id, use_token=False, mount_point=auth.at)
        case KubernetesAuth():
            login = client.auth.kubernetes.login(auth.role, auth.jwt.resolve(), use_token=False, mount_point=auth.at)
        case JwtAuth():
            login = client.auth.jwt.jwt_login(auth.role, auth.jwt.resolve(), use_token=False, path=auth.at)
        case AwsAuth():
            key, secret, session = _aws_credentials(auth)
            login = client.auth.aws.iam_login(
                key,
                secret,
                session,
                header_value=auth.server_id,
                role=auth.role,
                use_token=False,
                region=auth.region,
                mount_point=auth.at,
            )
        case CertAuth():
            # The certificate belongs to the connection, which hvac's own method would give to each request.
            login = client.adapter.post(f"/v1/auth/{auth.at}/login", json={"name": auth.name} if auth.name else {})
        case _:
            assert_never(auth)
    return login


def _aws_credentials(auth: AwsAuth) -> tuple[str, str, str | None]:
    if not is_installed("boto3"):
        raise MissingExtra("signing in to Vault with AWS credentials", "aws")
    import boto3
    from botocore.exceptions import BotoCoreError

    try:
        found = boto3.Session(profile_name=auth.profile).get_credentials()
        frozen = None if found is None else found.get_frozen_credentials()
    except BotoCoreError as error:
        raise SourceError(f"no AWS credentials to sign in with: {type(error).__name__}") from error
    if frozen is None:
        raise SourceError("no AWS credentials to sign in with", hint="set AWS_PROFILE, or run where a role is attached")
    return frozen.access_key, frozen.secret_key, frozen.token
