"""The section of webhooks, of the organization and its repositories."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from connectors.core.reading import ReadSection
from connectors.github import spec as s
from connectors.github.client import payloads as p
from connectors.github.client import requests as r
from connectors.github.client.repositories import Read
from connectors.github.identities.apps import webhook
from connectors.github.reader import GithubReader


def read_webhooks(reader: GithubReader, found: Sequence[Read]) -> ReadSection[None]:
    """Webhooks of the organization, and of repositories that are not archived."""
    if not reader.settings.webhooks:
        yield reader.place.scope.coverage(s.WEBHOOKS, "off")
        return
    with reader.section(s.WEBHOOKS) as section:
        for row in reader.listed(section, r.ORG_HOOKS, p.Hook):
            yield webhook(reader.place, row)
            section.found()
        read = partial(reader.of_repository, section, r.REPOSITORY_HOOKS, p.Hook)
        in_use = [one.facts.full_name for one in found if not one.facts.archived]
        for name, rows in reader.each(section, "repositories", read, in_use, str, are_parts=True):
            for row in rows:
                yield webhook(reader.place, row, name)
                section.found()
    yield reader.done(section)
