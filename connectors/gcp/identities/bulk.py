"""Service accounts, their keys, API keys and workload identity pools of all projects below, in one listing.

One listing takes many types, and Google names no limit to them; that Cloud Asset has these is in its list of types.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from connectors.core.contract import DiscoveredRecord, SectionReading
from connectors.gcp.client import requests as r
from connectors.gcp.client.payloads import ApiKey, Asset, Pool, ServiceAccount
from connectors.gcp.identities.accounts import SYSTEM_MANAGED, ServiceAccountKey, parse_account_key
from connectors.gcp.identities.api_keys import note_api_key
from connectors.gcp.identities.pools import note_pools
from connectors.gcp.reader import Attached, GcpReader
from connectors.gcp.rights.providers import ProviderPayload
from connectors.gcp.units import ProjectRef
from scanner.errors import SourceError
from scanner.text import counted

ACCOUNTS, KEYS, API_KEYS, POOLS = SECTIONS = (
    "iam.service_accounts",
    "iam.service_account_keys",
    "apikeys.keys",
    "iam.workload_identity_pools",
)
# Section and payload of each type.
TYPES: dict[str, tuple[str, type[Any]]] = {
    "iam.googleapis.com/ServiceAccount": (ACCOUNTS, ServiceAccount),
    "iam.googleapis.com/ServiceAccountKey": (KEYS, ServiceAccountKey),
    "apikeys.googleapis.com/Key": (API_KEYS, ApiKey),
    "iam.googleapis.com/WorkloadIdentityPool": (POOLS, Pool),
    "iam.googleapis.com/WorkloadIdentityPoolProvider": (POOLS, ProviderPayload),
}
Rows: TypeAlias = dict[type[Any], list[tuple[ProjectRef, Any]]]
BEHIND = "from Cloud Asset Inventory, which lags by minutes"


def list_identities(reader: GcpReader) -> Iterator[DiscoveredRecord]:
    """Notes them. What was asked counts for the accounts."""
    sections = {name: reader.scope.section(name) for name in SECTIONS}
    sections[ACCOUNTS] = reader.section(ACCOUNTS)
    rows: Rows = {kind: [] for _, kind in TYPES.values()}
    try:
        _list(reader, sections, rows)
    except SourceError as error:
        for section in sections.values():
            section.lost(error, partial=any(rows.values()))
    sections[ACCOUNTS].note(BEHIND)
    for name, finish in _FINISHING.items():
        yield from reader.done(sections[name], finish(reader, sections[name], rows))


def _list(reader: GcpReader, sections: Mapping[str, SectionReading], rows: Rows) -> None:
    """Rows of projects that the unit does not read are passed over."""
    query = {"assetTypes": tuple(TYPES)}
    for asset in reader.rows(sections[ACCOUNTS], r.ASSETS, Asset, query, parent=reader.place.name):
        project = next(filter(None, map(reader.project, asset.ancestors)), None)
        name, kind = TYPES.get(asset.asset_type, (ACCOUNTS, None))
        row = reader.row(sections[name], asset.resource.data, kind, asset.name) if project and kind else None
        if project is not None and row is not None:
            rows[type(row)].append((project, row))


def _accounts(reader: GcpReader, section: SectionReading, rows: Rows) -> Counter[str]:
    found: Counter[str] = Counter()
    for project, row in rows[ServiceAccount]:
        section.found()
        found[project.id] += 1
        reader.found.accounts.note(project.id, row)
    return found


def _keys(reader: GcpReader, section: SectionReading, rows: Rows) -> Counter[str]:
    """Keys name their account by its e-mail or its unique id."""
    emails = {row.unique_id: row.email for _, row in rows[ServiceAccount]}
    attached, left_out = Attached(reader), 0
    for project, row in rows[ServiceAccountKey]:
        email = emails.get(row.account, row.account)
        if row.key_type == SYSTEM_MANAGED:
            left_out += 1
        else:
            attached.add(project.id, email, parse_account_key(project.id, email, row))
    if left_out:
        section.note(f"{counted(left_out, 'key', 'keys')} that Google manages and rotates itself left out")
    attached.report_left_out(section)
    return Counter()


def _api_keys(reader: GcpReader, section: SectionReading, rows: Rows) -> Counter[str]:
    found = Counter(project.id for project, row in rows[ApiKey] if note_api_key(reader, project, row))
    section.found(found.total())
    return found


def _pools(reader: GcpReader, section: SectionReading, rows: Rows) -> Counter[str]:
    note_pools(reader, section, rows[Pool], rows[ProviderPayload])
    return Counter()


# In this order: keys are put with accounts.
_FINISHING: dict[str, Callable[[GcpReader, SectionReading, Rows], Counter[str]]] = {
    ACCOUNTS: _accounts,
    KEYS: _keys,
    API_KEYS: _api_keys,
    POOLS: _pools,
}
