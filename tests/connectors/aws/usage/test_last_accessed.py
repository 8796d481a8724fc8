"""Which services the most powerful identities use, from IAM's access advisor."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.aws.client.payloads import AwsAccount
from connectors.aws.client.reading import AwsReader
from connectors.aws.client.session import AwsClient, AwsSession
from connectors.aws.settings import AwsSettings
from connectors.aws.spec import SPEC
from connectors.aws.usage.last_accessed import MOST, LastAccessed, services_of
from connectors.core.contract import Meter, Scope
from scanner.errors import SourceError
from scanner.model import PrivilegeLevel
from tests.connectors.aws.estate import Estate, arn
from tests.servers.fault_proxy import Fault
from tests.servers.moto_server import ACCOUNT

pytestmark = pytest.mark.real_server

GENERATE, GET = "iam:GenerateServiceLastAccessedDetails", "iam:GetServiceLastAccessedDetails"
USED = datetime(2026, 11, 1, tzinfo=UTC)


def service(name: str, *, used: bool = False) -> dict[str, Any]:
    """A service in the answer."""
    row = {"ServiceName": name.upper(), "ServiceNamespace": name}
    return {**row, "LastAuthenticated": USED} if used else row


def done(*services: Any, **more: Any) -> dict[str, Any]:
    """A finished answer."""
    days = {"JobCreationDate": USED, "JobCompletionDate": USED}
    return {"JobStatus": "COMPLETED", **days, "ServicesLastAccessed": list(services), **more}


def jobs(aws: Estate, answer: Any = None) -> None:
    """Every job is there at once, and gives this."""
    aws.proxy.made[GENERATE] = lambda asked: {"JobId": re.sub(r"\W", "-", asked["Arn"]).rjust(36, "-")[-36:]}
    aws.proxy.made[GET] = lambda _: answer or done(service("s3", used=True), service("iam"), service("ec2"))


def asked_about(aws: Estate) -> list[str]:
    """Who the jobs were about."""
    return sorted(call.parameters["Arn"] for call in aws.proxy.log if call.operation == GENERATE)


def test_the_most_powerful_are_asked_about_on_request(aws: Estate) -> None:
    """Administrators and anyone who can become one; neither the harmless nor roles that AWS manages."""
    aws.user("admin", allow="*")
    aws.role("riser", allow="iam:AttachRolePolicy")
    aws.user("harmless", allow="s3:GetObject")
    aws.role("AWSServiceRoleForAll", path="/aws-service-role/all.amazonaws.com/", allow="*")
    jobs(aws)

    off, on = aws.read_iam(), aws.read_iam(service_last_accessed=True)

    assert off.coverage["iam.service_last_accessed"].status == "off"
    assert asked_about(aws) == [arn("role", "riser"), arn("user", "admin")]
    admin = on.identities["admin"]
    assert (admin.attributes["services_used"], admin.attributes["services_unused"]) == (["s3"], ["ec2", "iam"])
    assert admin.attributes["services_last_used"] == {"s3": f"{USED:%Y-%m-%d}"}
    assert admin.privilege.evidence[-1] == "it used 1 of the 3 services that it has rights to in 400 days"
    assert admin.privilege.level == "admin"
    assert "services_used" not in on.identities["harmless"].attributes
    coverage = on.coverage["iam.service_last_accessed"]
    assert (coverage.status, coverage.identities, coverage.calls) == ("complete", 2, 4)


@pytest.mark.parametrize("operation", [GENERATE, GET])
def test_a_refusal_is_named_and_costs_nothing_else(aws: Estate, operation: str) -> None:
    """The identity is there, without these facts."""
    aws.user("admin", allow="*")
    jobs(aws)
    aws.proxy.fail(operation, Fault("denied"))

    found = aws.read_iam(service_last_accessed=True)

    assert found.gaps == {"iam.service_last_accessed": "denied"}
    assert found.coverage["iam.service_last_accessed"].permission == operation
    assert "services_used" not in found.identities["admin"].attributes


def test_a_server_without_it_is_no_gap(aws: Estate) -> None:
    """The emulator has no such operation."""
    aws.user("admin", allow="*")

    assert aws.read_iam(service_last_accessed=True).coverage["iam.service_last_accessed"].status == "not_offered"


def iam(aws: Estate) -> AwsClient:
    """IAM behind the proxy."""
    return AwsSession(AwsSettings(endpoint_url=aws.proxy.url, max_attempts=1)).client("iam", "eu-west-1", Meter())


def test_an_answer_is_waited_for_and_read_to_its_end(aws: Estate) -> None:
    """It takes a while to be made, and comes in pages."""
    running = {"JobStatus": "IN_PROGRESS", "JobCreationDate": USED, "ServicesLastAccessed": []}
    running["JobCompletionDate"] = USED
    answers = iter([running, running, done(service("a"), IsTruncated=True, Marker="1"), done(service("b"))])
    jobs(aws)
    aws.proxy.made[GET] = lambda _: next(answers)

    found = services_of(iam(aws), arn("user", "admin"), pause=0.01)

    assert [one.service_namespace for one in found] == ["a", "b"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        pytest.param({"JobStatus": "IN_PROGRESS"}, r"not ready after 0\.05 seconds", id="never done"),
        pytest.param({"JobStatus": "FAILED"}, "AWS could not say", id="failed"),
        pytest.param({"IsTruncated": True}, "no token for the next one", id="breaks off"),
    ],
)
def test_an_answer_that_does_not_come_is_an_error(aws: Estate, answer: Mapping[str, Any], words: str) -> None:
    """It is never taken for "uses nothing"."""
    jobs(aws, {**done(), **answer})

    with pytest.raises(SourceError, match=words):
        services_of(iam(aws), arn("user", "admin"), patience=0.05, pause=0.02)


def test_only_so_many_are_asked_about_administrators_first(aws: Estate) -> None:
    """The rest is counted in the coverage."""
    jobs(aws)
    levels: dict[str, PrivilegeLevel] = {arn("role", f"r{number:03}"): "escalation" for number in range(MOST)}
    levels |= {arn("role", "zz-admin"): "admin", arn("role", "no"): "normal", arn("role", "dark"): "unknown"}
    meter = Meter()
    reading = AwsReader(
        scope=Scope(source="prod", spec=SPEC, id=ACCOUNT),
        client=iam(aws),
        meter=meter,
        place=AwsAccount(source="prod", account=ACCOUNT),
    )

    (coverage,) = LastAccessed().read(reading, levels)

    assert (coverage.status, coverage.identities) == ("complete", MOST)
    assert coverage.detail == "1 other powerful identity skipped"
    assert arn("role", "zz-admin") in asked_about(aws)
    assert arn("role", f"r{MOST - 1:03}") not in asked_about(aws)
