"""What all clients of one source share: its credential, made when it is first needed, and its pace."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from connectors.azure.clouds import Service
from connectors.azure.given_token import GivenToken
from connectors.azure.pace import Pace
from connectors.azure.settings import AzureSettings
from connectors.azure.signing_in import credential

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential


class AzureSession:
    """Safe to share between threads; tokens are kept by the credential, so units of work do not sign in anew."""

    def __init__(self, settings: AzureSettings) -> None:
        self.pace = Pace()
        self._settings = settings
        self._lock = threading.Lock()
        self._credential: TokenCredential | None = None

    def credential(self, service: Service) -> TokenCredential:
        """As the settings describe it. Raises SourceError where what they refer to is not there."""
        given = self._settings.token_of(service)
        if given is not None:
            return GivenToken(given)
        with self._lock:
            self._credential = self._credential or credential(self._settings)
            return self._credential
