"""Azure Resource Graph: one query over many subscriptions, page by page.

Source: https://learn.microsoft.com/rest/api/azureresourcegraph/resourcegraph/resources/resources
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Raw

from connectors.azure.errors import Malformed
from connectors.azure.payloads import Rows
from connectors.azure.requests import ARM_RESOURCES
from scanner.errors import SourceError

if TYPE_CHECKING:
    from connectors.azure.api import AzureApi

API_VERSION = "2024-04-01"
PAGE = 1000


def read_rows(api: AzureApi, query: str, subscriptions: Sequence[str]) -> Iterator[Raw]:
    """See ``AzureApi.resource_graph``. Raises SourceError after the rows of a result that was cut off."""
    options: dict[str, Any] = {"$top": PAGE, "resultFormat": "objectArray"}
    body: dict[str, Any] = {"query": query, "options": options}
    if subscriptions:
        body["subscriptions"] = list(subscriptions)
    while True:
        page = api.arm_post(ARM_RESOURCES, body, Rows, api_version=API_VERSION)
        yield from page.data
        if page.skip_token is None:
            break
        if page.skip_token == options.get("$skipToken"):
            raise Malformed("Resource Graph: a page names itself as the next one")
        options["$skipToken"] = page.skip_token
    if (page.truncated or "").lower() == "true":
        raise SourceError("Resource Graph: the result was cut off, and not all of it can be had")
