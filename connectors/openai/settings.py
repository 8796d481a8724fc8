"""The settings of ``[[source]] type = "openai"``."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.vendors.settings import ApiSettings
from scanner.redaction.redact import SecretRef


class OpenaiSettings(ApiSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One organization, and its admin key; see :class:`ApiSettings`.

    ``organization``: its name in reports, which the API does not return; the source's name if empty.
    ``project_tokens``: keys of projects, by the project's id or as a list, which are required for agents.
    """

    endpoint_url: str = "https://api.openai.com"
    organization: str = ""
    project_tokens: Mapping[str, SecretRef] | tuple[SecretRef, ...] = ()

    @property
    def secret(self) -> SecretRef:
        """The reference to the admin key."""
        return self.token or SecretRef(env="OPENAI_ADMIN_KEY")
