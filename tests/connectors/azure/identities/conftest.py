"""Reading the tenant alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import pytest

from scanner.model import Assignment, Coverage, Identity
from tests.connectors.azure.estate import AzureEstate

TenantRead: TypeAlias = Callable[..., "TenantReading"]


class TenantReading:
    """What the tenant's unit yielded: identities by name, coverage by section, rights."""

    def __init__(self, azure: AzureEstate, **facts: Any) -> None:
        records = azure.read(subscriptions=(), management_groups=(), **facts)
        self.identities = {one.name: one for one in records if isinstance(one, Identity)}
        self.coverage = {one.section: one for one in records if isinstance(one, Coverage)}
        self.assignments = [one for one in records if isinstance(one, Assignment)]
        assert len(self.identities) == sum(isinstance(one, Identity) for one in records)

    @property
    def gaps(self) -> dict[str, str]:
        """The status of each section that is a gap."""
        return {name: one.status for name, one in self.coverage.items() if one.is_gap}


@pytest.fixture
def tenant_read(azure: AzureEstate) -> TenantRead:
    """Read it with these settings."""
    return lambda **facts: TenantReading(azure, **facts)
