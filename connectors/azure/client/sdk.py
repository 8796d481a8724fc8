"""The SDK's clients for role assignments and definitions: the SDK decodes, and AzureApi sends.

Importing this module takes the SDK; ``connectors/azure/client/api.py`` does when a client is first asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

from azure.core.pipeline import PipelineResponse
from azure.core.pipeline.policies import ContentDecodePolicy, HTTPPolicy
from azure.core.pipeline.transport import RequestsTransportResponse
from azure.mgmt.authorization.v2022_04_01 import AuthorizationManagementClient as RoleClient
from azure.mgmt.authorization.v2022_05_01_preview import AuthorizationManagementClient as DefinitionClient

from connectors.core.contract import Malformed

if TYPE_CHECKING:
    from requests import Response

Send: TypeAlias = Callable[[str, str], "Response"]
"""Sends a request with this method to this address."""

__all__ = ["DefinitionClient", "RoleClient", "sending_by"]


class _Sending(HTTPPolicy[Any, Any]):
    """The end of the SDK's pipeline, for one list."""

    def __init__(self, send: Send) -> None:
        super().__init__()
        self._send = send
        self._asked: set[str] = set()

    def send(self, request: Any) -> PipelineResponse[Any, Any]:
        asked = request.http_request
        if asked.url in self._asked:  # the SDK itself follows links in a circle for ever
            raise Malformed(f"{urlsplit(asked.url).path}: a page links back to a page already read")
        self._asked.add(asked.url)
        answer = RequestsTransportResponse(asked, self._send(asked.method, asked.url))
        return PipelineResponse(asked, answer, request.context)


def sending_by(send: Send, base_url: str) -> dict[str, Any]:
    """The options of a client for one list that sends by ``send``."""
    return {"base_url": base_url, "policies": [ContentDecodePolicy(), _Sending(send)]}
