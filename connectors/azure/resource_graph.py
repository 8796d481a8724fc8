"""Azure Resource Graph: one query over many subscriptions, page by page.

Source: https://learn.microsoft.com/rest/api/azureresourcegraph/resourcegraph/resources/resources
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Raw

from connectors.azure.payloads import Rows
from connectors.azure.requests import ARM_RESOURCES
from connectors.errors import Malformed
from scanner.errors import SourceError

if TYPE_CHECKING:
    from connectors.azure.api import AzureApi

API_VERSION = "2024-04-01"
PAGE = 1000
_LIMIT_HIT = "x-ms-tenant-subscription-limit-hit"
"""Set where a query over all subscriptions looked into the first 10,000 only."""


def read_rows(api: AzureApi, query: str, subscriptions: Sequence[str]) -> Iterator[Raw]:
    """See ``AzureApi.resource_graph``. Raises SourceError after the rows of a result that was cut off."""
    options: dict[str, Any] = {"$top": PAGE, "resultFormat": "objectArray"}
    body: dict[str, Any] = {"query": query, "options": options}
    if subscriptions:
        body["subscriptions"] = list(subscriptions)
    only_some = False
    followed: set[str] = set()

    def heard(headers: Mapping[str, str]) -> None:
        nonlocal only_some
        only_some = only_some or headers.get(_LIMIT_HIT, "").lower() == "true"

    while True:
        page = api.arm_post(ARM_RESOURCES, body, Rows, api_version=API_VERSION, heard=heard)
        yield from page.data
        if page.skip_token is None:
            break
        if page.skip_token in followed:
            raise Malformed("Resource Graph: a page leads back to one that was read")
        followed.add(page.skip_token)
        options["$skipToken"] = page.skip_token
    if (page.truncated or "").lower() == "true":
        raise SourceError("Resource Graph: the result was cut off, and not all of it can be had")
    if only_some:
        raise SourceError("Resource Graph: there are more subscriptions than one query looks into")
