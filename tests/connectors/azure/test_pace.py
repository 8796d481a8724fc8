"""Each service is asked as fast as it goes until it says that its limit is near."""

from __future__ import annotations

import pytest

from connectors.azure.client.session import Pace
from tests.connectors.azure.estate import AzureEstate

APPLICATIONS = "https://graph.microsoft.com/v1.0/applications"
REPORT = "https://graph.microsoft.com/beta/reports/servicePrincipalSignInActivities?$top=1"


class Watch:
    """A clock that moves by sleeping on it."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def pace(watch: Watch) -> Pace:
    return Pace(clock=lambda: watch.now, sleep=watch.sleep)


def test_nothing_is_waited_for_at_first(pace: Pace, watch: Watch) -> None:
    """No service is slowed down for another's sake, either."""
    pace.rate("arm", "https://management.azure.com/subscriptions").slow_down()
    for _ in range(1000):
        pace.rate("graph", APPLICATIONS).acquire()

    assert watch.now == 0


@pytest.mark.parametrize(
    ("headers", "slower"),
    [
        ({}, False),
        ({"x-ms-throttle-limit-percentage": "0.5"}, False),
        ({"x-ms-throttle-limit-percentage": "much"}, False),
        ({"x-ms-throttle-limit-percentage": "0.8"}, True),
        ({"x-ms-throttle-limit-percentage": "1.7"}, True),
    ],
)
def test_an_answer_near_the_limit_slows_down(pace: Pace, watch: Watch, headers: dict[str, str], slower: bool) -> None:
    """Before the service has to refuse, where it says so in time."""
    pace.note("graph", APPLICATIONS, headers)
    for _ in range(101):
        pace.rate("graph", APPLICATIONS).acquire()

    assert watch.now == pytest.approx(2.02 if slower else 0)


QUERY = "https://management.azure.com/providers/Microsoft.ResourceGraph/resources?api-version=2024-04-01"


@pytest.mark.parametrize(
    ("left", "resets", "waited"),
    [
        ("0", "00:00:05", 5),
        ("0", "00:00:02.5000000", 2),
        ("0", "01:00:00", 60),
        ("0", "soon", 0),
        ("0", None, 0),
        ("1", "00:00:05", 0),
        (None, "00:00:05", 0),
    ],
)
def test_queries_wait_until_there_are_some_again(
    pace: Pace, watch: Watch, left: str | None, resets: str | None, waited: float
) -> None:
    """Resource Graph says when; other requests go on."""
    reported = {"x-ms-user-quota-remaining": left, "x-ms-user-quota-resets-after": resets}
    pace.note("arm", QUERY, {name: value for name, value in reported.items() if value is not None})

    pace.rate("arm", "https://management.azure.com/subscriptions").acquire()
    assert watch.now == 0
    pace.rate("arm", QUERY).acquire()
    pace.rate("arm", QUERY).acquire()
    assert watch.now == waited


def test_reports_are_asked_five_in_ten_seconds(pace: Pace, watch: Watch) -> None:
    """From the start: that is all they give."""
    for _ in range(10):
        pace.rate("graph", REPORT).acquire()

    assert watch.now == pytest.approx(10)


def test_clients_of_one_source_sign_in_once(azure: AzureEstate) -> None:
    """However many units of work there are; each service takes a token of its own."""
    for name in ("prod", "test", "lab"):
        azure.tenant.add_subscription(name)

    azure.read()

    assert azure.server.login.given == 2
