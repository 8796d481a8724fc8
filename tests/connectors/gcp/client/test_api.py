"""The client: pages, tries, what is counted, and what each refusal means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from connectors.core.contract import Gone, Malformed, Meter
from connectors.gcp.client import requests as r
from connectors.gcp.client.errors import ApiOff, Misconfigured, NoCredentials, Rejected
from connectors.gcp.client.payloads import Anything, Project, ServiceAccount
from connectors.testing import Asked, Reply, Server
from scanner.demo.fakes.gcp.faults import Refused
from scanner.errors import Denied, NotOffered, SourceError, Throttled, Unreachable
from tests.connectors.gcp.conftest import Place

BY_REST: dict[str, Any] = {"grpc_endpoint": None}
BY_GRPC: dict[str, Any] = {}


def _emails(place: Place, meter: Meter, how: dict[str, Any]) -> list[str]:
    pages = place.api(meter, **how).service_accounts("acme-prod")
    return [msgspec.json.decode(row, type=ServiceAccount).email for page in pages for row in page.rows]


@pytest.mark.parametrize("how", [BY_REST, BY_GRPC], ids=["REST", "gRPC"])
@pytest.mark.parametrize(("accounts", "calls"), [(1, 1), (100, 1), (101, 2), (250, 3)])
def test_all_pages_are_read(place: Place, how: dict[str, Any], accounts: int, calls: int) -> None:
    """With as few requests as there can be, each counted."""
    for number in range(accounts - 1):
        place.cloud.add_account("acme-prod", f"svc-{number:03}")
    meter = Meter()

    assert len(set(_emails(place, meter, how))) == accounts
    assert (meter.calls, len(place.cloud.log)) == (calls, calls)


@pytest.mark.parametrize("how", [BY_REST, BY_GRPC], ids=["REST", "gRPC"])
def test_an_empty_page_with_a_token_is_no_end(place: Place, how: dict[str, Any]) -> None:
    """Some APIs answer so while they look."""
    place.cloud.faults.empty_first_pages = True

    assert _emails(place, Meter(), how) == ["billing@acme-prod.iam.gserviceaccount.com"]


@pytest.mark.parametrize("how", [BY_REST, BY_GRPC], ids=["REST", "gRPC"])
def test_rows_are_the_same_by_rest_and_grpc(place: Place, how: dict[str, Any]) -> None:
    """So that one parser does for both."""
    (page,) = place.api(**how).service_accounts("acme-prod")
    row = msgspec.json.decode(page.rows[0])

    assert row == place.cloud.rows["projects/acme-prod/serviceAccounts"][0]


@pytest.mark.parametrize("how", [BY_REST, BY_GRPC], ids=["REST", "gRPC"])
@pytest.mark.parametrize("fault", ["429", "503"])
def test_what_may_pass_is_tried_again(place: Place, how: dict[str, Any], fault: str) -> None:
    """Without any Retry-After; every try is counted."""
    if fault == "429":
        place.cloud.faults.throttle("iam", times=2)
    else:
        place.cloud.faults.fail(503, api="iam", times=2)
    meter = Meter()

    assert len(_emails(place, meter, how)) == 1
    assert meter.calls == 3


@pytest.mark.parametrize("how", [BY_REST, BY_GRPC], ids=["REST", "gRPC"])
def test_tries_end(place: Place, how: dict[str, Any]) -> None:
    """After max_attempts, all counted."""
    place.cloud.faults.throttle("iam")
    meter = Meter()

    with pytest.raises(Throttled):
        _emails(place, meter, how)
    assert meter.calls == 4


def test_a_quota_reported_as_403_is_no_denial(place: Place) -> None:
    """Storage and Compute say it so."""
    place.cloud.faults.rate_limit("storage", times=2)
    meter = Meter()

    assert [page.rows for page in place.api(meter).pages(r.HMAC_KEYS, project="acme-prod")] == [[]]
    assert meter.calls == 3


REFUSALS: tuple[tuple[Refused, type[SourceError], str], ...] = (
    (Refused(400, "no such thing"), Rejected, "no such thing"),
    (Refused(401, "expired"), NoCredentials, "expired"),
    (Refused(403, "no", reason="IAM_PERMISSION_DENIED"), Denied, "denied"),
    (Refused(403, "no"), Denied, "denied"),
    (Refused(403, "vpc", reason="SECURITY_POLICY_VIOLATED"), Misconfigured, "SECURITY_POLICY_VIOLATED"),
    (Refused(403, "user", reason="USER_PROJECT_DENIED"), Misconfigured, "USER_PROJECT_DENIED"),
    (
        Refused(403, "off", reason="SERVICE_DISABLED", metadata={"consumer": "projects/1111"}),
        ApiOff,
        "not enabled in project 1111",
    ),
    (
        Refused(403, "off", reason="SERVICE_DISABLED"),
        ApiOff,
        "not enabled in the project, which requests are charged to",
    ),
    (
        Refused(403, "off", reason="SERVICE_DISABLED", metadata={"consumer": "projects/9"}),
        ApiOff,
        "not enabled in project 9",
    ),
    (Refused(404, "gone"), Gone, "nothing there"),
    (Refused(409, "odd"), SourceError, "odd"),
    (Refused(500, "oops"), Unreachable, "oops"),
)


@pytest.mark.parametrize("how", [BY_REST, BY_GRPC], ids=["REST", "gRPC"])
@pytest.mark.parametrize(("refused", "error", "words"), REFUSALS, ids=lambda one: getattr(one, "__name__", None))
def test_refusals_mean_the_same_by_rest_and_grpc(
    place: Place, how: dict[str, Any], refused: Refused, error: type[SourceError], words: str
) -> None:
    """By status and reason; a denial names the permission."""
    place.cloud.faults.refuse(refused, api="iam")
    api = place.api(own_project=("acme-prod", "1111"), **how)

    with pytest.raises(error, match=words) as caught:
        list(api.service_accounts("acme-prod"))
    assert type(caught.value) is error
    assert caught.value.permission == ("iam.serviceAccounts.list" if error is Denied else None)


def test_an_api_that_is_off_where_nothing_can_be_without_it_is_not_offered(place: Place) -> None:
    """In the project itself; in the one that requests are charged to it is in the way."""
    place.cloud.faults.disable_api("secretmanager", "acme-prod", "1111")

    for own, error in (("1111", NotOffered), ("2222", ApiOff)):
        with pytest.raises(error, match="not enabled"):
            list(place.api(own_project=(own,)).pages(r.SECRETS, project="acme-prod"))


def test_a_redirect_is_not_followed(place: Place) -> None:
    """The token would go with it."""
    place.cloud.faults.refuse(Refused(302, "", headers={"Location": f"{place.url}/v3/projects/acme-dev"}))

    with pytest.raises(Unreachable, match="redirects"):
        place.api().get(r.PROJECT, Anything, project="acme-prod")
    assert len(place.cloud.log) == 1


def test_a_netrc_does_not_replace_the_token(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests would prefer it."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ada password not-a-token\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    api = place.api(endpoint_url=None, endpoints={"cloudresourcemanager": place.url})

    assert api.get(r.PROJECT, Anything, project="acme-prod") is not None


def test_an_answer_of_another_shape_is_reported(place: Place) -> None:
    """Of its field."""
    place.cloud.projects["acme-prod"]["projectId"] = 7

    with pytest.raises(Malformed, match="projectId"):
        place.api().get(r.PROJECT, Project, project="acme-prod")


def test_a_server_that_is_not_there_is_reported_by_its_name(place: Place) -> None:
    """Without an address of memory or a stack."""
    api = place.api(endpoint_url="http://127.0.0.1:1", max_attempts=2)

    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:1 does not respond: connection refused"):
        api.get(r.PROJECT, Anything, project="acme-prod")


def test_a_host_that_has_stopped_answering_is_not_asked_again(place: Place) -> None:
    """Else each of a thousand projects would wait for all its tries."""
    meter = Meter()
    api = place.api(meter, endpoint_url="http://127.0.0.1:1", max_attempts=2)

    for _ in range(4):
        with pytest.raises(Unreachable) as caught:
            api.get(r.PROJECT, Anything, project="acme-prod")

    assert "was not called" in str(caught.value)
    assert meter.calls == 4


def test_after_tries_in_vain_each_request_is_tried_once_until_one_is_answered(place: Place) -> None:
    """Else an outage of hours would be waited for by each request anew."""
    place.cloud.faults.fail(503, times=5)
    api, calls = place.api(meter := Meter()), []

    for _ in range(2):
        with pytest.raises(Unreachable):
            api.get(r.PROJECT, Anything, project="acme-prod")
        calls.append(meter.calls)
    api.get(r.PROJECT, Anything, project="acme-prod")
    place.cloud.faults.fail(503, times=1)
    api.get(r.PROJECT, Anything, project="acme-prod")

    assert (*calls, meter.calls) == (4, 5, 8)


@pytest.mark.parametrize(("code", "calls"), [(503, 5), (429, 8)])
def test_after_tries_in_vain_by_grpc_each_is_one_until_one_is_answered(place: Place, code: int, calls: int) -> None:
    """Projects by the hundred would wait for the same silence; a refusal for load is no silence."""
    place.cloud.faults.fail(code, api="iam", times=calls)
    meter = Meter()
    api = place.api(meter, **BY_GRPC)
    for project in ("acme-prod", "acme-dev"):
        with pytest.raises(SourceError):
            list(api.service_accounts(project))
    failed = meter.calls
    list(api.service_accounts("acme-prod"))

    place.cloud.faults.fail(503, api="iam", times=1)
    list(api.service_accounts("acme-prod"))

    assert (failed, meter.calls) == (calls, calls + 3)


def test_the_same_token_twice_ends_a_listing(place: Place) -> None:
    """Or it would never end."""
    place.cloud.faults.endless_pages = True

    with pytest.raises(Malformed, match="repeat"):
        list(place.api().pages(r.SECRETS, project="acme-prod"))


def test_a_name_that_leads_elsewhere_is_not_asked_about(place: Place) -> None:
    """It is a row that cannot be right."""
    with pytest.raises(Malformed):
        place.api().get(r.PROJECT, Anything, project="../organizations")
    assert place.cloud.log == []


def test_policies_come_with_their_conditions(place: Place) -> None:
    """Version 3 is asked for."""
    binding = {"role": "roles/viewer", "members": ["user:a@b.c"], "condition": {"title": "t", "expression": "true"}}
    place.cloud.set_policy("//cloudresourcemanager.googleapis.com/projects/acme-prod", binding)

    policy = place.api().post(r.PROJECT_POLICY, dict[str, object], r.POLICY_BODY, project="acme-prod")

    assert policy["bindings"] == [binding]


def test_a_token_that_has_ended_is_renewed_once_for_all(place: Place, tmp_path: Path) -> None:
    """The request is sent again with the new one; other requests use it, too."""
    given = 0

    def issue(_: Asked) -> Reply:
        nonlocal given
        given += 1
        return Reply(body={"access_token": f"token-{given}", "expires_in": 3600, "token_type": "Bearer"})

    place.cloud.faults.fail(401, times=1)
    with Server(issue) as issuer:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        info = {"type": "service_account", "client_email": "m@acme-prod.iam.gserviceaccount.com", "private_key": pem}
        (tmp_path / "key.json").write_bytes(msgspec.json.encode({**info, "token_uri": f"{issuer.url}/token"}))
        api = place.api(meter := Meter(), access_token=None, credentials_file=tmp_path / "key.json")
        for _ in range(2):
            api.get(r.PROJECT, Anything, project="acme-prod")

    assert (given, meter.calls, len(place.cloud.log)) == (2, 3, 3)
