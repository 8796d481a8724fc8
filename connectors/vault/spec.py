"""The spec of the connector, and the plan of a scan: which requests a namespace with these mounts takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec import Struct

from connectors.core.section import spec_of
from connectors.vault.client import requests as r
from connectors.vault.client.payloads import AuthMount, SecretMount
from connectors.vault.client.requests import Endpoint, lines
from connectors.vault.methods import METHODS, SECTIONS, VaultSection
from connectors.vault.settings import VaultSettings

_ENDPOINTS = {f"{one.method} {one.path}": one for one in vars(r).values() if isinstance(one, Endpoint)}
"""The requests by how ``sections.toml`` writes them."""


class Planned(Struct, frozen=True, kw_only=True):
    """A section to be read on a mount, or once if ``mount`` is None."""

    section: str
    mount: str | None
    endpoints: tuple[Endpoint, ...]


def _once(row: VaultSection) -> tuple[Endpoint, ...]:
    return tuple(_ENDPOINTS[name] for name in row.endpoints)


def _per_mount(row: VaultSection) -> dict[str, tuple[Endpoint, ...]]:
    """The requests on a mount, by its type."""
    methods = {} if row.login is None else {type_: METHODS[type_] for type_ in row.login.types}
    roles = {f"login {type_}": (method.roles, method.role) for type_, method in methods.items()}
    return roles | {sort: tuple(_ENDPOINTS[name] for name in names) for sort, names in row.per_mount.items()}


def _permissions(section: str) -> tuple[str, ...]:
    row = SECTIONS[section]
    everywhere = (endpoint for some in _per_mount(row).values() for endpoint in some)
    return lines(dict.fromkeys((*_once(row), *everywhere)))


SPEC = spec_of("connectors.vault", "HashiCorp Vault, OpenBao", VaultSettings, SECTIONS, _permissions)


def planned(logins: Mapping[str, AuthMount], engines: Mapping[str, SecretMount]) -> Iterator[Planned]:
    """The requests to a namespace with these mounts, section by section."""
    mounts = [(path.rstrip("/"), f"login {row.type}") for path, row in sorted(logins.items())]
    mounts += [(path.rstrip("/"), row.sort) for path, row in sorted(engines.items())]
    for name, section in SECTIONS.items():
        if endpoints := _once(section):
            yield Planned(section=name, mount=None, endpoints=endpoints)
        per_mount = _per_mount(section)
        for mount, sort in mounts:
            if sort in per_mount:
                yield Planned(section=name, mount=mount, endpoints=per_mount[sort])
