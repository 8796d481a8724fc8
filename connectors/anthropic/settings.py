"""What ``[[source]] type = "anthropic"`` may say."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.vendors.settings import ApiSettings
from scanner.redaction.redact import SecretRef


class AnthropicSettings(ApiSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One organization, and its admin key; see :class:`ApiSettings`.

    ``org_token``: an OAuth access token with the scope ``org:admin``, with which service accounts and federation are
    read. ``workspace_tokens``: keys of workspaces, by the workspace's id or as a list, with which agents are read.
    ``organization``: what the organization is called in reports, instead of its id.
    """

    endpoint_url: str = "https://api.anthropic.com"
    organization: str = ""
    org_token: SecretRef | None = None
    workspace_tokens: Mapping[str, SecretRef] | tuple[SecretRef, ...] = ()

    @property
    def secret(self) -> SecretRef:
        """Where the admin key is."""
        return self.token or SecretRef(env="ANTHROPIC_ADMIN_KEY")
