"""Whose credentials are used: a token, a file, or Application Default Credentials; then, maybe, whom they become."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec

from connectors.base import own_words
from connectors.gcp.errors import NoCredentials
from connectors.gcp.settings import GcpSettings
from scanner.errors import SourceError

if TYPE_CHECKING:
    from google.auth.credentials import Credentials

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
"""The only scope that IAM, Cloud Asset and Secret Manager accept: what keeps the scanner to reading is its role."""


def credentials_of(settings: GcpSettings) -> Credentials:
    """The credentials that the settings name, not yet used. Raises NoCredentials where there are none."""
    with translated():
        own = _own(settings)
        if settings.impersonate is not None:
            from google.auth.impersonated_credentials import Credentials as Impersonated

            own = cast(
                "Credentials",
                Impersonated(own, target_principal=settings.impersonate, target_scopes=list(SCOPES)),
            )
        if settings.quota_project is not None:
            own = cast("Any", own).with_quota_project(settings.quota_project)
        return own


@contextmanager
def translated() -> Iterator[None]:
    """Inside, what google-auth raises becomes a SourceError; its words are kept short and clean."""
    from google.auth.exceptions import GoogleAuthError, TransportError

    try:
        yield
    except TransportError as error:
        raise NoCredentials(
            f"the token could not be got: {own_words(error)}", hint="let this machine reach whoever gives it out"
        ) from None
    except GoogleAuthError as error:
        raise NoCredentials(
            f"no credentials ({type(error).__name__}): {own_words(error)}",
            hint="run `gcloud auth application-default login`, or set credentials_file or access_token",
        ) from None


def _own(settings: GcpSettings) -> Credentials:
    if settings.access_token is not None:
        from google.oauth2.credentials import Credentials as Token

        try:
            return cast("Credentials", Token(settings.access_token.resolve()))
        except SourceError as error:
            raise NoCredentials(str(error), hint=error.hint) from None
    if settings.credentials_file is not None:
        return _of_file(settings.credentials_file.expanduser())
    import google.auth

    found, _ = google.auth.default(scopes=list(SCOPES))
    return found


def _of_file(path: Path) -> Credentials:
    """By the file's type: google-auth's one loader for all types would also load those that run a command."""
    try:
        info = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except OSError as error:
        raise NoCredentials(f"{path} cannot be read: {type(error).__name__}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise NoCredentials(f"{path} is no JSON file of credentials") from None
    load = _loaders().get(_type(info))
    if load is None:
        raise NoCredentials(f"{path}: {own_words(info.get('type'))!r} is no type of credentials that can be used")
    try:
        return load(info)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NoCredentials(f"{path} holds no usable credentials ({type(error).__name__})") from None


def _type(info: Mapping[str, Any]) -> str:
    kind = str(info.get("type"))
    source = info.get("credential_source")
    if kind != "external_account" or not isinstance(source, dict):
        return kind
    if "executable" in source:
        return "executable"
    return "external_account aws" if "environment_id" in source else kind


def _loaders() -> dict[str, Callable[[dict[str, Any]], Credentials]]:
    from google.auth import aws, identity_pool
    from google.oauth2 import credentials, service_account

    kinds: dict[str, Any] = {
        "service_account": service_account.Credentials.from_service_account_info,
        "authorized_user": credentials.Credentials.from_authorized_user_info,
        "external_account": identity_pool.Credentials.from_info,
        "external_account aws": aws.Credentials.from_info,
    }
    scoped = {"service_account", "external_account", "external_account aws"}

    def loader(kind: str) -> Callable[[dict[str, Any]], Credentials]:
        keywords = {"scopes": list(SCOPES)} if kind in scoped else {}
        return lambda info: cast("Credentials", kinds[kind](info, **keywords))

    return {kind: loader(kind) for kind in kinds}
