"""Reads Graph's reports of last use. Without a premium licence there are none, and use is unknown."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from datetime import datetime
from typing import TypeVar

from msgspec import structs

from connectors.azure import sections as s
from connectors.azure.client.errors import NoLicence
from connectors.azure.client.payloads import moment
from connectors.azure.reader import PAGE, AzureReader
from connectors.azure.usage.record import Activity, CredentialActivity, PrincipalActivity, Sign, UseRecord
from connectors.core.contract import SectionReading
from scanner.model import Coverage

EARLIEST_YEAR = 2015
"""The first year with records: an older date, such as the year 1, means none."""
T = TypeVar("T")


def read_sign_ins(reader: AzureReader, now: datetime) -> Generator[Coverage, None, UseRecord]:
    """The latest use of each application, by client id."""
    path = "/reports/servicePrincipalSignInActivities"
    return (yield from _read(reader, s.SIGN_INS, path, PrincipalActivity, principal_signs, now))


def read_credential_use(reader: AzureReader, now: datetime) -> Generator[Coverage, None, UseRecord]:
    """The latest use of each key, by its id."""
    path = "/reports/appCredentialSignInActivities"
    return (yield from _read(reader, s.CREDENTIAL_USE, path, CredentialActivity, credential_signs, now))


def _read(
    reader: AzureReader,
    name: str,
    path: str,
    row: type[T],
    reported: Callable[[T], list[tuple[str, Sign]]],
    now: datetime,
) -> Generator[Coverage, None, UseRecord]:
    if reader.settings.sign_ins == "off":
        yield reader.off(name)
        return UseRecord()
    if reader.settings.cloud != "public":
        yield reader.scope.coverage(name, "not_offered", detail="this cloud has no reports of last use")
        return UseRecord()
    signs: list[tuple[str, Sign]] = []
    with reader.section(name) as section:
        for one in _rows(reader, section, path, row):
            signs += reported(one)
            section.found()
    coverage = reader.done(section)
    yield coverage
    return UseRecord.of(signs, now, whole=coverage.status == "complete")


def _rows(reader: AzureReader, section: SectionReading, path: str, row: type[T]) -> Iterator[T]:
    """The rows. Graph sometimes reports a missing licence although there is one, so the request is repeated once."""
    for is_last in (False, True):
        begun = False
        try:
            for one in reader.listed(section, path, row, {"$top": PAGE}, {}, beta=True):
                begun = True
                yield one
        except NoLicence:
            if is_last or begun:
                raise
        else:
            return


def principal_signs(row: PrincipalActivity) -> list[tuple[str, Sign]]:
    """One sign for each type of use; of two at the same time, the first decides ``used_as``."""
    activities = (
        ("client", row.application_authentication_client_sign_in_activity),
        ("client", row.delegated_client_sign_in_activity),
        ("resource", row.application_authentication_resource_sign_in_activity),
        ("resource", row.delegated_resource_sign_in_activity),
        (None, row.last_sign_in_activity),
    )
    signs = [structs.replace(sign, used_as=used_as) for used_as, one in activities if (sign := _sign(one)) is not None]
    return [(row.app_id.lower(), sign) for sign in signs]


def credential_signs(row: CredentialActivity) -> list[tuple[str, Sign]]:
    """The sign of a credential's use, if any."""
    sign = _sign(row.sign_in_activity)
    return [] if sign is None else [(row.key_id.lower(), sign)]


def _sign(activity: Activity | None) -> Sign | None:
    if activity is None:
        return None
    reported = (moment(activity.last_sign_in_date_time), moment(activity.last_successful_sign_in_date_time))
    tried, succeeded = (one if one is not None and one.year >= EARLIEST_YEAR else None for one in reported)
    at = max((one for one in (tried, succeeded) if one is not None), default=None)
    return None if at is None else Sign(at=at, succeeded_at=succeeded)
