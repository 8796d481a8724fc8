"""The contract of connectors: checks that the tests of a connector call with the answers of its provider.

::

    ESTATE = Estate(
        make=lambda url: MyConnector("prod", MySettings(url=url, token=SecretRef(env="MY_TOKEN"))),
        answers={"/v1/bots": {"bots": [{"id": "1", "name": "a"}, {"id": "2", "name": "b"}]}},
        secret="the-token-that-MY_TOKEN-holds",
    )


    def test_contract() -> None:
        check_all(ESTATE)

Each ``check_*`` starts a server on loopback, reads the connector as the engine does, and raises AssertionError with a
message that names the fault. The kit needs only the standard library and Muster.
"""

from __future__ import annotations

from collections.abc import Callable

from connectors.testing.answers import (
    CANARY,
    HOSTILE,
    check_denied,
    check_hostile_names,
    check_malformed,
    check_secrets,
)
from connectors.testing.estate import Estate
from connectors.testing.failures import (
    check_endless,
    check_foreign_host,
    check_loop,
    check_not_the_api,
    check_throttled,
)
from connectors.testing.healthy import check_healthy, check_reading, check_settings, check_spec
from connectors.testing.reading import DEADLINE, LIMITS, PATIENT, read, read_unmasked
from connectors.testing.server import LONGEST, MANY, Answering, Asked, Json, Reply, Server, drip

__all__ = [
    "CANARY",
    "CHECKS",
    "DEADLINE",
    "HOSTILE",
    "LIMITS",
    "LONGEST",
    "MANY",
    "PATIENT",
    "Answering",
    "Asked",
    "Estate",
    "Json",
    "Reply",
    "Server",
    "check_all",
    "check_denied",
    "check_endless",
    "check_foreign_host",
    "check_healthy",
    "check_hostile_names",
    "check_loop",
    "check_malformed",
    "check_not_the_api",
    "check_reading",
    "check_secrets",
    "check_settings",
    "check_spec",
    "check_throttled",
    "drip",
    "read",
    "read_unmasked",
]

CHECKS: tuple[Callable[[Estate], None], ...] = (
    check_healthy,
    check_foreign_host,
    check_throttled,
    check_loop,
    check_not_the_api,
    check_endless,
    check_malformed,
    check_denied,
    check_hostile_names,
    check_secrets,
)
"""All checks of an estate, to be parameters of a test."""


def check_all(estate: Estate) -> None:
    """Run every check of ``CHECKS``."""
    for check in CHECKS:
        check(estate)
