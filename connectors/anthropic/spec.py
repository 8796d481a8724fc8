"""The sections of an organization, from ``sections.toml``."""

from __future__ import annotations

from connectors.ai_vendors.sections import read_vendor
from connectors.anthropic.settings import AnthropicSettings

TABLE, SPEC = read_vendor("connectors.anthropic", "Anthropic", AnthropicSettings)
