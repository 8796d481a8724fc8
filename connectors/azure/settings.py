"""The settings of ``[[source]] type = "azure"``."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal, get_args

from msgspec import Struct, field

from connectors.azure.client.clouds import CLOUDS, AzureCloud, CloudName, Service
from connectors.core.address import check_url
from scanner.redaction.redact import SecretRef

ALL = "all"
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
# A management group's id as Azure Resource Manager accepts it; it becomes part of a path.
_GROUP = re.compile(r"[\w.()-]{1,90}", re.ASCII)
_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+", re.ASCII)
_URLS = ("graph_url", "arm_url", "endpoint_url")
_SERVICES: tuple[Service, ...] = get_args(Service)


def _from_environment(name: str) -> str | None:
    return os.environ.get(name) or None


class AzureSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One tenant, its sign-in, and what is read.

    ``tenant_id``, ``client_id``: the SDK's environment variables by default. Sign-in: with ``client_secret``,
    ``certificate_file`` (PEM, with its key) or ``managed_identity`` (true, or the client id of a user-assigned one), at
    most one of them; otherwise the SDK's own chain (environment, workload identity, managed identity, ``az login``). Or
    tokens: ``access_token`` for all services, ``graph_token``, ``arm_token`` and ``vault_token`` for one each (the
    output of ``az account get-access-token``). ``cloud``: public, usgov or china. ``authority_url``, ``graph_url``,
    ``arm_url``, ``vault_suffix``: single addresses in place of that cloud's. ``endpoint_url``: one address for all of
    them, with their own paths; vaults are below ``/vault/NAME`` unless they have that address. ``ca_file``: the trusted
    certificate authority (PEM). ``insecure_http``: whether plain http to another machine is allowed; sign-in always
    uses https. ``subscriptions``, ``management_groups``: ids, ``all`` visible ones, or an empty list for none;
    ``skip_subscriptions``: ids to leave out. ``first_party``: whether to report Microsoft's own applications.
    ``sign_ins``: ``reports`` of last use, or ``off``. ``key_vaults``: the API that lists their contents: the vaults
    themselves (``data``), the resource manager (``arm``), or none (``off``). ``max_attempts``: attempts for one
    request, including the first. ``backoff``: seconds before the second attempt, doubled each time. ``workers``:
    requests in flight at once in one scope. ``timeout``: seconds for one attempt. ``from_files``: a folder, or a file,
    that the Azure command line wrote; no request is sent.
    """

    tenant_id: str | None = field(default_factory=lambda: _from_environment("AZURE_TENANT_ID"))
    client_id: str | None = field(default_factory=lambda: _from_environment("AZURE_CLIENT_ID"))
    client_secret: SecretRef | None = None
    certificate_file: Path | None = None
    managed_identity: bool | str = False
    access_token: SecretRef | None = None
    graph_token: SecretRef | None = None
    arm_token: SecretRef | None = None
    vault_token: SecretRef | None = None
    cloud: CloudName = "public"
    authority_url: str | None = None
    graph_url: str | None = None
    arm_url: str | None = None
    vault_suffix: str | None = None
    endpoint_url: str | None = None
    ca_file: Path | None = None
    insecure_http: bool = False
    subscriptions: str | tuple[str, ...] = ALL
    skip_subscriptions: str | tuple[str, ...] = ()
    management_groups: str | tuple[str, ...] = ALL
    first_party: bool = False
    sign_ins: Literal["reports", "off"] = "reports"
    key_vaults: Literal["data", "arm", "off"] = "data"
    max_attempts: int = 8
    backoff: float = 0.4
    workers: int = 4
    timeout: float = 60
    from_files: Path | None = None

    def __post_init__(self) -> None:
        self._check_ids()
        self._check_sign_in()
        self._check_addresses()
        if self.vault_suffix is not None and not _HOST.fullmatch(self.vault_suffix):
            raise ValueError("vault_suffix is the end of a host's name, such as vault.azure.net")
        if min(self.max_attempts, self.workers) < 1 or self.timeout <= 0 or self.backoff < 0:
            raise ValueError("max_attempts and workers are at least 1, timeout is above 0, backoff not below 0")

    def _check_ids(self) -> None:
        for name in ("tenant_id", "client_id"):
            text = getattr(self, name)
            if text is not None and not _GUID.fullmatch(text):
                raise ValueError(f"{name} must be an id such as 11111111-2222-3333-4444-555555555555, not a name")
        for subscription in (*(self.named_subscriptions or ()), *self.skipped_subscriptions):
            if not _GUID.fullmatch(subscription):
                raise ValueError(f"{subscription!r} is not a subscription id")
        for group in self.named_management_groups or ():
            if not _GROUP.fullmatch(group) or group in (".", ".."):
                raise ValueError(f"{group!r} is not a management group id")

    def _check_sign_in(self) -> None:
        ways = (self.client_secret, self.certificate_file, self.managed_identity or None, self.access_token)
        if sum(way is not None for way in ways) > 1:
            raise ValueError("give one of client_secret, certificate_file, managed_identity and access_token")
        if (self.client_secret or self.certificate_file) and self.client_id is None:
            raise ValueError("client_secret and certificate_file need client_id")
        if isinstance(self.managed_identity, str) and not _GUID.fullmatch(self.managed_identity):
            raise ValueError("managed_identity is true, or the client id of a user-assigned one")

    def _check_addresses(self) -> None:
        """Raise ValueError for an address to which no token or secret may be sent."""
        for name in _URLS:
            _check_address(name, getattr(self, name), insecure_http=self.insecure_http)
        _check_address("authority_url", self.authority_url, insecure_http=False)
        signs_in = not self.managed_identity and any(self.token_of(service) is None for service in _SERVICES)
        if signs_in and not self.endpoints.authority.lower().startswith("https:"):
            raise ValueError("signing in requires https: give access_token, or an authority_url that is https")

    @property
    def asks_no_resources(self) -> bool:
        """Whether neither subscriptions nor management groups are read: the resource manager is not asked."""
        return self.named_subscriptions == () and self.named_management_groups == ()

    def token_of(self, service: Service) -> SecretRef | None:
        """The reference to the token for a service, if configured."""
        own: SecretRef | None = getattr(self, f"{service}_token")
        return own or self.access_token

    @property
    def tenant(self) -> str | None:
        """The tenant's id in lower case."""
        return None if self.tenant_id is None else self.tenant_id.lower()

    @property
    def endpoints(self) -> AzureCloud:
        """The addresses of all services. With one address for all, tokens are for the cloud's own addresses."""
        cloud = CLOUDS[self.cloud]
        emulator = self.endpoint_url.rstrip("/") if self.endpoint_url else None
        suffix = self.vault_suffix or cloud.vault_suffix
        audiences: dict[Service, str] = {
            "graph": _address(self.graph_url, None, cloud.graph),
            "arm": _address(self.arm_url, None, cloud.arm),
            "vault": f"https://{suffix}",
        }
        return AzureCloud(
            authority=_address(self.authority_url, emulator, cloud.authority),
            graph=_address(self.graph_url, emulator, cloud.graph),
            arm=_address(self.arm_url, emulator, cloud.arm),
            vault=f"{emulator}/vault" if emulator else audiences["vault"],
            vault_suffix=suffix,
            audiences=audiences,
        )

    @property
    def own_authority(self) -> bool:
        """Whether the sign-in address is not in Microsoft's list of authorities."""
        return self.authority_url is not None or self.endpoint_url is not None

    @property
    def named_subscriptions(self) -> tuple[str, ...] | None:
        """The configured subscriptions, in lower case, in order and without duplicates; None: all visible ones."""
        return None if self.subscriptions == ALL else _listed(self.subscriptions, lower=True)

    @property
    def skipped_subscriptions(self) -> frozenset[str]:
        """The subscriptions not to read, in lower case."""
        return frozenset(_listed(self.skip_subscriptions, lower=True))

    @property
    def named_management_groups(self) -> tuple[str, ...] | None:
        """The configured management groups, in order and without duplicates; None: all visible ones."""
        return None if self.management_groups == ALL else _listed(self.management_groups)


def _listed(names: str | tuple[str, ...], *, lower: bool = False) -> tuple[str, ...]:
    some = (names,) if isinstance(names, str) else names
    return tuple(dict.fromkeys(name.lower() if lower else name for name in some))


def _address(own: str | None, emulator: str | None, usual: str) -> str:
    return (own or emulator or usual).rstrip("/")


def _check_address(name: str, url: str | None, *, insecure_http: bool) -> None:
    if url is None:
        return
    try:
        check_url(url, insecure_http=insecure_http)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
