"""Organizations and folders as an answer names them: what no place can be is a gap, and leads nowhere."""

from __future__ import annotations

import pytest

from connectors.testing import read
from scanner.model import Coverage
from tests.connectors.gcp.conftest import Place
from tests.servers.hostile_proxy import HostileProxy


@pytest.mark.parametrize(
    ("listing", "changes"),
    [
        ("organizations", {"name": ""}),
        ("organizations", {"name": "folders"}),
        ("projects", {"parent": "projects/1"}),
        ("projects", {"parent": "organizations/"}),
    ],
)
def test_what_lies_above_is_an_organization_or_a_folder(place: Place, listing: str, changes: dict[str, str]) -> None:
    """A row that says otherwise is a gap, and leads nowhere."""
    with HostileProxy(place.url) as proxy:
        connector = place.connector(endpoint_url=proxy.url, max_attempts=1)
        read(connector)
        (asked,) = (one for one in proxy.learnt if f"/v3/{listing}:search" in one)
        rows = [{**row, **changes} for row in proxy.learnt[asked][listing]]
        proxy.instead = {asked: {listing: rows}}

        gaps = [one for one in read(connector) if isinstance(one, Coverage) and one.is_gap]

    assert any("could not be read" in str(one.detail) for one in gaps if one.section == "resourcemanager.projects")
