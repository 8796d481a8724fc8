"""Audit logs of Entra, Azure and Google Cloud, asked for live through their sources, from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from scanner.demo.fakes.azure.audit_logs import by_application, log_event, log_sign_in
from scanner.demo.fakes.gcp.cloud import Cloud
from scanner.demo.fakes.gcp.logs import log_entry
from tests.cli.conftest import Muster, muster
from tests.connectors.azure.conftest import azure
from tests.connectors.azure.estate import SECRET_VARIABLE, AzureEstate
from tests.connectors.gcp.conftest import Place, small_company, start
from tests.connectors.gcp.estate import BILLING
from tests.e2e.test_across_clouds import GOOGLE
from tests.e2e.test_azure_rules import CONFIG as AZURE

__all__ = ["azure", "muster", "start"]

LOGS = """
[[log]]
name = "sign-ins"
type = "entra"
source = "entra"
since = "4d"

[[log]]
name = "changes"
type = "azure_activity"
source = "entra"
since = "4d"

[[log]]
name = "audit"
type = "gcp_audit"
source = "google"
since = "4d"
"""
RIGHTS = {"logging.logEntries.list", "logging.privateLogEntries.list"}
PLACES = 4
"""An organization, a folder and two projects."""


def ago(days: int, time: str = "10:00:00") -> str:
    """A time so many days ago."""
    return f"{datetime.now(UTC).date() - timedelta(days)}T{time}Z"


class Estate:
    """Two clouds in which someone acted two, three and four days ago, and the config that names their logs."""

    def __init__(self, azure: AzureEstate, place: Place, folder: Path) -> None:
        self.azure, self.cloud = azure, place.cloud
        tenant, server, settings = azure.tenant, azure.server, place.settings()
        assert settings.access_token is not None
        tenant.add_application("ledger", createdDateTime=ago(400))
        self.subscription = tenant.add_subscription("prod")["subscriptionId"]
        self.cloud.rights |= RIGHTS
        for days in (2, 3, 4):
            self.act(ago(days))
        entra = AZURE.format(
            tenant=tenant.id, client=tenant.client_id, variable=SECRET_VARIABLE, url=server.url, ca=server.ca_file
        )
        google = GOOGLE.format(url=settings.endpoint_url, grpc=settings.grpc_endpoint, token=settings.access_token.file)
        (folder / "config.toml").write_text(entra + google + LOGS)

    def act(self, at: str) -> None:
        """Everyone does something."""
        log_sign_in(self.azure.tenant, "ledger", at)
        log_event(self.azure.tenant, self.subscription, at, "Microsoft.Compute/disks/write", **by_application("ledger"))
        log_entry(
            self.cloud,
            "projects/acme-prod",
            at,
            len(self.cloud.rows["projects/acme-prod/logs"]),
            serviceName="compute.googleapis.com",
            methodName="v1.compute.disks.insert",
            authenticationInfo={"principalEmail": BILLING},
        )

    def asked(self) -> tuple[int, int, int]:
        """How often each log was asked for so far."""
        paths = [call.path for call in self.azure.server.log]
        return (
            sum("/auditLogs/" in one for one in paths),
            sum("/eventtypes/" in one for one in paths),
            self.cloud.log.count("POST /v2/entries:list"),
        )


@pytest.fixture
def estate(azure: AzureEstate, start: Callable[[Cloud], Place], tmp_path: Path) -> Estate:
    """Both clouds."""
    return Estate(azure, start(small_company()), tmp_path)


def identities(text: str) -> dict[str, Any]:
    """Of a JSON report, by name."""
    return {one["name"]: one for one in json.loads(text)["identities"]}


def test_logs_are_read_once_and_scans_judge_with_them(estate: Estate, muster: Muster) -> None:
    """A request for each day, which serves all projects; a second reading asks only for days that it has not read."""
    first = muster("activity", "--since", "4d", "--until", "2d")
    after_first = estate.asked()
    again = muster("activity", "--since", "4d", "--until", "2d")

    assert (first.code, first.out) == (0, "read 9 events of 0 identities on 3 days; 2 unknown callers; 0 gaps\n")
    assert after_first == (3, 3, 3)
    assert again.out == "read 0 events of 0 identities on 0 days; 0 unknown callers; 0 gaps\n"
    assert estate.asked() == after_first

    estate.act(ago(1, "00:00:00"))
    done = muster("scan", "-o", "json:-")
    found = identities(done.out)
    assert found["ledger"]["activity"]["events"] == 8
    assert [one["service"] for one in found["ledger"]["activity"]["services"]] == [
        "microsoft graph",
        "microsoft.compute",
    ]
    assert found["billing"]["activity"]["events"] == 4
    assert found["billing"]["activity"]["covered_days"] >= 3
    # Yesterday and, unless it is still the day's first hour, today.
    new = [after - before for after, before in zip(estate.asked(), after_first, strict=True)]
    assert new in ([1, 1, 1], [2, 2, 2])


def test_what_is_refused_is_a_gap_that_says_why(estate: Estate, muster: Muster) -> None:
    """Each log for itself: what one refuses, another may give."""
    estate.azure.server.faults.deny("arm", "/subscriptions/.*/eventtypes/")
    estate.cloud.rights -= {"logging.privateLogEntries.list"}
    done = muster("activity", "--since", "31d", "--until", "29d")

    assert done.out.endswith(f"; {2 + 3 + 3 * PLACES} gaps\n"), done.out
    assert "log sign-ins: Entra keeps 30 days" in done.err
    assert done.err.count("denied") == 1
    assert done.err.count("logging.privateLogEntries.list is not granted") == PLACES
    assert estate.asked() == (1, 1, 0)


def test_doctor_and_policy_know_the_logs(estate: Estate, muster: Muster) -> None:
    """What is missing is named before a scan fails for it; the policy of a source has it."""
    estate.cloud.rights -= {"logging.privateLogEntries.list"}
    doctor = muster("doctor")
    azure_policy = json.loads(muster("connectors", "azure", "--policy", "entra").out)
    google_policy = muster("connectors", "gcp", "--policy", "google").out

    checks = [line for line in doctor.out.splitlines() if " log " in line]
    assert [line.split()[0] for line in checks] == ["ok", "ok", "PROBLEM"]
    assert "log sign-ins: can be read" in checks[0]
    assert "needs logging.privateLogEntries.list" in checks[2]
    actions = [action for role in azure_policy["azureCustomRoles"] for action in role["Actions"]]
    assert "Microsoft.Insights/eventtypes/values/read" in actions
    assert "- logging.privateLogEntries.list\n" in google_policy
    assert " logging.googleapis.com" in google_policy


@pytest.mark.usefixtures("estate")
def test_a_live_log_needs_a_source_that_can_be_asked(muster: Muster, tmp_path: Path) -> None:
    """Files cannot be, and neither can another provider."""
    config = tmp_path / "config.toml"
    text = config.read_text()
    config.write_text(text.replace('type = "gcp_audit"\nsource = "google"', 'type = "gcp_audit"\nsource = "entra"'))
    other = muster("activity")
    (tmp_path / "export").mkdir()
    config.write_text(text.replace('name = "google"\n', 'name = "google"\nfrom_files = "export"\n'))
    files = muster("activity")

    assert (other.code, files.code) == (2, 2)
    assert "its source" in other.err
    assert "reads files" in files.err


def test_a_log_can_be_named_on_the_command_line(estate: Estate, muster: Muster) -> None:
    """Without files, it is asked for through the source of the config."""
    done = muster("activity", "azure_activity:source=entra,name=once", "--since", "3d", "--until", "2d")

    assert (done.code, done.out) == (0, "read 2 events of 0 identities on 2 days; 1 unknown caller; 0 gaps\n")
    assert estate.asked() == (0, 2, 0)
