"""Whatever Google's APIs answer, a scan ends in records and coverage, and what is recorded can be stored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.gcp.connector import GcpConnector
from connectors.gcp.settings import GcpSettings
from scanner.demo.estate import load_estate
from scanner.demo.gcp_cloud import gcp_server
from scanner.model import Coverage
from scanner.redaction.redact import SecretRef
from tests.connectors.hostile import read, told_with_any_change, told_with_times
from tests.examples import examples
from tests.hostile_json import TIMES
from tests.servers.hostile_proxy import HostileProxy


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[HostileProxy, GcpSettings]]:
    """The demo's, whose answers have been learnt, and who asks it."""
    token: Path = tmp_path_factory.mktemp("gcp") / "token"
    token.write_text("a-token")
    with gcp_server(load_estate()["gcp"]) as url, HostileProxy(url) as proxy:
        settings = GcpSettings(
            endpoint_url=proxy.url,
            access_token=SecretRef(file=str(token)),
            backoff=0.001,
            max_attempts=1,
            locations=("europe-west1",),
            resources="all",
        )
        read(GcpConnector("prod", settings))
        yield proxy, settings


@examples(4)
@given(data=st.data())
def test_any_part_of_any_answer_may_be_anything(cloud: tuple[HostileProxy, GcpSettings], data: st.DataObject) -> None:
    """No exception, then or later: what was read can be judged, kept and reported."""
    proxy, settings = cloud

    told_with_any_change(proxy, GcpConnector("prod", settings), data)


@pytest.mark.parametrize("time", TIMES)
def test_times_may_be_none_that_can_be_compared(cloud: tuple[HostileProxy, GcpSettings], time: str) -> None:
    """Wherever one is reported: it is of no zone, or lies beyond the years that there are."""
    proxy, settings = cloud

    told_with_times(proxy, GcpConnector("prod", settings), time)


@pytest.mark.parametrize(
    ("listing", "changes"),
    [
        ("organizations", {"name": ""}),
        ("organizations", {"name": "folders"}),
        ("projects", {"parent": "projects/1"}),
        ("projects", {"parent": "organizations/"}),
    ],
)
def test_what_lies_above_is_an_organization_or_a_folder(
    cloud: tuple[HostileProxy, GcpSettings], listing: str, changes: dict[str, str]
) -> None:
    """A row that says otherwise is a gap, and leads nowhere."""
    proxy, settings = cloud
    (asked,) = (one for one in proxy.learnt if f"/v3/{listing}:search" in one)
    rows = [{**row, **changes} for row in proxy.learnt[asked][listing]]
    proxy.instead = {asked: {listing: rows}}

    gaps = [one for one in read(GcpConnector("prod", settings)) if isinstance(one, Coverage) and one.is_gap]

    assert any("could not be read" in str(one.detail) for one in gaps if one.section == "resourcemanager.projects")
