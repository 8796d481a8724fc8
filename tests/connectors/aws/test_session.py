"""Clients of one source, and the pace they keep together."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from connectors.aws.session import AwsSession, call
from connectors.aws.settings import AwsSettings
from connectors.base import Meter
from scanner.errors import SourceError
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
