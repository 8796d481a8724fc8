"""The credential that a source's settings describe, as azure-identity makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from connectors.azure.settings import AzureSettings
from scanner.errors import SourceError

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential


def credential(settings: AzureSettings) -> TokenCredential:
    """Made without a call. Raises SourceError where a secret or a file that is referred to is not there."""
    import azure.identity as sdk

    shared: dict[str, Any] = {
        "authority": settings.endpoints.authority,
        "connection_verify": str(settings.ca_file) if settings.ca_file else True,
    }
    if settings.managed_identity:
        named = settings.managed_identity if isinstance(settings.managed_identity, str) else None
        return sdk.ManagedIdentityCredential(client_id=named)
    if settings.client_secret is None and settings.certificate_file is None:
        return sdk.DefaultAzureCredential(**shared)
    shared |= {
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
