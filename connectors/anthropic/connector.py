"""The connector for Anthropic: one scope, the organization."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import ClassVar

from connectors.ai_vendors.api import Api
from connectors.ai_vendors.connector import VendorConnector
from connectors.ai_vendors.reader import VendorReader
from connectors.ai_vendors.sections import VendorTable
from connectors.anthropic import payloads as p
from connectors.anthropic.agents import read_agents
from connectors.anthropic.identities import identities
from connectors.anthropic.reading import read_all, usage_spans
from connectors.anthropic.spec import SPEC, TABLE
from connectors.core.contract import DiscoveredRecord, Gone, Spec


class AnthropicConnector(VendorConnector):
    """Reads keys, service accounts, federation rules and managed agents. See ``VendorConnector``."""

    spec: ClassVar[Spec] = SPEC
    table: ClassVar[VendorTable] = TABLE
    rights: ClassVar[str] = (
        "an admin key and a token with org:admin can also write: Anthropic has none that only read, "
        "so make them for Muster alone and let them expire"
    )

    def named(self, api: Api) -> str:
        """The configured name, the organization's id, or the name of the source."""
        try:
            found = api.one(TABLE.request["organization"], p.Organization).id
        except Gone:
            found = self._source
        return self._settings.organization or found

    def span(self, now: datetime) -> Mapping[str, str]:
        """The first days of a usage report."""
        return next(usage_spans(now, self._settings.usage_days))

    def read(self, reader: VendorReader, context: None) -> Iterator[DiscoveredRecord]:
        """Read with the admin key and the organization's token, then read the agents of workspaces."""
        del context
        read = yield from read_all(reader, self._settings.usage_days)
        yield from identities(reader.place, read)
        yield from read_agents(reader, read)
