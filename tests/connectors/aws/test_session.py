"""Clients of one source, and the pace they keep together."""

from __future__ import annotations

import time

import pytest

from connectors.aws.session import AwsSession, call
from connectors.aws.settings import AwsSettings
from connectors.base import Meter
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
