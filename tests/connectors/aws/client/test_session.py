"""Clients of one source, and the pace they keep together."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.aws.client.clients import Clients
from connectors.aws.client.session import IN_FLIGHT, AwsSession, call
from connectors.aws.settings import AwsSettings
from connectors.core.contract import Meter
from scanner.errors import NotOffered, SourceError, Unreachable
from tests.connectors.aws.estate import Estate

pytestmark = pytest.mark.real_server

RATE = 5.0


@pytest.mark.parametrize(
    ("regions", "at_least"),
    [
        pytest.param(("eu-west-1", "eu-west-1", "eu-west-1"), 2 / RATE, id="one region"),
        pytest.param(("eu-west-1", "us-east-1", "eu-west-1"), 1 / RATE, id="two regions"),
    ],
)
def test_clients_of_a_service_and_region_share_its_rate(aws: Estate, regions: tuple[str, ...], at_least: float) -> None:
    """The first request in a region goes at once; each further one waits its turn, whichever client sends it."""
    session = AwsSession(AwsSettings(endpoint_url=aws.proxy.url, max_rate=RATE))
    clients = [session.client("secretsmanager", region, Meter()) for region in regions]

    started = time.monotonic()
    for client in clients:
        call(client, "list_secrets", expecting="SecretList")

    assert time.monotonic() - started >= at_least * 0.95
    assert aws.proxy.calls["secretsmanager:ListSecrets"] == len(regions)


ELSEWHERE = "http://proxy.example:8080"


@pytest.mark.parametrize(
    ("variable", "service", "refused"),
    [
        pytest.param("AWS_ENDPOINT_URL", "sts", True, id="every service"),
        pytest.param("AWS_ENDPOINT_URL_IAM", "iam", True, id="one service"),
        pytest.param("AWS_ENDPOINT_URL_IAM", "sts", False, id="another service"),
    ],
)
def test_an_endpoint_of_the_environment_in_clear_text_is_refused(
    aws: Estate, monkeypatch: pytest.MonkeyPatch, variable: str, service: str, refused: bool
) -> None:
    """The SDK would take it without asking; what is true of the setting is true of it."""
    monkeypatch.setenv(variable, ELSEWHERE)

    def made(**settings: Any) -> str:
        url: str = AwsSession(AwsSettings(**settings)).client(service, "eu-west-1", Meter()).meta.endpoint_url
        return url

    if refused:
        with pytest.raises(SourceError, match=r"http://proxy\.example:8080.*plain http") as caught:
            made()
        assert variable.removesuffix("_IAM") in (caught.value.hint or "")
        assert made(insecure_http=True) == ELSEWHERE
    else:
        assert made().startswith("https://")
    assert made(endpoint_url=aws.proxy.url) == aws.proxy.url


def test_a_profile_s_endpoint_in_clear_text_is_refused(
    aws: Estate, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The source is one gap, which says what to change."""
    config = tmp_path / "config"
    keys = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = not-a-secret\n"
    config.write_text(f"[profile audit]\n{keys}endpoint_url = {ELSEWHERE}\n", encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))

    found = aws.read(profile="audit", endpoint_url=None)

    assert found.gaps == {"sts.account": "failed"}
    assert "plain http" in (found.coverage["sts.account"].detail or "")
    assert aws.proxy.calls.total() == 0


def credentials(key: str = "ASIAOTHERACCOUNT", *, minutes: float = 60) -> dict[str, str]:
    """Credentials as a role gives them, for so long."""
    until = datetime.now(UTC) + timedelta(minutes=minutes)
    return {"access_key": key, "secret_key": "not-a-secret", "token": "t", "expiry_time": until.isoformat()}


SLOWLY = 0.01
"""Requests a second: whoever waits for the turn of another waits longer than any machine is busy."""


def test_accounts_share_clients_and_nothing_else(aws: Estate) -> None:
    """One client of the SDK serves both; each signs for itself, counts for itself, and keeps a pace of its own."""
    mine = AwsSession(AwsSettings(endpoint_url=aws.proxy.url, max_rate=SLOWLY))
    other = mine.entering(credentials)
    meters = Meter(), Meter()
    clients = [session.client("iam", "eu-west-1", meter) for session, meter in zip((mine, other), meters, strict=True)]

    started = time.monotonic()
    for client in clients:
        call(client, "list_users", expecting="Users")

    assert time.monotonic() - started < 1 / SLOWLY
    assert clients[0].sdk is clients[1].sdk
    assert [meter.calls for meter in meters] == [1, 1]
    assert [each.access_key for each in aws.proxy.log] == ["AKIAIOSFODNN7EXAMPLE", "ASIAOTHERACCOUNT"]


def test_credentials_about_to_expire_are_asked_for_again(aws: Estate) -> None:
    """In the middle of a long account: the next request is signed with the new ones."""
    given = iter([credentials("ASIAFIRST", minutes=1), credentials("ASIASECOND")])
    session = AwsSession(AwsSettings(endpoint_url=aws.proxy.url)).entering(lambda: next(given))
    iam = session.client("iam", "eu-west-1", Meter())

    call(iam, "list_users", expecting="Users")

    assert [each.access_key for each in aws.proxy.log] == ["ASIASECOND"]


def test_no_more_than_so_many_requests_are_out_at_once(aws: Estate) -> None:
    """Two regions of one service share the account's share of it."""
    aws.proxy.latency = 0.1
    session = AwsSession(AwsSettings(endpoint_url=aws.proxy.url))
    clients = [session.client("secretsmanager", region, Meter()) for region in ("eu-west-1", "us-east-1")]

    with ThreadPoolExecutor(4 * IN_FLIGHT) as pool:
        for future in [pool.submit(call, clients[n % 2], "list_secrets") for n in range(4 * IN_FLIGHT)]:
            future.result()

    assert 1 < aws.proxy.most_at_once <= IN_FLIGHT


def test_an_answer_that_does_not_come_is_not_waited_for_forever(aws: Estate) -> None:
    """It is tried as often as allowed, and each attempt is counted."""
    settings = AwsSettings(endpoint_url=aws.proxy.url, max_attempts=2)
    meter = Meter()
    iam = AwsSession(settings, clients=Clients(settings, read_timeout=0.1)).client("iam", "eu-west-1", meter)
    aws.proxy.latency = 0.5

    with pytest.raises(Unreachable, match="ReadTimeoutError"):
        call(iam, "list_users", expecting="Users")

    assert meter.calls == 2


def test_a_service_that_the_sdk_does_not_know_is_not_offered(aws: Estate) -> None:
    """An older SDK lacks newer services: a fact about it, and no gap."""
    with pytest.raises(NotOffered, match="boto3"):
        AwsSession(AwsSettings(endpoint_url=aws.proxy.url)).client("no-such-service", "eu-west-1", Meter())
