"""What ``[[source]] type = "openai"`` may say."""

from __future__ import annotations

from collections.abc import Mapping

from connectors.vendors.settings import ApiSettings
from scanner.redaction.redact import SecretRef


class OpenaiSettings(ApiSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One organization, and its admin key; see :class:`ApiSettings`.

    ``organization``: what it is called in reports, for the API does not say; the source's name if empty.
    ``project_tokens``: keys of projects, by the project's id or as a list, with which agents are read.
    """

    endpoint_url: str = "https://api.openai.com"
    organization: str = ""
    project_tokens: Mapping[str, SecretRef] | tuple[SecretRef, ...] = ()

    @property
    def secret(self) -> SecretRef:
        """Where the admin key is."""
        return self.token or SecretRef(env="OPENAI_ADMIN_KEY")
