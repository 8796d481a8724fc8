"""Stored secrets from the listings of KV mounts: names, and dates if the server reports them. No value is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Raw

from connectors.core.contract import DiscoveredRecord, Scope, SectionReading
from connectors.vault.client import requests as r
from connectors.vault.client.payloads import Keys, KvMetadata, SecretMount, moment, simple_strings
from connectors.vault.client.requests import Endpoint
from connectors.vault.reader import VaultReader
from scanner.errors import Denied, NotOffered
from scanner.model import StoredSecret


def parse_secret(scope: Scope, mount: str, version: str, path: str, metadata: KvMetadata | None) -> StoredSecret:
    """A stored secret. Without ``metadata`` only its name is known.

    ``expires_at`` is when its current version was or will be deleted.
    """
    row = metadata or KvMetadata()
    current = (row.versions or {}).get(str(row.current_version))
    return StoredSecret(
        key=f"vault://{scope.id}/{mount}/{path}",
        provider=scope.spec.name,
        source=scope.source,
        scope=scope.id,
        name=path,
        created_at=moment(row.created_time),
        rotated_at=moment(current.created_time) if current else None,
        expires_at=moment(current.deletion_time) if current else None,
        tags=simple_strings(row.custom_metadata),
        attributes={
            "mount": mount,
            "kv_version": version,
            **({"destroyed": True} if current and current.destroyed else {}),
        },
    )


# --- KV mounts: names by folder, with dates on OpenBao ---

MAX_DEPTH = 64
"""Maximum nesting of folders; deeper ones are hostile."""


def read_secrets(reader: VaultReader, mounts: Mapping[str, SecretMount] | None) -> Iterator[DiscoveredRecord]:
    """The stored secrets of every KV mount, and each mount's coverage."""
    if mounts is None:
        yield reader.skipped("kv.metadata", "the secrets engines could not be listed")
        return
    kv = {mount: row.version for mount, row in mounts.items() if row.type == "kv"}
    if not kv:
        yield reader.scope.coverage("kv.metadata", "complete", detail="no such mount")
    for mount, version in kv.items():
        yield from _read_mount(reader, mount, version)


def _read_mount(reader: VaultReader, mount: str, version: str) -> Iterator[DiscoveredRecord]:
    no_dates: str | None = None
    with reader.section(f"kv.metadata:{mount}") as section:
        endpoint, top, no_dates = _best_listing(reader, mount, version)
        for path, metadata in _walk(reader, section, endpoint, mount, top):
            section.found()
            yield parse_secret(reader.scope, mount, version, path, metadata)
    yield reader.done(section)
    if no_dates:
        yield reader.scope.coverage(f"kv.ages:{mount}", "off", detail=f"ages are unknown: {no_dates}")


def _best_listing(reader: VaultReader, mount: str, version: str) -> tuple[Endpoint, Keys, str | None]:
    """The listing to use and its top folder; and the reason if it has no dates."""
    if version == "1":
        return r.KV1_NAMES, reader.api.list(r.KV1_NAMES, mount=mount, folder=""), "KV version 1 keeps no dates"
    try:
        return r.KV2_WITH_AGES, reader.api.list(r.KV2_WITH_AGES, mount=mount, folder=""), None
    except (Denied, NotOffered) as error:
        reason = f"{error}, it takes {error.permission}" if error.permission else str(error)
        return r.KV2_NAMES, reader.api.list(r.KV2_NAMES, mount=mount, folder=""), reason


def _walk(
    reader: VaultReader, section: SectionReading, endpoint: Endpoint, mount: str, top: Keys
) -> Iterator[tuple[str, KvMetadata | None]]:
    """The path and metadata of every secret, one level of folders after the other."""
    level: list[tuple[str, Keys | None]] = [("", top)]
    for _ in range(MAX_DEPTH):
        folders: list[str] = []
        for folder, keys in level:
            paths = _paths(section, folder, keys or Keys())
            folders += [path for path in paths if path.endswith("/")]
            infos = {} if keys is None else reader.rows(section, _of_secrets(keys), KvMetadata)
            yield from ((path, infos.get(path.removeprefix(folder))) for path in paths if not path.endswith("/"))
        if not folders:
            return
        level = list(
            reader.each(
                section,
                "folders",
                lambda folder: reader.api.list(endpoint, mount=mount, folder=folder),
                folders,
                names_suffice=True,
            )
        )
    section.malformed(level[0][0], f"folders nest deeper than {MAX_DEPTH}")


def _paths(section: SectionReading, folder: str, keys: Keys) -> list[str]:
    """The full paths of a folder's keys, sorted; those of folders end in a slash."""
    paths = set()
    for key in keys.keys or ():
        if isinstance(key, str) and key.strip("/") and "/" not in key[:-1]:
            paths.add(folder + key)
        else:
            section.malformed(f"{folder}{key!r}", "it is not a valid name")
    return sorted(paths)


def _of_secrets(keys: Keys) -> dict[str, Raw]:
    return {name: raw for name, raw in (keys.key_info or {}).items() if not name.endswith("/")}
