"""Many lists in few requests: JSON batching of Graph, and Azure Resource Graph over many subscriptions.

Source: https://learn.microsoft.com/graph/json-batching
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Raw

from connectors.azure.client.api import AzureApi
from connectors.azure.client.errors import OK, TOO_MANY, TRANSIENT, NotTaken, of_answer
from connectors.azure.client.payloads import GraphAnswer, GraphAnswers, GraphQuestion, Page, Rows
from connectors.azure.client.requests import ARM_RESOURCES, BATCH, allowed
from connectors.core.contract import Gone, Malformed
from connectors.core.rates import PATIENCE, Tried
from scanner.errors import SourceError, Throttled

AT_ONCE = 20


def graph_batch(
    api: AzureApi, paths: Sequence[str], *, headers: Mapping[str, str] = {}
) -> Iterator[tuple[str, list[Raw] | SourceError]]:
    """Many lists of Graph, twenty to a request: yields each path (with its query) and its rows or error, in order.

    Throttled requests are repeated, and further pages are followed. If the service accepts no batches, each list is
    requested separately. Raises SourceError where a whole batch fails, Forbidden for a path not allowed.
    """
    for path in paths:
        allowed("graph", "GET", path)
    for start in range(0, len(paths), AT_ONCE):
        some = paths[start : start + AT_ONCE]
        questions = [GraphQuestion(id=str(number), url=path, headers=headers) for number, path in enumerate(some)]
        try:
            answers = _answers(api, questions)
        except (Gone, NotTaken):
            yield from ((path, _alone(api, path, headers)) for path in paths[start:])
            return
        for number, path in enumerate(some):
            yield path, _rows(api, path, answers.get(str(number)), headers)


def _alone(api: AzureApi, path: str, headers: Mapping[str, str]) -> list[Raw] | SourceError:
    try:
        return [row for page in api.graph_pages(path, headers=headers) for row in page]
    except SourceError as error:
        return error


def _answers(api: AzureApi, waiting: list[GraphQuestion]) -> dict[str, GraphAnswer]:
    """The last answer to each request. Throttled and transient failures are repeated."""
    answers: dict[str, GraphAnswer] = {}

    def once() -> Tried[dict[str, GraphAnswer]]:
        nonlocal waiting
        got = api.graph_post(BATCH, {"requests": waiting}, GraphAnswers)
        answers.update((answer.id, answer) for answer in got.responses)
        waiting = [one for one in waiting if one.id in answers and answers[one.id].status in TRANSIENT]
        left = [answers[one.id] for one in waiting]
        seconds = max(map(_seconds, left), default=0.0)
        is_throttled = any(answer.status == TOO_MANY for answer in left)
        return Tried(
            answers, is_transient=bool(left) and seconds <= PATIENCE, is_throttled=is_throttled, seconds=seconds
        )

    return api.retries("a batch").answer("", once)


def _seconds(answer: GraphAnswer) -> float:
    """``Retry-After`` of an inner answer in seconds; 0 without one."""
    reported = next((value for name, value in answer.headers.items() if name.lower() == "retry-after"), 0)
    try:
        return max(0.0, float(str(reported)))
    except ValueError:
        return 0.0


def _rows(api: AzureApi, path: str, answer: GraphAnswer | None, headers: Mapping[str, str]) -> list[Raw] | SourceError:
    one = allowed("graph", "GET", path)
    if answer is None:
        return Malformed(f"GET {one.path}: the batch response lacks this request")
    if answer.status == TOO_MANY:
        return Throttled(f"GET {one.path}: throttled, and the retries are used up")
    if answer.status != OK:
        return of_answer(answer, f"GET {one.path}", one.permission)
    try:
        page = msgspec.json.decode(answer.body, type=Page)
        rows = list(page.value)
        if page.next_link:
            rows += [row for further in api.graph_next(page.next_link, headers) for row in further]
    except msgspec.DecodeError as error:
        return Malformed(f"GET {one.path}: a response has an unexpected structure: {error}")
    except SourceError as error:
        return error
    return rows


# --- Azure Resource Graph: one query over many subscriptions, page by page ---
#
# Source: https://learn.microsoft.com/rest/api/azureresourcegraph/resourcegraph/resources/resources

API_VERSION = "2024-04-01"
PAGE = 1000
_LIMIT_HIT = "x-ms-tenant-subscription-limit-hit"
"""Set if a query over all subscriptions covered only the first 10,000."""


def resource_graph(api: AzureApi, query: str, *, subscriptions: Sequence[str] = ()) -> Iterator[Raw]:
    """The rows of a query over these subscriptions, or over all that can be seen. Order it by a unique column.

    Raises SourceError after the rows of a truncated result.
    """
    options: dict[str, Any] = {"$top": PAGE, "resultFormat": "objectArray"}
    body: dict[str, Any] = {"query": query, "options": options}
    if subscriptions:
        body["subscriptions"] = list(subscriptions)
    only_some = False
    followed: set[str] = set()

    def on_headers(headers: Mapping[str, str]) -> None:
        nonlocal only_some
        only_some = only_some or headers.get(_LIMIT_HIT, "").lower() == "true"

    while True:
        page = api.arm_post(ARM_RESOURCES, body, Rows, api_version=API_VERSION, on_headers=on_headers)
        yield from page.data
        if page.skip_token is None:
            break
        if page.skip_token in followed:
            raise Malformed("Resource Graph: a page links back to a page already read")
        followed.add(page.skip_token)
        options["$skipToken"] = page.skip_token
    if (page.truncated or "").lower() == "true":
        raise SourceError("Resource Graph: the result was truncated")
    if only_some:
        raise SourceError("Resource Graph: there are more subscriptions than one query looks into")
