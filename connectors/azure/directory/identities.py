"""Service principals and application registrations as identities: two faces of one, or a managed identity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from connectors.azure.directory.payloads import Application, ServicePrincipal
from connectors.azure.keys import application_key, arm_name, managed_identity_key, subscription_of
from connectors.azure.spec import APPLICATION, MANAGED_IDENTITY, SERVICE_PRINCIPAL, SPEC
from connectors.base import Scope
from scanner.model import Identity, Privilege

MICROSOFT = frozenset({"f8cdef31-a31e-4b4a-93e4-5f571e91255a", "72f988bf-86f1-41af-91ab-2d7cd011db47"})
"""The tenants that Microsoft's own applications are registered in."""
NO_RIGHT_YET = Privilege(level="normal")
"""Rights are told as assignments, and raise it."""


def merged(
    scope: Scope, tenant: str, principals: Iterable[ServicePrincipal], applications: Mapping[str, Application]
) -> Iterator[Identity]:
    """Each identity once. ``applications``: by client id."""
    seen: set[str] = set()
    for principal in principals:
        arm_id = arm_id_of(principal)
        if arm_id is not None:
            yield _managed(scope, principal, arm_id)
            continue
        seen.add(principal.app_id)
        yield _service_principal(scope, tenant, principal, applications.get(principal.app_id))
    for application in applications.values():
        if application.app_id not in seen:
            yield _application(scope, tenant, application)


def arm_id_of(principal: ServicePrincipal) -> str | None:
    """The resource id of a managed identity, which Graph keeps among its alternative names; None for others."""
    if principal.service_principal_type != "ManagedIdentity":
        return None
    return next((name for name in principal.alternative_names if name.lower().startswith("/subscriptions/")), None)


def _managed(scope: Scope, principal: ServicePrincipal, arm_id: str) -> Identity:
    return Identity(
        key=managed_identity_key(arm_id),
        provider=SPEC.name,
        source=scope.source,
        scope=subscription_of(arm_id) or scope.id,
        kind=MANAGED_IDENTITY,
        name=arm_name(arm_id) or principal.id,
        unique_id=principal.id,
        aliases=(principal.app_id, arm_id),
        enabled=principal.account_enabled,
        privilege=NO_RIGHT_YET,
    )


def _service_principal(
    scope: Scope, tenant: str, principal: ServicePrincipal, application: Application | None
) -> Identity:
    others = () if application is None else (application.id,)
    return Identity(
        key=application_key(tenant, principal.app_id),
        provider=SPEC.name,
        source=scope.source,
        scope=scope.id,
        kind=SERVICE_PRINCIPAL,
        name=principal.display_name or principal.app_id,
        unique_id=principal.id,
        aliases=tuple(dict.fromkeys((principal.app_id, *others, *principal.service_principal_names))),
        enabled=principal.account_enabled,
        privilege=NO_RIGHT_YET,
    )


def _application(scope: Scope, tenant: str, application: Application) -> Identity:
    return Identity(
        key=application_key(tenant, application.app_id),
        provider=SPEC.name,
        source=scope.source,
        scope=scope.id,
        kind=APPLICATION,
        name=application.display_name or application.app_id,
        aliases=(application.app_id, application.id),
        privilege=NO_RIGHT_YET,
    )
