"""The table of requests: what is in it may be asked, and nothing else."""

from __future__ import annotations

import re

import pytest

from connectors.azure import sections
from connectors.azure.client.clouds import Service
from connectors.azure.client.requests import ALLOWED, OF_LOGS, Allowed, Forbidden, allowed, request_of
from connectors.azure.logs.activity import SPEC as ACTIVITY
from connectors.azure.logs.signins import SPEC as ENTRA
from connectors.azure.settings import AzureSettings
from connectors.azure.spec import SPEC


def _sample(one: Allowed) -> str:
    return re.sub(r"\{\w+\}", "sample", one.path)


@pytest.mark.parametrize("one", [*ALLOWED, *OF_LOGS], ids=lambda one: f"{one.method} {one.path}")
def test_what_is_in_the_table_may_be_asked(one: Allowed) -> None:
    """In whatever case the resource manager writes it, and with a query."""
    for path in (_sample(one), _sample(one).upper(), f"{_sample(one)}?$top=1"):
        found = allowed(one.service, one.method, path, beta=one.beta)

        assert (found.path, found.service, found.method) == (one.path, one.service, one.method)


@pytest.mark.parametrize("one", [*ALLOWED, *OF_LOGS], ids=lambda one: f"{one.method} {one.path}")
def test_one_step_further_is_another_request(one: Allowed) -> None:
    """Nothing below, beside or above a path comes with it."""
    for change in ("/more", "/", "/%2e%2e", "%2Fmore", "\\more", "/..;/x"):
        with pytest.raises(Forbidden):
            allowed(one.service, one.method, _sample(one) + change, beta=one.beta)


@pytest.mark.parametrize(
    "path",
    [
        "/servicePrincipals/../owners",
        "/servicePrincipals/%2e%2E/owners",
        "/servicePrincipals/./owners",
        "/servicePrincipals%2Fx/owners",
        "/servicePrincipals/x%2Fowners",
    ],
)
def test_a_path_that_a_server_would_read_differently_is_refused(path: str) -> None:
    """What is between the slashes must be an id."""
    with pytest.raises(Forbidden):
        allowed("graph", "GET", path)


@pytest.mark.parametrize("one", [*ALLOWED, *OF_LOGS], ids=lambda one: f"{one.method} {one.path}")
def test_nothing_is_changed(one: Allowed) -> None:
    """No other method than the table's."""
    for method in ("PUT", "PATCH", "DELETE", "HEAD"):
        with pytest.raises(Forbidden):
            allowed(one.service, method, _sample(one), beta=one.beta)


def test_no_request_is_for_a_value_or_needs_a_right_to_change() -> None:
    """Read rights only; of vaults, lists and nothing below a name."""
    permissions = {one.permission for one in (*ALLOWED, *OF_LOGS)}

    assert {one for one in permissions if "Write" in one or one.lower().endswith(("write", "delete"))} == set()
    assert {one.path for one in ALLOWED if one.service == "vault"} == {"/secrets", "/keys", "/certificates"}
    assert {one for one in permissions if "getSecret" in one or "backup" in one} == set()


def test_every_other_request_is_for_a_log() -> None:
    """Each type of log says what its requests take."""
    for spec in (ENTRA, ACTIVITY):
        assert {one.permission for one in OF_LOGS if one.section == spec.name} == {*spec.permissions}
    assert {one.section for one in OF_LOGS} == {ENTRA.name, ACTIVITY.name}


def test_every_request_is_for_a_section_and_every_section_is_declared() -> None:
    """So that each permission is reported with what is lost without it."""
    named = {value for name, value in vars(sections).items() if name.isupper()}

    assert {one.section for one in ALLOWED} | {sections.TENANT} == named
    assert {section.name for section in SPEC.sections} == named


@pytest.mark.parametrize(
    ("service", "url", "is_known"),
    [
        ("graph", "https://graph.microsoft.com/v1.0/applications", True),
        ("graph", "https://GRAPH.microsoft.com/v1.0/applications?$top=1", True),
        ("graph", "https://graph.microsoft.com:8443/v1.0/applications", False),
        ("graph", "https://graph.microsoft.com.example.com/v1.0/applications", False),
        ("graph", "http://graph.microsoft.com/v1.0/applications", False),
        ("graph", "https://management.azure.com/v1.0/applications", False),
        ("arm", "https://management.azure.com/subscriptions", True),
        ("arm", "https://management.azure.com//subscriptions", True),
        ("arm", "https://graph.microsoft.com/subscriptions", False),
        ("vault", "https://kv-1.vault.azure.net/secrets", True),
        ("vault", "https://kv-1.vault.azure.net/secrets/a", False),
        ("vault", "https://kv-1.vault.azure.cn/secrets", False),
    ],
)
def test_each_service_answers_at_its_own_host(service: Service, url: str, is_known: bool) -> None:
    """Of the public cloud here."""
    endpoints = AzureSettings().endpoints

    if is_known:
        assert request_of(endpoints, service, "GET", url).service == service
        return
    with pytest.raises(Forbidden):
        request_of(endpoints, service, "GET", url)
