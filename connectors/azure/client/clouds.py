"""The endpoints of each of Microsoft's clouds.

Source: the national cloud pages of Microsoft Graph, Azure Resource Manager and Key Vault.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

from msgspec import Struct

CloudName: TypeAlias = Literal["public", "usgov", "china"]
Service: TypeAlias = Literal["graph", "arm", "vault"]


class AzureCloud(Struct, frozen=True, kw_only=True):
    """``authority``: the address of the sign-in. ``vault_suffix``: the suffix of vault hosts, without a leading dot.

    ``vault``: the audience of tokens for vaults. ``audiences``: audiences that differ from the address, as with an
    emulator. No address ends with a slash.
    """

    authority: str
    graph: str
    arm: str
    vault: str
    vault_suffix: str
    audiences: Mapping[Service, str] = {}

    @property
    def is_plain(self) -> bool:
        """Whether any address is plain http."""
        return any(urlsplit(one).scheme == "http" for one in (self.graph, self.arm, self.vault))

    def audience(self, service: Service) -> str:
        """The scope for a token of the service."""
        return f"{self.audiences.get(service) or getattr(self, service)}/.default"


CLOUDS: dict[CloudName, AzureCloud] = {
    "public": AzureCloud(
        authority="https://login.microsoftonline.com",
        graph="https://graph.microsoft.com",
        arm="https://management.azure.com",
        vault="https://vault.azure.net",
        vault_suffix="vault.azure.net",
    ),
    "usgov": AzureCloud(
        authority="https://login.microsoftonline.us",
        graph="https://graph.microsoft.us",
        arm="https://management.usgovcloudapi.net",
        vault="https://vault.usgovcloudapi.net",
        vault_suffix="vault.usgovcloudapi.net",
    ),
    "china": AzureCloud(
        authority="https://login.chinacloudapi.cn",
        graph="https://microsoftgraph.chinacloudapi.cn",
        arm="https://management.chinacloudapi.cn",
        vault="https://vault.azure.cn",
        vault_suffix="vault.azure.cn",
    ),
}
