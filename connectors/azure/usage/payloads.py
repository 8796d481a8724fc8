"""What of Graph's reports is used. Source: the reference pages of Microsoft Graph beta, whose samples differ."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Activity(Struct, frozen=True, kw_only=True, rename="camel"):
    """A ``signInActivity``. The last sign-in may be one that failed; what succeeded is not always told."""

    last_sign_in_date_time: Any = None
    last_successful_sign_in_date_time: Any = None


class PrincipalActivity(Struct, frozen=True, kw_only=True, rename="camel"):
    """A ``servicePrincipalSignInActivity``: of one client id, in this tenant."""

    app_id: str
    last_sign_in_activity: Activity | None = None
    application_authentication_client_sign_in_activity: Activity | None = None
    application_authentication_resource_sign_in_activity: Activity | None = None
    delegated_client_sign_in_activity: Activity | None = None
    delegated_resource_sign_in_activity: Activity | None = None


class CredentialActivity(Struct, frozen=True, kw_only=True, rename="camel"):
    """An ``appCredentialSignInActivity``: of one key of an application on one of the resources it was used for."""

    key_id: str
    sign_in_activity: Activity | None = None
