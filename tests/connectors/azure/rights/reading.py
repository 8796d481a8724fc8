"""Reads rights from the fake, as the directory's reader and a subscription's would."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from connectors.azure.reader import AzureReader, AzureUnit
from connectors.azure.rights.assignments import read_assignments
from connectors.azure.rights.holders import Api, Directory
from connectors.azure.rights.reading import read_rights
from connectors.azure.spec import SPEC
from connectors.core.contract import DiscoveredRecord, Meter, Scope
from scanner.demo.fakes.azure.faults import Fault
from scanner.demo.fakes.azure.tenant import Row
from scanner.demo.fakes.azure.wire import Reply, Service
from scanner.model import Assignment, Coverage
from tests.connectors.azure.estate import AzureEstate


class TenantReading:
    """What a reading yielded."""

    def __init__(self, records: list[DiscoveredRecord]) -> None:
        self.assignments = [one for one in records if isinstance(one, Assignment)]
        self.coverage = {one.section: one for one in records if isinstance(one, Coverage)}

    def grants(self) -> list[tuple[str, str]]:
        """Each holder with the name of what it holds, sorted."""
        return sorted((one.holder, one.grant.name) for one in self.assignments)

    def only(self) -> Assignment:
        """The one assignment."""
        (one,) = self.assignments
        return one

    def gaps(self) -> dict[str, str]:
        """Statuses of the sections that are gaps."""
        return {name: one.status for name, one in self.coverage.items() if one.is_gap}


def directory_of(azure: AzureEstate, *left_out: str) -> Directory:
    """The tenant as it is listed; ``left_out``: ids of service principals that are not."""
    principals = {key: row for key, row in azure.tenant.service_principals.items() if key not in left_out}
    return Directory(
        keys={key: f"azure://{azure.tenant.id}/applications/{row['appId']}" for key, row in principals.items()},
        names={key: row["displayName"] for key, row in principals.items()},
        left_out=frozenset(left_out),
        apis={
            key: Api(
                id=key,
                app_id=row["appId"],
                name=row["displayName"],
                app_roles={role["id"]: role["value"] for role in row["appRoles"]},
            )
            for key, row in azure.tenant.service_principals.items()
        },
    )


def give_rows(azure: AzureEstate, service: Service, path: str, rows: Sequence[Row]) -> None:
    """Have the server give these rows, whatever it holds, and however wrong they are."""
    azure.server.faults.add(Fault(service=service, path=path, reply=Reply(body={"value": list(rows)})))


def read_tenant(azure: AzureEstate, directory: Directory | None = None) -> TenantReading:
    """The rights in the tenant."""
    unit = AzureUnit(kind="tenant", tenant=azure.tenant.id)
    known = directory or directory_of(azure)
    return _read(azure, azure.tenant.id, unit, lambda reader: read_rights(reader, known))


def read_place(azure: AzureEstate, scope: str, **facts: Any) -> TenantReading:
    """The role assignments of a subscription (its id), or of ``managementGroups/NAME``. ``facts``: of the unit."""
    kind = "management_group" if "/" in scope else "subscription"
    return _read(azure, scope, AzureUnit(kind=kind, tenant=azure.tenant.id, **facts), read_assignments)


def _read(
    azure: AzureEstate, scope: str, unit: AzureUnit, reading: Callable[[AzureReader], Iterator[DiscoveredRecord]]
) -> TenantReading:
    meter = Meter()
    with azure.api(meter) as api:
        reader = AzureReader(api, Scope(source="prod", spec=SPEC, id=scope, context=unit), meter, azure.settings())
        return TenantReading(list(reading(reader)))
