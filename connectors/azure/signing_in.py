"""The credential that a source's settings describe, as azure-identity makes it, and how both it and we send."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.azure.settings import AzureSettings
from connectors.budget import current
from scanner.errors import SourceError

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential


def transport(**settings: Any) -> Any:
    """azure-core's transport, with answers and pauses within the budget of whoever asks."""
    from azure.core.pipeline.transport import RequestsTransport

    from connectors.http import bound_session

    class Bounded(RequestsTransport):  # type: ignore[misc]  # the SDK is an extra, and untyped where it is not there
        def _init_session(self, session: Any) -> None:
            super()._init_session(session)
            bound_session(session)

        def sleep(self, duration: float) -> None:
            current().pause(duration)

    return Bounded(**settings)


def credential(settings: AzureSettings) -> TokenCredential:
    """Made without a call. Raises SourceError where a secret or a file that is referred to is not there."""
    import azure.identity as sdk

    shared: dict[str, Any] = {
        "authority": settings.endpoints.authority,
        "connection_verify": str(settings.ca_file) if settings.ca_file else True,
    }
    if settings.managed_identity:
        named = settings.managed_identity if isinstance(settings.managed_identity, str) else None
        return sdk.ManagedIdentityCredential(client_id=named, transport=transport())
    if settings.client_secret is None and settings.certificate_file is None:
        return sdk.DefaultAzureCredential(**shared)
    shared |= {
        "transport": transport(connection_verify=shared["connection_verify"]),
        "tenant_id": settings.tenant or "",
        "client_id": settings.client_id or "",
        "disable_instance_discovery": settings.own_authority,
    }
    if settings.client_secret is not None:
        return sdk.ClientSecretCredential(client_secret=settings.client_secret.resolve(), **shared)
    try:
        return sdk.CertificateCredential(certificate_path=str(settings.certificate_file), **shared)
    except (OSError, ValueError) as error:
        hint = "give a PEM file with an RSA certificate and its private key"
        raise SourceError(f"certificate_file cannot be used ({type(error).__name__})", hint=hint) from error
