"""The connector for HashiCorp Vault and OpenBao: each namespace is a scope."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import ClassVar

from msgspec import Raw

from connectors.core.contract import Check, DiscoveredRecord, Meter, Scope, Spec
from connectors.core.reading import require_sdk
from connectors.vault.client import requests as r
from connectors.vault.client.api import SourceToken, VaultApi
from connectors.vault.client.payloads import AuditHash, AuthMount, SecretMount
from connectors.vault.identities import NamespaceFacts, parse_identities
from connectors.vault.least_privilege import base_policy, exact_policy
from connectors.vault.methods import LOGIN_METHODS
from connectors.vault.preflight import can_start, check_token, preflight
from connectors.vault.reader import VaultReader
from connectors.vault.reading import (
    other_engines,
    other_logins,
    read_clusters,
    read_entities,
    read_groups,
    read_issuers,
    read_mounts,
    read_policies,
    read_roles,
    read_secret_ids,
    read_secrets,
    read_tokens,
)
from connectors.vault.rights.privilege import PolicyBook, secret_paths
from connectors.vault.settings import VaultSettings
from connectors.vault.spec import SPEC
from scanner.errors import SourceError
from scanner.model import EVERY_SCOPE, Coverage

MAX_DEPTH = 16
"""Maximum nesting of namespaces; deeper ones are hostile."""


class VaultConnector:
    """Reads roles, entities, tokens and the names of stored secrets. Never a secret's value, never a role_id.

    Raises MissingExtra if hvac is not installed.
    """

    spec: ClassVar[Spec] = SPEC

    def __init__(self, source: str, settings: VaultSettings) -> None:
        require_sdk("hvac", SPEC)
        self._source = source
        self._settings = settings
        self._held = SourceToken(settings)

    def scope_id(self, namespace: str) -> str:
        """The scope id of a namespace. ``namespace``: its path from the server's root."""
        return self._settings.scope_id(namespace)

    def hashed_accessors(self, meter: Meter) -> Iterator[tuple[str, str]]:
        """Accessors of tokens by their hash in audit devices. Raises SourceError."""
        with closing(VaultApi(self._held, self._settings.start, meter)) as api:
            devices = sorted(api.read(r.AUDIT_DEVICES, dict[str, Raw]))
            for accessor in sorted(one for one in api.list(r.TOKEN_ACCESSORS).keys or () if isinstance(one, str)):
                for device in devices:
                    made = api.lookup(r.AUDIT_HASH, AuditHash, {"input": accessor}, name=device.strip("/"))
                    yield made.hash, accessor

    def scopes(self) -> Iterator[Scope | Coverage]:
        """The start namespace and, level by level, those below it. See ``Connector.scopes``."""
        meter = Meter()
        nowhere = Scope(source=self._source, spec=SPEC, id=EVERY_SCOPE)
        with (
            nowhere.section("sys.namespaces", meter=meter) as section,
            closing(VaultApi(self._held, self._settings.start, meter)) as api,
        ):
            can_start(api)
            check_token(api)
        if section.coverage.is_gap:
            yield section.coverage
            return
        waiting = [self._settings.start]
        while waiting:
            namespace = waiting.pop(0)
            scope = Scope(source=self._source, spec=SPEC, id=self.scope_id(namespace), context=namespace)
            yield scope
            with closing(VaultApi(self._held, namespace, meter)) as api:
                reader = VaultReader(api, scope, meter, self._settings.workers)
                with reader.section("sys.namespaces") as section:
                    children = reader.names(section, api.list(r.NAMESPACES))
                    if children and namespace.count("/") >= MAX_DEPTH:
                        raise SourceError(f"namespaces nest deeper than {MAX_DEPTH}: what is below is not read")
                    waiting += [f"{namespace}/{child}".strip("/") for child in children]
            yield reader.done(section)

    def discover(self, scope: Scope) -> Iterator[DiscoveredRecord]:
        """Read one namespace: policies, login roles, entities, tokens, and stored secrets."""
        meter = Meter()
        with closing(VaultApi(self._held, scope.context, meter)) as api:
            yield from self._read(VaultReader(api, scope, meter, self._settings.workers))

    def _read(self, reader: VaultReader) -> Iterator[DiscoveredRecord]:
        logins = yield from read_mounts(reader, "sys.auth", r.AUTH_MOUNTS, AuthMount)
        engines = yield from read_mounts(reader, "sys.mounts", r.SECRET_MOUNTS, SecretMount)
        rules, complete = yield from read_policies(reader)
        roles = []
        for method in LOGIN_METHODS:
            roles += yield from read_roles(reader, method, logins)
        issuers = yield from read_issuers(reader, logins)
        clusters = yield from read_clusters(reader, logins)
        yield from other_logins(reader, logins)
        secret_ids, without_all_ids = yield from read_secret_ids(reader, roles)
        groups = yield from read_groups(reader)
        entities, half_read, all_listed = yield from read_entities(reader)
        is_start = reader.scope.context == self._settings.start
        tokens, own = yield from read_tokens(reader, self._settings.max_tokens, holds_own=is_start)

        found = NamespaceFacts(
            book=PolicyBook(rules, complete=complete, secret_paths=secret_paths(engines or {})),
            auth_mounts=logins or {},
            roles=roles,
            issuers=issuers,
            clusters=clusters,
            secret_ids=secret_ids,
            secret_ids_unread=without_all_ids,
            tokens=tokens,
            own_accessor=own,
            entities=entities,
            half_read=half_read,
            groups=groups,
            engines_unread="sys.mounts" in reader.gaps,
            entities_unread=not all_listed,
            tokens_unread="auth.token" in reader.gaps,
        )
        yield from parse_identities(reader.scope, found)
        yield from read_secrets(reader, engines)
        yield from other_engines(reader, engines)

    def check(self) -> Iterator[Check]:
        """See ``Preflight.check``."""
        namespaces = [record.context for record in self.scopes() if isinstance(record, Scope)]
        yield from preflight(self._held, namespaces)

    @classmethod
    def base_policy(cls) -> str:
        """See ``LeastPrivilege.base_policy``."""
        return base_policy()

    def policy(self) -> str:
        """See ``LeastPrivilege.policy``. Raises SourceError if the mounts cannot be read."""
        return exact_policy(self._held, list(self._namespaces()))

    def _namespaces(self) -> Iterator[str]:
        for record in self.scopes():
            if isinstance(record, Scope):
                yield record.context
            elif record.status in ("denied", "failed"):
                raise SourceError(f"{record.section} of {record.scope}: {record.detail}", permission=record.permission)
