"""What is tried again, how often, and that each try is counted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from connectors.azure.client.api import AzureApi
from connectors.azure.client.batch import resource_graph
from connectors.azure.client.errors import NotSignedIn, each_of
from connectors.core.contract import Meter
from scanner.demo.fakes.azure.faults import Fault
from scanner.demo.fakes.azure.tenant import guid
from scanner.demo.fakes.azure.wire import Reply, refusal
from scanner.errors import SourceError, Throttled, Unreachable
from scanner.redaction.redact import SecretRef
from tests.connectors.azure.estate import AzureEstate

PRINCIPALS = "/servicePrincipals"
RESOURCES = "resources | order by id asc"
TRIES = 4  # of the fixture
Ask: TypeAlias = Callable[[AzureApi], None]


def _get(api: AzureApi) -> None:
    list(api.graph_pages(PRINCIPALS))


def _post(api: AzureApi) -> None:
    list(resource_graph(api, RESOURCES))


@pytest.mark.parametrize("ask", [_get, _post])
@pytest.mark.parametrize("retry_after", [None, "0", "0.01", "soon", "", "-1"])
def test_a_refusal_for_load_is_tried_again(
    azure: AzureEstate, api: AzureApi, meter: Meter, ask: Ask, retry_after: str | None
) -> None:
    """Of questions with a body, too, whether or not the service says when."""
    azure.server.faults.throttle("graph", ".*", times=2, retry_after=retry_after)
    azure.server.faults.throttle("arm", ".*", times=2, retry_after=retry_after)

    ask(api)

    assert meter.calls == 3 == len(azure.server.log)


@pytest.mark.parametrize("ask", [_get, _post])
@pytest.mark.parametrize(
    ("status", "error"),
    [(429, Throttled), (500, Unreachable), (502, Unreachable), (503, Unreachable), (504, Unreachable)],
)
def test_tries_run_out(
    azure: AzureEstate, api: AzureApi, meter: Meter, ask: Ask, status: int, error: type[SourceError]
) -> None:
    """A request is sent no more often than the settings say."""
    for service in ("graph", "arm"):
        azure.server.faults.add(Fault(service=service, path=".*", reply=refusal(service, status, "Busy")))

    with pytest.raises(error, match="Busy"):
        ask(api)
    assert meter.calls == TRIES == len(azure.server.log)


@pytest.mark.parametrize(("retry_after", "calls"), [(None, 4), ("0", 4), ("0.01", 9)])
def test_a_server_that_fails_without_a_word_is_given_up_early(
    azure: AzureEstate, retry_after: str | None, calls: int
) -> None:
    """It is broken rather than busy, and every section would wait for it."""
    meter = Meter()
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    reply = Reply(status=500, body={}, headers=headers)
    azure.server.faults.add(Fault(service="graph", path=".*", reply=reply))

    with azure.api(meter, max_attempts=9) as api, pytest.raises(Unreachable):
        _get(api)
    assert meter.calls == calls


@pytest.mark.parametrize("status", [400, 403, 404, 409, 422])
def test_what_no_try_would_change_is_asked_once(azure: AzureEstate, api: AzureApi, meter: Meter, status: int) -> None:
    """Else a missing right would cost a scan its time."""
    azure.server.faults.add(Fault(service="graph", path=".*", reply=refusal("graph", status, "No")))

    with pytest.raises(SourceError):
        _get(api)
    assert meter.calls == 1


def test_too_long_a_wait_is_not_followed_by_another_request(azure: AzureEstate, api: AzureApi, meter: Meter) -> None:
    """A server could else hold a scan for ever."""
    azure.server.faults.throttle("graph", ".*", retry_after="86400")

    with pytest.raises(Throttled):
        _get(api)
    assert meter.calls == 1


def test_a_broken_connection_is_tried_again(azure: AzureEstate, api: AzureApi, meter: Meter) -> None:
    """Networks hiccup."""
    azure.server.faults.add(Fault(service="graph", path=".*", reply=None, times=1))

    _get(api)

    assert meter.calls == 2


def test_a_redirect_is_not_followed(azure: AzureEstate, api: AzureApi) -> None:
    """It would carry the token to whatever host it names."""
    moved = Reply(status=302, headers={"Location": f"{azure.server.url}/v1.0/applications"})
    azure.server.faults.add(Fault(service="graph", path="/v1.0/servicePrincipals", reply=moved))

    with pytest.raises(Unreachable, match="HTTP 302"):
        _get(api)
    assert azure.server.asked("graph") == ["GET /v1.0/servicePrincipals"]


def test_the_sdk_s_own_client_is_counted_and_retried(azure: AzureEstate, api: AzureApi, meter: Meter) -> None:
    """It goes through the same pipeline."""
    subscription = azure.tenant.add_subscription("prod")["subscriptionId"]
    azure.tenant.assign_role(f"/subscriptions/{subscription}", guid("someone"))
    azure.server.faults.throttle("arm", ".*", times=2)

    rows = list(each_of(api.role_client(subscription).role_assignments.list_for_subscription(), "roles"))

    assert [row.principal_id for row in rows] == [guid("someone")]
    assert meter.calls == 3


@pytest.mark.parametrize("body", [b"<html>", {"value": 7}, {"value": [7]}, {"value": [{"properties": 7}]}, [], None])
def test_the_sdk_s_stumbling_over_an_answer_is_no_traceback(azure: AzureEstate, api: AzureApi, body: object) -> None:
    """Whatever its parser makes of it; nothing may be made of it but rows or a SourceError."""
    subscription = azure.tenant.add_subscription("prod")["subscriptionId"]
    azure.server.faults.add(Fault(service="arm", path=".*", reply=Reply(body=body)))
    listed = api.role_client(subscription).role_assignments.list_for_subscription()

    try:
        rows = list(each_of(listed, "roles"))
    except SourceError:
        rows = []
    assert len(rows) <= 1


def test_a_token_is_for_one_service(azure: AzureEstate, api: AzureApi) -> None:
    """The server knows who each was made out to, so this also shows that the fake looks."""
    azure.tenant.vault_items["kv"] = {}
    _get(api)
    _post(api)
    list(api.vault_pages("https://kv.vault.azure.net/", "/keys"))
    azure.server.login.revoke()

    with pytest.raises(NotSignedIn, match="audience"):
        _get(api)


def test_a_token_that_is_about_to_end_is_renewed(azure: AzureEstate, api: AzureApi) -> None:
    """A scan may take longer than a token lives."""
    azure.server.login.lifetime = 60
    _get(api)
    _get(api)

    assert azure.server.login.given == 2


def test_a_wrong_secret_is_reported_in_microsoft_s_words(azure: AzureEstate, monkeypatch: pytest.MonkeyPatch) -> None:
    """And without the secret."""
    monkeypatch.setenv("WRONG", "guessed-and-wrong")

    with azure.api(client_secret=SecretRef(env="WRONG")) as api, pytest.raises(NotSignedIn) as failure:
        api.sign_in()
    assert "AADSTS7000215" in str(failure.value)
    assert "guessed" not in str(failure.value)


def test_an_authority_s_file_that_is_not_there_is_reported(azure: AzureEstate, tmp_path: Path) -> None:
    """As a failure, not as a traceback."""
    with azure.api(ca_file=tmp_path / "nowhere.pem") as api, pytest.raises(SourceError):
        api.sign_in()


def test_a_certificate_that_no_one_vouches_for_ends_it(azure: AzureEstate) -> None:
    """TLS is verified."""
    with azure.api(ca_file=None) as api, pytest.raises(SourceError):
        api.sign_in()
    assert azure.server.log == []


def test_an_outage_is_waited_for_once(azure: AzureEstate, api: AzureApi, meter: Meter) -> None:
    """Not by each section anew; the first answer ends it."""
    azure.server.faults.add(Fault(service="graph", path=".*", reply=refusal("graph", 503, "Busy"), times=TRIES + 2))
    for _ in range(3):
        with pytest.raises(Unreachable):
            _get(api)
    failed = meter.calls
    _get(api)
    azure.server.faults.add(Fault(service="graph", path=".*", reply=refusal("graph", 503, "Busy"), times=1))
    _get(api)

    assert (failed, meter.calls) == (TRIES + 2, TRIES + 2 + 1 + 2)
