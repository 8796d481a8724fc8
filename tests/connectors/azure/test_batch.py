"""Many lists of Graph in one request: refusals inside are asked again, and each list ends by itself."""

from __future__ import annotations

import msgspec
import pytest

from connectors.azure.client.api import AzureApi
from connectors.azure.client.batch import graph_batch
from connectors.azure.client.requests import Forbidden
from connectors.core.contract import Gone, Malformed, Meter
from scanner.demo.fakes.azure.faults import Fault
from scanner.demo.fakes.azure.tenant import guid
from scanner.demo.fakes.azure.wire import Reply, refusal
from scanner.errors import Denied, SourceError, Throttled, Unreachable
from tests.connectors.azure.estate import AzureEstate

BATCH = r"/v1\.0/\$batch"


def _seed(azure: AzureEstate, many: int) -> list[str]:
    """Applications with an owner each; the paths of their owners."""
    paths = []
    for number in range(many):
        path = f"/applications/{azure.tenant.add_application(f'app-{number}')['id']}/owners"
        azure.tenant.collections[path] = [{"id": guid(f"owner-{number}")}]
        paths.append(path)
    return paths


def _owners(rows: list[msgspec.Raw] | SourceError) -> list[str]:
    assert not isinstance(rows, SourceError)
    return [msgspec.json.decode(row)["id"] for row in rows]


@pytest.mark.parametrize(("many", "calls"), [(0, 0), (1, 1), (20, 1), (21, 2), (45, 3)])
def test_twenty_lists_cost_one_request(azure: AzureEstate, api: AzureApi, meter: Meter, many: int, calls: int) -> None:
    """And come in the order that they were asked for, whatever that of the answers."""
    paths = _seed(azure, many)

    found = [(path, _owners(rows)) for path, rows in graph_batch(api, paths)]

    assert found == [(path, [guid(f"owner-{number}")]) for number, path in enumerate(paths)]
    assert meter.calls == calls


@pytest.mark.parametrize("retry_after", [None, "0", "0.01", "soon"])
def test_only_what_was_refused_inside_is_asked_again(
    azure: AzureEstate, api: AzureApi, meter: Meter, retry_after: str | None
) -> None:
    """The outer answer is a success all the same."""
    paths = _seed(azure, 3)
    azure.server.faults.throttle("graph", f"/v1.0{paths[1]}", times=2, retry_after=retry_after)

    assert [_owners(rows) for _, rows in graph_batch(api, paths)] == [[guid(f"owner-{number}")] for number in range(3)]
    assert meter.calls == 3
    assert azure.server.asked("graph").count(f"GET /v1.0{paths[0]}") == 1
    assert azure.server.asked("graph").count(f"GET /v1.0{paths[1]}") == 3


def test_a_list_that_goes_on_is_followed(azure: AzureEstate, api: AzureApi, meter: Meter) -> None:
    """Inside a batch there is only its first page."""
    paths = _seed(azure, 2)
    azure.tenant.collections[paths[0]] = [{"id": guid(str(number))} for number in range(5)]
    azure.server.pages.largest = 2

    assert [len(_owners(rows)) for _, rows in graph_batch(api, paths)] == [5, 1]
    assert meter.calls == 1 + 2


def test_headers_are_sent_with_each_list_and_its_further_pages(azure: AzureEstate, api: AzureApi) -> None:
    """Advanced queries need theirs inside the batch."""
    (path,) = _seed(azure, 1)
    azure.tenant.collections[path] = [{"id": guid(str(number))} for number in range(3)]
    azure.server.pages.largest = 2

    list(graph_batch(api, [path], headers={"ConsistencyLevel": "eventual"}))

    asked = [call.headers.get("consistencylevel") for call in azure.server.log if call.path.endswith("owners")]
    assert asked == ["eventual", "eventual"]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (refusal("graph", 403, "Authorization_RequestDenied"), Denied),
        (refusal("graph", 404, "Request_ResourceNotFound"), Gone),
        (refusal("graph", 429, "TooManyRequests"), Throttled),
        (Reply(status=429, body={}, headers={"Retry-After": "86400"}), Throttled),
        (refusal("graph", 503, "ServiceUnavailable"), Unreachable),
        (refusal("graph", 424, "FailedDependency"), SourceError),
        (Reply(status=200, body={"value": 7}), Malformed),
        (Reply(status=200, body=None), Malformed),
    ],
)
def test_one_failure_inside_leaves_the_others(
    azure: AzureEstate, api: AzureApi, reply: Reply, error: type[SourceError]
) -> None:
    """It is that list's own result."""
    paths = _seed(azure, 2)
    azure.server.faults.add(Fault(service="graph", path=f"/v1.0{paths[0]}", reply=reply))

    failed, found = [rows for _, rows in graph_batch(api, paths)]

    assert type(failed) is error
    assert _owners(found) == [guid("owner-1")]


def test_an_answer_that_is_missing_is_a_failure(azure: AzureEstate, api: AzureApi) -> None:
    """And no empty list."""
    paths = _seed(azure, 2)
    body = {"responses": [{"id": "1", "status": 200, "body": {"value": []}}, {"id": "99", "status": 200, "body": {}}]}
    azure.server.faults.add(Fault(service="graph", path=BATCH, reply=Reply(body=body)))

    missing, empty = [rows for _, rows in graph_batch(api, paths)]

    assert type(missing) is Malformed
    assert empty == []


def test_a_batch_that_fails_as_a_whole_is_raised(azure: AzureEstate, api: AzureApi) -> None:
    """Then nothing is known of any."""
    paths = _seed(azure, 2)
    azure.server.faults.add(Fault(service="graph", path=BATCH, reply=refusal("graph", 403, "No")))

    with pytest.raises(Denied):
        list(graph_batch(api, paths))


@pytest.mark.parametrize(
    "path", ["/me", f"/applications/{guid('a')}/owners/$ref", "/users", "https://elsewhere.example/x"]
)
def test_a_batch_carries_nothing_that_is_not_allowed(azure: AzureEstate, api: AzureApi, path: str) -> None:
    """Not even beside what is."""
    with pytest.raises(Forbidden):
        list(graph_batch(api, [*_seed(azure, 1), path]))
    assert azure.server.log == []


@pytest.mark.parametrize("status", [400, 404, 405, 501])
def test_where_batches_are_not_taken_each_list_is_asked_for_on_its_own(
    azure: AzureEstate, api: AzureApi, meter: Meter, status: int
) -> None:
    """With what each of them comes to."""
    paths = _seed(azure, 23)
    azure.server.faults.add(Fault(service="graph", path=BATCH, reply=Reply(status=status, body={})))
    azure.server.faults.deny("graph", f"/v1.0{paths[1]}")

    found = dict(graph_batch(api, paths))

    assert list(found) == paths
    assert type(found.pop(paths[1])) is Denied
    assert [len(_owners(rows)) for rows in found.values()] == [1] * 22
    assert meter.calls == 1 + 23
