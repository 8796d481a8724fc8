"""The connector for OpenAI: one scope, the organization."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import ClassVar

from connectors.ai_vendors.api import Api
from connectors.ai_vendors.connector import VendorConnector
from connectors.ai_vendors.reader import VendorReader
from connectors.ai_vendors.sections import VendorTable
from connectors.core.contract import DiscoveredRecord, SectionReading, Spec
from connectors.openai import payloads as p
from connectors.openai.agents import read_agents
from connectors.openai.identities import identities
from connectors.openai.reading import read_all
from connectors.openai.spec import SPEC, TABLE


class OpenaiConnector(VendorConnector):
    """Reads projects, service accounts, keys, rules and agents. See ``VendorConnector``."""

    spec: ClassVar[Spec] = SPEC
    table: ClassVar[VendorTable] = TABLE
    rights: ClassVar[str] = (
        "the API does not say whether the key could also write: "
        "`muster connectors openai --policy` prints the least that it takes"
    )

    def named(self, api: Api) -> str:
        """The configured name, because the API does not return it, or the name of the source."""
        del api
        return self._settings.organization or self._source

    def span(self, now: datetime) -> Mapping[str, str]:
        """The days before today, and of today so far: usage has no end."""
        since = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=self._settings.usage_days)
        return {"start_time": str(int(since.timestamp()))}

    def context(self, api: Api, section: SectionReading) -> tuple[p.Project, ...]:
        """The projects."""
        return tuple(api.rows(TABLE.request["projects"], p.Project, section))

    def read(self, reader: VendorReader, context: tuple[p.Project, ...]) -> Iterator[DiscoveredRecord]:
        """Read with the admin key, then read the agents of projects."""
        read = yield from read_all(reader, context, self.span)
        yield from identities(reader.place, read)
        yield from read_agents(reader, context)
