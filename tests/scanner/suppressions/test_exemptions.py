"""Exemptions: what they match, until when, and which ones were of no use."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from scanner.model import Exemption
from scanner.suppressions.exemptions import Exemptions
from tests.factories import NOW, make_identity

TODAY = NOW.date()
SERVICE_LINKED = "arn:aws:iam::123456789012:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS"


@pytest.mark.parametrize(
    ("match", "key", "name", "exempt"),
    [
        pytest.param(
            "arn:aws:iam::*:role/aws-service-role/**", SERVICE_LINKED, "AWSServiceRoleForECS", True, id="glob"
        ),
        pytest.param(
            "arn:aws:iam::*:role/aws-service-role/*", SERVICE_LINKED, "AWSServiceRoleForECS", False, id="one segment"
        ),
        pytest.param(SERVICE_LINKED, SERVICE_LINKED, "AWSServiceRoleForECS", True, id="full key"),
        pytest.param("AWSServiceRoleForECS", SERVICE_LINKED, "AWSServiceRoleForECS", True, id="exact name"),
        pytest.param("AWSServiceRole", SERVICE_LINKED, "AWSServiceRoleForECS", False, id="part of a name"),
        pytest.param("role/aws-service-role", SERVICE_LINKED, "AWSServiceRoleForECS", False, id="part of a key"),
        pytest.param("arn:aws:iam::*:user/Deploy", "arn:aws:iam::1:user/deploy", "deploy", False, id="case of an ARN"),
        pytest.param("vault:a.b/*", "vault:axb/ci", "ci", False, id="a dot is a dot"),
        pytest.param("**:user/Deploy", "arn:aws:iam::1:user/deploy", "deploy", False, id="case of an ARN, open start"),
        pytest.param("vault:bot/**", "vault:entity/9", "vault:bot/**", False, id="a name that reads like the pattern"),
        pytest.param(SERVICE_LINKED, "vault:entity/9", SERVICE_LINKED, False, id="a name that reads like a key"),
    ],
)
def test_what_an_exemption_matches(match: str, key: str, name: str, exempt: bool) -> None:
    """A glob over the whole key, or the exact name; never a part of either."""
    exemptions = Exemptions([Exemption(match=match, reason="known")], TODAY)

    assert exemptions.reason(make_identity(name, key=key)) == ("known" if exempt else None)


@pytest.mark.parametrize(
    ("provider", "exempt"), [("aws", False), ("vault", False), ("crm", False), ("azure", True), ("github", True)]
)
def test_ids_are_compared_as_their_provider_does(provider: str, exempt: bool) -> None:
    """Where two ids differ in case alone, only one of them is exempt."""
    exemptions = Exemptions([Exemption(match="place/CI-*", reason="known")], TODAY)

    assert (exemptions.reason(make_identity(key="place/ci-x", provider=provider)) is not None) is exempt


@pytest.mark.parametrize(
    ("until", "exempt"),
    [
        pytest.param(None, True, id="for good"),
        pytest.param(TODAY, True, id="last day"),
        pytest.param(TODAY - timedelta(1), False, id="day after"),
    ],
)
def test_until_when_it_holds(until: date | None, exempt: bool) -> None:
    """The day named is the last one; after it the exemption is neither applied nor called unused."""
    exemptions = Exemptions([Exemption(match="svc", reason="trial", until=until)], TODAY)

    assert exemptions.reason(make_identity("svc")) == ("trial" if exempt else None)
    assert exemptions.unused == ()


def test_the_first_that_matches_gives_the_reason() -> None:
    """The first in the configuration counts; all that match count as used."""
    lines = [
        Exemption(match="other", reason="unused"),
        Exemption(match="svc", reason="by name"),
        Exemption(match="arn:aws:iam::*:user/svc", reason="by glob"),
        Exemption(match="another", reason="unused, too"),
    ]
    exemptions = Exemptions(lines, TODAY)

    assert exemptions.reason(make_identity("svc")) == "by name"
    assert exemptions.unused == (lines[0], lines[3])


def test_without_exemptions_no_identity_is_exempt() -> None:
    """An empty list exempts nothing."""
    exemptions = Exemptions([], TODAY)

    assert exemptions.reason(make_identity()) is None
    assert exemptions.unused == ()
