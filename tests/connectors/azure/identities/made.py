"""Rows as Graph gives them, and the tenant around them, without a server."""

from __future__ import annotations

from typing import Any

import msgspec

from connectors.azure.identities.faces import Faces
from connectors.azure.identities.facts import TenantFacts
from connectors.azure.identities.payloads import Application, ServicePrincipal
from connectors.azure.spec import SPEC
from connectors.core.contract import Scope
from scanner.demo.fakes.azure.tenant import guid

TENANT = guid("contoso")
CLIENT, PRINCIPAL, REGISTRATION = guid("client"), guid("principal"), guid("registration")


def principal(**facts: Any) -> ServicePrincipal:
    """A service principal of this tenant's own application; ``facts`` are fields of the row."""
    usual = {
        "id": PRINCIPAL,
        "appId": CLIENT,
        "displayName": "shop",
        "servicePrincipalType": "Application",
        "accountEnabled": True,
        "appOwnerOrganizationId": TENANT,
    }
    return msgspec.convert({**usual, **facts}, ServicePrincipal)


def application(**facts: Any) -> Application:
    """Its registration."""
    return msgspec.convert({"id": REGISTRATION, "appId": CLIENT, "displayName": "shop", **facts}, Application)


def both(principal_facts: dict[str, Any] | None = None, application_facts: dict[str, Any] | None = None) -> Faces:
    """An application with those faces of which facts are given."""
    return Faces(
        principal=None if principal_facts is None else principal(**principal_facts),
        application=None if application_facts is None else application(**application_facts),
    )


def found(**facts: Any) -> TenantFacts:
    """What was listed of the tenant."""
    scope = Scope(source="prod", spec=SPEC, id=TENANT)
    return TenantFacts(**{"scope": scope, "tenant": TENANT, "gaps": set(), **facts})
