"""What is read of a project that files tell of, in the order that identities are joined in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import msgspec
from msgspec import Raw

from connectors.base import DiscoveredRecord, SectionReading
from connectors.gcp import requests as r
from connectors.gcp.accounts import tell_accounts
from connectors.gcp.api_keys import tell_api_keys
from connectors.gcp.assets import engines as assets_engines
from connectors.gcp.assets.secrets import NAME as SECRETS
from connectors.gcp.consumers.catalog import SECTIONS, SORTS
from connectors.gcp.consumers.records import record_of
from connectors.gcp.each import Reading, if_wanted
from connectors.gcp.engines import tell_engines
from connectors.gcp.offline.api import FileApi, NotExported
from connectors.gcp.offline.recognise import STORED, VERSION, command_for
from connectors.gcp.payloads import Asset
from connectors.gcp.projects.account_keys import read_account_keys
from connectors.gcp.projects.accounts import list_accounts
from connectors.gcp.projects.api_keys import list_api_keys
from connectors.gcp.projects.auth_providers import read_auth_providers
from connectors.gcp.projects.hmac_keys import read_hmac_keys
from connectors.gcp.projects.oauth_clients import read_oauth_clients
from connectors.gcp.projects.pools import list_pools, read_managed_identities
from connectors.gcp.projects.registered import read_registered
from connectors.gcp.reader import Reader
from connectors.gcp.rights.reading import read_rights
from connectors.gcp.stored import Secret, SecretVersion, parse_secret
from connectors.gcp.usage.insights import read_insights
from connectors.gcp.usage.reading import read_use_of_accounts, read_use_of_keys
from scanner.model import Identity


def read_consumers(reader: Reader) -> Iterator[DiscoveredRecord]:
    """Workloads and agents, section by section: files may tell of machines and not of functions."""
    for name in SECTIONS:
        types = tuple(type_ for type_, sort in SORTS.items() if sort.section == name)
        with reader.section(name) as section:
            for asset in reader.rows(section, r.ASSETS, Asset, {"assetTypes": types}, parent=reader.place.name):
                sort = SORTS[asset.asset_type]
                row = reader.row(section, asset.resource.data, sort.payload_of(asset), asset.name)
                told = None if row is None else row.told(reader.place.project)
                if told is not None:
                    record = record_of(reader, reader.place.project, asset.name, sort.kind, told)
                    section.found(isinstance(record, Identity))
                    yield record
        yield from reader.done(section)


def read_secrets(reader: Reader) -> Iterator[DiscoveredRecord]:
    """Stored secrets; those whose versions are in no file are told without the age of their values."""
    project = reader.place.project
    with reader.section(SECRETS) as section:
        rows = reader.rows(section, r.ASSETS, Asset, {"assetTypes": STORED}, parent=reader.place.name)
        listed = [
            (asset, row) for asset in rows if (row := reader.row(section, asset.resource.data, Secret, asset.name))
        ]
        versions, unread = _versions(reader, section, [asset.name for asset, _ in listed])
        for asset, row in listed:
            told = versions.get(asset.name)
            secret = reader.parsed(section, row.name, parse_secret, reader.scope.source, project, row, told)
            if secret is not None:
                section.found()
                yield secret
        if unread:
            missing = f"no file holds the versions of {unread} secrets"
            section.lost(NotExported(missing, hint=command_for(VERSION, project.id)), partial=True)
    yield from reader.done(section)


def _versions(reader: Reader, section: SectionReading, names: list[str]) -> tuple[dict[str, list[SecretVersion]], int]:
    """Those of each secret by its full name, and of how many they are in no file."""
    assert isinstance(reader.api, FileApi)
    export, project = reader.api.export, reader.place.project.id
    found: defaultdict[str, list[SecretVersion]] = defaultdict(list)
    unread = 0
    for name in names:
        path = name.partition(".com/")[2]
        if not export.holds(project, VERSION, path):
            unread += 1
            continue
        found[name] = []
        for thing in export.of(project, VERSION, path):
            row = reader.row(section, Raw(msgspec.json.encode(thing.data)), SecretVersion, thing.path)
            found[name] += [] if row is None else [row]
    return dict(found), unread


OF_FILES: tuple[Reading, ...] = (
    list_accounts,
    read_account_keys,
    list_api_keys,
    list_pools,
    read_hmac_keys,
    read_managed_identities,
    assets_engines.list_engines,
    read_consumers,
    if_wanted("agentregistry.agents", read_registered),
    read_rights,
    read_use_of_accounts,
    read_use_of_keys,
    if_wanted("recommender.insights", read_insights),
    tell_accounts,
    tell_api_keys,
    tell_engines,
    read_secrets,
    if_wanted("iam.oauth_clients", read_oauth_clients),
    if_wanted("agentidentity.auth_providers", read_auth_providers),
)
"""As what is read of a project by its own APIs, but that things are told by type, as Cloud Asset tells them."""
