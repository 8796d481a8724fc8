"""The settings of ``[[source]] type = "openai"``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from connectors.ai_vendors.settings import ApiSettings
from scanner.redaction.redact import SecretRef


class OpenaiSettings(ApiSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One organization, and its admin key; see :class:`ApiSettings`.

    ``organization``: its name in reports, which the API does not return; the source's name if empty.
    ``project_tokens``: keys of projects, by the project's id or as a list, which are required for agents.
    """

    variable: ClassVar[str] = "OPENAI_ADMIN_KEY"
    endpoint_url: str = "https://api.openai.com"
    organization: str = ""
    project_tokens: Mapping[str, SecretRef] | tuple[SecretRef, ...] = ()
