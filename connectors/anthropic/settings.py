"""The settings of ``[[source]] type = "anthropic"``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from connectors.ai_vendors.settings import ApiSettings
from scanner.redaction.redact import SecretRef


class AnthropicSettings(ApiSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One organization, and its admin key; see :class:`ApiSettings`.

    ``org_token``: an OAuth access token with the scope ``org:admin``, which is required for service accounts and
    federation. ``workspace_tokens``: keys of workspaces, by the workspace's id or as a list, which are required for
    agents. ``organization``: the name of the organization in reports, instead of its id.
    """

    variable: ClassVar[str] = "ANTHROPIC_ADMIN_KEY"
    endpoint_url: str = "https://api.anthropic.com"
    organization: str = ""
    org_token: SecretRef | None = None
    workspace_tokens: Mapping[str, SecretRef] | tuple[SecretRef, ...] = ()
