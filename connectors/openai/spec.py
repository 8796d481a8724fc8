"""The sections of an organization, from ``sections.toml``."""

from __future__ import annotations

from connectors.ai_vendors.sections import read_vendor
from connectors.openai.settings import OpenaiSettings

TABLE, SPEC = read_vendor("connectors.openai", "OpenAI", OpenaiSettings)
